"""Expressions of the `Program` → `Js`, with parentheses where they must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.emit import layout
from stepwell.emit.names import Names
from stepwell.emit.shape import Level, ends_in_comment, level
from stepwell.javascript import (
    Js,
    identifier,
    is_identifier,
    place,
    property_key,
    quote,
    template_text,
)
from stepwell.lower.nesting import fold
from stepwell.lower.program import (
    Choose,
    Coalesce,
    Code,
    Constant,
    Copy,
    Expr,
    Items,
    LastGiven,
    Name,
    Path,
    Pluck,
    Record,
    StepName,
    StepValue,
    Stored,
    Template,
)

_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Term:
    """A printed expression, and how tightly it holds together."""

    js: Js
    level: Level = Level.MEMBER


def print_expression(expr: Expr, names: Names) -> Js:
    """`expr` where any assignment expression may stand: an argument, an entry, behind `=`."""
    return _at(Level.ASSIGNMENT, _term(expr, names))


def print_condition(expr: Expr, names: Names) -> Js:
    """`expr` inside parentheses or brackets of its own."""
    return _term(expr, names).js


def print_result(expr: Expr, names: Names) -> Js:
    """`expr` as the body of an arrow function."""
    js = print_expression(expr, names)
    return _parenthesised(js) if layout.starts_with(js) == "{" else js


def print_operand(expr: Expr, names: Names) -> Js:
    """`expr` in place of an operand in a user's code."""
    return _at(Level.CHAIN, _term(expr, names))


def print_name(name: StepName) -> Js:
    """A step's name: a literal, or a template that carries the indices of the loops around it."""
    if not name.indices:
        return quote(name.text)
    return Js(("`", template_text(name.text), " ", *indices(name), "`"))


def indices(name: StepName) -> list[Js]:
    """`[${i}]` for each loop around a step, as parts of a template literal."""
    return [Js(("[${", identifier(index), "}]")) for index in name.indices]


def _term(expr: Expr, names: Names) -> Term:
    def build(node: Expr, inner: list[Term]) -> Term:
        return _build(node, inner, names)

    return fold(expr, _parts, build)


def _parts(expr: Expr) -> Sequence[Expr]:
    match expr:
        case Path():
            return (expr.base,)
        case Coalesce():
            return (expr.value, expr.default)
        case Template():
            return tuple(part for part in expr.parts if not isinstance(part, str))
        case Code():
            return tuple(part.value for part in expr.replacements)
        case Record():
            return tuple(value for _, value in expr.entries)
        case Items():
            return expr.items
        case Choose():
            return (expr.flag, expr.yes, expr.no)
        case Copy() | StepValue():
            return (expr.value,)
        case Stored():
            return (expr.view,)
        case Pluck() | LastGiven():
            return (expr.base,)
        case Constant():
            return _constant_parts(expr.value)
        case _:
            return ()


def _constant_parts(value: Any) -> Sequence[Expr]:
    if isinstance(value, dict):
        return tuple(Constant(part) for part in value.values())
    return tuple(Constant(part) for part in value) if isinstance(value, list | tuple) else ()


def _build(expr: Expr, inner: list[Term], names: Names) -> Term:
    match expr:
        case Name():
            return Term(identifier(expr.name))
        case Path():
            return _path(expr, inner[0])
        case Constant():
            return _constant(expr.value, inner)
        case Code():
            return _code(expr, inner)
        case Coalesce():
            value, default = _at(Level.COALESCE, inner[0]), _at(Level.UNARY, inner[1])
            return Term(Js((value, " ?? ", default)), Level.COALESCE)
        case Template():
            return Term(_template(expr, inner))
        case Record():
            return Term(_record([key for key, _ in expr.entries], inner))
        case Items():
            return Term(_items(inner))
        case Choose():
            return _choose(inner)
        case Copy():
            return Term(Js(("structuredClone(", _at(Level.ASSIGNMENT, inner[0]), ")")))
        case Stored():
            reader = names.responseOf if expr.of == "request" else names.eventOf
            return Term(Js((reader, "(", _at(Level.ASSIGNMENT, inner[0]), ")")))
        case StepValue():
            return _step_value(expr, inner[0], names)
        case Pluck():
            read = _key(expr.key, False)
            return Term(Js((_at(Level.MEMBER, inner[0]), ".map((turn) => turn", read, ")")))
        case LastGiven():
            read = _key(expr.key, False)
            last = Js((".findLast((turn) => turn", read, " !== undefined)", _key(expr.key, True)))
            return Term(Js((_at(Level.MEMBER, inner[0]), last)), Level.CHAIN)
    return Term(Js(("undefined",)))


def _at(needed: Level, term: Term) -> Js:
    return term.js if term.level >= needed else _parenthesised(term.js)


def _parenthesised(js: Js) -> Js:
    return Js(("(", js, ")"))


def _path(path: Path, base: Term) -> Term:
    if not path.keys:
        return base
    # `(a?.b).c` throws where `a?.b.c` does not: only an optional path may go on with an optional one.
    start = _at(Level.CHAIN if path.optional else Level.MEMBER, base)
    keys = [_key(key, path.optional) for key in path.keys]
    return Term(Js((start, *keys)), Level.CHAIN if path.optional else Level.MEMBER)


def _key(key: str | int, optional: bool) -> Js:
    if isinstance(key, str) and is_identifier(key):
        return Js(("?." if optional else ".", identifier(key)))
    exact = isinstance(key, str) or abs(key) < _EXACT
    return Js(("?.[" if optional else "[", quote(key if exact else str(key)), "]"))


def _constant(value: Any, inner: list[Term]) -> Term:
    if isinstance(value, dict):
        return Term(_record([str(key) for key in value], inner))
    if isinstance(value, list | tuple):
        return Term(_items(inner))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Term(quote(value), Level.UNARY if number else Level.MEMBER)


def _template(template: Template, inner: list[Term]) -> Js:
    pieces: list[Js] = []
    text = ""
    values = iter(inner)
    for part in template.parts:
        if isinstance(part, str):
            text += part  # a `$` and a `{` of two parts must be escaped together
        else:
            pieces += [template_text(text), Js(("${", next(values).js, "}"))]
            text = ""
    return Js(("`", *pieces, template_text(text), "`"))


def _record(keys: list[str], values: list[Term]) -> Js:
    pairs = zip(keys, values, strict=True)
    return layout.record([_entry(key, _at(Level.ASSIGNMENT, value)) for key, value in pairs])


def _entry(key: str, value: Js) -> Js:
    name = property_key(key)
    return name if name.pieces == value.pieces and is_identifier(key) else Js((name, ": ", value))


def _items(values: list[Term]) -> Js:
    return layout.array([_at(Level.ASSIGNMENT, value) for value in values])


def _choose(inner: list[Term]) -> Term:
    yes, no = _at(Level.ASSIGNMENT, inner[1]), _at(Level.ASSIGNMENT, inner[2])
    return Term(Js((_at(Level.COALESCE, inner[0]), " ? ", yes, " : ", no)), Level.ASSIGNMENT)


def _code(code: Code, inner: list[Term]) -> Term:
    js = print_code(code, [_at(Level.CHAIN, term) for term in inner])
    # A comment before the expression could hold a line break, and `return` must not stand before one.
    first = code.facts.text.lstrip()
    if first.startswith(("//", "/*")):
        return Term(Js(("(", js, ")")))
    return Term(js, level(code))


def print_code(code: Code, values: Sequence[Js], start: int = 0, end: int | None = None) -> Js:
    """A user's text with its replacements; a line break ends it where a comment would swallow what follows."""
    placed = [
        (part.start, part.end, Js((property_key(part.key), ": ", value)) if part.key else value)
        for part, value in zip(code.replacements, values, strict=True)
    ]
    line, column = code.offset
    js = place(code.facts, code.source, placed, start, end, line, column)
    return Js((js, "\n")) if ends_in_comment(code.facts, end) else js
