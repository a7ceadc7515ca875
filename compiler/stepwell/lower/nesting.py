"""How a `Program` is walked: bottom-up, with a stack of its own, for blocks nest deeper than calls can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from stepwell.lower.program import (
    Block,
    Concurrent,
    Exit,
    ForEach,
    If,
    Parallel,
    Race,
    Statement,
    Times,
    Try,
    While,
)

N = TypeVar("N")
R = TypeVar("R")


def fold(root: N, parts: Callable[[N], Sequence[N]], build: Callable[[N, list[R]], R]) -> R:
    """What `build` makes of `root`, given what it made of each of its parts."""
    made: list[R] = []
    todo: list[tuple[N, int]] = [(root, -1)]
    while todo:
        node, count = todo.pop()
        inner = parts(node) if count < 0 else ()
        if inner:
            todo.append((node, len(inner)))
            todo.extend((part, -1) for part in reversed(inner))
            continue
        start = len(made) - max(count, 0)
        made[start:] = [build(node, made[start:])]
    return made[0]


def blocks(statement: Statement) -> tuple[Block, ...]:
    """The blocks that stand in a statement, in reading order."""
    return _blocks(statement) if type(statement) in HOLDERS else ()


HOLDERS: Final = frozenset({Concurrent, Exit, ForEach, If, Parallel, Race, Times, Try, While})


def _blocks(statement: Statement) -> tuple[Block, ...]:
    match statement:
        case If():
            return tuple(block for _, block in statement.arms)
        case ForEach() | Times() | While():
            return (statement.body,)
        case Concurrent():
            return (statement.arm.block,)
        case Parallel() | Race():
            return tuple(arm.block for arm in statement.arms)
        case Try():
            both = (statement.body, statement.handler)
            return both if statement.final is None else (*both, statement.final)
        case Exit():
            return (statement.first,)
        case _:
            return ()
