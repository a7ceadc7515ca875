"""What a `Program` holds, wherever it stands: the users' code, and the names that are declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, get_args

from stepwell.javascript import Facts, Kind, parse
from stepwell.lower import program as p

_NAMES: Final = MappingProxyType({
    p.Assign: ("name",),
    p.Bind: ("name",),
    p.Concurrent: ("item", "index", "bind"),
    p.Const: ("name",),
    p.Declare: ("name",),
    p.ForEach: ("item", "index"),
    p.Name: ("name",),
    p.Parallel: ("bind",),
    p.Push: ("name",),
    p.Throw: ("error",),
    p.Race: ("bind",),
    p.Times: ("index", "limit"),
    p.Try: ("error",),
    p.While: ("index",),
})  # fmt: skip
"""The fields that hold the name of a variable."""

_RECORDS: Final = (p.Arm, p.Bind, p.OutputCell, p.Replacement)
_KINDS: Final = (*get_args(p.Statement), *get_args(p.Work), *get_args(p.Expr), *_RECORDS)
_WORD: Final = re.compile(r"\w+")


def _holders(kind: type) -> tuple[str, ...]:
    """The fields of a kind that hold statements, expressions or records of them."""
    known = {one.__name__ for one in _KINDS} | {"Expr", "Block", "Work"}
    return tuple(one.name for one in fields(kind) if not known.isdisjoint(_WORD.findall(str(one.type))))


def _getter(names: tuple[str, ...]) -> Callable[[Any], Sequence[Any]]:
    """What takes the values of some fields from a record, for all records of a program pass here."""
    if len(names) > 1:
        return attrgetter(*names)
    return (lambda node: (getattr(node, names[0]),)) if names else (lambda _: ())


_PARTS: Final = MappingProxyType({kind: _getter(_holders(kind)) for kind in _KINDS})
_NAMED: Final = MappingProxyType({kind: _getter(names) for kind, names in _NAMES.items()})


@dataclass(slots=True)
class Found:
    """What was found: the names of variables, the facts of the users' code, and the steps."""

    names: set[str | None] = field(default_factory=set)
    facts: dict[int, Facts] = field(default_factory=dict)
    steps: list[p.Do] = field(default_factory=list)


def search(block: p.Block) -> Found:
    """Every name and all code of a block, however deep."""
    found = Found()
    stack: list[Any] = [block]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is tuple:
            stack += node
            continue
        parts = _PARTS.get(kind)
        if parts is not None:
            stack += parts(node)
            if kind in _NAMED:
                found.names.update(_NAMED[kind](node))
            if kind in _MORE:
                _MORE[kind](node, found)
    return found


def _of_code(code: p.Code, found: Found) -> None:
    found.facts[id(code.facts)] = code.facts


def _of_step(step: p.Do, found: Found) -> None:
    found.steps.append(step)


def _of_body(body: p.Body, found: Found) -> None:
    found.names.update(name for name, _ in body.copies)


def _of_output(_: p.OutputCell, found: Found) -> None:
    found.names.add("_output")


def _of_parallel(parallel: p.Parallel, found: Found) -> None:
    found.names.update(parallel.parts)


def _of_arm(arm: p.Arm, found: Found) -> None:
    found.names.update(arm.gives)


_MORE: Final[Mapping[type, Callable[[Any, Found], None]]] = MappingProxyType({
    p.Arm: _of_arm,
    p.Body: _of_body,
    p.Code: _of_code,
    p.Do: _of_step,
    p.OutputCell: _of_output,
    p.Parallel: _of_parallel,
})  # fmt: skip
"""What else is found in a kind."""


def module_names(program: p.Program) -> dict[str, str]:
    """What the users' module code declares, and from which module it is imported (empty: it is not)."""
    declared = program.trigger.facts.declared if program.trigger else frozenset()
    found = dict.fromkeys(declared, "")
    for _, text in program.imports:
        facts = parse(text, Kind.MODULE)
        found.update(dict.fromkeys(facts.declared, facts.imports[0].module if facts.imports else ""))
    return found
