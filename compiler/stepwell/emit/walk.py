"""What a `Program` holds, wherever it stands: the users' code, and the names that are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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


_HOLDERS: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType({kind: _holders(kind) for kind in _KINDS})


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
        elif kind in _HOLDERS:
            found.names.update([getattr(node, name) for name in _NAMES.get(kind, ())])
            stack += [getattr(node, name) for name in _HOLDERS[kind]]
            _more(node, found)
    return found


def _more(node: object, found: Found) -> None:
    match node:
        case p.Code():
            found.facts[id(node.facts)] = node.facts
        case p.Do():
            found.steps.append(node)
        case p.Body():
            found.names.update(name for name, _ in node.copies)
        case p.OutputCell():
            found.names.add("_output")
        case p.Parallel():
            found.names.update(node.parts)
        case p.Arm():
            found.names.update(node.gives)


def module_names(program: p.Program) -> dict[str, str]:
    """What the users' module code declares, and from which module it is imported (empty: it is not)."""
    declared = program.trigger.facts.declared if program.trigger else frozenset()
    found = dict.fromkeys(declared, "")
    for _, text in program.imports:
        facts = parse(text, Kind.MODULE)
        found.update(dict.fromkeys(facts.declared, facts.imports[0].module if facts.imports else ""))
    return found
