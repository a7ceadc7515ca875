"""Where a JSON pointer stands in a source file, and where a place inside a snippet stands in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, islice

import tree_sitter
import tree_sitter_json

from stepwell.diagnostics import Diagnostic, Place
from stepwell.diagnostics import codes as c

_BLOCK = 4096
# UTF-8's continuation bytes: what is left without them is one byte for each character.
_CONTINUATION = bytes(range(0x80, 0xC0))
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_CHARACTER = re.compile(rf"{_HIGH}{_LOW}|\\u[0-9a-fA-F]{{4}}|\\.|[^\\]", re.DOTALL)
_SKIPPED = frozenset({"comment", "ERROR"})

_Member = tuple[tree_sitter.Node | None, tree_sitter.Node]


class Locator:
    """Finds places in one JSON text. It is parsed once, when the first place is asked for.

    Lines and columns are counted from 1, columns in characters; a byte order mark counts as nothing.
    """

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._members: dict[str, dict[str, _Member]] = {}

    def place(self, pointer: str, key: bool = False) -> Place | None:
        """Where the value at `pointer` begins, or with `key` the key in front of it.

        Of a value that is not there, the place of the nearest object or list that could hold it; of a key
        that stands more than once, that of the last one, which counts. None when the text is no JSON.
        """
        member = self._member(pointer)
        if member is None:
            return None
        name, value = member
        return self._place(name if key and name is not None else value)

    def inside(self, pointer: str, line: int, column: int) -> Place | None:
        """Where the character at (`line`, `column`) of the text at `pointer` stands in the file.

        Both are counted from 1 in the text itself, columns in characters; what lies behind the text's end is
        its end. None when there is no text at `pointer`.
        """
        member = self._member(pointer, exact=True)
        if member is None or member[1].type != "string":
            return None
        source = _decode(self._bytes[member[1].start_byte : member[1].end_byte])
        raw = source[1:-1]
        offset = _raw_offset(raw, _offset(_value(source), line, column))
        return self._place(member[1], len(_encode(raw[:offset])) + 1)

    @cached_property
    def _bytes(self) -> bytes:
        return _encode(self._text)

    @cached_property
    def _root(self) -> tree_sitter.Node | None:
        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_json.language()))
        # The tree stays alive as long as one of its nodes does.
        document = parser.parse(self._bytes).root_node
        return next((node for node in document.named_children if node.type not in _SKIPPED), None)

    def _member(self, pointer: str, exact: bool = False) -> _Member | None:
        if self._root is None:
            return None
        here: _Member = (None, self._root)
        parts = pointer.split("/")[1:]
        for number, part in enumerate(parts):
            members = self._of("/".join(parts[:number]), here[1])
            found = members.get(part.replace("~1", "/").replace("~0", "~"))
            if found is None:
                return None if exact else (None, here[1])
            here = found
        return here

    def _of(self, pointer: str, node: tree_sitter.Node) -> dict[str, _Member]:
        """The members of an object or a list, which stands at `pointer`, by key or index."""
        if pointer not in self._members:
            self._members[pointer] = dict(_members(node))
        return self._members[pointer]

    def _place(self, node: tree_sitter.Node, further: int = 0) -> Place:
        """The place `further` bytes behind a node's start, on the same line: JSON strings have no breaks."""
        row, column = node.start_point
        end = node.start_byte + further
        return Place(row + 1, self._characters(end) - self._characters(node.start_byte - column) + 1)

    def _characters(self, byte: int) -> int:
        """How many characters stand before a byte; counted by blocks: a minified file is one line."""
        if len(self._bytes) == len(self._text):
            return byte
        block = byte // _BLOCK
        return self._blocks[block] + _count(self._bytes[block * _BLOCK : byte])

    @cached_property
    def _blocks(self) -> list[int]:
        sizes = (_count(self._bytes[at : at + _BLOCK]) for at in range(0, len(self._bytes), _BLOCK))
        return list(accumulate(sizes, initial=0))


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


def _members(node: tree_sitter.Node) -> Iterator[tuple[str, _Member]]:
    if node.type == "array":
        items = (child for child in node.named_children if child.type not in _SKIPPED)
        yield from ((str(index), (None, item)) for index, item in enumerate(items))
    elif node.type == "object":
        for pair in node.named_children:
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if key is not None and value is not None:
                yield _value(_decode(key.text or b"")), (key, value)


def _value(source: str) -> str:
    """The text that a JSON string stands for; "" when it cannot be read."""
    if "\\" not in source:
        return source[1:-1]
    try:
        return str(json.loads(source, strict=False))
    except ValueError:
        return ""


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


def _count(utf8: bytes) -> int:
    return len(utf8.translate(None, _CONTINUATION))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(utf8: bytes) -> str:
    return utf8.decode("utf-8", "surrogatepass")
