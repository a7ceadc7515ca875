"""The shape of a graph as design.md section 3 gives it: ports, missing elses, blocks, and the order in a block.

Shares nothing with `check` and `lower`: it is one half of the reference, `reference.py` the other.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx

from tests.semantics.case import CONTAINERS, VALUED, Case, Node

Arm = str
ELSE = "\0else"


@dataclass
class Shape:
    """A case's graph with a virtual vertex `<node>/<label>` for each arm."""

    case: Case
    arms: dict[str, dict[str, Arm]] = field(default_factory=lambda: defaultdict(dict))
    """Container → label → arm, in order."""
    then: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    edges: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.nodes: dict[str, Node] = {node.id: node for node in self.case.nodes}
        self.rank = {node.id: i for i, node in enumerate(self.case.nodes)}
        self.entry = self.case.nodes[self.case.entry].id
        self._ports()
        self._missing_elses()
        self.graph = self._drawn()
        found: dict[str, str] = nx.immediate_dominators(self.graph, self.entry)
        self.idom = {v: d for v, d in found.items() if v != self.entry}
        self.reachable = set(self.idom) | {self.entry}
        self._order: dict[Arm | None, list[str]] = {}
        self._blocks: dict[str, Arm | None] = {}

    # -- what the edges mean

    def _ports(self) -> None:
        for node in self.case.nodes:
            for label in self._labels(node):
                self._arm(node.id, label)
        for number, edge in enumerate(self.case.edges):
            kind = self.nodes[edge.source].type
            if kind in ("parallel", "race") and edge.label != "then":
                self._arm(edge.source, str(number))
                self._edge(self.arms[edge.source][str(number)], edge.target)
            elif edge.label in self.arms.get(edge.source, {}):
                self._edge(self.arms[edge.source][edge.label or ""], edge.target)
            else:
                if kind in CONTAINERS:
                    self.then[edge.source].append(edge.target)
                self._edge(edge.source, edge.target)

    def _labels(self, node: Node) -> list[str]:
        if node.type == "branch":
            return [*node.arms, *(["else"] if node.has_else else [])]
        if node.type == "loop":
            return ["body"]
        if node.type == "try_catch":
            used = {edge.label for edge in self.case.edges if edge.source == node.id}
            return [label for label in ("try", "catch", "finally") if label in used]
        return []

    def _edge(self, source: str, target: str) -> None:
        if target not in self.edges[source]:
            self.edges[source].append(target)

    def _arm(self, node: str, label: str) -> None:
        self.arms[node][label] = f"{node}/{label}"
        self._edge(node, f"{node}/{label}")

    def _drawn(self) -> nx.DiGraph[str]:
        drawn: nx.DiGraph[str] = nx.DiGraph()
        drawn.add_nodes_from([*self.nodes, *(arm for arms in self.arms.values() for arm in arms.values())])
        drawn.add_edges_from((u, v) for u, targets in self.edges.items() for v in targets)
        return drawn

    def _missing_elses(self) -> None:
        """A missing else leads to every minimal node that all arms can reach and at least two enter."""
        without = [node.id for node in self.case.nodes if node.type == "branch" and not node.has_else]
        position = {v: i for i, v in enumerate(nx.topological_sort(self._drawn()))}
        for branch in sorted(without, key=position.__getitem__, reverse=True):
            merge = self._merge(list(self.arms[branch].values()))
            self._arm(branch, ELSE)
            for target in merge:
                self._edge(self.arms[branch][ELSE], target)

    def _merge(self, arms: list[Arm]) -> list[str]:
        if len(arms) < 2:
            return []
        drawn = self._drawn()
        reach = [nx.descendants(drawn, arm) for arm in arms]
        common = [v for v in set.intersection(*reach) if v in self.nodes]

        def entered_by(v: str) -> set[int]:
            return {i for p in drawn.pred[v] for i, arm in enumerate(arms) if p == arm or p in reach[i]}

        entered = [v for v in common if len(entered_by(v)) > 1]
        return [v for v in entered if not any(v in nx.descendants(drawn, w) for w in entered if w != v)]

    # -- containment

    def block(self, vertex: str) -> Arm | None:
        """The innermost arm that dominates `vertex`, None at the outermost level."""
        if vertex not in self._blocks:
            above = self.idom.get(vertex)
            self._blocks[vertex] = above if above is None or above not in self.nodes else self.block(above)
        return self._blocks[vertex]

    def owner(self, arm: Arm) -> str:
        """The container that an arm belongs to."""
        return arm.rpartition("/")[0]

    def around(self, vertex: str) -> list[Arm]:
        """The arms around a node, innermost first."""
        found = []
        arm = self.block(vertex)
        while arm is not None:
            found.append(arm)
            arm = self.block(self.owner(arm))
        return found

    def containers(self, vertex: str) -> list[Node]:
        """The containers around a node, innermost first."""
        return [self.nodes[self.owner(arm)] for arm in self.around(vertex)]

    def loops(self, vertex: str) -> list[Node]:
        return [node for node in self.containers(vertex) if node.type == "loop"]

    def within(self, arm: Arm) -> set[str]:
        """Everything that an arm dominates, with itself."""
        return {v for v in self.graph if v == arm or self.dominates(arm, v)}

    def dominates(self, a: str, b: str) -> bool:
        while b in self.idom:
            b = self.idom[b]
            if a == b:
                return True
        return False

    # -- order

    def members(self, block: Arm | None) -> list[str]:
        """The nodes of a block in the order in which they run: topological, ties by file order."""
        if block not in self._order:
            self._order[block] = self._sorted(block)
        return self._order[block]

    def _sorted(self, block: Arm | None) -> list[str]:
        inside = [v for v in self.nodes if v in self.reachable and self.block(v) == block]
        needs = self._needs(inside, block)
        done: list[str] = []
        while len(done) < len(inside):
            ready = (v for v in inside if v not in done and needs[v] <= set(done))
            done.append(min(ready, key=self.rank.__getitem__))
        return done

    def _needs(self, inside: list[str], block: Arm | None) -> dict[str, set[str]]:
        needs: dict[str, set[str]] = {v: set() for v in inside}
        for v in inside:
            for u in self.graph.pred[v]:
                unit = self._unit(u, block)
                if unit is not None and unit != v:
                    needs[v].add(unit)
        for container, targets in self.then.items():
            for target in set(targets) & set(inside):
                needs[target] |= self._before_then(container, targets, target, inside)
        return needs

    def _before_then(self, container: str, targets: list[str], target: str, inside: list[str]) -> set[str]:
        """With a merge and a `then`, the merge's part comes first, unless the merge waits for `then`."""
        merges = [
            j
            for j in inside
            if j != target
            and self.idom.get(j) == container
            and j not in targets
            and not nx.has_path(self.graph, target, j)
        ]
        return {
            x
            for x in inside
            if any(x == j or self.dominates(j, x) for j in merges) and not nx.has_path(self.graph, target, x)
        }

    def _unit(self, vertex: str, block: Arm | None) -> str | None:
        """The node of `block` that is or holds `vertex`; None for the block's own arm."""
        if vertex == block:
            return None
        here = vertex if vertex in self.nodes else self.owner(vertex)
        while self.block(here) != block:
            around = self.block(here)
            assert around is not None
            here = self.owner(around)
        return here

    # -- values

    @cached_property
    def alive(self) -> set[str]:
        """Nodes that are not cut off by an Exit without a condition."""
        living: nx.DiGraph[str] = nx.DiGraph(
            (u, v) for u, v in self.graph.edges if not (u in self.nodes and self.nodes[u].always_exits)
        )
        living.add_node(self.entry)
        return set(nx.descendants(living, self.entry)) | {self.entry}

    def has_value(self, vertex: str) -> bool:
        """Whether a node counts for results; a container does when any of its arms can have a value."""
        kind = self.nodes[vertex].type
        if vertex not in self.alive or kind not in CONTAINERS:
            return vertex in self.alive and kind in VALUED
        arms = [arm for label, arm in self.arms[vertex].items() if label != "finally"]
        return any(self.has_value(member) for arm in arms for member in self.members(arm))
