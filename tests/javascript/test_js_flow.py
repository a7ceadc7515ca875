"""Where values go: members, local names for them, writes, comparisons."""

from __future__ import annotations

import pytest

from stepwell.javascript import Kind, Member, parse

MUTATED = {
    "const a = x.items; a.push(1)": "x",
    "const { items } = x; items.sort()": "x",
    "for (const i of x.items) i.done = true": "x",
    "x.items.forEach(i => { i.seen = true })": "x",
    "x.items.forEach(function ({ a }) { a.b = 1 })": "x",
    "[...x.items].sort()": "",
    "const c = [...x.items]; c.push(1)": "",
    "const c = { ...x }; c.a = 1": "",
    "const c = { ...x }; c.a.b = 1": "x",
    "x.a = 1": "x",
    "x.a++": "x",
    "delete x.a": "x",
    'x["a"].b += 2': "x",
    "[x.a, y] = z": "x",
    "({ a: x.b } = z)": "x",
    "for (x.a of y) {}": "x",
    "Object.assign(x, { a: 1 })": "x",
    "Object.assign({}, x)": "",
    'Object.defineProperty(x.a, "b", {})': "x",
    'const h = new Headers(); h.set("a", "b")': "",
    'await env.KV.delete("x"); env.X.set(1)': "",
    "x.map(i => i.a)": "",
    "x.map(i => { i.a = 1; return i })": "x",
    "const y = x.items.find(i => i.ok); y.done = true": "x",
    "const y = x.items.filter(Boolean); y.push(1)": "",
    "const y = x.items.filter(Boolean); y[0].a = 1": "x",
    "const y = structuredClone(x); y.a = 1": "",
    "const y = JSON.parse(JSON.stringify(x)); y.a = 1": "",
    "const y = x?.a ?? []; y.push(1)": "x",
    "const y = x.a || z.b; y.c = 1": "x z",
    "for (const [k, v] of Object.entries(x)) v.a = 1": "x",
    "Object.values(x).forEach(v => v.a = 1)": "x",
    "x.items.slice().sort()": "",
    "x.items.toSorted()": "",
    "x.items.reduce((acc, i) => { i.a = 1; return acc }, [])": "x",
    "x.items.reduce((acc, i) => { acc.push(i); return acc }, [])": "",
    "function m(o) { o.a = 1 } m(x)": "x",
    "const m = o => { o.a = 1 }; m(x.b)": "x",
    "const { a: { b } } = x; b.c = 1": "x",
    "const { a, ...r } = x; r.b = 1": "",
    "(x.items ?? []).push(1)": "x",
    "(x as any).a = 1": "x",
    "x!.a = 1": "x",
    "let i = x.n; i++": "",
    "const f = () => { x.a = 1 }": "x",
    "x[k].a = 1": "x",
    "const d = new Date(x.at); d.setHours(1)": "",
    "const out = []; out.push(x)": "",
    "const [p] = x; p.a = 1": "x",
    "const s = new Set(x.a); s.add(1)": "",
    "let a; ({ a } = x); a.b = 1": "x",
    "x.items.at(-1).a = 2": "x",
    "const t = x.a ? x.b : {}; t.c = 1": "x",
    "if (true) { const x = {}; x.a = 1 }": "",
}


@pytest.mark.parametrize("text", MUTATED)
def test_mutated(text: str) -> None:
    assert parse(text, Kind.BODY).mutated == set(MUTATED[text].split())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x = 1", "x"),
        ("x++", "x"),
        ("[x, ...y] = z", "x y"),
        ("({ x, a: y = 1 } = z)", "x y"),
        ("for (x in y) {}", "x"),
        ("x ??= 1", "x"),
        ("let x; x = 1", ""),
        ("x.a = 1", ""),
    ],
)
def test_assigned(text: str, names: str) -> None:
    assert parse(text, Kind.BODY).assigned == set(names.split())


def chains(found: tuple[Member, ...]) -> list[str]:
    return [
        ".".join((one.root, *map(str, one.path))) + "()" * one.call + " bound" * one.bound + " open" * one.open
        for one in found
    ]


MEMBERS = [
    ("env.KV.get('a')", ["env.KV.get()"], []),
    ("env['X']", ["env.X"], []),
    ("a.b[0]['c d'].e", ["a.b.0.c d.e"], []),
    ("a?.b?.()", ["a.b()"], []),
    ("a[b].c", ["b.x"], []),
    ("a.b[c].d", ["a.b open"], []),
    ("const { X, Y: z } = env", ["env.X bound", "env.Y bound"], []),
    ("const { a: { b } } = x", ["x.a.b bound"], []),
    ("const kv = env.KV; kv.get()", ["env.KV bound"], ["env.KV.get()"]),
    ("const kv = env.KV; f(kv)", ["env.KV bound"], ["env.KV"]),
    ("const e = env; e.A", [], ["env.A"]),
    ("await env.KV.get<string>('k')", ["env.KV.get()"], []),
    ("!a.b<T>(c)", ["a.b()"], []),
    ("(a.b as C).d", ["a.b.d"], []),
    ("a.b!.c", ["a.b.c"], []),
    ("a.b`x`", ["a.b()"], []),
    ("new a.B()", ["a.B"], []),
    ("a.b.c().d", ["a.b.c()"], []),
    ("({ a: x.y } = z.w)", ["x.y", "z.w.a", "z.w bound"], []),
]


@pytest.mark.parametrize(("text", "members", "followed"), MEMBERS)
def test_members(text: str, members: list[str], followed: list[str]) -> None:
    facts = parse(text, Kind.BODY)
    assert (chains(facts.members), chains(facts.followed)) == (members if text != "a[b].c" else [], followed)


def test_member_ranges() -> None:
    facts = parse("  f((x.y).z, x.y)", Kind.BODY)
    assert [facts.text[one.start : one.end] for one in facts.members] == ["(x.y).z", "x.y"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("f(env)", "env"),
        ("env[k]", "env k"),
        ("const { a, ...r } = env", ""),
        ("const { a, ...r } = env; f(r)", "env"),
        ("const { a, ...r } = x", "x"),
        ("const e = env; f(e)", "env"),
        ("env.A; typeof env; const { B } = env", ""),
        ("return { x }", "x"),
        ("x = y", "y"),
        ("f(); new G()", ""),
    ],
)
def test_whole(text: str, names: str) -> None:
    assert [name for name, _ in parse(text, Kind.BODY).whole] == names.split()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('x.status === "ok"', [("x", ("status",), "===", "ok")]),
        ("3 < x.a[0]", [("x", ("a", 0), ">", 3)]),
        ("x.a != null && x.b == -1.5", [("x", ("a",), "!=", None), ("x", ("b",), "==", -1.5)]),
        ("x?.a === `b`", [("x", ("a",), "===", "b")]),
        ("x === 'a\\u0062\\n'", [("x", (), "===", "ab\n")]),
        ("x.a === y.b", []),
        ("x[k] === 1", []),
        ("switch (x.s) { case 'a': case true: }", [("x", ("s",), "===", "a"), ("x", ("s",), "===", True)]),
        ("const { s } = x; s === 'a'", [("x", ("s",), "===", "a")]),
    ],
)
def test_comparisons(text: str, found: list[tuple[object, ...]]) -> None:
    comparisons = parse(text, Kind.BODY).comparisons
    assert [(one.root, one.path, one.operator, one.literal) for one in comparisons] == found


def test_step_calls_and_imports_and_the_rest() -> None:
    text = """import a from "b";
const c = await import("d");
step.do("x", f); step.sleep("y", 1); s.step.do();
fetch(u); env.KV.put(k, v); env.DB.prepare(q).run(); await env.KV.put(k, v); ctx.waitUntil(fetch(u));
throw new NonRetryableError(m, n); new NonRetryableError(m); // end"""
    facts = parse(text, Kind.BODY)
    assert [name for name, _ in facts.step_calls] == ["do", "sleep"]
    assert [(one.module, one.dynamic, one.text) for one in facts.imports] == [
        ("b", False, 'import a from "b";'),
        ("d", True, 'import("d")'),
    ]
    assert [text[at : at + 9] for at in facts.floating] == ["fetch(u);", "env.KV.pu", "env.DB.pr"]
    assert [text[at : at + 24] for at in facts.non_retryable_extra] == ["new NonRetryableError(m,"]
    assert facts.line_comment_at_end
    assert not parse(text + "\n", Kind.BODY).line_comment_at_end
    assert not parse("a /* // b */", Kind.EXPRESSION).line_comment_at_end


def test_opaque_and_verbatim() -> None:
    facts = parse("const a = `x ${b + 'c'}\n y`; // d\nconst e = /f/; const g = 'h\\\ni'", Kind.BODY)
    assert [(facts.text[start:end], kind) for start, end, kind in sorted(facts.opaque)] == [
        ("`x ", "template"),
        ("'c'", "string"),
        ("\n y`", "template"),
        ("// d", "comment"),
        ("/f/", "regex"),
        ("'h\\\ni'", "string"),
    ]
    assert facts.verbatim == {1, 3}


def test_exports_and_jsx() -> None:
    facts = parse("export const a = 1; export { a as b }", Kind.MODULE)
    assert facts.exports == (0, 20)
    assert parse("const a = <div>{b}</div>", Kind.BODY).jsx == (10,)
