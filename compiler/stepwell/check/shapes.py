"""The form of what a name stands for: a node's value, the event, an item. Made on demand, once for each node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final

from stepwell.check.fields import Fields
from stepwell.check.values import Arr, CodeValue, Lit, Obj, Ref, Text, Use, Value
from stepwell.graph.catalogue import NodeKind
from stepwell.graph.data import LoopData, ParallelData, StepData, SubWorkflowData
from stepwell.graph.nodes import CustomNode
from stepwell.graph.outputs import ERROR, EVENT, OUTPUTS, SCRIPT_EVENT, SETTLED
from stepwell.javascript.shapes import (
    ANY,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    STRING,
    Shape,
    array,
    described,
    either,
    follow,
    record,
)

MAX_HOPS: Final = 32
"""How often a loop over another loop's item is followed."""
MAX_DEPTH: Final = 24


def of_schema(schema: Mapping[str, Any], depth: int = 0) -> Shape:
    """The form that an output schema describes."""
    kind, inner = str(schema.get("type", "any")), schema.get("properties")
    shape = ANY
    if kind == "object":
        fields = {key: of_schema(one, depth + 1) for key, one in (inner or {}).items()} if depth < MAX_DEPTH else {}
        shape = record(fields, open=bool(schema.get("additional")) or not fields)
    elif kind == "array":
        items = schema.get("items")
        shape = array(of_schema(items, depth + 1) if items and depth < MAX_DEPTH else None)
    elif kind in _SCALARS:
        shape = _SCALARS[kind]
    if schema.get("nullable") and shape.types:
        shape = either(shape, NULL)
    return described(shape, str(schema.get("description") or ""))


def custom_output(node: CustomNode) -> Mapping[str, Any]:
    """The output schema of a custom node's value as a whole."""
    fields = node.definition.outputSchema.items()
    return {"type": "object", "properties": {key: one.model_dump(exclude_none=True) for key, one in fields}}


_SCALARS: Final = {"string": STRING, "number": NUMBER, "boolean": BOOLEAN, "null": NULL}


class Shapes:
    """Answers for one graph: its nodes' kinds, their data and their fields, each where it could be read."""

    def __init__(
        self, kinds: Sequence[NodeKind], data: Sequence[object], fields: Sequence[Fields], script: bool = False
    ) -> None:
        self._kinds, self._data, self._fields, self._script = kinds, data, fields, script
        self._values: dict[int, Shape] = {}

    def of_use(self, use: Use, hops: int = 0) -> Shape:
        """The form of what a name stands for."""
        if use.kind == "node":
            return self.of_node(use.vertex)
        if use.kind == "item":
            return self._item(use.vertex, hops)
        return _FIXED.get(use.kind, ANY) if use.kind != "event" or not self._script else _SCRIPT_EVENT

    def of_node(self, vertex: int) -> Shape:
        """The form of a node's value."""
        if vertex not in self._values:
            self._values[vertex] = self._of_node(vertex)
        return self._values[vertex]

    def _of_node(self, vertex: int) -> Shape:
        data, kind = self._data[vertex], self._kinds[vertex]
        if kind.custom is not None:
            return of_schema(custom_output(kind.custom))
        shape = _OUTPUTS.get(kind.type, ANY)
        if isinstance(data, StepData) and kind.type:
            code = self._fields[vertex].get("code")
            return code.facts.shape if isinstance(code, CodeValue) else ANY
        if isinstance(data, ParallelData) and data.mode == "settled":
            return described(array(_SETTLED), shape.description)
        if isinstance(data, SubWorkflowData) and (self._script or not data.waitForCompletion):
            return Shape(shape.types, shape.fields[:1], open=False)
        return shape

    def _item(self, loop: int, hops: int) -> Shape:
        data = self._data[loop]
        if not isinstance(data, LoopData) or hops > MAX_HOPS:
            return ANY
        collection = self._fields[loop].get("collection")
        shape = self._of_value(collection, hops + 1) if collection is not None else ANY
        return (shape.items or ANY) if shape.types == {"array"} else ANY

    def _of_value(self, value: Value, hops: int) -> Shape:
        """The form of a field's value. Code other than one chain of names is not looked into."""
        if isinstance(value, Ref):
            return follow(self.of_use(value.use, hops), value.path)[0] or ANY if value.default is None else ANY
        if isinstance(value, CodeValue):
            reads = list(value.reads())
            whole = len(reads) == 1 and _is_one_chain(value)
            return follow(self.of_use(reads[0][0], hops), reads[0][1] or ())[0] or ANY if whole else ANY
        return of_literal(value)


def _is_one_chain(code: CodeValue) -> bool:
    """Whether the code is a name, or names joined by dots, and nothing else."""
    text = code.facts.text.strip()
    first = (code.names[0].name if code.names else code.holes[0]) if code.names or code.holes else None
    if first is None:
        return False
    chains = [m for m in code.facts.members if m.start == first.start]
    end = max([first.end, *(m.end for m in chains)])
    return code.facts.text[first.start : end].strip() == text and not any(m.call or m.open for m in chains)


def of_literal(value: Value, depth: int = 0) -> Shape:
    """The form of a value that stands in the graph itself."""
    if isinstance(value, Lit):
        return _of_json(value.value, depth)
    if isinstance(value, Text):
        return STRING
    if isinstance(value, Arr) and depth < MAX_DEPTH:
        return _items([of_literal(item, depth + 1) for item in value.items])
    if isinstance(value, Obj) and depth < MAX_DEPTH:
        return record({key: of_literal(item, depth + 1) for key, item in value.entries})
    return ANY


def _of_json(value: Any, depth: int) -> Shape:
    if isinstance(value, bool):
        return BOOLEAN
    if value is None or isinstance(value, str | int | float):
        return NULL if value is None else STRING if isinstance(value, str) else NUMBER
    if depth >= MAX_DEPTH:
        return ANY
    if isinstance(value, list):
        return _items([_of_json(item, depth + 1) for item in value])
    return record({key: _of_json(item, depth + 1) for key, item in value.items()})


def _items(shapes: Sequence[Shape]) -> Shape:
    return array(reduce(either, dict.fromkeys(shapes), NEVER))


_OUTPUTS: Final = {kind: of_schema(schema) for kind, schema in OUTPUTS.items()}
_SETTLED: Final = of_schema(SETTLED)
_SCRIPT_EVENT: Final = of_schema(SCRIPT_EVENT)
_FIXED: Final = {"event": of_schema(EVENT), "error": of_schema(ERROR), "index": NUMBER}
