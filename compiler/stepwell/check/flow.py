"""The graph as the analyses see it: vertices are nodes and, for each labelled way into a container, a virtual arm.

Vertices are numbers: nodes first, in file order, then arms. An arm stands between its container and the
targets of its edges, so that "inside an arm" is dominance by the arm (design.md, section 3, Containment).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stepwell.diagnostics import Diagnostic, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph.catalogue import NodeKind
from stepwell.graph.data import BranchData, ExitData
from stepwell.graph.faults import did_you_mean
from stepwell.graph.model import Edge, Node


@dataclass(frozen=True, slots=True)
class ArmVertex:
    """An arm: `label` names it; `missing` marks the else that a branch does not have; `edge` is its edge's index."""

    vertex: int
    container: int
    label: str
    edge: int | None = None
    missing: bool = False


@dataclass(slots=True)
class Flow:
    """The extended graph. Immutable once built; `topological` is empty when there is a cycle."""

    nodes: Sequence[Node]
    kinds: Sequence[NodeKind]
    entry: int
    arms: list[ArmVertex] = field(default_factory=list)
    succ: list[list[int]] = field(default_factory=list)
    pred: list[list[int]] = field(default_factory=list)
    arms_of: dict[int, list[int]] = field(default_factory=dict)
    then_of: dict[int, list[int]] = field(default_factory=dict)
    edge_of: dict[tuple[int, int], int] = field(default_factory=dict)
    exits: frozenset[int] = frozenset()
    """Exit nodes without a condition."""
    topological: list[int] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)

    shapes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shapes = [kind.shape for kind in self.kinds]

    @property
    def size(self) -> int:
        return len(self.succ)

    def is_arm(self, vertex: int) -> bool:
        return len(self.nodes) <= vertex < len(self.succ)

    def arm(self, vertex: int) -> ArmVertex:
        return self.arms[vertex - len(self.nodes)]

    def shape(self, vertex: int) -> str:
        """The shape of a node's kind, or "arm"."""
        return self.shapes[vertex]

    def add_vertex(self) -> int:
        self.succ.append([])
        self.pred.append([])
        return len(self.succ) - 1

    def connect(self, source: int, target: int) -> None:
        self.succ[source].append(target)
        self.pred[target].append(source)

    def add_arm(self, container: int, label: str, edge: int | None = None, missing: bool = False) -> int:
        vertex = self.add_vertex()
        self.shapes.append("arm")
        self.arms.append(ArmVertex(vertex, container, label, edge, missing))
        self.arms_of.setdefault(container, []).append(vertex)
        self.connect(container, vertex)
        return vertex

    def name(self, vertex: int) -> str:
        """How messages name a vertex: the node, or an arm of one."""
        if not self.is_arm(vertex):
            return f"{self.nodes[vertex].label}"
        return f"{self.part(vertex, 'the')} of {self.nodes[self.arm(vertex).container].label}"

    def part(self, vertex: int, article: str = "its") -> str:
        """How messages name an arm: by its label, or (where arms need none) by the node that it leads to."""
        label = self.arm(vertex).label
        if self.shape(self.arm(vertex).container) not in ("parallel", "race") or not label.isdecimal():
            return f"{article} `{label}` part"
        return f"{article} arm that begins with {', '.join(self.nodes[v].label for v in self.succ[vertex])}"


def build_flow(
    nodes: Sequence[Node],
    kinds: Sequence[NodeKind],
    data: Sequence[object],
    edges: Sequence[Edge],
    entry_id: str,
    base: str = "",
) -> tuple[Flow | None, list[Diagnostic]]:
    """The extended graph, or None when the graph has no meaning (dangling edges, a cycle, wrong labels …).

    All findings are given, in file order of what they are about.
    """
    found: list[Diagnostic] = []
    index = _index(nodes, base, found)
    entry = index.get(entry_id)
    if entry is None:
        found.append(
            Diagnostic(
                c.MISSING_ENTRY,
                f"the entry node `{entry_id}` does not exist",
                base + "/entryNodeId",
                hint=_ids_hint(index),
            )
        )
    flow = Flow(nodes, kinds, entry or 0)
    flow.exits = frozenset(v for v, d in enumerate(data) if isinstance(d, ExitData) and not (d.condition or "").strip())
    flow.succ, flow.pred = [[] for _ in nodes], [[] for _ in nodes]
    concurrent = {n.id for n, k in zip(nodes, kinds, strict=True) if k.shape in ("parallel", "race")}
    outgoing = _outgoing(edges, index, concurrent, base, found)
    lost: dict[int, list[str]] = defaultdict(list)
    for edge in edges if found else ():
        if edge.source in index and edge.target not in index:
            label = edge.label or ("" if edge.source in concurrent else "then")
            if label != "then":
                lost[index[edge.source]].append(label)
    for vertex, shape in enumerate(flow.shapes[:]):
        ways = outgoing.get(vertex, [])
        labelled = [edge for _, edge in ways if edge.label]
        if shape == "plain" and not labelled:
            for number, edge in ways:
                _lead(flow, vertex, index[edge.target], number)
        else:
            _Ports(flow, vertex, data[vertex], ways, index, base, found, lost[vertex]).wire()
    if any(d.severity is c.Severity.ERROR for d in found):
        if not any(d.code is c.DUPLICATE_NODE for d in found):  # which node an edge means is open then
            _report_cycle(flow, base, found)
        return None, found
    if not _sort(flow):
        _report_cycle(flow, base, found)
        return None, found
    _unreachable(flow, base, found)
    if any(d.severity is c.Severity.ERROR for d in found):
        return None, found
    if _connect_missing_elses(flow, found, base):
        _sort(flow)
    return flow, found


def _index(nodes: Sequence[Node], base: str, found: list[Diagnostic]) -> dict[str, int]:
    index: dict[str, int] = {}
    for vertex, node in enumerate(nodes):
        if node.id in index:
            found.append(
                Diagnostic(
                    c.DUPLICATE_NODE,
                    f"a node with the id `{node.id}` exists already",
                    base + pointer("nodes", vertex, "id"),
                    node.id,
                    f"the first one is number {index[node.id] + 1} in `nodes`; give this one another id",
                )
            )
        else:
            index[node.id] = vertex
    return index


def _ids_hint(index: Iterable[str]) -> str:
    ids = list(index)[:5]
    return "nodes are " + ", ".join(f"`{i}`" for i in ids)


def _outgoing(
    edges: Sequence[Edge], index: dict[str, int], concurrent: set[str], base: str, found: list[Diagnostic]
) -> dict[int, list[tuple[int, Edge]]]:
    outgoing: dict[int, list[tuple[int, Edge]]] = defaultdict(list)
    ids: set[str] = set()
    said: set[tuple[str, str, str | None]] = set()
    for number, edge in enumerate(edges):
        source, target = edge.source, edge.target
        fine = source in index and target in index
        if not fine:
            ends = [end for end in ("source", "target") if getattr(edge, end) not in index]
            found += [_dangling(edge, end, number, index, base) for end in ends]
        if edge.id in ids:
            found.append(
                Diagnostic(
                    c.EDGE_ID_TWICE, f"another edge has the id `{edge.id}`", base + pointer("edges", number, "id")
                )
            )
        ids.add(edge.id)
        key = (source, target, edge.label or None)
        if key in said:
            found.append(
                Diagnostic(
                    c.DUPLICATE_EDGE,
                    f"a second edge leads from `{source}` to `{target}`",
                    base + pointer("edges", number),
                    source,
                    "remove one of them",
                )
            )
            # Each edge of a parallel or a race is an arm of its own, so there it does add something.
            if source not in concurrent:
                continue
        said.add(key)
        if fine:
            outgoing[index[source]].append((number, edge))
    return outgoing


def _dangling(edge: Edge, end: str, number: int, index: dict[str, int], base: str) -> Diagnostic:
    name = getattr(edge, end)
    meant = did_you_mean(name, index)
    hint = f"Did you mean `{meant}`?" if meant else "remove the edge, or add the node"
    return Diagnostic(
        c.DANGLING_EDGE,
        f"the edge `{edge.id}` has the {end} `{name}`, which does not exist",
        base + pointer("edges", number, end),
        None,
        hint,
    )


@dataclass(slots=True)
class _Ports:
    """Sorts one node's out-edges into arms and continuation."""

    flow: Flow
    vertex: int
    data: object
    edges: list[tuple[int, Edge]]
    index: dict[str, int]
    base: str
    found: list[Diagnostic]
    astray: list[str]
    """Labels of edges that are wrong themselves: they lead nowhere, or fit none of the node's labels."""
    missing: list[tuple[str, Diagnostic]] = field(default_factory=list)
    """Arms without an edge, by label."""

    def wire(self) -> None:
        getattr(self, "_" + self.flow.kinds[self.vertex].shape)()
        for label in self.astray:
            # Such an edge was meant for an arm, which then lacks it: that is one fault.
            nearest = max(self.missing, key=lambda one: _likeness(label, one[0]), default=None)
            if nearest is not None:
                self.missing.remove(nearest)
        self.found += [finding for _, finding in self.missing]

    @property
    def node(self) -> Node:
        return self.flow.nodes[self.vertex]

    def _say(self, code: c.Code, message: str, edge: int | None = None, hint: str | None = None) -> None:
        place = pointer("edges", edge) if edge is not None else pointer("nodes", self.vertex)
        self.found.append(Diagnostic(code, message, self.base + place, self.node.id, hint))

    def _plain(self) -> None:
        for number, edge in self.edges:
            if edge.label and edge.label != "then":
                self._say(
                    c.LABEL_IGNORED,
                    f"the label `{edge.label}` means nothing on an edge that leaves {self.node.label}",
                    number,
                    "only branches, loops, try/catch, parallels and races have labelled edges",
                )
            self._lead(self.vertex, number, edge)

    def _lead(self, source: int, number: int, edge: Edge) -> None:
        target = self.index[edge.target]
        led = _lead(self.flow, source, target, number)
        if led and source == self.vertex and self.flow.kinds[source].is_container:
            self.flow.then_of.setdefault(source, []).append(target)

    def _branch(self) -> None:
        arms = self.data.branches if isinstance(self.data, BranchData) else []
        labels = [arm.label for arm in arms]
        by_label: dict[str, tuple[int, Edge]] = {}
        for number, edge in self.edges:
            label = edge.label or ""
            if label in labels and label:
                if label in by_label:
                    self._say(
                        c.DOUBLED_ARM,
                        f"the arm `{label}` of {self.node.label} has a second edge",
                        number,
                        "one edge for each arm: let one node stand first in the arm and fan out from there",
                    )
                by_label.setdefault(label, (number, edge))
            elif label in ("", "then"):
                self._lead(self.vertex, number, edge)
            else:
                self._wrong(number, edge, [*labels, "then"])
        for position, arm in enumerate(arms):
            self._branch_arm(arm.label, bool(arm.condition.strip()), by_label.get(arm.label), position)
        if all(arm.condition.strip() for arm in arms):
            self.flow.add_arm(self.vertex, "else", None, missing=True)

    def _branch_arm(self, label: str, conditional: bool, edge: tuple[int, Edge] | None, position: int) -> None:
        arm = self.flow.add_arm(self.vertex, label, edge[0] if edge else None)
        if edge:
            self._lead(arm, *edge)
        elif conditional:
            empty = Diagnostic(
                c.EMPTY_ARM,
                f"the arm `{label}` of {self.node.label} has no edge: nothing runs when it is taken",
                self.base + pointer("nodes", self.vertex, "data", "branches", position),
                self.node.id,
                f"draw an edge with the label `{label}`, or remove the arm",
            )
            self.missing.append((label, empty))

    def _parallel(self) -> None:
        arms = [(n, e) for n, e in self.edges if e.label != "then"]
        for number, edge in self.edges:
            if edge.label == "then":
                self._lead(self.vertex, number, edge)
        for position, (number, edge) in enumerate(arms):
            arm = self.flow.add_arm(self.vertex, edge.label or str(position + 1), number)
            self._lead(arm, number, edge)
        if self.astray:
            return
        if not arms:
            self._say(
                c.MISSING_ARM, f"{self.node.label} has no arms", None, "draw an edge to the first node of each arm"
            )
        elif len(arms) == 1:
            self._say(
                c.SINGLE_ARM, f"{self.node.label} has only one arm", None, "draw another arm, or leave the node out"
            )

    _race = _parallel

    def _loop(self) -> None:
        self._labelled(unlabelled_is_then=True)

    _try = _loop

    def _labelled(self, unlabelled_is_then: bool) -> None:
        kind = self.flow.kinds[self.vertex]
        by_label: dict[str, list[tuple[int, Edge]]] = defaultdict(list)
        for number, edge in self.edges:
            label = edge.label or "then"
            if label == "then":
                self._lead(self.vertex, number, edge)
            elif label in kind.labels:
                by_label[label].append((number, edge))
            else:
                self._wrong(number, edge, [*kind.labels, "then"])
        for label in kind.labels:
            self._fixed_arm(label, by_label[label], label in kind.required)

    def _fixed_arm(self, label: str, edges: list[tuple[int, Edge]], required: bool) -> None:
        if edges:
            arm = self.flow.add_arm(self.vertex, label, edges[0][0])
            for number, edge in edges:
                self._lead(arm, number, edge)
        elif required:
            lacks = Diagnostic(
                c.MISSING_ARM,
                f"{self.node.label} has no `{label}` edge",
                self.base + pointer("nodes", self.vertex),
                self.node.id,
                f"draw an edge with the label `{label}` to the first node of that part",
            )
            self.missing.append((label, lacks))

    def _wrong(self, number: int, edge: Edge, labels: list[str]) -> None:
        from difflib import get_close_matches

        self.astray.append(edge.label or "")
        close = get_close_matches(edge.label or "", labels, 1)
        could = ", ".join(f"`{label}`" for label in labels)
        hint = (f"Did you mean `{close[0]}`? " if close else "") + f"the labels of {self.node.label} are {could}"
        self._say(
            c.WRONG_LABEL,
            f"the edge `{edge.id}` leaves {self.node.label} with the label `{edge.label}`, which it does not have",
            number,
            hint,
        )


def _lead(flow: Flow, source: int, target: int, number: int) -> bool:
    """Connect two vertices by an edge, unless another one does already."""
    if target in flow.succ[source]:
        return False
    flow.connect(source, target)
    flow.edge_of[source, target] = number
    return True


def _likeness(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()


def _sort(flow: Flow) -> bool:
    """Topological order, ties by file order; arms stand right behind their container. False when there is a cycle."""
    missing, succ, count = [len(p) for p in flow.pred], flow.succ, len(flow.nodes)
    ready = [v for v in range(count) if not missing[v]]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        vertex = heapq.heappop(ready)
        sources = [vertex, *flow.arms_of.get(vertex, ())]
        order += sources
        for source in sources:
            for target in succ[source]:
                missing[target] -= 1
                if not missing[target] and target < count:
                    heapq.heappush(ready, target)
    flow.topological = order if len(order) == flow.size else []
    flow.rank = [0] * flow.size
    for position, vertex in enumerate(order):
        flow.rank[vertex] = position
    return len(order) == flow.size


def _report_cycle(flow: Flow, base: str, found: list[Diagnostic]) -> None:
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph((u, v) for u, targets in enumerate(flow.succ) for v in targets)
    try:
        edges = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return
    cycle = [u for u, _ in edges if not flow.is_arm(u)]
    names = " → ".join(f"{flow.nodes[v].label}" for v in [*cycle, cycle[0]])
    found.append(
        Diagnostic(
            c.CYCLE,
            f"the edges form a cycle: {names}",
            base + pointer("nodes", min(cycle)),
            flow.nodes[min(cycle)].id,
            _cycle_hint(flow, edges),
        )
    )


def _cycle_hint(flow: Flow, edges: Sequence[tuple[int, int]]) -> str:
    """Editors that know no `loop` lead the end of a body back to its beginning."""
    vertices = {u for u, _ in edges}
    for source, target in edges:
        is_loop = not flow.is_arm(target) and flow.shape(target) == "loop"
        if is_loop and any(arm in vertices for arm in flow.arms_of.get(target, ())):
            last, loop = flow.nodes[source].id if not flow.is_arm(source) else None, flow.nodes[target].id
            where = f"from `{last}` " if last is not None else ""
            return f"remove the edge {where}back to `{loop}`: the body of a loop repeats by itself"
    return "use a `loop` node to repeat something"


def _unreachable(flow: Flow, base: str, found: list[Diagnostic]) -> None:
    seen = reach(flow.succ, [flow.entry])
    for vertex, node in enumerate(flow.nodes):
        if vertex not in seen:
            found.append(
                Diagnostic(
                    c.UNREACHABLE,
                    f"no way leads from the entry {flow.nodes[flow.entry].label} to {node.label}",
                    base + pointer("nodes", vertex),
                    node.id,
                    "connect it, or remove it",
                )
            )


def reach(
    succ: Sequence[Sequence[int]],
    start: Iterable[int],
    without: int = -1,
    rank: Sequence[int] | None = None,
    until: int = 0,
) -> set[int]:
    """All vertices that can be reached from `start` (included) without going through `without`.

    With a topological `rank`, those up to the rank `until` alone.
    """
    stack = list(start)
    seen = set(stack)
    if rank is None and without == -1:
        while stack:
            for target in succ[stack.pop()]:
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return seen
    while stack:
        for target in succ[stack.pop()]:
            if target not in seen and target != without and (rank is None or rank[target] <= until):
                seen.add(target)
                stack.append(target)
    return seen


def _connect_missing_elses(flow: Flow, found: list[Diagnostic], base: str) -> bool:
    """The missing else of a branch leads to its merge (design.md, section 3, Order). Inner branches first.

    Whether there is one.
    """
    missing = [arm for arm in flow.arms if arm.missing]
    for arm in sorted(missing, key=lambda a: flow.rank[a.container], reverse=True):
        arms = [a for a in flow.arms_of[arm.container] if a != arm.vertex]
        merges = merges_of(flow, arms)
        for merge in merges:
            flow.connect(arm.vertex, merge)
        for merge in merges:
            if all(flow.succ[a] == [merge] for a in arms):
                branch = flow.nodes[arm.container]
                found.append(
                    Diagnostic(
                        c.MISSING_ELSE_JOIN,
                        f"{flow.nodes[merge].label} runs also when no arm of {branch.label} is true, "
                        "for all arms lead straight to it and there is no else",
                        base + pointer("nodes", arm.container),
                        branch.id,
                        "add an arm with an empty condition and no edge if it should not run then",
                    )
                )
    return bool(missing)


def merges_of(flow: Flow, arms: Sequence[int]) -> list[int]:
    """Every minimal node that all `arms` can reach and at least two enter."""
    if len(arms) < 2:
        return []
    everything = (1 << len(arms)) - 1
    bits = {arm: 1 << number for number, arm in enumerate(arms)}
    heap = [(flow.rank[arm], arm) for arm in arms]
    heapq.heapify(heap)
    merges: list[int] = []
    while heap:
        _, vertex = heapq.heappop(heap)
        if bits[vertex] == everything:
            merges.append(vertex)
            continue
        for target in flow.succ[vertex]:
            if target not in bits:
                heapq.heappush(heap, (flow.rank[target], target))
            bits[target] = bits.get(target, 0) | bits[vertex]
    return [m for m in merges if len(merges) == 1 or not _behind(flow, m, merges)]


def _behind(flow: Flow, vertex: int, others: Sequence[int]) -> bool:
    return any(vertex in reach(flow.succ, [other]) for other in others if other != vertex)
