"""What the parser tells of the values that bodies return."""

from __future__ import annotations

import pytest

from stepwell.javascript import Kind, parse
from stepwell.javascript.shapes import ANY, BOOLEAN, NULL, NUMBER, STRING, Shape, array, either, follow, record


def shape(code: str) -> Shape:
    return parse(code, Kind.BODY).shape


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("return 'a';", STRING),
        ("return `a${1}`;", STRING),
        ("return -1;", NUMBER),
        ("return 10n;", ANY),
        ("return !x;", BOOLEAN),
        ("return a === b;", BOOLEAN),
        ("return null;", NULL),
        ("return a + b;", ANY),
        ("return await fetch(x);", ANY),
        ("return ({ a: 1 } as Order)!;", record({"a": NUMBER})),
        ("return Number(x);", NUMBER),
        ("const Number = (x) => x; return Number(x);", ANY),
        ("return x ? 1 : 'a';", either(NUMBER, STRING)),
        ("return { a, 'b c': 1, [`d`]: '', 5: true, m() {} };",
         record({"a": ANY, "b c": NUMBER, "d": STRING, "5": BOOLEAN, "m": ANY})),
        ("return { a: 1, ...rest };", record({"a": NUMBER}, open=True)),
        ("return { [key]: 1 };", record({}, open=True)),
        ("return [{ a: 1 }, { a: 2 }];", array(record({"a": NUMBER}))),
        ("return [1, ...more];", array(ANY)),
        ("const f = () => { return 1; }; class A { m() { return 2; } } return 'x';", STRING),
        ("const a = {}; return a;", ANY),
        ("const a = 1;", ANY),
        ("return (", ANY),
    ],
)  # fmt: skip
def test_what_is_returned(code: str, expected: Shape) -> None:
    assert shape(code) == expected


def test_several_returns_are_one_form() -> None:
    found = shape("if (x) return { ok: true, id: 1 };\nreturn { ok: false, error: 'no' };")
    assert [name for name, _ in found.fields] == ["ok", "id", "error"]
    assert found.optional == {"id", "error"} and not found.open
    assert shape("if (x) return;\nreturn { a: 1 };").types == {"object", "undefined"}
    assert shape("if (x) return y;\nreturn { a: 1 };").types == set()


@pytest.mark.parametrize(
    ("code", "path", "there"),
    [
        ("return { a: { b: 1 } };", ("a", "b"), True),
        ("return { a: { b: 1 } };", ("a", "c"), False),
        ("return { a: { b: 1 } };", ("a", "toString"), True),
        ("return { a: [1] };", ("a", 7), True),
        ("return { a: [1] };", ("a", "length"), True),
        ("return { a: [{ b: 1 }] };", ("a", 0, "c"), False),
        ("return { a: [] };", ("a", 0, "c"), True),
        ("return { a: 'x' };", ("a", "trim"), True),
        ("return { a: 'x' };", ("a", "map"), False),
        ("return { a: null };", ("a", "b"), True),
        ("if (x) return { a: 1 }; return [];", ("b",), False),
        ("if (x) return { a: 1 }; return y;", ("b",), True),
        ("if (x) return { a: 1 }; return { ...y };", ("b",), True),
    ],
)
def test_whether_a_path_is_there(code: str, path: tuple[str | int, ...], there: bool) -> None:
    assert (follow(shape(code), path)[0] is not None) == there


def test_deep_and_wide_bodies() -> None:
    assert shape("return " + "{a:" * 3000 + "1" + "}" * 3000 + ";").types == {"object"}
    assert len(shape("return {" + ",".join(f"a{i}: {i}" for i in range(5000)) + "};").fields) == 5000
