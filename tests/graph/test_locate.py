from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.diagnostics import Diagnostic, Place, SnippetPosition, codes, pointer
from stepwell.graph.locate import Locator, with_places
from stepwell.graph.read import read_text
from tests.graph.artifacts import graph, node

TEXT = """{
  "näme": "é😀", "b~/": [1, {"x": true},
    "\\n"],
  "code": "a\\nb\\"c\\u00e9d\\ud83d\\ude00e", "code": "last"
}
"""


def at(text: str, found: str) -> Place:
    offset = text.index(found)
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


@pytest.mark.parametrize(
    ("where", "key", "found"),
    [
        ("", False, "{"),
        ("/näme", False, '"é😀"'),
        ("/näme", True, '"näme"'),
        ("/b~0~1", False, "[1,"),
        ("/b~0~1", True, '"b~/"'),
        ("/b~0~1/0", False, "1,"),
        ("/b~0~1/1/x", False, "true"),
        ("/b~0~1/1/x", True, '"x"'),
        ("/b~0~1/1/missing", False, '{"x"'),
        ("/b~0~1/1/missing", True, '{"x"'),
        ("/b~0~1/9", False, "[1,"),
        ("/b~0~1/2", False, '"\\n"'),
        ("/code", True, '"code": "last"'),
        ("/code", False, '"last"'),
        ("/none/of/these", False, "{"),
    ],
)
def test_place(where: str, key: bool, found: str) -> None:
    assert Locator(TEXT).place(where, key) == at(TEXT, found)
    assert Locator("\ufeff" + TEXT).place(where, key) == at(TEXT, found)


@pytest.mark.parametrize("text", ["", " ", "\ufeff"])
def test_no_place(text: str) -> None:
    assert Locator(text).place("/a") is None
    assert Locator(text).inside("/a", 1, 1) is None


@pytest.mark.parametrize(
    ("line", "column", "behind"),
    [
        (1, 1, ""),
        (1, 2, "a"),
        (1, 9, "a"),
        (2, 1, "a\\n"),
        (2, 2, "a\\nb"),
        (2, 3, 'a\\nb\\"'),
        (2, 4, 'a\\nb\\"c'),
        (2, 5, 'a\\nb\\"c\\u00e9'),
        (2, 6, 'a\\nb\\"c\\u00e9d'),
        (2, 7, 'a\\nb\\"c\\u00e9d\\ud83d\\ude00'),
        (2, 99, 'a\\nb\\"c\\u00e9d\\ud83d\\ude00e'),
        (7, 1, 'a\\nb\\"c\\u00e9d\\ud83d\\ude00e'),
    ],
)
def test_inside(line: int, column: int, behind: str) -> None:
    text = '{\n  "ö": "😀", "code": "a\\nb\\"c\\u00e9d\\ud83d\\ude00e"}'
    assert Locator(text).inside("/code", line, column) == Place(2, at(text, "a\\n").column + len(behind))


def test_inside_what_is_no_text() -> None:
    assert Locator('{"a": 1}').inside("/a", 1, 1) is None
    assert Locator('{"a": 1}').inside("/b", 1, 1) is None


@given(st.text(), st.booleans(), st.data())
def test_inside_finds_every_character(code: str, ascii_only: bool, data: st.DataObject) -> None:
    text = json.dumps({"é": "ü", "code": code}, ensure_ascii=ascii_only)
    offset = data.draw(st.integers(0, len(code)))
    line, column = code.count("\n", 0, offset) + 1, offset - (code.rfind("\n", 0, offset) + 1) + 1
    place = Locator(text).inside("/code", line, column)
    start = text.index('"code": "') + 9
    escaped = json.dumps(code[:offset], ensure_ascii=ascii_only)[1:-1]
    assert place == Place(1, start + len(escaped) + 1)


@given(st.text(), st.text())
def test_any_text_has_places(text: str, where: str) -> None:
    locator = Locator(text)
    locator.place(where, key=True)
    locator.inside(where, 3, 3)


def test_lone_surrogates_and_long_lines() -> None:
    text = '{"a": "\ud800é", "long": "' + "é" * 20_000 + '", "b": 1}'
    assert Locator(text).place("/b") == Place(1, text.index("1") + 1)


def test_with_places_sorts_and_keeps_what_has_a_place() -> None:
    text = json.dumps(graph(node(data={"code": "a\nb"})), indent=2)
    placed = with_places(
        text,
        [
            Diagnostic(codes.SYNTAX, "snippet", "/nodes/0/data/code", snippet=SnippetPosition(2, 1)),
            Diagnostic(codes.NOT_JSON, "given", place=Place(9, 9)),
            Diagnostic(codes.SYNTAX, "snippet of what is no text", "/metadata", snippet=SnippetPosition(2, 1)),
            Diagnostic(codes.UNKNOWN_KEY, "key", "/metadata/version"),
            Diagnostic(codes.UNKNOWN_KEY, "second", "/metadata/version"),
        ],
    )
    lines = text.split("\n")
    assert [d.message for d in placed] == ["snippet of what is no text", "key", "second", "given", "snippet"]
    code = placed[-1].place
    assert code and lines[code.line - 1][code.column - 1 :].startswith('b"')
    key = placed[1].place
    assert key and lines[key.line - 1][key.column - 1 :].startswith('"version"')


def test_with_places_without_json() -> None:
    assert with_places("", [Diagnostic(codes.SYNTAX, "x")])[0].place is None


def test_of_large_files_each_part_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, read = 0, Locator._read

    def counted(self: Locator, start: int) -> tuple[object, int]:
        nonlocal reads
        reads += 1
        return read(self, start)

    monkeypatch.setattr(Locator, "_read", counted)
    text = json.dumps(graph(*(node(id=f"n{i}", extra=1) for i in range(5_000))))
    _, found = read_text(text)
    placed = with_places(text, found)
    assert len({d.place for d in placed}) == 5_000
    assert reads < 20 * 5_000
    assert placed[0].pointer == pointer("nodes", 0, "extra")
