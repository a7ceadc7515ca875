"""What is not JavaScript is told at the user's place, and nothing that is one thing passes as another."""

from __future__ import annotations

import pytest

from stepwell.javascript import Facts, Kind, parse

BODY_FAULTS = [
    ("const x = ;", 1, 11, "unexpected `;` after `=`, where a value is expected"),
    ("if (a { b() }", 1, 4, "missing `)`: this `(` is never closed"),
    ("return {a: 1", 1, 8, "missing `}`: this `{` is never closed"),
    ("} evil() {", 1, 1, "unexpected `}`: nothing is open that it could close"),
    ("if (x) { return 1 } }", 1, 21, "unexpected `}`: nothing is open that it could close"),
    ("a(\n  [1, 2\n)", 2, 8, "missing `]`"),
    ("class A {\n  b( { }\n}", 3, 1, "missing `)` before `}`, for the `(` of line 2"),
    ('const s = "abc', 1, 11, 'the string is not closed: `"` is missing'),
    ("it's", 1, 3, "the string is not closed: `'` is missing"),
    ("x = `abc ${y}", 1, 5, "the template literal is not closed: `` ` `` is missing"),
    ("x = /abc", 1, 5, "the regular expression is not closed: `/` is missing"),
    ("a\n/* b", 2, 1, "the comment is not closed: `*/` is missing"),
    ("foo bar", 1, 5, "unexpected `bar` after `foo`"),
    ("const a = 1 2", 1, 13, "unexpected `2` after `1`"),
    ("return a +", 1, 11, "the code ends after `+`, where a value is expected"),
    ("else { a() }", 1, 1, "unexpected `else`"),
    ("if x { }", 1, 4, "missing `(` after `if`"),
    ("const = 3", 1, 7, "unexpected `=` after `const`, where a name is expected"),
    ("const {a b} = c", 1, 10, "unexpected `b` after `a`"),
    ("const a = “hello”;", 1, 11, "unexpected `“`"),
    ("\N{ZERO WIDTH SPACE}x", 1, 1, "unexpected U+200B, which cannot be seen"),
    ("x = 'é'; é = → 1", 1, 14, "unexpected `→`"),
    ("a <!-- b", 1, 3, "`<!--` and `-->` are not comments in a module; use `//`"),
    ("#!/usr/bin/node\na", 1, 1, "unexpected `#!`"),
    ("a\0b", 1, 2, "unexpected U+0000"),
    ("x = '\ud800'", 1, 6, "half a surrogate pair"),
    ("function f() { await x }", 1, 16, "`await` stands in a function that is not `async`"),
    ("x.map(i => await i)", 1, 12, "`await` stands in a function that is not `async`"),
    ("yield 3", 1, 1, "`yield` stands outside a generator function"),
    ("if (a) break", 1, 8, "`break` stands outside a loop"),
    ("for (;;) { x(() => { continue }) }", 1, 22, "`continue` stands outside a loop"),
    ("const a = 1; let a = 2", 1, 18, "`a` is declared twice"),
    ("function f(a) { const a = 1 }", 1, 23, "`a` is declared twice"),
    ("const a;", 1, 7, "`a` is a constant and needs a value"),
    ("try { a() }", 1, 1, "a `try` needs a `catch` or a `finally`"),
    ("a ?? b || c", 1, 3, "`??` beside `||` or `&&` needs parentheses"),
    ("foo(,)", 1, 5, "unexpected `,`: something is missing before it"),
    ("x = { a, , b }", 1, 10, "unexpected `,`: something is missing before it"),
    ("for (;;) break if", 1, 16, "unexpected `if`: the word is reserved"),
    ("const f = () => super.x", 1, 17, "`super` stands outside a method"),
    ("delete a", 1, 1, "a name cannot be deleted, only a property can"),
    ("y = '\r'", 1, 5, "the string is not closed on its line"),
    ("y = 'c\r\nd'\n", 1, 5, "the string is not closed on its line"),
    ("with (a) b", 1, 1, "`with` is not allowed in modules"),
    ("x = 010", 1, 5, "`010`: a number cannot begin with a zero"),
    ("function () {}", 1, 1, "a function that is a statement needs a name"),
    ("{ ...z }", 1, 1, "a statement cannot begin with an object: put it in parentheses"),
    ("throw\nx", 2, 1, "a new line cannot stand before what is thrown"),
    ("let = 3", 1, 1, "unexpected `let`: the word is reserved"),
    ('if (a) { import b from "c" }', 1, 10, "an import must stand at the top level"),
]

EXPRESSION_FAULTS = [
    ("", 1, "an expression is missing"),
    (" \n", 1, "an expression is missing"),
    ("// only a comment", 1, "an expression is missing"),
    ("a) || (b", 2, "unexpected `)`: nothing is open that it could close"),
    ("a)\n(b", 2, "unexpected `)`: nothing is open that it could close"),
    ("(a))((b", 4, "unexpected `)`: nothing is open that it could close"),
    ("a, b) => (c", 5, "unexpected `)`: nothing is open that it could close"),
    ("a) //", 2, "unexpected `)`: nothing is open that it could close"),
    ("a, b", 2, "unexpected `,`: exactly one expression is expected"),
    ("a;", 2, "remove the `;` at the end: this is an expression, not a statement"),
    ("a ; // b", 3, "remove the `;` at the end: this is an expression, not a statement"),
    ("a; b", 1, "an expression is expected here, not several statements"),
    ("return a", 1, "an expression is expected here, not `return` (leave the word out)"),
    ("const a = 1", 1, "an expression is expected here, not a declaration"),
    ("if (a) b", 1, "an expression is expected here, not an `if` statement (use `condition ? a : b`)"),
    ("a: number", 2, "unexpected `: number` after the expression"),
    ("a b", 3, "unexpected `b` after `a`"),
    ("a ===", 6, "a name or value is missing"),
    ('"a', 1, 'the string is not closed: `"` is missing'),
    ("a\n++", 0, "a new line cannot stand before the `++` or `--`"),
    ("!a = b", 2, "`a = b` needs parentheses here"),
    ("a || x => y", 6, "`x => y` needs parentheses here"),
]

GOOD_BODIES = [
    "",
    "// nothing",
    "return await f(a)",
    "a\n++b",
    "while (n --> 0) {}",
    "let\n  a = 1,\n  b = 2",
    "const a = new\n  Foo()",
    "x = a / b / c; y = /[/]\\/(?<n>.)/dgimsuy.test(z) / 2",
    "`a ${b ? `c ${`d ${'}'}`}` : ''} e`",
    "class A extends B { #p = 1; static s; static { this.t = 1 } get #q() { return this.#p } *[g]() {} }",
    "a?.b?.[c]?.(d) ?? (e || f)",
    "outer: for (const x of y) { for await (const z of x) { if (z) continue outer; else break } }",
    "function* g() { const x = yield; yield* h(x) }",
    "const { a = 1, b: { c, ...d }, ['e']: f } = g, [h, , i = 2, ...j] = k",
    "({ a, b: c.d, ...e } = f)",
    'import x, { y as z } from "m" with { type: "json" }; const w = await import("n")',
    "using a = f(); await using b = g()",
    "a ||= b; c ??= d; e **= 2; f = 1_000n",
    "caf\\u00e9 = \\u{61}b; _$ = 名前",
    "switch (a) { case 1: { break } default: }",
    "if (a) function f() {} else ;",
    "class A extends B { x = super.x; constructor() { super(); [1].map(() => super.m()) } }",
    "x = { m() { return super.m() } }; delete x.m; a = 'b\\\r\nc'",
    "const async = 1, of = 2, get = 3, type = 4, as = 5; of.get(async)",
    "x = async () => {}, y = async z => z, w = (a = 1, { b }, ...c) => ({ a })",
    "do x(); while (y) z()",
    "const f = function n() { return n }; (() => {})()",
    "a = b\n;[c, d].forEach(e)",
    "/* <!-- */ '-->' // <!--",
    "new.target; const { default: d, class: c } = e; d.new.if",
    "return /* a */ [1,,2] // b",
    "const s = 'a\\\nb'; x = `\\u{61}\\``",
]

GOOD_EXPRESSIONS = [
    "a",
    " a // b",
    "/* a */ b /* c */",
    "{ a: 1 }",
    "{ a, ...b }",
    "(a, b)",
    "x => { return x }",
    "await f<T>(x)",
    "a as B",
    "function () {}",
    "class {}",
    "`${a}`",
    "async () => { for await (const a of b) c(a) }",
    "a\n  .b()\n  .c()",
    "a ? b : c => d",
]


@pytest.mark.parametrize(("text", "line", "column", "message"), BODY_FAULTS)
def test_body_fault(text: str, line: int, column: int, message: str) -> None:
    first = parse(text, Kind.BODY).faults[0]
    assert (first.line, first.column, first.message) == (line, column, message)


@pytest.mark.parametrize(("text", "column", "message"), EXPRESSION_FAULTS)
def test_expression_fault(text: str, column: int, message: str) -> None:
    first = parse(text, Kind.EXPRESSION).faults[0]
    assert first.message == message
    assert first.column == column or not column


@pytest.mark.parametrize("text", GOOD_BODIES)
def test_good_body(text: str) -> None:
    assert parse(text, Kind.BODY).faults == ()


@pytest.mark.parametrize("text", GOOD_EXPRESSIONS)
def test_good_expression(text: str) -> None:
    assert parse(text, Kind.EXPRESSION).faults == ()


def test_return_stands_outside_a_function_in_a_module() -> None:
    assert parse("return 1", Kind.MODULE).faults[0].code == "return"
    assert parse("function f() { return 1 }", Kind.MODULE).faults == ()


def test_faults_are_few_and_in_order() -> None:
    faults = parse("\n".join("const a = 1 2;" for _ in range(50)), Kind.BODY).faults
    assert 1 <= len(faults) <= 5
    assert [fault.start for fault in faults] == sorted(fault.start for fault in faults)


def test_positions_count_characters_and_know_every_line_end() -> None:
    facts = parse("'é\N{GRINNING FACE}'\r\nx\ra b", Kind.BODY)
    assert (facts.faults[0].line, facts.faults[0].column) == (3, 3)
    assert facts.position(0) == (1, 1)
    assert facts.position(len(facts.text)) == (3, 4)


HUGE = {
    "parentheses": "(" * 10_000 + "1" + ")" * 10_000,
    "open": "(" * 50_000,
    "closing": "}" * 50_000,
    "arrows": "a => " * 10_000 + "a",
    "arrays": "[" * 30_000 + "]" * 30_000,
    "blocks": "{ var a; let b; " * 10_000 + "}" * 10_000,
    "members": "a" + ".b" * 30_000,
    "calls": "a" + ".filter(x => x)" * 3_000,
    "ternaries": "a ? b : " * 10_000 + "c",
    "templates": "`${" * 10_000 + "1" + "}`" * 10_000,
    "patterns": "[" * 5_000 + "a" + "]" * 5_000 + " = b",
    "statements": "const { a, b: [c] } = x.y; c.push(a);\n" * 1_000 + "z(" * 100,
    "megabyte": "x.a.push(await f(y => y.b));\n" * 36_000,
    "breaks": "{ break; " * 5_000 + "}" * 5_000,
    "garbage": "@ ) ( { a b c \" '" * 10_000,
    "arguments": "f(" + "a, " * 20_000 + "b)",
    "lines": "x(`\n`);" * 5_000,
    "names": "".join(f"let a{n} = a{n - 1};" for n in range(1, 5_000)),
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_texts_are_read_in_time(name: str) -> None:
    for kind in Kind if len(HUGE[name]) < 500_000 else [Kind.BODY]:
        assert isinstance(parse(HUGE[name], kind), Facts)
