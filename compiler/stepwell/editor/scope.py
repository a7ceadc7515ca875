"""What can be referenced at a node: roots, their paths and types, and the text that an editor inserts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from stepwell.check.naming import identifier_of
from stepwell.check.paths import dotted
from stepwell.check.scope import SCAFFOLD
from stepwell.check.values import Use, codes_of
from stepwell.compiler import check
from stepwell.diagnostics import Diagnostic, pointer
from stepwell.editor.draft import Draft, UnknownNode, draft, order_of, parsed
from stepwell.editor.plain import plain
from stepwell.graph.data import LoopData, StepData
from stepwell.graph.nodes import Nodes
from stepwell.graph.placed import Placed
from stepwell.javascript.names import GLOBALS, is_identifier, is_name
from stepwell.javascript.shapes import ANY, NUMBER, STRING, Shape, described, record

Kind = Literal["node", "event", "trigger", "env", "item", "index", "error", "output", "context"]
Presence = Literal["definite", "possible"]

MAX_DEPTH: Final = 8
"""Fields that lie deeper are not listed."""
MAX_FIELDS: Final = 2000
"""So many fields are listed of one root."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value that can be referenced: a root itself, or a field of one.

    `types` are those that it may have (`string`, `number`, `boolean`, `object`, `array`, `null`, `undefined`); none
    when nothing is known. `open` says that it may have fields beside `fields`; `optional` that not every such value
    has it. `insert` is the expression for any field and for code, `code` the JavaScript for code alone; None where it
    cannot be written so. `items` is what an array holds.
    """

    key: str | int
    types: tuple[str, ...]
    insert: str | None
    code: str | None
    description: str = ""
    optional: bool = False
    open: bool = True
    fields: tuple[Field, ...] = ()
    items: Field | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """Something that can be referenced, with its value.

    `presence` is `possible` where the node may not have run: the value is `undefined` then. `pointer` leads to what
    it stands for in the document, "" for the event and `env`. `only_in` are the fields of the node's data in which it
    can be read; none for all.
    """

    name: str
    kind: Kind
    title: str
    presence: Presence
    value: Field
    node_id: str | None = None
    pointer: str = ""
    only_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be referenced at a node, the nearest last; and everything that is wrong with the document."""

    node_id: str
    roots: tuple[Root, ...]
    findings: tuple[Diagnostic, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        found: dict[str, Any] = plain(self)
        return found


def scope(document: object, node_id: str, *, nodes: Nodes | None = None) -> Scope:
    """What can be referenced at a node of a document, whatever state it is in.

    The document is JSON text, or a value, or a flow's file as `stepwell.flow.read` gives it.
    `nodes` are the custom nodes that it may use (`stepwell.nodes` finds them).
    Where the document has errors the answer is what can be told all the same. Raises `UnknownNode` when it has no node
    of that id; a document that is no JSON has none that could be known, and gives no roots.
    """
    findings = tuple(check(document, nodes=nodes))
    graph = document.document if isinstance(document, Placed) else document
    made = draft(graph, nodes)
    if made is None:
        if parsed(graph) is not None:
            raise UnknownNode(node_id)
        return Scope(node_id, (), findings)
    return Scope(node_id, tuple(_Roots(made, made.vertex(node_id)).all()), findings)


class _Roots:
    """The roots at one node."""

    def __init__(self, made: Draft, vertex: int) -> None:
        self.made, self.vertex = made, vertex
        self.shapes = made.shapes
        self.type = (
            made.flow.nodes[vertex].type if vertex in made.sound or isinstance(made.data[vertex], StepData) else ""
        )

    def all(self) -> Iterator[Root]:
        yield from self._start()
        yield from self._nodes()
        yield from self._around()
        if self.type == "step":
            yield self._fixed("ctx", "context", "this attempt", _CONTEXT, only_in=("code",))

    # -- what starts a run ----------------------------------------------------------------------------

    def _start(self) -> Iterator[Root]:
        yield self._fixed("event", "event", "what started the run", self.shapes.of_use(Use("event")))
        yield self._fixed("trigger", "trigger", "the payload of what started the run", ANY, code="event.payload")
        yield self._fixed("env", "env", "variables and bindings", self._variables())

    def _fixed(
        self, name: str, kind: Kind, title: str, shape: Shape, only_in: tuple[str, ...] = (), code: str | None = None
    ) -> Root:
        # A node of that id goes before in braces, and a loop's variable in code.
        braces = None if name in self.made.scope.ids or kind == "context" else name
        value = self._value(name, shape, braces, code or name)
        return Root(name, kind, title, "definite", value, only_in=only_in)

    def _variables(self) -> Shape:
        listed = self.made.value.get("envVars") if self.made.base else None
        found = [one.get("name") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return record({name: STRING for name in found if isinstance(name, str) and is_identifier(name)}, open=True)

    # -- nodes ----------------------------------------------------------------------------------------

    def _nodes(self) -> Iterator[Root]:
        made, loop = self.made, self._own_condition()
        candidates = [v for v in range(len(made.flow.nodes)) if made.flow.kinds[v].value and not made.is_ours(v)]
        for vertex in order_of(made, candidates):
            turn = loop is not None and made.reach.encloses(loop, vertex)
            status = "possible" if turn else made.status(vertex, self.vertex)
            if status != "impossible":
                yield self._node(vertex, status, ("condition",) if turn else ())

    def _own_condition(self) -> int | None:
        """The node itself, where it is a loop whose condition reads the values of its own turns."""
        data = self.made.data[self.vertex]
        return self.vertex if isinstance(data, LoopData) and data.loopType == "while" else None

    def _node(self, vertex: int, presence: Presence, only_in: tuple[str, ...]) -> Root:
        node = self.made.flow.nodes[vertex]
        code = code_name(self.made, vertex, self.vertex)
        value = self._value(
            node.id, self.shapes.of_node(vertex), node.id, code, "?." if presence == "possible" else "."
        )
        return Root(node.id, "node", node.name, presence, value, node.id, self._pointer(vertex), only_in)

    def _pointer(self, vertex: int) -> str:
        return self.made.base + pointer("nodes", vertex)

    # -- what stands around ---------------------------------------------------------------------------

    def _around(self) -> Iterator[Root]:
        made, said = self.made, set[str]()
        places = [(made.flow.arm(a).container, made.flow.arm(a).label) for a in made.regions.blocks_around(self.vertex)]
        loop = self._own_condition()
        found = list(self._of_loop(loop, ("condition",))) if loop is not None else []
        for container, label in places:
            shape = made.flow.shape(container)
            if shape == "loop":
                found += self._of_loop(container, ())
            elif shape == "try" and label == "catch":
                found.append(self._error(container, "err" in said or any(r.name == "err" for r in found)))
        nearest: list[Root] = []
        for root in found:
            if root.name not in said:
                said.add(root.name)
                nearest.append(root)
        yield from reversed(nearest)

    def _of_loop(self, loop: int, only_in: tuple[str, ...]) -> Iterator[Root]:
        data = self.made.data[loop]
        if not isinstance(data, LoopData):
            return
        node = self.made.flow.nodes[loop]
        if data.loopType == "forEach":
            yield self._local(data.itemVar, "item", f"the current item of {node.name}", loop, only_in)
        yield self._local(data.indexVar, "index", f"the current index of {node.name}, from 0", loop, only_in)
        if data.concurrency == 1:
            yield self._local("_output", "output", f"the last value given to `_output` in {node.name}", loop, only_in)

    def _local(self, name: str, kind: Literal["item", "index", "output"], title: str, loop: int, only_in: Any) -> Root:
        shape = self.shapes.of_use(Use(kind, loop))
        value = self._value(name, shape, None if name in self.made.scope.ids else name, name)
        return Root(name, kind, title, "definite", value, self.made.flow.nodes[loop].id, self._pointer(loop), only_in)

    def _error(self, container: int, hidden: bool) -> Root:
        """The caught error: `err`, or by its try/catch where a nearer one has that name."""
        id = self.made.flow.nodes[container].id
        braces = f"{id}.error" if hidden or "err" in self.made.scope.ids else "err"
        value = self._value(braces, self.shapes.of_use(Use("error", container)), braces, None if hidden else "err")
        title = f"the error that {self.made.flow.nodes[container].name} caught"
        return Root(braces, "error", title, "definite", value, id, self._pointer(container))

    # -- values ---------------------------------------------------------------------------------------

    def _value(self, key: str, shape: Shape, braces: str | None, code: str | None, first: str = ".") -> Field:
        return _Lister(braces, code, first).field(key, shape, (), False)


class _Lister:
    """The fields of one root."""

    def __init__(self, braces: str | None, code: str | None, first: str) -> None:
        self.braces, self.code, self.first = braces, code, first
        self.left = MAX_FIELDS

    def field(self, key: str | int, shape: Shape, path: tuple[str | int, ...], optional: bool) -> Field:
        """A value with what it holds, as far as is listed."""
        self.left -= 1
        deeper = shape.fields[: max(self.left, 0)] if len(path) < MAX_DEPTH else ()
        fields = tuple(self.field(name, one, (*path, name), name in shape.optional) for name, one in deeper)
        inside = shape.items if shape.items is not None and shape.items.types != {"never"} else None
        items = self.field(0, inside, (*path, 0), True) if inside and len(path) < MAX_DEPTH and self.left > 0 else None
        kinds = tuple(kind for kind in _TYPES if kind in shape.types)
        open_ = (not shape.types or "object" in shape.types) and (shape.open or len(fields) < len(shape.fields))
        insert = None if self.braces is None else f"{{{{{self.braces}{dotted(path)}}}}}"
        return Field(key, kinds, insert, self._code(path), shape.description, optional, open_, fields, items)

    def _code(self, path: tuple[str | int, ...]) -> str | None:
        if self.code is None:
            return None
        if self.first == ".":
            return self.code + dotted(path)
        # Behind `?.` nothing is read of what is not there.
        steps = [dotted((key,)) for key in path]
        return self.code + "".join(f"?.{step.removeprefix('.')}" for step in steps)


def code_name(made: Draft, target: int, reader: int) -> str | None:
    """The identifier by which code of `reader` can name the node `target`; None when it takes braces."""
    node = made.flow.nodes[target]
    short = identifier_of(node.name)
    for name in dict.fromkeys((short, short.rstrip("_"), node.id)):
        if is_name(name) and not is_taken(made, name, reader) and made.scope.node_named(name) == target:
            return name
    return None


def is_taken(made: Draft, name: str, reader: int) -> bool:
    """Whether a name in code of `reader` stands for something else than a node."""
    if name in GLOBALS or name in SCAFFOLD or name == "step" or name in made.names:
        return True
    declared = any(name in code.facts.bound for value in made.fields[reader].values() for code in codes_of(value))
    return declared or made.scope.local(name, reader, reader) is not None


_TYPES: Final = ("string", "number", "boolean", "object", "array", "null", "undefined")
_CONTEXT: Final = record(
    {
        "attempt": described(NUMBER, "which attempt this is, from 1"),
        "step": record({"name": described(STRING, "the step's name"), "count": NUMBER}, open=True),
        "idempotencyKey": described(STRING, "the same on every attempt of this step"),
    },
    open=True,
)
