"""A document that is being edited, as far as it can be understood.

What is wrong is put right in a copy, so that the same analyses as for a whole graph can be asked: a node that cannot
be read is an empty step, an edge that leads nowhere is left out, a missing arm gets a node of ours, nodes that the
entry does not reach hang on a start of ours. Vertices are those of the document's `nodes`; ours come behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stepwell.check.data import typed_nodes
from stepwell.check.fields import Fields, read_fields
from stepwell.check.flow import Flow, build_flow, reach
from stepwell.check.reachability import Reachability, Status
from stepwell.check.reader import FieldReader
from stepwell.check.regions import Regions, build_regions
from stepwell.check.scope import Scope
from stepwell.check.shapes import Shapes
from stepwell.check.trigger import read_trigger
from stepwell.graph import data as d
from stepwell.graph import jsontext, model, values
from stepwell.graph.catalogue import BUILTIN, NodeKind
from stepwell.graph.expressions import Scanner
from stepwell.graph.nodes import Nodes
from stepwell.graph.read import EDGES, NODES, Document

OURS: Final = "\0"
"""The ids of nodes that are not the user's begin with it; nobody can write it in an expression."""


class UnknownNode(LookupError):
    """The document has no node with this id."""

    def __init__(self, node_id: str) -> None:
        super().__init__(f"there is no node {node_id!r}")
        self.node_id = node_id


@dataclass(slots=True)
class Draft:
    """What is known of a document. `flow` and what is built on it is None only where there are no nodes at all."""

    value: dict[str, Any]
    artifact: dict[str, Any]
    base: str
    document: Document
    data: list[d.Data]
    sound: frozenset[int]
    """Nodes whose data fits their type; of the others only some is known."""
    reached: frozenset[int]
    """Nodes that the entry leads to."""
    flow: Flow
    regions: Regions
    reach: Reachability
    scope: Scope
    scanner: Scanner
    names: frozenset[str]
    """What the module of the trigger code declares."""
    fields: list[Fields] = field(default_factory=list)

    @property
    def script(self) -> bool:
        return self.artifact.get("kind") == "script"

    @property
    def shapes(self) -> Shapes:
        """The forms of the values of the graph."""
        return Shapes(self.flow.kinds, self.data, self.fields, self.script)

    def vertex(self, node_id: str) -> int:
        """The node with this id, the first where there are several. Raises `UnknownNode`."""
        found = self.scope.ids.get(node_id) if isinstance(node_id, str) else None
        if found is None or self.is_ours(found):
            raise UnknownNode(node_id)
        return found

    def is_ours(self, vertex: int) -> bool:
        """Whether a vertex is none of the user's nodes."""
        return self.flow.is_arm(vertex) or self.flow.nodes[vertex].id.startswith(OURS)

    def status(self, node: int, reader: int) -> Status:
        """Whether `node` has run when `reader` starts. Between parts that nothing connects yet it has not."""
        if (node in self.reached) != (reader in self.reached):
            return "impossible"
        status = self.reach.status(node, reader)
        if reader not in self.reached and status == "definite" and not self.reach.possible(node, reader):
            return "impossible"
        return status


def draft(document: object, nodes: Nodes | None = None) -> Draft | None:
    """The draft of a document (JSON text or a value); None when it holds no nodes, or is no JSON at all.

    `nodes` are the custom nodes that it may use.
    """
    value = parsed(document)
    if value is None:
        return None
    enveloped = "ir" in value and "nodes" not in value
    inner = value["ir"] if enveloped else value
    listed = inner.get("nodes") if isinstance(inner, dict) else None
    if not isinstance(listed, list) or not listed or len(listed) > NODES or len(_list(inner.get("edges"))) > EDGES:
        return None
    return _Repair(value, inner, "/ir" if enveloped else "", Nodes() if nodes is None else nodes).draft()


def parsed(document: object) -> dict[str, Any] | None:
    """The JSON object that a document is, if it is one that can be looked at."""
    value: Any = document
    if isinstance(document, str):
        value, _, fault = jsontext.parse(document)
        if fault is not None:
            return None
    return value if isinstance(value, dict) and values.fault(value) is None else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


class _Repair:
    """Puts a document right, step by step."""

    def __init__(self, value: dict[str, Any], artifact: dict[str, Any], base: str, known: Nodes) -> None:
        self.value, self.artifact, self.base, self.known = value, artifact, base, known
        self.nodes: list[model.Node] = []
        self.kinds: list[NodeKind] = []
        self.index: dict[str, int] = {}
        self.unknown: set[int] = set()
        self.edges: list[model.Edge] = []
        self.data: list[d.Data] = []

    def draft(self) -> Draft:
        for number, raw in enumerate(self.artifact["nodes"]):
            self._node(number, raw)
        users = len(self.nodes)
        document = self._document()
        typed = typed_nodes(document)[0]
        sound = frozenset(v for v, one in enumerate(typed) if one is not None and v not in self.unknown)
        self.data = [
            one.data if one is not None else _rest(self.nodes[v], self.kinds[v]) for v, one in enumerate(typed)
        ]
        entry = self.index.get(str(self.artifact.get("entryNodeId")), 0)
        self._read_edges()
        self._cut_cycles(entry)
        reached = self._reached(entry)
        start = self._hang_loose_ones(entry, reached)
        leaving: dict[str, list[int]] = {node.id: [] for node in self.nodes}
        for number, edge in enumerate(self.edges):
            leaving[edge.source].append(number)
        for vertex in range(users):
            self._arms(vertex, leaving[self.nodes[vertex].id])
        flow, found = build_flow(self.nodes, self.kinds, self.data, self.edges, self.nodes[start].id)
        if flow is None:
            raise AssertionError(f"a draft is whole: {[one.message for one in found]}")
        regions = build_regions(flow)
        reachability = Reachability(regions, self.data)
        scope = Scope(reachability, self.data)
        made = Draft(
            *(self.value, self.artifact, self.base, document, self.data, sound, frozenset(reached)),
            *(flow, regions, reachability, scope, Scanner(scope.ids), read_trigger(document)[0].names),
        )
        made.fields = _fields(made, users)
        return made

    # -- nodes ----------------------------------------------------------------------------------------

    def _node(self, number: int, raw: object) -> None:
        given: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
        type_, id, name, version = (given.get(key) for key in ("type", "id", "name", "version"))
        if not isinstance(id, str) or not id or id in self.index or id.startswith(OURS):
            id = f"{OURS}{number}"
        version = version if isinstance(version, str) else None
        kind = self.known.kind(type_, version) if isinstance(type_, str) else None
        if kind is None:
            self.unknown.add(number)
        data, name = given.get("data"), name if isinstance(name, str) and name else id
        self._add(id, kind or _UNKNOWN, name, data if isinstance(data, dict) else {}, version)

    def _add(self, id: str, kind: NodeKind, name: str, data: dict[str, Any], version: str | None = None) -> int:
        self.index[id] = len(self.nodes)
        self.kinds.append(kind)
        self.nodes.append(
            model.Node.model_construct(
                id=id,
                type=kind.type or "step",
                name=name,
                version=version,
                data=data,
                position=None,
                provider="cloudflare",
                config=None,
            )
        )
        return len(self.nodes) - 1

    def _ours(self) -> str:
        """A step of ours; its id."""
        vertex = self._add(f"{OURS}{len(self.nodes)}", BUILTIN["step"], "_", {})
        self.data.append(_STEP)
        return self.nodes[vertex].id

    def _document(self) -> Document:
        """The document with what can be trusted of it."""
        code, kind = self.value.get("triggerCode"), self.artifact.get("kind")
        artifact = model.Artifact.model_construct(
            kind="script" if kind == "script" else "workflow", nodes=self.nodes, edges=[], entryNodeId="", trigger=None
        )
        source = model.Source.model_construct(
            ir=artifact,
            triggerCode=code if isinstance(code, str) and self.base else None,
            dependencies={},
            envVars=[],
            deployConfig={},
        )
        return Document(source, self.base, self.known)

    # -- edges ----------------------------------------------------------------------------------------

    def _read_edges(self) -> None:
        for number, raw in enumerate(_list(self.artifact.get("edges"))):
            given: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
            source, target, label = given.get("source"), given.get("target"), given.get("label")
            if isinstance(source, str) and isinstance(target, str) and {source, target} <= self.index.keys():
                self._lead(source, target, label if isinstance(label, str) and label else None, number)

    def _lead(self, source: str, target: str, label: str | None, number: int = -1) -> None:
        edge = model.Edge.model_construct(id=f"{number}", source=source, target=target, label=label)
        self.edges.append(edge)

    def _succ(self) -> list[list[int]]:
        succ: list[list[int]] = [[] for _ in self.nodes]
        for edge in self.edges:
            succ[self.index[edge.source]].append(self.index[edge.target])
        return succ

    def _cut_cycles(self, entry: int) -> None:
        """Leaves out the edges that lead back, seen from the entry, then from the other nodes."""
        succ, state = self._succ(), [0] * len(self.nodes)
        back: set[tuple[int, int]] = set()
        for root in (entry, *range(len(self.nodes))):
            stack = [(root, iter(succ[root]))] if not state[root] else []
            state[root] = state[root] or 1
            while stack:
                here, ways = stack[-1]
                target = next(ways, None)
                if target is None:
                    state[here] = 2
                    stack.pop()
                elif state[target] == 1:
                    back.add((here, target))
                elif not state[target]:
                    state[target] = 1
                    stack.append((target, iter(succ[target])))
        self._keep(lambda source, target: (source, target) not in back)

    def _keep(self, wanted: Any) -> None:
        self.edges = [e for e in self.edges if wanted(self.index[e.source], self.index[e.target])]

    def _reached(self, entry: int) -> set[int]:
        return reach(self._succ(), [entry])

    def _hang_loose_ones(self, entry: int, reached: set[int]) -> int:
        """A start before the entry and before what it does not reach, where there is such; else the entry."""
        loose = set(range(len(self.nodes))) - reached
        if not loose:
            return entry
        self._keep(lambda source, target: (source in reached) == (target in reached))
        entered = {self.index[edge.target] for edge in self.edges}
        start = self._ours()
        for vertex in [entry, *sorted(loose - entered)]:
            self._lead(start, self.nodes[vertex].id, None)
        return self.index[start]

    # -- arms -----------------------------------------------------------------------------------------

    def _arms(self, vertex: int, leaving: Sequence[int]) -> None:
        """Gives a container the arms that it needs, and its edges (their numbers are `leaving`) labels that it has."""
        node, shape = self.nodes[vertex], self.kinds[vertex].shape
        if shape == "branch":
            self._branch(vertex, leaving)
        elif shape in ("loop", "try"):
            self._fixed(node, self.kinds[vertex], leaving)
        elif shape in ("parallel", "race") and all(self.edges[number].label == "then" for number in leaving):
            self._lead(node.id, self._ours(), None)

    def _branch(self, vertex: int, leaving: Sequence[int]) -> None:
        """Each labelled edge is an arm of its own."""
        data = self.data[vertex]
        arms = list(data.branches) if isinstance(data, d.BranchData) else []
        free = {arm.label for arm in arms}
        more: list[d.Arm] = []
        for number in leaving:
            edge = self.edges[number]
            if edge.label in free:
                free.discard(edge.label)
            elif edge.label not in (None, "then"):
                more.append(d.Arm(label=f"{edge.label}{OURS}{number}", condition="true"))
                self.edges[number] = edge.model_copy(update={"label": more[-1].label})
        if more:
            self.data[vertex] = d.BranchData.model_construct(branches=[*arms, *more])

    def _fixed(self, node: model.Node, kind: NodeKind, leaving: Sequence[int]) -> None:
        present = {self.edges[number].label for number in leaving}
        lacking = [label for label in kind.required if label not in present]
        for number in leaving:
            if self.edges[number].label not in (None, "then", *kind.labels):
                label = lacking.pop(0) if lacking else None
                self.edges[number] = self.edges[number].model_copy(update={"label": label})
        for label in lacking:
            self._lead(node.id, self._ours(), label)


_STEP: Final = d.StepData(code="")
_UNKNOWN: Final = NodeKind("", "", d.StepData)
"""Of a node whose type nobody knows."""


def _rest(node: model.Node, kind: NodeKind) -> d.Data:
    """Data that does not fit its type, as far as it says something; defaults for the rest."""
    given = node.data
    if kind.custom is not None:
        return d.CustomData()
    if node.type == "step":
        code = given.get("code")
        return d.StepData(code=code if isinstance(code, str) else "", inline=given.get("inline") is True)
    if node.type == "branch":
        arms = [arm for arm in _list(given.get("branches")) if isinstance(arm, dict)]
        return d.BranchData.model_construct(branches=list(_readable_arms(arms)))
    if node.type == "loop":
        names = {key: given[key] for key in ("itemVar", "indexVar") if isinstance(given.get(key), str)}
        turns = given.get("loopType")
        return d.LoopData.model_construct(
            loopType=turns if turns in ("forEach", "while", "times") else "forEach",
            **{"collection": None, "condition": None, "count": 5, "concurrency": 1, **names},
        )
    if node.type == "parallel":
        return d.ParallelData()
    return d.ExitData() if node.type == "break" else d.NoData()


def _readable_arms(arms: Iterable[Mapping[str, Any]]) -> Iterable[d.Arm]:
    said: set[str] = set()
    for arm in arms:
        label, condition = arm.get("label"), arm.get("condition")
        if isinstance(label, str) and label.strip() and label != "then" and label not in said:
            said.add(label)
            yield d.Arm(label=label, condition=condition if isinstance(condition, str) else "")


def _fields(made: Draft, users: int) -> list[Fields]:
    """The fields of all nodes whose data can be read."""
    fields: list[Fields] = []
    for vertex in range(len(made.flow.nodes)):
        legible = vertex in made.sound or isinstance(made.data[vertex], d.StepData | d.BranchData)
        if vertex >= users or not legible:
            fields.append({})
            continue
        reader = FieldReader(made.scope, made.scanner, vertex, made.base, [], {}, made.names)
        fields.append(read_fields(made.flow.kinds[vertex], made.data[vertex], reader))
    return fields


def order_of(made: Draft, vertices: Sequence[int]) -> list[int]:
    """Nodes in the order in which the program runs them."""
    return sorted(vertices, key=made.regions.position.__getitem__)
