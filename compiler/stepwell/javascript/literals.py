"""The values that literals of a snippet have."""

from __future__ import annotations

from typing import Final

from stepwell.javascript.facts import Scalar
from stepwell.javascript.tree import Tree

UNKNOWN: Final = object()
"""What is not a literal; no JSON value is this object."""

_SIMPLE: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}


def unescape(text: str) -> str:
    """What the inside of a string literal means. A broken escape stays as it is written."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        back = text.find("\\", at)
        if back < 0 or back + 1 >= len(text):
            break
        out.append(text[at:back])
        value, at = _escape(text, back + 1)
        out.append(value)
    out.append(text[at:])
    return _joined("".join(out))


def _escape(text: str, at: int) -> tuple[str, int]:
    """The value of the escape whose letter stands at `at`, and where it ends."""
    letter = text[at]
    if letter in "xu":
        digits, end = _digits(text, at)
        point = _hexadecimal(digits)
        return (chr(point), end) if 0 <= point <= 0x10FFFF else (text[at - 1 : end], end)
    if text.startswith("\r\n", at):
        return "", at + 2
    if letter in "\n\r\u2028\u2029":
        return "", at + 1
    return _SIMPLE.get(letter, letter), at + 1


def _digits(text: str, at: int) -> tuple[str, int]:
    if text.startswith("u{", at):
        end = text.find("}", at)
        return (text[at + 2 : end], end + 1) if end > 0 else ("", at + 1)
    width = 2 if text[at] == "x" else 4
    return text[at + 1 : at + 1 + width].ljust(width, "?"), min(at + 1 + width, len(text))


def _hexadecimal(digits: str) -> int:
    if not digits or len(digits) > 32 or not all(ch in "0123456789abcdefABCDEF" for ch in digits):
        return -1
    return int(digits, 16)


def _joined(text: str) -> str:
    """Two halves of a surrogate pair, written as two escapes, are one character."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def name_of(tree: Tree, node: int) -> str:
    """The name that an identifier or property name stands for."""
    text = tree.slice(node)
    return unescape(text) if "\\" in text else text


def key_of(tree: Tree, node: int) -> str | int | None:
    """The key that a property name or an index stands for; None when it is not known."""
    kind = tree.kinds[node]
    if kind == "computed_property_name":
        inner = tree.named(node)
        return key_of_index(tree, inner[0]) if len(inner) == 1 else None
    if kind in ("string", "number", "template_string"):
        return key_of_index(tree, node)
    return name_of(tree, node)


def key_of_index(tree: Tree, node: int) -> str | int | None:
    """The key that an expression in brackets stands for; None when it is not known."""
    value = literal(tree, node)
    if isinstance(value, bool):
        return None
    return value if isinstance(value, str | int) else None


def literal(tree: Tree, node: int) -> Scalar | object:
    """The JSON scalar that an expression is, or `UNKNOWN`."""
    kind = tree.kinds[node]
    if kind == "string":
        return unescape(tree.slice(node)[1:-1])
    if kind == "number":
        return number(tree.slice(node))
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "template_string":
        plain = all(tree.kinds[child] != "template_substitution" for child in tree.children(node))
        return unescape(tree.slice(node)[1:-1]) if plain else UNKNOWN
    if kind == "unary_expression" and tree.kinds[node + 1] == "'-":
        return _negative(tree, tree.stops[node] - 1)
    return UNKNOWN


def _negative(tree: Tree, node: int) -> Scalar | object:
    value = number(tree.slice(node)) if tree.kinds[node] == "number" else UNKNOWN
    return -value if isinstance(value, int | float) else UNKNOWN


def number(text: str) -> int | float | object:
    """The value of a numeric literal, or `UNKNOWN` (a BigInt has no JSON value)."""
    digits = text.replace("_", "").lower()
    try:
        if digits[:2] in ("0x", "0o", "0b"):
            return int(digits, 0)
        value = float(digits)
    except ValueError:
        return UNKNOWN
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value
