"""Where a JSON pointer stands in a source file, and where a place inside a snippet stands in it."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

from stepwell.diagnostics import Diagnostic, Place
from stepwell.diagnostics import codes as c

_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_CHARACTER = re.compile(rf"{_HIGH}{_LOW}|\\u[0-9a-fA-F]{{4}}|\\.|[^\\]", re.DOTALL)
_BLANKS = re.compile(r"[ \t\n\r]*")
# Values are only passed over, so numbers need not be made; `strict` would refuse texts with line breaks.
_READER = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)

_Member = tuple[int, int]
"""Where a key stands and where its value begins; an item of a list has its own start for a key."""


class Locator:
    """Finds places in one JSON text. Of it only the objects and lists on the way to what was asked for are looked into.

    Lines and columns are counted from 1, columns in characters; a byte order mark counts as nothing.
    """

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._members: dict[int, dict[str, _Member]] = {}

    def place(self, pointer: str, key: bool = False) -> Place | None:
        """Where the value at `pointer` begins, or with `key` the key in front of it.

        Of a value that is not there, the place of the nearest object or list that could hold it; of a key
        that stands more than once, that of the last one, which counts. None when the text is no JSON.
        """
        member = self._member(pointer)
        return None if member is None else self._place(member[0] if key else member[1])

    def inside(self, pointer: str, line: int, column: int) -> Place | None:
        """Where the character at (`line`, `column`) of the text at `pointer` stands in the file.

        Both are counted from 1 in the text itself, columns in characters; what lies behind the text's end is
        its end. None when there is no text at `pointer`.
        """
        member = self._member(pointer, exact=True)
        value, end = self._read(member[1]) if member is not None else (None, 0)
        if member is None or not isinstance(value, str) or self._text[member[1]] != '"':
            return None
        start = member[1] + 1
        raw = self._text[start : end - 1]
        return self._place(start + _raw_offset(raw, _offset(value, line, column)))

    @cached_property
    def _lines(self) -> list[int]:
        """Where each line begins."""
        return [0, *(match.end() for match in re.finditer("\n", self._text))]

    def _member(self, pointer: str, exact: bool = False) -> _Member | None:
        root = self._past_blanks(0)
        if root == len(self._text):
            return None
        here = (root, root)
        for part in pointer.split("/")[1:]:
            found = self._of(here[1]).get(part.replace("~1", "/").replace("~0", "~"))
            if found is None:
                return None if exact else (here[1], here[1])
            here = found
        return here

    def _of(self, start: int) -> dict[str, _Member]:
        """The members of the object or list that begins at `start`, by key or index."""
        if start not in self._members:
            self._members[start] = dict(self._listed(start))
        return self._members[start]

    def _listed(self, start: int) -> Iterator[tuple[str, _Member]]:
        """Up to where the text is no JSON any more."""
        opening = self._text[start]
        at, number = self._past_blanks(start + 1), 0
        while opening in "{[" and at < len(self._text) and self._text[at] not in "}]":
            key, place = str(number), at
            if opening == "{":
                name, end = self._read(at)
                at = self._past_blanks(self._past_blanks(end) + 1)
                key = str(name)
            _, end = self._read(at)
            if end == at:
                return
            yield key, (place, at)
            behind = self._past_blanks(end)
            if not self._text.startswith(",", behind):
                return
            at, number = self._past_blanks(behind + 1), number + 1

    def _read(self, start: int) -> tuple[Any, int]:
        """The value that begins at a place, and where it ends: where it begins when it cannot be read."""
        try:
            return _READER.raw_decode(self._text, start)
        except (ValueError, RecursionError):
            return None, start

    def _past_blanks(self, at: int) -> int:
        match = _BLANKS.match(self._text, at)
        return match.end() if match is not None else at

    def _place(self, at: int) -> Place:
        line = bisect_right(self._lines, at)
        return Place(line, at - self._lines[line - 1] + 1)


def with_places(text: str, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings about a JSON text with their places filled in, in the order of the text.

    A finding inside code gets the place of that code's character; equal places keep their order, and what has
    no place comes last.
    """
    locator = Locator(text)
    placed = [d if d.place else replace(d, place=place_of(locator, d)) for d in diagnostics]
    return sorted(placed, key=lambda d: (d.place is None, d.place and (d.place.line, d.place.column)))


def place_of(locator: Locator, diagnostic: Diagnostic) -> Place | None:
    """Where a finding stands."""
    if diagnostic.snippet is not None:
        place = locator.inside(diagnostic.pointer, diagnostic.snippet.line, diagnostic.snippet.column)
        if place is not None:
            return place
    return locator.place(diagnostic.pointer, key=diagnostic.code in (c.UNKNOWN_KEY, c.DUPLICATE_KEY))


def _offset(text: str, line: int, column: int) -> int:
    """The offset of a place in a text, at most the end of its line or of the text."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    end = text.find("\n", start)
    return min(start + max(column - 1, 0), len(text) if end < 0 else end)


def _raw_offset(raw: str, count: int) -> int:
    """Where the character number `count` of a string's value stands in what is written between the quotes."""
    if "\\" not in raw[: count + 1]:
        return count
    return next((m.start() for m in islice(_CHARACTER.finditer(raw), count, None)), len(raw))
