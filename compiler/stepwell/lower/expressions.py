"""Values of fields as expressions of the program: every use gets its name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from stepwell.check.values import CodeValue, Hole, Lit, Obj, Ref, Text, Use, Value, written_into
from stepwell.lower import program as p


@dataclass(frozen=True, slots=True)
class Naming:
    """Names of what a node reads. `value` and `view` are by vertex, `items` and `indices` by loop, and so on."""

    values: Mapping[int, str]
    views: Mapping[int, str]
    items: Mapping[int, str]
    indices: Mapping[int, str]
    errors: Mapping[int, str]
    outputs: Mapping[int, str]
    keyed: Mapping[int, tuple[str, ...]]
    """Keys of the stored form of requests and events: other paths read the view."""
    outer: Mapping[tuple[bool, int, int], str]
    """Values outside the turns they arise in: (view, vertex, level)."""
    aliases: Mapping[str, str]
    """Other names of `event` and `env`, for expressions in code that has variables of these names."""
    level: Callable[[int, int], int]
    """How many loops around a node a scope stands outside of."""

    def variable(self, view: bool, vertex: int, level: int) -> str:
        """The name of a node's value or view, as a reader `level` loops outside of its turn reads it."""
        if level:
            return self.outer[view, vertex, level]
        return (self.views if view else self.values)[vertex]

    def of(self, use: Use, path: tuple[str | int, ...] | None, scope: int) -> p.Expr:
        """The name of a use, read in `scope`; `path` is what is read from it (None: anything)."""
        if use.kind == "node":
            keys = self.keyed.get(use.vertex)
            view = keys is not None and (not path or path[0] not in keys)
            return p.Name(self.variable(view, use.vertex, self.level(use.vertex, scope)))
        if use.kind == "trigger":
            return p.Path(p.Name("event"), ("payload",))
        if use.kind in ("event", "env"):
            return p.Name(use.kind)
        table = {"item": self.items, "index": self.indices, "error": self.errors, "output": self.outputs}[use.kind]
        return p.Name(table[use.vertex])


class Expressions:
    """Turns values into expressions, as read in `scope`. `copied` are uses that a body works on a copy of."""

    def __init__(
        self, naming: Naming, scope: int, copied: Mapping[Use, str] | None = None, inner_output: bool = False
    ) -> None:
        self._naming = naming
        self._scope = scope
        self._copied = copied or {}
        self._inner_output = inner_output

    def of(self, value: Value) -> p.Expr:
        if isinstance(value, Lit):
            return p.Constant(value.value)
        if isinstance(value, Ref):
            return self.reference(value)
        if isinstance(value, Text):
            return p.Template(tuple(part if isinstance(part, str) else self.of(part) for part in value.parts))
        if isinstance(value, CodeValue):
            return self.code(value)
        if isinstance(value, Obj):
            return record(tuple((k, self.of(v)) for k, v in value.entries))
        return _items(tuple(self.of(v) for v in value.items))

    def reference(self, ref: Ref, followed: tuple[str | int, ...] = ()) -> p.Expr:
        """An expression in braces; `followed` is what the code around it goes on to read."""
        base = self.name(ref.use, (*ref.path, *followed))
        optional = not ref.use.definite or ref.default is not None or ref.optional
        read: p.Expr = p.Path(base, ref.path, optional) if ref.path else base
        return p.Coalesce(read, self.of(ref.default)) if ref.default is not None else read

    def name(self, use: Use, path: tuple[str | int, ...] | None) -> p.Expr:
        """The name of a use where this reader stands."""
        if use in self._copied:
            return p.Name(self._copied[use])
        if use.kind == "output" and self._inner_output:
            return p.Name("_output")
        return self._naming.of(use, path, self._scope)

    def code(self, value: CodeValue, copy_written: bool = False) -> p.Code:
        """Code with its names and holes replaced where they are called differently.

        `copy_written`: what an expression writes into is copied in place (a body makes its copies first).
        """
        written = written_into(value) if copy_written else ()
        if not value.holes and not value.names:
            return p.Code(value.facts, value.source, (), value.offset)
        followed = value.followed()
        replaced = [self._hole(h, followed.get(h.start, ()), written, value.facts.bound) for h in value.holes]
        for named in value.names:
            name = self.name(named.use, followed.get(named.name.start))
            if named.use in written:
                name = p.Copy(name)
            if name != p.Name(named.name.name):
                key = named.name.name if named.name.shorthand else None
                replaced.append(p.Replacement(named.name.start, named.name.end, name, key))
        return p.Code(value.facts, value.source, tuple(sorted(replaced, key=lambda r: r.start)), value.offset)

    def _hole(
        self, hole: Hole, followed: tuple[str | int, ...], written: Collection[Use], hidden: frozenset[str]
    ) -> p.Replacement:
        read = self.seen_behind(hidden, self.reference(hole.ref, followed))
        return p.Replacement(hole.start, hole.end, p.Copy(read) if hole.ref.use in written else read)

    def seen_behind(self, hidden: frozenset[str], read: p.Expr) -> p.Expr:
        """What is read, where the code around it has variables of its own named `hidden`."""
        if not hidden or not self._naming.aliases:
            return read
        if isinstance(read, p.Name):
            return (
                p.Name(self._naming.aliases[read.name]) if read.name in hidden & self._naming.aliases.keys() else read
            )
        if isinstance(read, p.Path):
            return replace(read, base=self.seen_behind(hidden, read.base))
        if isinstance(read, p.Coalesce):
            return p.Coalesce(self.seen_behind(hidden, read.value), self.seen_behind(hidden, read.default))
        return read


def record(entries: tuple[tuple[str, p.Expr], ...]) -> p.Expr:
    """An object literal, or one constant when nothing in it is read."""
    if all(isinstance(value, p.Constant) for _, value in entries):
        return p.Constant({key: value.value for key, value in entries if isinstance(value, p.Constant)})
    return p.Record(entries)


def _items(items: tuple[p.Expr, ...]) -> p.Expr:
    if all(isinstance(value, p.Constant) for value in items):
        return p.Constant([value.value for value in items if isinstance(value, p.Constant)])
    return p.Items(items)
