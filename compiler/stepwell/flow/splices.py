"""Changes of a text: what is put where, and how elements of a list, a dict or a call are put in and taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stepwell.flow.spans import Span

_REST: Final = re.compile(r"[ \t]*,?[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|\Z)")
_COMMA: Final = re.compile(r"[ \t]*,")
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")


class Splice(NamedTuple):
    """`text` in place of what stands between `start` and `end`."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with its changes. Those of one place keep their order; of two that overlap the later one is refused."""
    parts, at = [], 0
    for one in sorted(splices, key=lambda splice: (splice.start, splice.end)):
        if one.start < at:
            raise OverlapError
        parts += [text[at : one.start], one.text]
        at = one.end
    return "".join([*parts, text[at:]])


class OverlapError(Exception):
    """Two changes of one place."""


def line_start(text: str, at: int) -> int:
    """Where the line of an offset begins."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def line_end(text: str, at: int) -> int:
    """Where the next line begins."""
    found = _LINE.match(text, at)
    return found.end() if found is not None else len(text)


def indent_at(text: str, at: int) -> str:
    """The white space that the line of an offset begins with."""
    start = line_start(text, at)
    found = re.compile(r"[ \t\f]*").match(text, start)
    return found[0] if found is not None else ""


@dataclass
class Items:
    """The elements of something in brackets, and what is to become of them.

    `opened` is the offset behind the opening bracket, `closed` that of the closing one.
    """

    text: str
    spans: Sequence[Span]
    opened: int
    closed: int
    newline: str = "\n"
    removed: set[int] = field(default_factory=set)
    added: dict[int, list[str]] = field(default_factory=dict)
    """New elements by the number of the element that they stand behind; -1: in front."""

    def remove(self, number: int) -> None:
        """Take an element out."""
        self.removed.add(number)

    def add(self, text: str, behind: int | None = None) -> None:
        """Put an element in, behind another one, or at the end."""
        self.added.setdefault(len(self.spans) - 1 if behind is None else behind, []).append(text)

    @property
    def own_lines(self) -> bool:
        """Whether each element begins a line."""
        return bool(self.spans) and all(self._begins_a_line(span) for span in self.spans)

    @property
    def indent(self) -> str:
        """The indentation of elements on lines of their own."""
        if self.own_lines:
            return indent_at(self.text, self.spans[0].start)
        return indent_at(self.text, self.opened)

    def splices(self) -> list[Splice]:
        """The changes."""
        if not self.removed and not self.added:
            return []
        return self._on_lines() if self.own_lines else self._inline()

    def _begins_a_line(self, span: Span) -> bool:
        return not self.text[line_start(self.text, span.start) : span.start].strip() and span.start > self.opened

    def _rest(self, number: int) -> int | None:
        """The start of the line behind an element, None where something else stands behind it on its line."""
        found = _REST.match(self.text, self.spans[number].end)
        return found.end() if found is not None and found.end() <= self.closed else None

    def _on_lines(self) -> list[Splice]:
        made: list[Splice] = []
        indent = self.indent
        for number, span in enumerate(self.spans):
            rest = self._rest(number)
            if number in self.removed:
                start = line_start(self.text, span.start)
                end = rest if rest is not None else self._with_comma(span.end)
                made.append(Splice(start if rest is not None else span.start, end, ""))
            made += self._behind(number, rest, indent)
        if -1 in self.added:
            start = line_start(self.text, self.spans[0].start)
            rows = "".join(f"{indent}{text},{self.newline}" for text in self.added[-1])
            made.append(Splice(start, start, rows))
        return made

    def _behind(self, number: int, rest: int | None, indent: str) -> list[Splice]:
        added = self.added.get(number)
        if not added:
            return []
        span = self.spans[number]
        has_comma = _COMMA.match(self.text, span.end) is not None
        if rest is None:
            rows = "".join(f",{self.newline}{indent}{text}" for text in added)
            return [Splice(span.end, span.end, rows)]
        made = [] if has_comma or number in self.removed else [Splice(span.end, span.end, ",")]
        rows = "".join(f"{indent}{text},{self.newline}" for text in added)
        return [*made, Splice(rest, rest, rows)]

    def _with_comma(self, at: int) -> int:
        found = _COMMA.match(self.text, at)
        return found.end() if found is not None else at

    def _inline(self) -> list[Splice]:
        made: list[Splice] = []
        kept = [number for number in range(len(self.spans)) if number not in self.removed]
        for first, last in _runs(self.removed):
            if last + 1 < len(self.spans):
                made.append(Splice(self.spans[first].start, self.spans[last + 1].start, ""))
            elif first > 0:
                made.append(Splice(self.spans[first - 1].end, self.spans[last].end, ""))
            else:
                made.append(Splice(self.spans[first].start, self._with_comma(self.spans[last].end), ""))
        for number, texts in self.added.items():
            before = [one for one in kept if one <= number]
            after = [one for one in kept if one > number]
            if before:
                at = self.spans[before[-1]].end
                made.append(Splice(at, at, "".join(f", {text}" for text in texts)))
            elif after:
                at = self.spans[after[0]].start
                made.append(Splice(at, at, "".join(f"{text}, " for text in texts)))
            else:
                made.append(Splice(self.opened, self.opened, ", ".join(texts)))
        return made


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbouring numbers together."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
