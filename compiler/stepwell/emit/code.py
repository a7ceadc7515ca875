"""The users' texts with what replaces parts of them."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.emit.layout import EMPTY
from stepwell.javascript import Facts, Js, place, property_key
from stepwell.lower.program import Code


def print_code(code: Code, values: Sequence[Js], start: int = 0, end: int | None = None) -> Js:
    """A user's text from `start` to `end`, `values` in place of its replacements, its imports left out.

    A line break ends it where a comment would swallow what follows.
    """
    placed = [
        (part.start, part.end, Js((property_key(part.key), ": ", value)) if part.key else value)
        for part, value in zip(code.replacements, values, strict=True)
    ]
    if code.facts.imports:
        placed = sorted([*placed, *_imports(code.facts)], key=lambda part: part[0])
    line, column = code.offset
    js = place(code.facts, code.source, placed, start, end, line, column)
    return Js((js, "\n")) if _ends_in_comment(code.facts, end) else js


def _imports(facts: Facts) -> list[tuple[int, int, Js]]:
    """Import statements with the blanks behind them; they stand at the head of the module."""
    found = [part for part in facts.imports if not part.dynamic]
    return [(part.start, _behind(facts.text, part.end), EMPTY) for part in found]


def _behind(text: str, end: int) -> int:
    while end < len(text) and (text[end] == ";" or text[end].isspace()):
        end += 1
    return end


def _ends_in_comment(facts: Facts, end: int | None) -> bool:
    """Whether the text up to `end`, without the blanks before that, ends in a `//` comment."""
    last = len(facts.text[:end].rstrip())
    return any(
        kind == "comment" and start < last <= stop and facts.text.startswith("//", start)
        for start, stop, kind in facts.opaque
    )
