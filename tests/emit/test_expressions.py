"""Expressions: parentheses where they must be and nowhere else, and layouts."""

from __future__ import annotations

import pytest

from stepwell.lower import program as p

from .making import code, expr, js, record, value

X = p.Name("x")


def printed(expression: p.Expr) -> str:
    return js(p.Assign("a", expression)).removeprefix("a = ").removesuffix(";")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (p.Constant(None), "null"),
        (p.Undefined(), "undefined"),
        (p.Constant(-1.5), "-1.5"),
        (
            p.Constant({"a": [1, "b"], "c d": True, "__proto__": None}),
            '{ a: [1, "b"], "c d": true, ["__proto__"]: null }',
        ),
        (p.Constant({}), "{}"),
        (p.Constant([]), "[]"),
        (value("x", "a", 0, "any key", "class"), 'x.a[0]["any key"].class'),
        (value("x", 2**53), 'x["9007199254740992"]'),
        (p.Path(X, ("a", 0, "any key"), True), 'x?.a?.[0]?.["any key"]'),
        (p.Path(X, ()), "x"),
        (p.Path(p.Constant(5), ("a",)), "(5).a"),
        (p.Path(p.Constant("s"), ("length",)), '"s".length'),
        (p.Path(p.Path(X, ("a",), True), ("b",)), "(x?.a).b"),
        (p.Path(p.Path(X, ("a",), True), ("b",), True), "x?.a?.b"),
        (p.Path(expr("a + b"), ("c",)), "(a + b).c"),
        (p.Path(expr("f(a, b)[0]"), ("c",)), "f(a, b)[0].c"),
        (p.Path(expr("new F(a)"), ("c",)), "(new F(a)).c"),
        (p.Path(expr("await(a)"), ("c",)), "(await(a)).c"),
        (p.Path(expr("5"), ("c",)), "(5).c"),
        (p.Path(expr("`a${b + `c`}d`"), ("c",)), "`a${b + `c`}d`.c"),
        (p.Path(expr("x?.y"), ("c",)), "(x?.y).c"),
        (p.Path(expr("/a, b/.exec(c)"), ("d",)), "/a, b/.exec(c).d"),
        (p.Coalesce(X, p.Constant("none")), 'x ?? "none"'),
        (p.Coalesce(p.Coalesce(X, p.Name("y")), p.Name("z")), "x ?? y ?? z"),
        (p.Coalesce(X, p.Coalesce(p.Name("y"), p.Name("z"))), "x ?? (y ?? z)"),
        (p.Coalesce(expr("a || b"), expr("a && b")), "(a || b) ?? (a && b)"),
        (p.Coalesce(p.Path(X, ("a",), True), p.Constant(-1)), "x?.a ?? -1"),
        (p.Path(p.Coalesce(X, p.Name("y")), ("a",)), "(x ?? y).a"),
        (p.Choose(X, p.Name("y"), p.Choose(X, p.Name("z"), p.Undefined())), "x ? y : x ? z : undefined"),
        (p.Choose(expr("a = b"), p.Constant(1), expr("a, b")), "(a = b) ? 1 : (a, b)"),
        (p.Copy(expr("a, b")), "structuredClone((a, b))"),
        (p.Copy(X), "structuredClone(x)"),
        (p.Items((X, expr("a, b"), p.Constant(1))), "[x, (a, b), 1]"),
        (record(x=X, y=X, z=p.Coalesce(X, X)), "{ x, y: x, z: x ?? x }"),
        (p.Record((("true", p.Constant(True)), ("a-b", X))), '{ true: true, "a-b": x }'),
        (p.Template(("a", X, "$", p.Coalesce(X, X))), "`a${x}$${x ?? x}`"),
        (p.Template(("a$", "{x}`\\")), "`a\\${x}\\`\\\\`"),
        (p.Template(("", expr("{a: 1}.a"))), "`${{a: 1}.a}`"),
        (p.Pluck(X, "a b"), 'x.map((turn) => turn["a b"])'),
        (p.LastGiven(X, "a"), "x.findLast((turn) => turn.a !== undefined)?.a"),
        (expr("(a, b) => a"), "(a, b) => a"),
        (p.Path(expr("(a, b) => a"), ("c",)), "((a, b) => a).c"),
        (expr("a // why"), "a // why\n"),
        (expr(" /* why */ a"), "(/* why */ a)"),
        (expr("// why\na // so\n"), "(// why\na // so\n)"),
    ],
)
def test_text(expression: p.Expr, text: str) -> None:
    assert printed(expression) == text


def test_replacements_keep_together() -> None:
    text = "one.a + two * { three }.three + four"
    places = [(text.index(word), text.index(word) + len(word)) for word in ("one", "two", "three", "four")]
    values: tuple[p.Expr, ...] = (p.Path(X, ("y",), True), p.Coalesce(X, X), p.Name("z"), p.Constant(-1))
    keys = (None, None, "three", None)
    parts = tuple(p.Replacement(*at, v, k) for at, v, k in zip(places, values, keys, strict=True))
    assert printed(expr(text, replacements=parts)) == "x?.y.a + (x ?? x) * { three: z }.three + (-1)"


def test_wide_literals_go_over_lines() -> None:
    assert printed(record(a=X, b=X, c=X, d=X)) == "{\n  a: x,\n  b: x,\n  c: x,\n  d: x,\n}"
    assert printed(p.Constant(["a" * 50, "b" * 50])) == f'[\n  "{"a" * 50}",\n  "{"b" * 50}",\n]'


def test_a_multiline_entry_breaks_its_object() -> None:
    assert printed(record(a=p.Constant({"a": 1, "b": 2, "c": 3, "d": 4}))) == (
        "{\n  a: {\n    a: 1,\n    b: 2,\n    c: 3,\n    d: 4,\n  },\n}"
    )


def test_an_object_is_no_block() -> None:
    text = js(p.Do("a", p.StepName("A"), p.Evaluate(expr("{ a: 1 }")), None, p.Settings()))
    assert text == 'await step.do("A", DEFAULTS, async () => ({ a: 1 }));'


def test_imports_leave_a_body() -> None:
    text = 'import { a } from "node:a";\nreturn a;\n'
    assert js(p.Do("a", p.StepName("A"), p.Body(code(text)), None, p.Settings())) == (
        'await step.do("A", DEFAULTS, async () => {\n  return a;\n});'
    )
