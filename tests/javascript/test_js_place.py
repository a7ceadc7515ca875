"""The user's text as `Js`: dedented, with holes filled, and every line leading back."""

from __future__ import annotations

import pytest

from stepwell.javascript import Indented, Js, Kind, flatten, parse, place

TIDY = [
    (
        "  const a = 1;\n  if (a) {\n    b();\n  }\n  return a;\n\n",
        "const a = 1;\nif (a) {\n  b();\n}\nreturn a;",
    ),
    ("const a = 1;\nif (a) {\n  b();\n}", "const a = 1;\nif (a) {\n  b();\n}"),
    ("const a = 1;\r\nb();\rc()", "const a = 1;\nb();\nc()"),
    ("\n\n    a(\n      b)\n", "a(\n  b)"),
    ("\ta();\n\t\tb();", "a();\n  b();"),
    ("  x\n    .y()", "x\n  .y()"),
    ("    a();\n  b();", "  a();\nb();"),
    ("a()\n\n\n  b()  ", "a()\n\n\n  b()"),
    ("  `a\n  b ${\n  c}\n d`", "`a\n  b ${\nc}\n d`"),
    ("   /* a\n    * b */\n   c", "/* a\n * b */\nc"),
    ("", ""),
    (" \n ", ""),
]


@pytest.mark.parametrize(("text", "printed"), TIDY)
def test_margin(text: str, printed: str) -> None:
    assert str(place(parse(text, Kind.BODY), "n")).lstrip(" ") == printed.lstrip(" ")


def test_indented_text_keeps_its_templates() -> None:
    js = place(parse("  const a = `x\n  y`;\n  return {\n    a\n  }", Kind.BODY), "n")
    printed = str(Js(("f(() => {", Indented(Js(("\n", js)), 2), "\n})")))
    assert printed == "f(() => {\n  const a = `x\n  y`;\n  return {\n    a\n  }\n})"


def test_replacements_stand_where_the_holes_were() -> None:
    text = "\n  a(\n    __sw1,\n    é.__sw2)\n"
    facts = parse(text, Kind.BODY)
    one, two = text.index("__sw1"), text.index("__sw2")
    js = place(facts, "n", [(one, one + 5, Js(("ONE",))), (two, two + 5, Js(("TWO",)))], line=10, column=4)
    printed = flatten(js)
    assert printed.text == "a(\n  ONE,\n  é.TWO)"
    places = [(one.line, one.column, one.source_line, one.source_column) for one in printed.mappings]
    assert places == [(0, 0, 11, 2), (1, 5, 12, 9), (2, 2, 13, 4), (2, 7, 13, 11)]


def test_the_first_line_counts_the_column_of_the_source() -> None:
    printed = flatten(
        place(parse("'\N{GRINNING FACE}' + a", Kind.EXPRESSION), "n", [(6, 7, Js(("b",)))], line=2, column=7)
    )
    assert printed.text == "'\N{GRINNING FACE}' + b"
    assert [(one.source_line, one.source_column) for one in printed.mappings] == [(2, 7)]


def test_a_part_of_the_text() -> None:
    text = "const f = 1; {\n\tfoo();\n\t\tbar()\n\t}"
    printed = flatten(place(parse(text, Kind.BODY), "n", start=14, end=len(text) - 1))
    assert printed.text == "foo();\n  bar()"
    assert [(one.source_line, one.source_column) for one in printed.mappings] == [(1, 1), (2, 2)]


def test_replacements_outside_the_part_are_left_out() -> None:
    facts = parse("a; b; c", Kind.BODY)
    assert str(place(facts, "n", [(0, 1, Js(("x",))), (3, 4, Js(("y",)))], start=3)) == "y; c"


def test_a_replacement_at_the_start_of_a_line_keeps_its_indentation() -> None:
    facts = parse("if (a) {\n    __sw.x();\n}", Kind.BODY)
    assert str(place(facts, "n", [(13, 17, Js(("node",)))])) == "if (a) {\n    node.x();\n}"
