"""The Jinja environment that prints ropes of `Js`, and refuses any other text.

Templates give `Js`: what they say themselves is trusted, what is put into them must be `Js` already. So no
text of a user can reach a Worker but through a quoting function or the parser.

In templates `«: string»` stands for `{% if ts %}: string{% endif %}`: what only the TypeScript print has.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.ext import Extension
from jinja2.nativetypes import NativeCodeGenerator

from stepwell.emit.filters import FILTERS, TESTS, obj
from stepwell.emit.kept import Kept
from stepwell.javascript import Js

_PACKAGE = Path(__file__).parents[1]
_LOCK = threading.Lock()


def concat(pieces: Iterable[str | Js]) -> Js:
    """What a template gives: one rope."""
    return Js(tuple(pieces))


def finalize(value: object) -> Js | str:
    """What `{{ … }}` may print. Raises `TypeError` for everything but `Js` and whole numbers of our own."""
    if type(value) is Js:
        return value
    if type(value) is int:
        return str(value)
    raise TypeError(f"a template prints {value!r}, which is not Js")


class _TypesOnly(Extension):
    """`«…»` in a template's source."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return source.replace("«", "{%+ if ts +%}").replace("»", "{%+ endif +%}")


class _Environment(Environment):
    code_generator_class = NativeCodeGenerator
    concat = staticmethod(concat)  # type: ignore[assignment]
    getattr = staticmethod(getattr)  # type: ignore[assignment]
    """Templates read attributes of our own records, which all are there; Jinja's own also looks for keys."""


@cache
def _environment() -> _Environment:
    made = _Environment(
        loader=FileSystemLoader(_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
        extensions=[_TypesOnly],
        auto_reload=False,
        bytecode_cache=Kept(_folder(), Path(__file__)),
    )
    made.filters.update(FILTERS)
    made.tests.update(TESTS)
    made.globals.update(object=obj)
    return made


def module(template: str, context: Mapping[str, Any]) -> TemplateModule:
    """The macros of a template, which see `context` as their globals."""
    return _template(template).make_module(dict(context))


def render(template: str, context: Mapping[str, Any]) -> Js:
    """What a template prints."""
    made: object = _template(template).render(context)
    assert isinstance(made, Js)
    return made


def _template(name: str) -> Template:
    with _LOCK:
        return _environment().get_template(f"{name}.jinja")


def _folder() -> Path:
    """A wheel carries the templates inside the package; a checkout has them at its top."""
    inside = _PACKAGE / "_templates"
    return (inside if inside.is_dir() else _PACKAGE.parents[1] / "templates") / "worker"
