"""What a `Program` holds, wherever it stands: the users' code, and the names that are declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.javascript import Facts, Kind, parse
from stepwell.lower.program import (
    Arm,
    Assign,
    Bind,
    Body,
    Code,
    Concurrent,
    Const,
    Constant,
    Declare,
    ForEach,
    Name,
    OutputCell,
    Parallel,
    Program,
    Push,
    Race,
    Times,
    Try,
    While,
)

_NAMING = {
    Bind: ("name",),
    Declare: ("name",),
    Const: ("name",),
    Assign: ("name",),
    Push: ("name",),
    Name: ("name",),
    ForEach: ("item", "index"),
    Times: ("index", "limit"),
    While: ("index",),
    Concurrent: ("item", "index", "bind"),
    Try: ("error",),
    Parallel: ("bind", "parts"),
    Race: ("bind",),
    Arm: ("gives",),
    Body: ("gives",),
}
"""The fields that hold names of variables."""

_LEAVES = (str, int, float, bool, type(None), frozenset, Facts, Constant)


def parts(root: object) -> Iterator[Any]:
    """Every statement, expression and record of a tree, in no particular order."""
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            stack.extend(part for part in node if not isinstance(part, _LEAVES))
        elif not isinstance(node, _LEAVES):
            yield node
            stack.extend(getattr(node, field) for field in type(node).__slots__)


def codes(program: Program) -> Iterator[Code]:
    """All code of the user's, the trigger code included."""
    yield from (part for part in parts(program.body) if type(part) is Code)
    if program.trigger is not None:
        yield program.trigger


def names(program: Program) -> frozenset[str]:
    """The names of variables that the program speaks of."""
    found = {"_output"} if any(type(part) is OutputCell for part in parts(program.body)) else set()
    for part in parts(program.body):
        for field in _NAMING.get(type(part), ()):
            value = getattr(part, field)
            found.update(value if isinstance(value, tuple) else (value,))
        if type(part) is Body:
            found.update(name for name, _ in part.copies)
    return frozenset(name for name in found if name is not None)


def module_names(program: Program) -> dict[str, str]:
    """What the user's module code declares, and from which module it is imported (empty: it is not)."""
    declared = program.trigger.facts.declared if program.trigger else frozenset()
    found = dict.fromkeys(declared, "")
    for _, text in program.imports:
        facts = parse(text, Kind.MODULE)
        found.update(dict.fromkeys(facts.declared, facts.imports[0].module if facts.imports else ""))
    return found
