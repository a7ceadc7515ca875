"""How tightly expressions hold together, so that parentheses stand only where they must."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from stepwell.javascript.facts import Form
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


_LEVELS: Final = {
    Form.SEQUENCE: Level.SEQUENCE,
    Form.OPERATION: Level.ASSIGNMENT,
    Form.NUMBER: Level.UNARY,
    Form.CHAIN: Level.CHAIN,
    Form.MEMBER: Level.MEMBER,
    Form.ARRAY: Level.MEMBER,
    Form.OBJECT: Level.MEMBER,
}


def level(code: Code) -> Level:
    """The level of a user's expression."""
    return _LEVELS[code.facts.form]


def is_array(code: Code) -> bool:
    """Whether a user's expression is an array literal."""
    return code.facts.form is Form.ARRAY
