"""A printed module in pieces, of which single ones can be printed anew: its text and its map are put together again.

A piece is a statement of the program's body, or what stands between two of them. A map's mappings count on from the
one before, so of a changed module those of a changed piece are encoded, and those of the next one that has any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass, replace
from typing import NamedTuple

from stepwell.emit.module import Emitted
from stepwell.emit.sourcemap import encoded, map_text, source_map, url
from stepwell.javascript import Js, Mapping, Start, flatten
from stepwell.lower.program import Program

_NONE: Items[int, Piece] = {}

Place = tuple[int, int, int]
"""A source's number, a line and a column of it."""


class Piece(NamedTuple):
    """A part of a module's text, with its mappings: their lines are counted from the piece's first one.

    `begun` is how the writing stood where it begins, but for the line.
    """

    text: str
    lines: int
    mappings: tuple[Mapping, ...]
    sources: tuple[str, ...]
    begun: Start


class _Code(NamedTuple):
    """A piece's mappings as a map has them, behind `before`; `after` is where the last one leads."""

    before: Place
    text: str
    after: Place
    rest: int
    """How many lines of the piece follow that of the last mapping."""


def piece(js: Js, begun: Start) -> Piece:
    """A piece that is printed where another one was."""
    printed = flatten(js, begun._replace(line=0))
    return _piece(printed.text, printed.mappings, begun)


def _piece(text: str, mappings: tuple[Mapping, ...], begun: Start) -> Piece:
    sources = tuple(dict.fromkeys([one.source for one in mappings])) if mappings else ()
    return Piece(text, text.count("\n"), mappings, sources, begun)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A module in pieces. `at` says by a statement's number which piece it is."""

    pieces: Sequence[Piece]
    at: Items[int, int]
    keys: Sequence[str]
    """The sources of the map, in their order."""
    urls: Sequence[str]
    codes: Sequence[_Code]

    @property
    def text(self) -> str:
        """The module."""
        return "".join([one.text for one in self.pieces])

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """All mappings of the module."""
        found: list[Mapping] = []
        line = 0
        for one in self.pieces:
            found += [m._replace(line=m.line + line) for m in one.mappings]
            line += one.lines
        return tuple(found)

    def map(self, sources: Items[str, str]) -> str:
        """The source map, as `source_map` gives it; `sources` are the program's."""
        texts: list[str] = []
        waiting = 0
        for one, code in zip(self.pieces, self.codes, strict=True):
            if code.text:
                texts += (";" * waiting, code.text)
                waiting = code.rest
            else:
                waiting += one.lines
        return map_text(self.urls, [sources.get(key) for key in self.keys], "".join(texts))

    def replaced(self, changed: Items[int, Piece]) -> Sheet:
        """The module with other pieces in some places."""
        pieces = list(self.pieces)
        for place, one in changed.items():
            pieces[place] = one
        same = all(one.sources == self.pieces[place].sources for place, one in changed.items())
        if not same:
            return _sheet(pieces, self.at)
        return replace(self, pieces=pieces, codes=_codes_again(self.codes, pieces, self.keys, changed))


def map_of(emitted: Emitted | Sheet, program: Program) -> str:
    """The source map of a module, however it was printed."""
    return emitted.map(program.sources) if isinstance(emitted, Sheet) else source_map(emitted, program)


def sheet(emitted: Emitted, known: Items[int, Piece] = _NONE) -> Sheet | None:
    """A printed module in pieces; `known` are the statements that are printed already, by their numbers.

    None where one of these stands on its line otherwise than it did.
    """
    pieces: list[Piece] = []
    at: dict[int, int] = {}
    # What stands between statements is most often the same.
    same: dict[Piece, Piece] = {}
    place = first = 0
    begun = Start()
    for span in emitted.spans:
        between = _cut(emitted, place, span.start, first, span.first, begun)
        pieces.append(same.setdefault(between, between))
        at[span.number] = len(pieces)
        own = known.get(span.number)
        if own is None:
            own = _cut(emitted, span.start, span.end, span.first, span.last, span.begun)
        elif own.begun[1:] != span.begun[1:]:
            return None
        pieces.append(own)
        place, first = span.end, span.last
        # What stands for a statement that is known is one line.
        begun = Start(line=span.begun.line + (0 if span.number in known else own.lines))
    pieces.append(_cut(emitted, place, len(emitted.text), first, len(emitted.mappings), begun))
    return _sheet(pieces, at)


def _cut(emitted: Emitted, start: int, end: int, first: int, last: int, begun: Start) -> Piece:
    line = begun.line
    mappings = tuple([Mapping(m[0] - line, *m[1:]) for m in emitted.mappings[first:last]])
    return _piece(emitted.text[start:end], mappings, Start(0, *begun[1:]))


def _sheet(pieces: Sequence[Piece], at: Items[int, int]) -> Sheet:
    keys = list(dict.fromkeys(key for one in pieces for key in one.sources))
    return Sheet(pieces, at, keys, [url(key) for key in keys], _codes(pieces, keys))


def _codes(pieces: Sequence[Piece], keys: Sequence[str]) -> list[_Code]:
    """The code of each piece."""
    numbers = {key: number for number, key in enumerate(keys)}
    codes: list[_Code] = []
    before: Place = _FIRST
    for one in pieces:
        code = _code(one, numbers, before)
        codes.append(code)
        if code.text:
            before = code.after
    return codes


def _codes_again(
    known: Sequence[_Code], pieces: Sequence[Piece], keys: Sequence[str], changed: Iterable[int]
) -> list[_Code]:
    """The code of each piece where some have changed: theirs, and that of what counts on from them."""
    numbers = {key: number for number, key in enumerate(keys)}
    codes = list(known)
    for place in sorted(changed):
        before = next((codes[at].after for at in range(place - 1, -1, -1) if codes[at].text), _FIRST)
        codes[place] = _code(pieces[place], numbers, before)
        behind = next((at for at in range(place + 1, len(codes)) if codes[at].text), None)
        if behind is not None:
            before = codes[place].after if codes[place].text else before
            codes[behind] = codes[behind] if codes[behind].before == before else _code(pieces[behind], numbers, before)
    return codes


_FIRST: Place = (0, 0, 0)
_EMPTY = _Code(_FIRST, "", _FIRST, 0)
"""The code of every piece without mappings."""


def _code(one: Piece, numbers: dict[str, int], before: Place) -> _Code:
    if not one.mappings:
        return _EMPTY
    last = one.mappings[-1]
    after = (numbers[last.source], last.source_line, last.source_column)
    return _Code(before, encoded(one.mappings, numbers, 0, before), after, one.lines - last.line)
