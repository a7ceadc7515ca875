"""The Jinja environment: ropes only."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.emit.environment import _Environment, _TypesOnly, concat, finalize
from stepwell.emit.filters import FILTERS, TESTS
from stepwell.javascript import Js, quote


def rendered(source: str, **context: Any) -> Js:
    made = _Environment(finalize=finalize, extensions=[_TypesOnly], trim_blocks=True, lstrip_blocks=True)
    made.filters.update(FILTERS)
    made.tests.update(TESTS)
    js: Any = made.from_string(source).render(context)
    assert isinstance(js, Js)
    return js


def test_a_template_gives_a_rope() -> None:
    assert str(rendered("a {{ x }} b {{ n }}", x=quote("x"), n=5)) == 'a "x" b 5'


@pytest.mark.parametrize("value", ["text", None, True, 1.5, ["x"], {"a": 1}, b"x", object()])
def test_nothing_else_is_printed(value: object) -> None:
    with pytest.raises(TypeError):
        rendered("{{ x }}", x=value)


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ("{{ y }}", TypeError),
        ("{{ x.y }}", AttributeError),
        ("{{ 'text' }}", TypeError),
        ("{{ x ~ x }}", TypeError),
        ("{{ 'a' if x }}", TypeError),
    ],
)
def test_neither_are_texts_of_a_template(source: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rendered(source, x=quote("x"))


def test_macros_and_blocks_are_ropes_too() -> None:
    macro = "{% macro m(a) -%}\n<{{ a }}>\n{%- endmacro %}"
    source = macro + "{% set b %}{{ m(x) }}!{% endset %}{{ b }}{{ m(b) | indent }}"
    assert str(rendered(source, x=quote("x"))) == '<"x">!<<"x">!>'


@pytest.mark.parametrize(("ts", "text"), [(True, "a: string,\n  b<any>\n"), (False, "a,\n  b\n")])
def test_types(ts: bool, text: str) -> None:
    assert str(rendered("a«: string»,\n  b«<any>»\n\n", ts=ts)) == text


def test_a_rope_of_nothing() -> None:
    assert str(concat([])) == ""
