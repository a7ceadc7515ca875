"""The formats of findings, without a compiler: findings are values."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from stepwell.cli import formats
from stepwell.cli.findings import Checked
from stepwell.cli.inputs import Input
from stepwell.diagnostics import CODES, Diagnostic, Place, SnippetPosition, codes

TEXT = """{
  "nodes": [
    {"id": "n1", "name": "Ask 日本", "type": "step", "data": {"code": "if (x) {\\n\\treturn \\"日本\\" }}"}},
    {"id": "n2", "name": "n2", "type": "step", "data": {"code": ""}}
  ]
}"""
IN_CODE = Diagnostic(
    codes.SYNTAX,
    "n1: unexpected `}`",
    "/nodes/0/data/code",
    "n1",
    "close it",
    SnippetPosition(2, 15),
    Place(3, 70),
)
IN_FILE = Diagnostic(codes.EMPTY_CODE, "n2: the body is empty", "/nodes/1/data/code", "n2", place=Place(4, 65))
NOWHERE = Diagnostic(codes.MISSING_ENTRY, "there is no entry")


def _printed(name: str, *diagnostics: Diagnostic, file: str = "order.json", text: str = TEXT) -> str:
    out = io.StringIO()
    formats.write(name, [Checked(Input(file, text), diagnostics)], out)
    return out.getvalue()


def test_text_shows_the_users_code_with_a_caret() -> None:
    assert _printed("text", IN_CODE).splitlines() == [
        "order.json:3:70: error[SW401 syntax]: n1: unexpected `}`",
        '  node n1 "Ask 日本"',
        '    2 |  return "日本" }}',
        "      |                 ^ line 2 of its code",
        "  hint: close it",
        "",
        "1 error, 0 warnings in 1 file",
    ]


def test_text_shows_the_line_of_the_file() -> None:
    assert _printed("text", IN_FILE).splitlines() == [
        "order.json:4:65: warning[SW404 empty-code]: n2: the body is empty",
        "  node n2",
        '    4 |     {"id": "n2", "name": "n2", "type": "step", "data": {"code": ""}}',
        "      |                                                                 ^",
        "",
        "0 errors, 1 warning in 1 file",
    ]


def test_text_without_a_place() -> None:
    assert _printed("text", NOWHERE).startswith("order.json: error[SW202 missing-entry]: there is no entry\n")


def test_text_of_a_long_line_shows_what_is_around_the_fault() -> None:
    long = "x" * 5000 + "!" + "y" * 5000
    shown = _printed("text", Diagnostic(codes.NOT_JSON, "odd", place=Place(1, 5001)), text=long).splitlines()
    assert len(shown[1]) < 130
    assert shown[1][shown[2].index("^")] == "!"


@pytest.mark.parametrize("position", [(0, 0), (99, 1), (2, 500), (1, 10**9)])
def test_text_of_a_place_that_is_not_there(position: tuple[int, int]) -> None:
    diagnostic = Diagnostic(codes.SYNTAX, "odd", "/nodes/0/data/code", "n1", None, SnippetPosition(*position))
    assert "error[SW401 syntax]: odd" in _printed("text", diagnostic)


def test_text_cannot_steer_the_terminal() -> None:
    printed = _printed("text", Diagnostic(codes.NOT_AN_ARTIFACT, "\x1b[2J\u202e\nx"))
    assert "\x1b" not in printed and "\u202e" not in printed
    assert printed.count("\n") == 3


def test_json_has_every_field() -> None:
    document = json.loads(_printed("json", IN_CODE, NOWHERE))
    assert document["summary"] == {"errors": 2, "warnings": 0, "notes": 0, "files": 1}
    assert document["files"] == ["order.json"]
    assert document["diagnostics"][0] == {
        "file": "order.json",
        "line": 3,
        "column": 70,
        "severity": "error",
        "code": "SW401",
        "slug": "syntax",
        "message": "n1: unexpected `}`",
        "hint": "close it",
        "pointer": "/nodes/0/data/code",
        "nodeId": "n1",
        "nodeName": "Ask 日本",
        "snippet": {"line": 2, "column": 15},
        "template": None,
    }
    assert document["diagnostics"][1]["line"] is None


def test_github_escapes_what_would_end_a_command() -> None:
    diagnostic = Diagnostic(codes.NOT_JSON, "50% of\r\nit ::error::", place=Place(1, 2))
    assert _printed("github", diagnostic, file="a,b:c%.json") == (
        "::error file=a%2Cb%3Ac%25.json,line=1,col=2,title=SW101 not-json::50%25 of%0D%0Ait ::error::\n"
    )


def test_github_says_the_place_in_the_code_and_the_hint() -> None:
    assert _printed("github", IN_CODE).endswith("%0Aline 2, column 15 of the node's code%0Ahint: close it\n")
    assert _printed("github", IN_FILE).startswith("::warning ")


def test_sarif_has_a_rule_for_every_code_and_points_to_it() -> None:
    run = _sarif(IN_CODE, IN_FILE, NOWHERE)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CODES)
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["SW401", "SW404", "SW202"]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error"]


def test_sarif_locations_are_relative_and_quoted() -> None:
    location = _sarif(IN_FILE, file="a folder/ö.json")["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%20folder/%C3%B6.json"
    assert location["region"] == {"startLine": 4, "startColumn": 65}
    assert "region" not in _sarif(NOWHERE)["results"][0]["locations"][0]["physicalLocation"]


def _sarif(*diagnostics: Diagnostic, file: str = "order.json") -> Any:
    log = json.loads(_printed("sarif", *diagnostics, file=file))
    assert log["version"] == "2.1.0"
    return log["runs"][0]
