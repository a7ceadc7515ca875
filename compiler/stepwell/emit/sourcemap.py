"""Source maps, version 3: from places of the printed module to places of the users' texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from stepwell.emit.module import Emitted
from stepwell.javascript import Mapping
from stepwell.lower.program import Program

_FRAME: Final = re.compile(r"worker\.js:(\d+):(\d+)\)?$", re.MULTILINE)
_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def source_map(emitted: Emitted, program: Program, file: str = "worker.js") -> str:
    """The map as JSON text; its sources are the printed keys of `program.sources`, made safe for URLs."""
    keys = list(dict.fromkeys(mapping.source for mapping in emitted.mappings))
    numbers = {key: number for number, key in enumerate(keys)}
    return map_text([url(key) for key in keys], [program.sources.get(key) for key in keys],
                    encoded(emitted.mappings, numbers), file)  # fmt: skip


def url(key: str) -> str:
    """A key of a program's sources as a map names it."""
    return quote(key.encode("utf-8", "replace"), safe="/")


def map_text(sources: Sequence[str], texts: Sequence[str | None], mappings: str, file: str = "worker.js") -> str:
    """A map as JSON text."""
    return json.dumps({
        "version": 3,
        "file": file,
        "sources": sources,
        "sourcesContent": texts,
        "names": [],
        "mappings": mappings,
    })  # fmt: skip


def encoded(
    mappings: Sequence[Mapping], numbers: dict[str, int], line: int = 0, state: tuple[int, int, int] = (0, 0, 0)
) -> str:
    """Mappings as a map has them, behind one that led to `state` (source, line, column) and up to `line`.

    Each is what it differs in from the one before; columns count anew in each line.
    """
    out: list[str] = []
    source, source_line, source_column = state
    column, separator = 0, ""
    for new_line, new_column, key, new_source_line, new_source_column in mappings:
        if new_line != line:
            separator, line, column = ";" * (new_line - line), new_line, 0
        number = numbers[key]
        out += (
            separator,
            _vlq(new_column - column),
            _vlq(number - source),
            _vlq(new_source_line - source_line),
            _vlq(new_source_column - source_column),
        )
        separator = ","
        column, source, source_line, source_column = new_column, number, new_source_line, new_source_column
    return "".join(out)


@lru_cache(4096)
def _vlq(value: int) -> str:
    """A number in base 64, five bits a digit, the sign in the lowest bit of the first."""
    digits = ""
    rest = (-value << 1) | 1 if value < 0 else value << 1
    while rest >= 32:
        digits += _DIGITS[rest & 31 | 32]
        rest >>= 5
    return digits + _DIGITS[rest]


@dataclass(frozen=True)
class SourcePlace:
    """A place in one of the users' texts: its source's name, line and column from 1."""

    source: str
    line: int
    column: int


class SourcePlaces:
    """A source map, asked where a place of the printed module comes from."""

    def __init__(self, text: str) -> None:
        found = json.loads(text)
        self._sources = [unquote(source) for source in found.get("sources", ())]
        self._texts = dict(zip(self._sources, found.get("sourcesContent") or (), strict=False))
        self._lines = list(_decoded(found.get("mappings", "")))

    def find(self, line: int, column: int) -> SourcePlace | None:
        """Where a place, line and column from 1, comes from; None where the compiler wrote the code.

        A text is printed as it is from where a mapping begins, so places behind that count on from there.
        """
        if not 1 <= line <= len(self._lines):
            return None
        begun, found = 0, None
        for start, at in self._lines[line - 1]:
            if start > column - 1:
                break
            begun, found = start, at
        if found is None:
            return None
        place = SourcePlace(self._sources[found[0]], found[1] + 1, found[2] + 1)
        exact = replace(place, column=place.column + column - 1 - begun)
        return exact if exact.column <= len(self.line(place)) else place

    def thrown_at(self, stack: str) -> SourcePlace | None:
        """Where in a user's text an error arose, by its stack: the innermost frame that leads to one."""
        places = (self.find(int(line), int(column)) for line, column in _FRAME.findall(stack))
        return next((place for place in places if place is not None), None)

    def line(self, place: SourcePlace) -> str:
        """The user's line at a place; empty where the map does not hold the text."""
        lines = (self._texts.get(place.source) or "").splitlines()
        return lines[place.line - 1] if place.line <= len(lines) else ""


def read_map(text: str) -> tuple[Mapping, ...]:
    """The mappings of a source map, in the order of the printed module; sources as `program.sources` names them."""
    found = json.loads(text)
    sources = [unquote(source) for source in found.get("sources", ())]
    return tuple(
        Mapping(line, column, sources[at[0]], at[1], at[2])
        for line, segments in enumerate(_decoded(found.get("mappings", "")))
        for column, at in segments
        if at is not None
    )


def _decoded(mappings: str) -> Iterator[list[tuple[int, tuple[int, int, int] | None]]]:
    """For each line the columns at which another text begins, with its number, line and column."""
    source = source_line = source_column = 0
    for line in mappings.split(";"):
        column = 0
        segments: list[tuple[int, tuple[int, int, int] | None]] = []
        for segment in filter(None, line.split(",")):
            values = list(_numbers(segment))
            column += values[0]
            if len(values) < 4:
                segments.append((column, None))
                continue
            source, source_line, source_column = (
                source + values[1],
                source_line + values[2],
                source_column + values[3],
            )
            segments.append((column, (source, source_line, source_column)))
        yield segments


def _numbers(segment: str) -> Iterator[int]:
    value = shift = 0
    for char in segment:
        digit = _DIGITS.index(char)
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0
