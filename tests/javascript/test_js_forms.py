"""How tightly expressions hold together."""

from __future__ import annotations

import pytest

from stepwell.javascript import Kind, parse
from stepwell.javascript.facts import Form

FORMS = {
    Form.OPERATION: [
        "a ? b : c", "() => a", "async () => a", "a ?? b", "!a", "-5", "a = b", "a++", "await a", "typeof a",
        "new A", "new A().b", "a!.b", "a as B", "f<A, B>(x)", "function () {}", "class {}", "{ a: 1 }.b",
        "(() => a) || b",
    ],
    Form.NUMBER: ["5", "5.5", ".5", "0x1f", "1n", "5 .toFixed()"],
    Form.CHAIN: ["a?.b", "a?.b.c", "a?.(b)", "a?.[b]", "(a, b)?.c", "a.b?.c`d`", "[a]?.[0]"],
    Form.MEMBER: [
        "a", "a.b", "a(b, c)", "a[b, c]", "(a, b)", "(a, b).c", "'a'", "'a'.b", "`a${b, c}`", "a`b`", "/a,/.test(b)",
        "({ a }).b", "({ a })", "[a, b].map(c)", "this.a", "null", "import('a')", "import.meta.url", "a /* , */ .b",
        "// a\n b", "a // b, c",
    ],
    Form.ARRAY: ["[a, b]", " [] ", "[a] // b", "/* a */ [...b]"],
    Form.OBJECT: ["{ a: 1, b }", "{}", "{ ...a } // b"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "form"), [(text, form) for form, texts in FORMS.items() for text in texts])
def test_form(text: str, form: Form) -> None:
    facts = parse(text, Kind.EXPRESSION)
    assert (facts.faults, facts.form) == ((), form)


@pytest.mark.parametrize("text", ["a, b", "a => b, c", " a, // b\n c", "a +", ""])
def test_what_is_no_expression_has_the_loosest_form(text: str) -> None:
    assert parse(text, Kind.EXPRESSION).form is Form.SEQUENCE


def test_a_long_chain() -> None:
    assert parse("a" + ".b()" * 20_000, Kind.EXPRESSION).form is Form.MEMBER
