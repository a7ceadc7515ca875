"""Values of Python as Cap'n Proto text, the form workerd reads its configuration in.

A ``dict`` is a struct, a ``list`` a list, ``str`` a Text, ``bytes`` a Data. A field whose value is None is
left out. Any string is safe: what is not plain ASCII is escaped byte by byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias, Union

_ESCAPES: Final = MappingProxyType({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True)
class Symbol:
    """A bare word of the language: the name of an enum's value."""

    name: str


Value: TypeAlias = Union[bool, int, str, bytes, Symbol, "Mapping[str, Value]", "Sequence[Value]", None]


def text(value: Value) -> str:
    """One value as Cap'n Proto text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quote(value)
        case bytes():
            return f'0x"{value.hex()}"'
        case Symbol():
            return value.name
        case Mapping():
            return "(" + ", ".join(f"{k} = {text(v)}" for k, v in value.items() if v is not None) + ")"
        case None:
            return "void"
        case _:
            return "[" + ", ".join(text(item) for item in value) + "]"


def quote(value: str) -> str:
    """A Text literal. Lone surrogates, which UTF-8 cannot carry, become the replacement character."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return '"' + "".join(map(_escape, value)) + '"'


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isascii() and char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in _encode(char))


def _encode(char: str) -> bytes:
    return "\ufffd".encode() if "\ud800" <= char <= "\udfff" else char.encode()
