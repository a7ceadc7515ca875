"""What the fields of nodes say, with every name resolved: the input of lowering."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from stepwell.javascript import Facts, FreeName
from stepwell.records import record

UseKind = Literal["node", "event", "trigger", "env", "item", "index", "error", "output"]


class Use(NamedTuple):
    """What a name stands for.

    `vertex` is the node whose value is read, the loop of an item, an index or an `_output`, the try/catch of an
    error. `definite` says that it has run whenever the reader runs.
    """

    kind: UseKind
    vertex: int = -1
    definite: bool = True


@record(frozen=True, slots=True)
class Lit:
    """A JSON value."""

    value: Any


class Ref(NamedTuple):
    """`{{root.path ?? default}}`."""

    use: Use
    path: tuple[str | int, ...] = ()
    default: Value | None = None
    optional: bool = False


@record(frozen=True, slots=True)
class Text:
    """Longer text with expressions in it."""

    parts: tuple[str | Value, ...]


class Hole(NamedTuple):
    """An expression of ours inside code: characters [start, end) of the code."""

    start: int
    end: int
    ref: Ref


class NamedUse(NamedTuple):
    """A free name of code that stands for something of the graph."""

    name: FreeName
    use: Use


class CodeValue(NamedTuple):
    """A user's code. `source` is its key among the sources, `offset` where it begins there (0-based line, column),
    `begin` the same in characters."""

    facts: Facts
    source: str
    pointer: str
    offset: tuple[int, int] = (0, 0)
    holes: tuple[Hole, ...] = ()
    names: tuple[NamedUse, ...] = ()
    begin: int = 0

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of an offset of the code in the text of the field that it stands in."""
        line, column = self.facts.position(offset)
        return line + self.offset[0], column + (self.offset[1] if line == 1 else 0)

    def reads(self) -> list[tuple[Use, tuple[str | int, ...] | None]]:
        """What the code reads of the graph, with the paths it goes on with behind holes and names."""
        if not self.holes and not self.names:
            return []
        followed = self.followed()
        found: list[tuple[Use, tuple[str | int, ...] | None]] = [
            (ref.use, (*ref.path, *followed[start]) if start in followed else ref.path) for start, _, ref in self.holes
        ]
        found += [(use, followed.get(name.start)) for name, use in self.names]
        return found

    def followed(self) -> dict[int, tuple[str | int, ...]]:
        """The member accesses that the code itself makes, by where the root of the chain stands."""
        return {m.start: m.path for m in self.facts.members if m.path and not m.bound}


@record(frozen=True, slots=True)
class Obj:
    entries: tuple[tuple[str, Value], ...]


@record(frozen=True, slots=True)
class Arr:
    items: tuple[Value, ...]


Value = Lit | Ref | Text | CodeValue | Obj | Arr

_default = attrgetter("default")


def walk(value: Value) -> Iterable[Value]:
    """The value and everything in it (defaults too)."""
    kind = type(value)
    if kind is Lit or (kind is Ref and value.default is None):  # type: ignore[union-attr]
        return (value,)
    if kind is CodeValue:
        refs = [hole.ref for hole in value.holes]  # type: ignore[union-attr]
        if not any(map(_default, refs)):
            return [value, *refs]
    return _walk(value)


def _walk(value: Value) -> Iterator[Value]:
    """Not recursive."""
    stack: list[Value] = [value]
    while stack:
        here = stack.pop()
        yield here
        if isinstance(here, Text):
            stack.extend(p for p in reversed(here.parts) if not isinstance(p, str))
        elif isinstance(here, Obj):
            stack.extend(v for _, v in reversed(here.entries))
        elif isinstance(here, Arr):
            stack.extend(reversed(here.items))
        elif isinstance(here, CodeValue):
            stack.extend(h.ref for h in here.holes)
        elif isinstance(here, Ref) and here.default is not None:
            stack.append(here.default)


Read = tuple[Use, tuple[str | int, ...] | None]
"""A use, and the path read from it (None: the name itself is used in code)."""


def uses_of(value: Value) -> Iterable[Read]:
    """What a value reads."""
    kind = type(value)
    if kind is Lit:
        return ()
    if kind is CodeValue:
        refs = [hole.ref for hole in value.holes]  # type: ignore[union-attr]
        if not any(map(_default, refs)):
            return value.reads()  # type: ignore[union-attr]
    return _uses_of(value)


def _uses_of(value: Value) -> Iterator[Read]:
    inside: set[int] = set()
    for part in walk(value):
        if isinstance(part, Ref) and id(part) not in inside:
            yield part.use, part.path
        elif isinstance(part, CodeValue):
            inside.update(id(h.ref) for h in part.holes)
            yield from part.reads()


def impurities_of(value: Value) -> list[str]:
    """Why a value is not provably the same on every replay; empty when it is."""
    why: list[str] = []
    for part in walk(value):
        if isinstance(part, Ref) and part.use.kind == "env":
            why.append("env")
        elif isinstance(part, CodeValue):
            why.extend(f"{i.what}" for i in part.facts.impurities)
    return why


def written_into(code: CodeValue) -> Collection[Use]:
    """What the code is seen to write into, or to assign."""
    facts = code.facts
    if not facts.mutated and not any(n.name.write for n in code.names):
        return ()
    named = {n.use for n in code.names if n.name.name in facts.mutated or n.name.write}
    return named | {h.ref.use for h in code.holes if facts.text[h.start : h.end] in facts.mutated}


def codes_in(fields: Mapping[str, Value]) -> list[tuple[str, CodeValue]]:
    """All code in the fields of a node, with the names of these."""
    return [(name, code) for name, value in fields.items() for code in codes_of(value)]


def codes_of(value: Value) -> Iterable[CodeValue]:
    """All code in a value. In code there is none: what stands in its holes are references and their defaults."""
    kind = type(value)
    if kind is CodeValue:
        return (value,)  # type: ignore[return-value]
    if kind is Lit or kind is Ref:
        return ()
    return [part for part in walk(value) if isinstance(part, CodeValue)]
