"""Where things stand in a flow's file: spans of LibCST's nodes as offsets, offsets as lines and columns.

LibCST's own metadata takes longer than parsing does; what is wanted here is one walk of its code generator.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from functools import cache, cached_property
from typing import Any, Final, NamedTuple

import libcst as cst

from stepwell.diagnostics import Place

_STRING: Final = re.compile(r"(?P<prefix>[A-Za-z]*)(?P<quote>\'\'\'|\"\"\"|'|\")")
_NEWLINE: Final = re.compile("\r\n?")
_ESCAPE: Final = re.compile(
    r"\\(?:\r\n|[\n\r]|N\{[^}]*\}|U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[\\'\"abfnrtv])"
)


class Span(NamedTuple):
    """A part of the text."""

    start: int
    end: int


class Spans:
    """The spans of a module's nodes; nothing is computed before the first is asked for."""

    def __init__(self, text: str, module: Any) -> None:
        self.text = text
        self._module = module

    def of(self, node: Any) -> Span:
        """The span of a node, without the white space and the comments around it."""
        found = self._computed[node]
        return Span(found.start, found.start + found.length)

    def place(self, offset: int) -> Place:
        """A place by its offset."""
        line = bisect_right(self._lines, offset)
        return Place(line, offset - self._lines[line - 1] + 1)

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    @cached_property
    def _computed(self) -> dict[Any, Any]:
        from libcst.metadata.span_provider import SpanProvidingCodegenState

        holder = _Holder()
        state = SpanProvidingCodegenState(
            default_indent=self._module.default_indent,
            default_newline=self._module.default_newline,
            provider=holder,  # type: ignore[arg-type, unused-ignore]
            get_length=len,
        )
        self._module._codegen(state)
        return holder._computed


class _Holder:
    """What LibCST's state writes the spans to."""

    def __init__(self) -> None:
        self._computed: dict[Any, Any] = {}


def children(node: Any) -> list[Any]:
    """What a node consists of, in order, the last one first."""
    found: list[Any] = []
    kind: type = type(node)
    for name in _fields(kind):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            found.append(value)
        elif isinstance(value, list | tuple):
            found.extend(one for one in value if isinstance(one, cst.CSTNode))
    found.reverse()
    return found


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(
        name
        for name in kind.__dataclass_fields__  # type: ignore[attr-defined, unused-ignore]
        if not name.startswith(("whitespace", "lpar", "rpar", "comma", "leading", "trailing", "semicolon", "colon"))
        and name not in ("header", "footer", "equal", "star", "lbracket", "rbracket", "lbrace", "rbrace", "dot")
    )


def string_value(token: str) -> str | None:
    """The text of a string literal as it is written; None for bytes."""
    found = _STRING.match(token)
    prefix, quote = (found["prefix"].lower(), found["quote"]) if found else ("b", "")
    if "b" in prefix:
        return None
    body = token[len(prefix) + len(quote) : -len(quote)]
    if "\\" in body and "r" not in prefix:
        value = ast.literal_eval(token)
        return value if isinstance(value, str) else None
    return _NEWLINE.sub("\n", body) if "\r" in body else body


def offset_in(token: str, count: int) -> int:
    """Where the character number `count` of a string literal's text stands in the literal as it is written."""
    found = _STRING.match(token)
    if found is None:
        return 0
    at, end, raw = found.end(), len(token) - len(found["quote"]), "r" in found["prefix"].lower()
    while count > 0 and at < end:
        escape = None if raw or token[at] != "\\" else _ESCAPE.match(token, at)
        if escape is not None:
            at = escape.end()
            count -= 0 if escape[0][1] in "\r\n" else 1
        else:
            at += 2 if token.startswith("\r\n", at) else 1
            count -= 1
    return at


def tokens_of(node: Any) -> list[Any]:
    """The string literals that stand one after the other; empty when one is not a plain one."""
    found: list[Any] = []
    while isinstance(node, cst.ConcatenatedString):
        if not isinstance(node.left, cst.SimpleString):
            return []
        found.append(node.left)
        node = node.right
    return [*found, node] if isinstance(node, cst.SimpleString) else []
