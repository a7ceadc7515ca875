"""JavaScript passes through as it is; what only TypeScript has is TypeScript."""

from __future__ import annotations

import pytest

from stepwell.javascript import Kind, parse

TYPESCRIPT = [
    "let x: number = 1",
    "x as any",
    "x!.y",
    "f<T>(x)",
    'await env.KV.get<string>("k")',
    "new Map<string, number>()",
    "interface A { b: c }",
    "type A = b",
    "enum A { B }",
    "declare const a: string",
    'import type { A } from "b"',
    'import { type A } from "b"',
    "abstract class A {}",
    "class A { private x = 1 }",
    "class A { readonly x = 1 }",
    "class A { x? }",
    "function f(a?) {}",
    "a satisfies B",
    "<T>x",
    "const f = <T,>(x: T) => x",
    "function f(this: X) {}",
    "namespace X { const a = 1 }",
    "class A implements B {}",
    "class A<T> {}",
    "let x!: string",
    "a as const",
    "f(a < b, c > (d))",
    "try {} catch (e: unknown) {}",
    "class A { constructor(public readonly a: string) {} }",
    "type X = { -readonly [K in keyof T]-?: T[K] }",
    "function f({ a, b }: { a: string; b?: number } = {}) {}",
]

JAVASCRIPT = [
    "a",
    "x ? (y) : z => w",
    "a < b && c > (d)",
    "type\nfoo = 3",
    "using x = f()",
    "class A { static x = 1; #p; get y() { return 1 } }",
    "const type = 1, declare = 2, as = 3, abstract = 4; type.x",
    "x = <div>a</div>",
    'import x from "y" with { type: "json" }',
    "x = a ? b : c",
    "if (a < b) { c > d }",
]


@pytest.mark.parametrize("text", TYPESCRIPT)
def test_typescript(text: str) -> None:
    facts = parse(text, Kind.MODULE)
    assert (facts.language, facts.faults) == ("ts", ())


@pytest.mark.parametrize("text", JAVASCRIPT)
def test_javascript(text: str) -> None:
    facts = parse(text, Kind.MODULE)
    assert (facts.language, facts.faults) == ("js", ())
