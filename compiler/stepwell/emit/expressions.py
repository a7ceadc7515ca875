"""Expressions of the `Program` → `Js`, with parentheses where they must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from stepwell.emit import layout
from stepwell.emit.code import print_code
from stepwell.emit.names import Names
from stepwell.emit.shape import Level, level
from stepwell.javascript import Js, checked, identifier, is_identifier, property_key, quote, quoted, template_text
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
    OfLast,
    Path,
    Pluck,
    Record,
    StepName,
    StepValue,
    Stored,
    Template,
)

_EXACT: Final = 2**53


class Term(NamedTuple):
    """A printed expression, and how tightly it holds together."""

    js: Js
    level: Level = Level.MEMBER

    def at(self, needed: Level) -> Js:
        """The expression where one of the level `needed` may stand."""
        return self.js if self.level >= needed else Js(("(", self.js, ")"))

    @property
    def value(self) -> Js:
        """The expression as an argument, an entry, behind `=`."""
        return self.at(Level.ASSIGNMENT)


def print_name(name: StepName) -> Js:
    """A step's name: a literal, or a template that carries the indices of the loops around it."""
    if not name.indices:
        return quote(name.text)
    return Js(("`", template_text(name.text), " ", *indices(name), "`"))


def index_argument(name: StepName) -> Js | None:
    """The indices of a step's name as an argument of a helper: `` ` [${i}]` ``."""
    return Js(("` ", *indices(name), "`")) if name.indices else None


def indices(name: StepName) -> list[Js]:
    """`[${i}]` for each loop around a step, as parts of a template literal."""
    return [Js(("[${", identifier(index), "}]")) for index in name.indices]


@dataclass(frozen=True, slots=True)
class Expressions:
    """Prints the expressions of one module; `stored` prints one that a step evaluates."""

    names: Names
    stored: Callable[[Js, Js], Js]

    def term(self, expr: Expr) -> Term:
        """`expr`, printed from the inside out."""
        if isinstance(expr, Name):
            return Term(identifier(expr.name))
        if isinstance(expr, Path) and isinstance(expr.base, Name) and expr.keys:
            js = Js((checked(expr.base.name) + _keys(expr.keys, expr.optional),))
            return Term(js, Level.CHAIN if expr.optional else Level.MEMBER)
        root: Expr = expr
        return fold(root, _parts, self._build)

    def value(self, expr: Expr) -> Js:
        """`expr` where any assignment expression may stand."""
        return self.term(expr).value

    def test(self, expr: Expr) -> Js:
        """`expr` between parentheses that are there already."""
        return self.term(expr).js

    def negated(self, expr: Expr) -> Js:
        """The opposite of `expr`."""
        return Js(("!", self.term(expr).at(Level.UNARY)))

    def result(self, expr: Expr) -> Js:
        """`expr` as the body of an arrow function."""
        js = self.value(expr)
        return Js(("(", js, ")")) if layout.starts_with(js) == "{" else js

    def statements(self, code: Code, start: int = 0, end: int | None = None) -> Js:
        """The user's statements, or a part of them."""
        values = [self.term(part.value).at(Level.CHAIN) for part in code.replacements]
        return print_code(code, values, start, end)

    def _build(self, expr: Expr, inner: list[Term]) -> Term:
        match expr:
            case Name():
                return Term(identifier(expr.name))
            case Path():
                return _path(expr, inner[0])
            case Constant():
                return _constant(expr.value, inner)
            case Code():
                return _code(expr, inner)
            case Record():
                return Term(layout.record([_entry(*pair) for pair in zip(expr.entries, inner, strict=True)]))
            case Stored():
                reader = self.names.responseOf if expr.of == "request" else self.names.eventOf
                return Term(Js((reader, "(", inner[0].value, ")")))
            case StepValue():
                value = inner[0].value
                body = Js(("(", value, ")")) if layout.starts_with(value) == "{" else value
                return Term(Js(("await ", self.stored(print_name(expr.name), body))), Level.UNARY)
            case _:
                return _own(expr, inner)


def _own(expr: Expr, inner: list[Term]) -> Term:
    """The kinds that need nothing but their parts."""
    match expr:
        case Coalesce():
            both = (inner[0].at(Level.COALESCE), " ?? ", inner[1].at(Level.UNARY))
            return Term(Js(both), Level.COALESCE)
        case Template():
            return Term(_template(expr, inner))
        case Items():
            return Term(layout.array([term.value for term in inner]))
        case Choose():
            flag = inner[0].at(Level.COALESCE)
            return Term(Js((flag, " ? ", inner[1].value, " : ", inner[2].value)), Level.ASSIGNMENT)
        case Copy():
            return Term(Js(("structuredClone(", inner[0].value, ")")))
        case Pluck():
            return Term(Js((inner[0].at(Level.MEMBER), ".map((turn) => turn", _key(expr.key, False), ")")))
        case OfLast():
            return Term(Js((inner[0].at(Level.MEMBER), ".at(-1)", _key(expr.key, True))), Level.CHAIN)
        case LastGiven():
            last = Js((".findLast((turn) => turn", _key(expr.key, False), " !== undefined)"))
            return Term(Js((inner[0].at(Level.MEMBER), last, _key(expr.key, True))), Level.CHAIN)
        case _:
            return Term(Js(("undefined",)))


def _parts(expr: Expr) -> Sequence[Expr]:
    match expr:
        case Path() | Pluck() | OfLast() | LastGiven():
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
        case Constant():
            return _constant_parts(expr.value)
        case _:
            return ()


def _constant_parts(value: Any) -> Sequence[Expr]:
    if isinstance(value, dict):
        return tuple(Constant(part) for part in value.values())
    return tuple(Constant(part) for part in value) if isinstance(value, list | tuple) else ()


def _path(path: Path, base: Term) -> Term:
    if not path.keys:
        return base
    # `(a?.b).c` throws where `a?.b.c` does not: only an optional path may go on with an optional one.
    needed = Level.CHAIN if path.optional else Level.MEMBER
    return Term(Js((*base.at(needed).pieces, _keys(path.keys, path.optional))), needed)


def _keys(keys: Sequence[str | int], optional: bool) -> str:
    return "".join([_key(key, optional) for key in keys])


def _key(key: str | int, optional: bool) -> str:
    """`.key` or `["key"]`: an identifier, or quoted."""
    if isinstance(key, str) and is_identifier(key):
        return f"?.{key}" if optional else f".{key}"
    exact = isinstance(key, int) and abs(key) < _EXACT
    literal = str(key) if exact else quoted(str(key))
    return f"?.[{literal}]" if optional else f"[{literal}]"


def _constant(value: Any, inner: list[Term]) -> Term:
    if isinstance(value, dict):
        keys = [property_key(str(key)) for key in value]
        entries = [Js((key, ": ", term.value)) for key, term in zip(keys, inner, strict=True)]
        return Term(layout.record(entries))
    if isinstance(value, list | tuple):
        return Term(layout.array([term.value for term in inner]))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Term(quote(value), Level.UNARY if number else Level.MEMBER)


def _entry(entry: tuple[str, Expr], term: Term) -> Js:
    key, value = entry
    if isinstance(value, Name) and value.name == key:
        return term.js
    return Js((property_key(key), ": ", term.value))


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


def _code(code: Code, inner: list[Term]) -> Term:
    js = print_code(code, [term.at(Level.CHAIN) for term in inner])
    # A comment before the expression could hold a line break, and `return` must not stand before one.
    if code.facts.text.lstrip().startswith(("//", "/*")):
        return Term(Js(("(", js, ")")))
    return Term(js, level(code))
