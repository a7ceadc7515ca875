"""`Js`: text that is known to be JavaScript.

The only ways from `str` to `Js` are the quoting functions of this module and the parser (`Snippet`, made by
`stepwell.javascript.code`). A `Js` is a rope: printing templates concatenate ropes, and the pieces that came
from a user keep their origin, so that the source map falls out of printing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from stepwell.javascript.names import is_identifier


class Snippet(NamedTuple):
    """Parsed text of a user, with its origin.

    `source` names the origin (a key into the source map's sources), `line` and `column` (0-based) are where
    `text` begins in it. Lines of `verbatim` (0-based line numbers within `text`) begin inside a template
    literal or a string: they must not be indented. `margin` is the indentation, in columns, that all lines
    of the user's text share; it is taken off every line but the first, which is printed where it comes.
    """

    text: str
    source: str
    line: int
    column: int
    verbatim: frozenset[int] = frozenset()
    margin: int = 0


class Js:
    """An immutable rope of strings, snippets and indentations."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: tuple[str | Snippet | Js | Indented | Part, ...]) -> None:
        self.pieces = pieces

    def __str__(self) -> str:
        return flatten(self).text


class Indented(NamedTuple):
    """`inner` with every line but its first indented by `spaces` more."""

    inner: Js
    spaces: int


class Part(NamedTuple):
    """`inner`, of which `flatten` is to tell where it stands. Others may be asked for it by its `number`."""

    inner: Js
    number: int


class Mapping(NamedTuple):
    """Output (line, column) came from `source` (line, column); all 0-based, columns in UTF-16 units."""

    line: int
    column: int
    source: str
    source_line: int
    source_column: int


class Start(NamedTuple):
    """How the writing stands where a rope begins: the line, what is on it already, how far lines are indented."""

    line: int = 0
    column: int = 0
    indent: int = 0
    fresh: bool = True
    """Nothing stands on the line yet, nor its indentation."""


_BEGIN = Start()


class Span(NamedTuple):
    """Where a `Part` stands: its characters of the text, its mappings, and what it began with."""

    number: int
    start: int
    end: int
    first: int
    last: int
    begun: Start


@dataclass(frozen=True, slots=True)
class Printed:
    text: str
    mappings: tuple[Mapping, ...]
    spans: tuple[Span, ...] = ()
    """Of the parts, in order; parts do not stand in each other."""


def utf16(text: str) -> int:
    """The length of `text` in UTF-16 code units, which source maps and JavaScript count in."""
    return len(text) + sum(1 for ch in text if ch > "\uffff") if not text.isascii() else len(text)


def line_width(line: str) -> int:
    """How far a line stands in, in columns (a tab counts as two)."""
    blanks = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blanks) + blanks.count("\t")


def flatten(js: Js, begun: Start = _BEGIN) -> Printed:
    """Print a rope: its text, and where the users' pieces stand in it. Not recursive: ropes may be deep."""
    writer = _Writer(begun)
    stack: list[Any] = [js]
    pop, out, text, snippet = stack.pop, writer.out.append, writer.text, writer.snippet
    while stack:
        piece = pop()
        kind = type(piece)
        if kind is str:
            if writer.fresh or not piece.isascii() or "\n" in piece:
                text(piece)
            else:
                out(piece)
                writer.column += len(piece)
        elif kind is Js:
            stack += piece.pieces[::-1]
        elif kind is Indented:
            stack += (writer.indent, piece.inner)
            writer.indent += piece.spaces
        elif kind is Snippet:
            snippet(piece)
        elif kind is Part:
            stack += (writer.begin(piece.number), piece.inner)
        elif kind is _Open:
            writer.end(piece)
        else:
            writer.indent = piece
    return writer.printed()


class _Open(NamedTuple):
    """A part that has begun: the places among what is written, and among the mappings."""

    number: int
    place: int
    first: int
    begun: Start


class _Writer:
    """Collects output while it knows its line and column. Every character of a Worker passes here, so it is flat."""

    __slots__ = ("closed", "column", "fresh", "indent", "line", "mappings", "out", "own")

    def __init__(self, begun: Start) -> None:
        self.out: list[str] = []
        self.mappings: list[Mapping] = []
        self.closed: list[tuple[_Open, int, int]] = []
        self.line, self.column, self.indent, self.fresh = begun
        self.own = 0
        """What the user's own line stands in, beyond the margin of its snippet."""

    def begin(self, number: int) -> _Open:
        """A part begins."""
        begun = Start(self.line, self.column, self.indent, self.fresh)
        return _Open(number, len(self.out), len(self.mappings), begun)

    def end(self, part: _Open) -> None:
        """A part ends."""
        self.closed.append((part, len(self.out), len(self.mappings)))

    def printed(self) -> Printed:
        """What was written."""
        if not self.closed:
            return Printed("".join(self.out), tuple(self.mappings))
        texts: list[str] = []
        spans: list[Span] = []
        written = place = 0
        for part, behind, last in self.closed:
            before, inner = "".join(self.out[place : part.place]), "".join(self.out[part.place : behind])
            start = written + len(before)
            written, place = start + len(inner), behind
            texts += (before, inner)
            spans.append(Span(part.number, start, written, part.first, last, part.begun))
        texts += self.out[place:]
        return Printed("".join(texts), tuple(self.mappings), tuple(spans))

    def text(self, text: str) -> None:
        """Text of the printer's own."""
        if "\n" not in text:
            if text:
                self._raw(text)
            return
        first, *rest = text.split("\n")
        if first:
            self._raw(first)
        for part in rest:
            self._newline()
            if part:
                self._raw(part)

    def snippet(self, snippet: Snippet) -> None:
        """A user's text. Its lines keep their places, but for the first, whose column is the snippet's."""
        text, source, line, column, inside, margin = snippet
        if "\n" not in text and text and 0 not in inside:
            self._mapped(text, source, line, column)
            return
        for number, part in enumerate(text.split("\n")):
            if number:
                self._newline()
            verbatim = number in inside
            kept = part if verbatim or not number else part.lstrip(" \t")
            if verbatim:
                self.fresh = False
            elif number:
                self.own = max(0, line_width(part) - margin)
            if kept:
                self._mapped(kept, source, line + number, (0 if number else column) + utf16(part) - utf16(kept))

    def _mapped(self, text: str, source: str, line: int, column: int) -> None:
        if self.fresh:
            self._pad()
        self.mappings.append(Mapping(self.line, self.column, source, line, column))
        self._raw(text)

    def _raw(self, text: str) -> None:
        if self.fresh:
            self._pad()
        self.out.append(text)
        self.column += len(text) if text.isascii() else utf16(text)

    def _pad(self) -> None:
        self.fresh = False
        width = self.indent + self.own
        if width:
            self.out.append(" " * width)
            self.column += width

    def _newline(self) -> None:
        self.out.append("\n")
        self.line += 1
        self.column = 0
        self.fresh = True
        self.own = 0


def quote(value: Any) -> Js:
    """A JSON value as a JavaScript literal that carries exactly that value.

    Strings are JSON strings with U+2028, U+2029, U+007F and lone surrogates escaped, so that the text can
    stand in any source file; `__proto__` as a key is computed, for a plain one would set the prototype.
    Raises `TypeError` for what JSON does not have.
    """
    return Js((_literal(value),))


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)}: {_literal(inner)}" for key, inner in value.items())
        return "{ " + pairs + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(v) for v in value) + "]"
    return json.dumps(value, allow_nan=False)


def property_key(name: str) -> Js:
    """`name` as the key of an object literal."""
    return Js((_key(name),))


def _key(name: str) -> str:
    if name == "__proto__":
        return '["__proto__"]'
    return name if is_identifier(name) else quoted(name)


def quoted(text: str) -> str:
    literal = json.dumps(text, ensure_ascii=False)
    return "".join(_escape(ch) for ch in literal) if not literal.isascii() or "\x7f" in literal else literal


def _escape(ch: str) -> str:
    if "\ud800" <= ch <= "\udfff" or ch in "\u2028\u2029\x7f\ufeff":
        return f"\\u{ord(ch):04x}"
    return ch


def template_text(text: str) -> Js:
    """`text` as the literal part of a template literal: what stands between `` ` `` and `${`."""
    inner = quoted(text)[1:-1].replace('\\"', '"').replace("`", "\\`").replace("${", "\\${")
    return Js((inner,))


def identifier(name: str) -> Js:
    """`name` as an identifier. Raises as `checked` does."""
    return Js((checked(name),))


def checked(name: str) -> str:
    """`name`, which is an identifier. Raises `ValueError` when it is none: a bug of the caller, never of a user."""
    if not is_identifier(name):
        raise ValueError(f"not an identifier: {name!r}")
    return name


def join(separator: str, parts: Iterable[Js]) -> Js:
    """The parts with a separator (punctuation of the printer's own) between them."""
    pieces: list[str | Snippet | Js | Indented | Part] = []
    for number, part in enumerate(parts):
        if number and separator:
            pieces.append(separator)
        pieces.append(part)
    return Js(tuple(pieces))
