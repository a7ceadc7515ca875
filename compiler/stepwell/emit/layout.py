"""How wide ropes are, and how they are laid out: on one line where they fit, else on several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stepwell.javascript import Indented, Js, Part, checked, join
from stepwell.lower.program import Bind

WIDE: Final = 104
"""Columns of a line, the indentation within a method already taken off."""

RECORD: Final = 80
"""Columns of an object or array on one line."""

ENTRIES: Final = 3
"""Entries of an object on one line."""

EMPTY: Final = Js(())


def indent(js: Js) -> Js:
    """`js` with every line but its first indented by two more."""
    return Js((Indented(js, 2),))


def target(bind: Bind | str | None) -> Js:
    """Where a value goes: `const a = `, `a = `, or nowhere."""
    if bind is None:
        return EMPTY
    name, new = (bind, True) if isinstance(bind, str) else (bind.name, bind.new)
    return assigned(name, new)


def assigned(name: str, new: bool = False, what: str = "") -> Js:
    """`name = `, with `const ` before it where it is `new`, and `what` (the printer's own) behind it."""
    checked(name)
    return Js((f"const {name} = {what}" if new else f"{name} = {what}",))


def lines(parts: Sequence[Js]) -> Js:
    """The parts that hold something, a line each."""
    return join("\n", [part for part in parts if starts_with(part)])


def braces(inner: Js) -> Js:
    """A block."""
    if not starts_with(inner):
        return Js(("{}",))
    return Js(("{\n  ", Indented(inner, 2), "\n}"))


def arguments(those: Sequence[Js | None], *used: Js) -> Js:
    """The arguments of a call, on whose line `used` comes first; the last one may go over several lines."""
    given = [js for js in those if js is not None]
    before = Js((*used, *given[:-1]))
    wide, more = _measure(before) if given else (0, False)
    if not more and wide + 2 * len(given) <= WIDE and wide + 2 * len(given) + _measure(given[-1])[0] <= WIDE:
        return Js(("(", *join(", ", given).pieces, ")"))
    return broken("(", given, ")")


def record(entries: Sequence[Js], used: Js = EMPTY) -> Js:
    """An object literal, on whose line `used` comes first."""
    flat = Js(("{ ", join(", ", entries), " }")) if entries else Js(("{}",))
    room = min(RECORD, WIDE - _measure(used)[0])
    return flat if len(entries) <= ENTRIES and fits(flat, room) else broken("{", entries, "}")


def array(items: Sequence[Js]) -> Js:
    """An array literal."""
    flat = Js(("[", join(", ", items), "]"))
    return flat if fits(flat) else broken("[", items, "]")


def broken(opening: str, items: Sequence[Js], closing: str) -> Js:
    """Items in brackets, a line each."""
    each = Js(tuple(Js(("\n", item, ",")) for item in items))
    return Js((opening, Indented(each, 2), "\n", closing))


def fits(js: Js, columns: int = RECORD) -> bool:
    """Whether a rope is one line of at most so many columns."""
    wide, more = _measure(js, columns)
    return not more and wide <= columns


def starts_with(js: Js) -> str:
    """The first character of a rope; empty when there is none."""
    stack: list[Any] = [*js.pieces[::-1]]
    while stack:
        piece = stack.pop()
        kind = type(piece)
        if kind is Js:
            stack += piece.pieces[::-1]
        elif kind is Indented or kind is Part:
            stack.append(piece.inner)
        elif text := piece if kind is str else piece.text:
            return str(text[0])
    return ""


def _measure(js: Js, limit: int = WIDE) -> tuple[int, bool]:
    """The width of the first line, and whether it ends in a line break; stops once it is over `limit`."""
    wide = 0
    stack: list[Any] = [*js.pieces[::-1]]
    while stack and wide <= limit:
        piece = stack.pop()
        kind = type(piece)
        if kind is Js:
            stack += piece.pieces[::-1]
        elif kind is Indented or kind is Part:
            stack.append(piece.inner)
        else:
            text = piece if kind is str else piece.text
            end = text.find("\n")
            if end >= 0:
                return wide + end, True
            wide += len(text)
    return wide, False
