"""How tightly a user's expression holds together, so that parentheses stand only where they must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

from stepwell.lower.program import Code


class Level(IntEnum):
    """Kinds of expressions, the looser first: where one is needed, all that come later may stand."""

    SEQUENCE = 0
    """`a, b`"""
    ASSIGNMENT = 1
    """`a ? b : c`, `() => a`, and what is not known better."""
    COALESCE = 2
    """`a ?? b`"""
    UNARY = 3
    """`-1`, `5`"""
    CHAIN = 4
    """`a?.b`: what follows is skipped with it."""
    MEMBER = 5
    """`a`, `a.b(c)`, `"a"`"""


_BRACKETS = re.compile(r"[()\[\]{}]")
_SIMPLE = re.compile(r"[^\W\d][\w$]*(?:\.[^\W\d][\w$]*)*")
_TEMPLATE = r"`(?:\$\{`)*"
_CHAIN = re.compile(rf"(?:[\w$]+|{_TEMPLATE}|[(\[])(?:\s*(?:\?\.\s*)?(?:[(\[]|{_TEMPLATE})|\s*\??\.\s*[\w$#]+)*|\{{")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_SIGNS = {"template": "`", "comment": " "}
_WORDS = re.compile(r"(?:new|await|typeof|void|delete|async|function|class|yield)\b")


def level(code: Code) -> Level:
    """The level of a user's expression; a looser one where it is not plain to see."""
    if _SIMPLE.fullmatch(code.facts.text):
        return Level.MEMBER
    outside = _outside(code).strip()
    if "," in outside:
        return Level.SEQUENCE
    if not _CHAIN.fullmatch(outside) or _WORDS.match(outside):
        return Level.ASSIGNMENT
    if outside[0].isdigit():
        return Level.UNARY
    return Level.CHAIN if "?" in outside else Level.MEMBER


def is_array(code: Code) -> bool:
    """Whether a user's expression is an array literal."""
    return _outside(code).strip() == "["


def _outside(code: Code) -> str:
    """The text outside all brackets: a group is its bracket, a string `x`, a part of a template `` ` ``."""
    text = code.facts.text
    out: list[str] = []
    depth = at = 0
    for start, end, sign in _marks(code):
        if depth == 0:
            out.append(text[at:start])
        depth -= sign in _CLOSING
        if depth == 0 and sign not in _CLOSING:
            out.append(sign)
        depth += sign in _OPENING
        at = end
    return "".join(out) + text[at:]


def _marks(code: Code) -> Iterator[tuple[int, int, str]]:
    """Brackets, and what is not read but stands for one word, in order."""
    text = code.facts.text
    skipped = [(start, end, _SIGNS.get(kind, "x")) for start, end, kind in code.facts.opaque]
    skipped += [(part.start, part.end, "x") for part in code.replacements]
    at = 0
    for start, end, sign in [*sorted(skipped), (len(text), len(text), "")]:
        for bracket in _BRACKETS.finditer(text, at, start):
            yield bracket.start(), bracket.end(), bracket[0]
        if start >= at:
            yield start, end, sign
            at = end
