"""Which names a snippet declares and which it takes from outside."""

from __future__ import annotations

import pytest

from stepwell.javascript import Kind, parse

FREE = [
    ("a.b.c", "a"),
    ("({ a, b: c })", "a c"),
    ("function f(a) { return a + b }", "b"),
    ("(a, b = a) => { var c; return c + d }", "d"),
    ("(a = b) => { var b }", "b"),
    ("const f = function g() { g() }; g()", "g"),
    ("try { a() } catch (e) { e() } e()", "a e"),
    ("for (let i = 0; i < n; i++) {} i", "n i"),
    ("for (var i of n) {} i", "n"),
    ("{ function q() {} } q()", "q"),
    ("class A extends B { x = y; [z]() { return A } }", "B y z"),
    ("l: for (;;) { break l }", ""),
    ("x.y = { z: 1, get w() { return v }, [u]: 1, async t() {} }", "x v u"),
    ("function f() { return arguments }", ""),
    ("() => arguments", "arguments"),
    ("const { a, b: c = d, ...e } = f", "d f"),
    ("const { [k]: v = w } = x", "k w x"),
    ('import x, { y as z } from "m"; x; z; y', "y"),
    ('import * as n from "m"; n.x', ""),
    ("let a: Foo<Bar> = b as Baz; type T = typeof a; interface I { x: y }", "b"),
    ("function f<T>(this: X, a?: T): a is string { return g<T>(a) }", "g"),
    ("enum E { A = b } E.A", "b"),
    ("let x: { [k: string]: v }; function y(a: (b: c) => d): asserts a is e { a }", ""),
    ("declare const g: string; g", "g"),
    ("abstract class A { abstract m(p: q): r; private s: t = u }", "u"),
    ("namespace N { export const a = b } N.a", "b"),
    ("\\u0061bc + d", "abc d"),
    ("é.名前", "é"),
    ("x => y => x + y + z", "z"),
    ("if (a) { var v } v", "a"),
    ("async function* g() { for await (const x of y) yield x }", "y"),
    ("(class { static { var q = r } })", "r"),
    ("switch (a) { case b: let c; default: c }", "a b"),
    ("using r = f(); r", "f"),
    ("import.meta.url; new.target", ""),
    ("a?.[b]?.(c)", "a b c"),
    ("`${a} ${`${b}`}`", "a b"),
    ("tag`${a}`", "tag a"),
    ("undefined; this; null; NaN", "NaN"),
    ("x = y!; z = <T>w", "x y z w"),
    ("f(function () { return g }, async function h() { return h })", "f g"),
    ("var a = a; let b = () => b", ""),
    ("(a)(...b)", "a b"),
    ("label: a", "a"),
    ("({ a: 1 }).b", ""),
    ("const o = { f() { return f } }", "f"),
    ("const a = <Foo bar={b}>{c}</Foo>", "b c"),
]


@pytest.mark.parametrize(("text", "names"), FREE)
def test_free_names(text: str, names: str) -> None:
    facts = parse(text, Kind.BODY)
    assert [free.name for free in facts.free] == names.split()
    assert facts.faults == ()


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        ("({ a })", "a", {"shorthand"}),
        ("({ a } = b)", "a", {"shorthand", "write"}),
        ("a = 1", "a", {"write"}),
        ("a++", "a", {"write"}),
        ("[...a] = b", "a", {"write"}),
        ("for (a of b) {}", "a", {"write"}),
        ("(a) += 1", "a", {"write"}),
        ("a.b = 1", "a", set()),
        ("typeof a", "a", {"typeof"}),
        ("typeof a.b", "a", set()),
        ("({ a: b })", "b", set()),
    ],
)
def test_how_a_name_stands(text: str, name: str, what: set[str]) -> None:
    free = next(free for free in parse(text, Kind.BODY).free if free.name == name)
    assert {word for word in ("shorthand", "write", "typeof") if getattr(free, word)} == what


def test_offsets_are_characters() -> None:
    facts = parse("'\N{GRINNING FACE}é' + caf\\u00e9 + x", Kind.EXPRESSION)
    assert [(free.name, facts.text[free.start : free.end]) for free in facts.free] == [
        ("café", "caf\\u00e9"),
        ("x", "x"),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("const a = 1; { let b } if (c) { var d } function e() { var f } class g {}", "a d e g"),
        ('import h, { i as j } from "k"', "h j"),
        ("const { l, m: [n], ...o } = p", "l n o"),
        ("for (var q of r) {} for (let s of t) {}", "q"),
    ],
)
def test_declared(text: str, names: str) -> None:
    assert parse(text, Kind.BODY).declared == set(names.split())


@pytest.mark.parametrize(
    ("text", "returns"),
    [
        ("return 1", True),
        ("if (a) { return b }", True),
        ("return", False),
        ("return /* nothing */;", False),
        ("return\na", False),
        ("const f = () => { return 1 }", False),
        ("function f() { return 1 }", False),
        ("class A { m() { return 1 } }", False),
        ("[1].map(x => { return x }); try { } finally { return 2 }", True),
    ],
)
def test_returns(text: str, returns: bool) -> None:
    assert parse(text, Kind.BODY).returns is returns
