"""What is provably deterministic, and what is not."""

from __future__ import annotations

import pytest

from stepwell.javascript import Kind, parse

PURE = [
    "a.b > 3",
    "new Date(a).getTime() < Date.parse(b)",
    "a.items.filter(i => i.ok).length > 0",
    "a.items.filter(Boolean).map(String)",
    "JSON.parse(a).b",
    "Math.max(...a.map(x => Math.round(x)))",
    "new Set(a).size",
    "(() => 1)()",
    "((x) => x.trim())(a)",
    "a?.b?.toLowerCase().includes('x')",
    "`${a} ${b.trim()}`",
    "Object.keys(a).length",
    "Object.entries(a).map(([k, v]) => ({ k, v }))",
    "String.raw`a`",
    "Array.from({ length: 3 }, (_, i) => i)",
    "Object.assign({}, a)",
    "a instanceof Date",
    "typeof fetch",
    "/x/.test(a)",
    "new URL(a).searchParams.get('x')",
    "structuredClone(a)",
    "Number.parseInt(a, 10) + parseFloat(b)",
    "encodeURIComponent(a)",
    "a.items.reduce((s, i) => s + i.n, 0)",
    "a.date.toISOString().slice(0, 10)",
]

IMPURE = [
    ("Date.now() > 3", [("clock", "Date.now")]),
    ("new Date()", [("clock", "new Date()")]),
    ("new Date", [("clock", "new Date()")]),
    ("Date()", [("clock", "Date()")]),
    ("performance.now()", [("clock", "performance.now")]),
    ("Math.random() < .5", [("random", "Math.random")]),
    ("globalThis.Math.random()", [("random", "Math.random")]),
    ("crypto.randomUUID()", [("random", "crypto.randomUUID")]),
    ("await fetch(a)", [("await", "await"), ("network", "fetch")]),
    ("globalThis.fetch(a)", [("network", "globalThis.fetch")]),
    ("urls.map(fetch)", [("network", "fetch")]),
    ("new WebSocket(a)", [("network", "WebSocket")]),
    ("env.X", [("env", "env.X")]),
    ("await env.KV.get<string>('k')", [("await", "await"), ("env", "env.KV.get")]),
    ("foo(a)", [("call", "foo")]),
    ("a.items.map(i => foo(i))", [("call", "foo")]),
    ("a.items.map(Math.random)", [("random", "Math.random")]),
    ("new Foo()", [("call", "new Foo")]),
    ("a.items.push(1)", [("call", "a.items.push")]),
    ("a.foo()", [("call", "a.foo")]),
    ("tag`a`", [("call", "tag")]),
    ('import("x")', [("call", "import")]),
    ("Object.assign(a, {})", [("call", "Object.assign")]),
    ("console.log(a)", [("call", "console.log")]),
    ("a[b](c)", [("call", "a[b]")]),
    ("await f<T>(x)", [("await", "await"), ("call", "f")]),
    ("a.items.find(i => i.at > Date.now())", [("clock", "Date.now")]),
    ("(f => f())(a)", [("call", "f")]),
    ("setTimeout(a)", [("call", "setTimeout")]),
    ("Promise.all(a)", [("call", "Promise.all")]),
]


@pytest.mark.parametrize("text", PURE)
def test_pure(text: str) -> None:
    assert parse(text, Kind.EXPRESSION).impurities == ()


@pytest.mark.parametrize(("text", "found"), IMPURE)
def test_impure(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.kind, one.what) for one in parse(text, Kind.EXPRESSION).impurities] == found


def test_functions_of_the_snippet_are_judged_by_what_they_hold() -> None:
    assert parse("const f = x => x + 1; function g(y) { return f(y) } return g(a)", Kind.BODY).impurities == ()
    found = parse("const f = () => Date.now(); return f()", Kind.BODY).impurities
    assert [one.kind for one in found] == ["clock"]
