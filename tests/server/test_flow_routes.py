"""Workflows in Python over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.door import Served

FLOW = """from stepwell.flow import js, ref, workflow

with workflow("Orders") as flow:
    # the first
    a = flow.step("A", js("return { x: 1 };"))
    flow.step("B", js("return {{a.x}};"))
"""


def test_a_flow_is_read(alone: Served) -> None:
    told = alone.caller().post("/flow/read", {"text": FLOW})
    assert told["ok"] and told["findings"] == []
    assert [node["id"] for node in told["document"]["nodes"]] == ["a", "b"]
    assert len(told["layout"]) == 2 and set(told["layout"][0]) == {"x", "y"}


def test_findings_have_places(alone: Served) -> None:
    told = alone.caller().post("/flow/read", {"text": FLOW.replace("a.x", "c.x")})
    assert not told["ok"]
    assert [(f["slug"], f["line"], f["column"], f["snippet"]["line"]) for f in told["findings"]] == [
        ("unknown-reference", 6, 31, 1)
    ]


def test_files_come_along(alone: Served) -> None:
    text = FLOW.replace('js("return { x: 1 };")', 'js(file="a.ts")')
    caller = alone.caller()
    assert caller.post("/flow/read", {"text": text, "files": {"a.ts": "return { x: 2 };"}})["ok"]
    told = caller.post("/flow/read", {"text": text})
    assert told["findings"][0]["message"] == "The file 'a.ts' cannot be read: it was not sent along in `files`."
    told = caller.post("/flow/read", {"text": text.replace("a.ts", "/etc/passwd")})
    assert "was not sent along" in told["findings"][0]["message"]


def test_edits_are_applied(alone: Served) -> None:
    rename = {"op": "rename", "node": "a", "to": "first"}
    edits = [rename, {"op": "set", "node": "b", "field": "name", "value": "Second"}]
    told = alone.caller().post("/flow/apply", {"text": FLOW, "edits": edits})
    assert told["ok"] and "# the first" in told["text"]
    assert [node["id"] for node in told["document"]["nodes"]] == ["first", "b"]


def test_a_graph_is_written(alone: Served) -> None:
    caller = alone.caller()
    document = caller.post("/flow/read", {"text": FLOW})["document"]
    text = caller.post("/flow/write", {"document": document})["text"]
    assert caller.post("/flow/read", {"text": text})["document"] == document
    answer = caller.call("POST", "/flow/write", {"document": {"nodes": [{"id": "a", "type": "step", "name": 1}]}})
    assert answer.status_code == 422
    body = answer.request.content.decode()
    for finding in answer.json()["details"]:
        assert finding["pointer"].startswith("/document")
        assert finding["line"] == 1 and body[finding["column"] - 1] in '{["1'


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"op": "sett"},
        {"op": "remove", "node": "zz"},
        {"op": "set", "node": "a"},
        {"op": ["set"]},
        {"op": "add", "node": {}},
        {"op": "set", "node": "a", "field": "data/x/0/y", "value": 1, "more": 2},
        {"op": "set", "node": "a", "field": "/"},
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(alone: Served, edit: dict[str, Any]) -> None:
    status, words = alone.caller().refused("POST", "/flow/apply", {"text": FLOW, "edits": [edit]})
    assert status == 422 and words.startswith("Edit 1: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(",
        "a\0b",
        "\ud800",
        FLOW.replace("x: 1", "\ud800"),
        FLOW.replace("x: 1", "\\ud800"),
        "x = " + "(" * 9000,
        FLOW.replace('"A"', "1e999"),
        FLOW + "\nwhile True: pass\n",
        "\ufeff" + FLOW,
    ],
)
def test_no_text_is_too_much(alone: Served, text: str) -> None:
    caller = alone.caller()
    edits = [{"op": "set", "node": "a", "field": "data/more", "value": text}]
    for path, body in (("/flow/read", {"text": text}), ("/flow/apply", {"text": text, "edits": edits})):
        sent = {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
        answer = caller.call("POST", path, **sent)
        assert answer.status_code in (200, 422), answer.text
