"""`{{root.path}}` expressions, parsed once (design.md, section 2, Expressions).

This room knows no JavaScript: a text is cut into literal pieces, expressions (`Reference`) and, in string
fields, interpolations (`Interpolation`, the inside of `${…}` as pieces of code). Whether a root exists and
what it means is decided by `stepwell.check`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

Key = str | int


@dataclass(slots=True)
class Reference:
    """`{{root.path ?? default}}`: offsets are those of the braces in the text it stands in.

    `root` is a node's id, or `event`, `env`, `trigger`, or something unknown. `default` is a JSON value in a
    one-tuple, a further reference, or None.
    """

    root: str
    path: tuple[Key, ...]
    start: int
    end: int
    default: tuple[Any] | Reference | None = None
    optional: bool = False
    """`?.` stands in the path: it is read so all along the chain."""
    at: int = field(default=0, compare=False)
    """Where the root stands, also that of a default."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Braces that begin like an expression of a known root but cannot be read; `reason` says why."""

    start: int
    end: int
    reason: str


ROOTS = frozenset({"event", "env", "trigger"})

_USUAL = re.compile(r"\{\{ *([A-Za-z0-9_$-]+)((?:\.[A-Za-z_$][A-Za-z0-9_$]*)*) *\}\}")
"""What nearly all expressions look like; it is read as the parser below reads it, only quicker."""

_WORD = re.compile(r"[\w$-]*")


class _Unreadable(Exception):
    def __init__(self, at: int, reason: str) -> None:
        super().__init__(reason)
        self.at = at


class Scanner:
    """Finds the expressions of texts, for one set of node ids (the longest id that fits is the root)."""

    def __init__(self, ids: Collection[str]) -> None:
        self._ids = frozenset(ids)
        odd = [i for i in self._ids if not _WORD.fullmatch(i)]
        self._odd = sorted(odd, key=len, reverse=True)

    def scan(self, text: str) -> tuple[list[Reference | Malformed], list[int]]:
        """The expressions of `text` in order, and the offsets of the backslashes of literal `\\{{`."""
        found: list[Reference | Malformed] = []
        escapes: list[int] = []
        at = text.find("{{")
        while at >= 0:
            if at and text[at - 1] == "\\":
                escapes.append(at - 1)
                at = text.find("{{", at + 2)
                continue
            expression = self._at(text, at)
            if expression is not None:
                found.append(expression)
            at = text.find("{{", at + 1 if expression is None else expression.end)
        return found, escapes

    def _at(self, text: str, start: int) -> Reference | Malformed | None:
        usual = None if self._odd else _USUAL.match(text, start)
        if usual is not None:
            return Reference(usual[1], tuple(usual[2].split(".")[1:]), start, usual.end())
        begin = _blank(text, start + 2)
        if begin < len(text) and text[begin] == "{":
            return None
        try:
            reference, end = self._chain(text, start, begin)
        except _Unreadable as fault:
            known, _ = self._root(text, begin)
            close = text.find("}}", fault.at)
            if known is None or (known not in self._ids and known not in ROOTS) or close < 0:
                return None
            return Malformed(start, close + 2, str(fault))
        return reference if end else None

    def _chain(self, text: str, start: int, at: int) -> tuple[Reference, int]:
        name = at
        root, at = self._root(text, at)
        if root is None:
            raise _Unreadable(at, "a node's id, `event`, `env` or `trigger` is missing")
        begin = at
        path, at = _path(text, at)
        optional = "?." in text[begin:at]
        at = _blank(text, at)
        default: tuple[Any] | Reference | None = None
        if text.startswith("??", at):
            default, at = self._default(text, start, _blank(text, at + 2))
        if not text.startswith("}}", at):
            found = f"unexpected {text[at]!r} in the expression" if at < len(text) else "`}}` is missing"
            raise _Unreadable(at, found)
        return Reference(root, path, start, at + 2, default, optional, name), at + 2

    def _root(self, text: str, at: int) -> tuple[str | None, int]:
        for identifier in self._odd:
            if text.startswith(identifier, at) and _ends(text, at + len(identifier)):
                return identifier, at + len(identifier)
        end = at
        while end < len(text) and (text[end].isalnum() or text[end] in "_$-"):
            end += 1
        if end == at:
            return None, at
        return text[at:end], end

    def _default(self, text: str, start: int, at: int) -> tuple[tuple[Any] | Reference, int]:
        literal = _literal(text, at)
        if literal is not None:
            value, end = literal
            return (value,), _blank(text, end)
        reference, end = self._chain(text, start, at)
        return reference, end - 2


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _ends(text: str, at: int) -> bool:
    at = _blank(text, at)
    return text.startswith(("}}", ".", "[", "??", "?."), at)


def _path(text: str, at: int) -> tuple[tuple[Key, ...], int]:
    keys: list[Key] = []
    while at < len(text):
        if text.startswith("?.", at):
            at += 2 if text.startswith("?.[", at) else 1
        if text[at] == ".":
            key, at = _dotted(text, at + 1)
        elif text[at] == "[":
            key, at = _bracketed(text, _blank(text, at + 1))
        else:
            break
        keys.append(key)
    return tuple(keys), at


def _dotted(text: str, at: int) -> tuple[Key, int]:
    end = at
    while end < len(text) and (text[end].isalnum() or text[end] in "_$"):
        end += 1
    word = text[at:end]
    if not word:
        raise _Unreadable(at, "a name is missing behind `.`")
    if word.isdigit() and word.isascii():
        return int(word), end
    if not word.replace("$", "_").isidentifier():
        raise _Unreadable(at, f'`{word}` is no name; write ["{word}"]')
    return word, end


def _bracketed(text: str, at: int) -> tuple[Key, int]:
    literal = _literal(text, at)
    if literal is None or not isinstance(literal[0], str | int) or isinstance(literal[0], bool):
        raise _Unreadable(at, "brackets hold a number or a quoted key")
    key, end = literal
    end = _blank(text, end)
    if not text.startswith("]", end):
        raise _Unreadable(end, "`]` is missing")
    if isinstance(key, int) and key < 0:
        raise _Unreadable(at, "an index is not negative")
    return key, end + 1


def _literal(text: str, at: int) -> tuple[Any, int] | None:
    """A JSON literal (strings also in single quotes) at `at`, and where it ends."""
    import json

    if at < len(text) and text[at] == "'":
        end = text.find("'", at + 1)
        return (text[at + 1 : end], end + 1) if end > 0 and "\\" not in text[at:end] else None
    try:
        value, end = json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value, end
