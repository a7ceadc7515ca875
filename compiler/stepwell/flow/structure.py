"""How a graph stands in a flow's file: which node in which arm, in which order, and what it comes after.

Containment is dominance, as everywhere in stepwell, but nothing is refused here: what does not nest is said by
`after` and `flow.edge`. The tree that is made has every edge of the graph exactly once.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

NESTING: Final = 9
"""How deep containers are nested in the file; what lies deeper is written flat. Python takes 20 blocks."""

Key = tuple[str, str | None]
"""A way out: the id of the node it leaves, and its label."""


@dataclass(eq=False)
class Arm:
    """An arm of a container; `label` is that of its edge."""

    label: str | None
    block: Block


@dataclass(eq=False)
class Item:
    """A node in its place. `after` None: it follows from the order of the statements. `keys` are its edges."""

    node: int
    arms: list[Arm] = field(default_factory=list)
    nested: bool = False
    after: list[Key] | None = None
    keys: list[Key] = field(default_factory=list)


@dataclass(eq=False)
class Block:
    """Statements in a row; `closed`: nothing goes on from here."""

    items: list[Item] = field(default_factory=list)
    closed: bool = False


@dataclass(frozen=True)
class Shape:
    """A graph in the form of a file: blocks, and the edges that stand behind them."""

    root: Block
    edges: list[tuple[Key, str]]


def labels_of(node: dict[str, Any], edges: Sequence[dict[str, Any]]) -> list[str | None]:
    """The arms of a node in order, by the labels of its edges. `edges` are those that leave it."""
    data = node.get("data") or {}
    told = [edge.get("label") for edge in edges]
    match node["type"]:
        case "parallel" | "race":
            return [label for label in told if label != "then"]
        case "loop":
            return ["body"]
        case "try_catch":
            return [label for label in ("try", "catch", "finally") if label in told]
        case "branch":
            listed = data.get("branches")
            known = [arm.get("label") for arm in listed if isinstance(arm, dict)] if isinstance(listed, list) else []
            words = [label for label in known if isinstance(label, str) and label != "then"]
            return list(dict.fromkeys([*words, *(label for label in told if label not in (None, "then"))]))
    return []


def joins(node: dict[str, Any]) -> bool:
    """Whether the statement behind the node's arms takes up their ends."""
    return node["type"] in ("branch", "parallel", "race")


class _Maker:
    def __init__(self, nodes: Sequence[dict[str, Any]], edges: Sequence[dict[str, Any]], entry: str) -> None:
        self.nodes = nodes
        self.ids = {node["id"]: number for number, node in reversed(list(enumerate(nodes)))}
        self.edges = edges
        self.leaving: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.coming: defaultdict[int, list[Key]] = defaultdict(list)
        for edge in edges:
            if edge["source"] in self.ids:
                self.leaving[self.ids[edge["source"]]].append(edge)
            if edge["target"] in self.ids:
                self.coming[self.ids[edge["target"]]].append((edge["source"], edge.get("label")))
        self.labels = [labels_of(node, self.leaving[number]) for number, node in enumerate(nodes)]
        self.arms = [(number, place) for number in range(len(nodes)) for place in range(len(self.labels[number]))]
        self.arm_number = {arm: len(nodes) + k for k, arm in enumerate(self.arms)}
        self.entry = self.ids.get(entry, 0)
        self.written: set[str] = set()
        self.rest: list[tuple[Key, str]] = []

    # -- containment -------------------------------------------------------------------------------

    def _links(self) -> Iterator[tuple[int, int]]:
        """The edges of the graph with a vertex of its own for each arm."""
        for (number, _), vertex in self.arm_number.items():
            yield number, vertex
        for number, edges in self.leaving.items():
            free = Counter[str | None]()
            for edge in edges:
                target, label = self.ids.get(edge["target"]), edge.get("label")
                if target is not None:
                    yield self._vertex(number, label, free), target

    def _vertex(self, number: int, label: str | None, free: Counter[str | None]) -> int:
        """Each edge of a parallel or a race is an arm of its own; elsewhere a label is."""
        labels = self.labels[number]
        if label not in labels:
            return number
        if self.nodes[number]["type"] not in ("parallel", "race"):
            return self.arm_number[number, labels.index(label)]
        places = [place for place, one in enumerate(labels) if one == label]
        free[label] += 1
        return self.arm_number[number, places[min(free[label], len(places)) - 1]]

    def blocks(self) -> dict[int, int | None]:
        """The arm's vertex that each node stands in; None: outermost."""
        import networkx as nx

        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(len(self.nodes) + len(self.arms)))
        graph.add_edges_from(self._links())
        dominators = dict(nx.immediate_dominators(graph, self.entry))
        dominators.pop(self.entry, None)
        found: dict[int, int | None] = {}
        depth: dict[int | None, int] = {None: 0}
        for vertex in self._by_dominance(dominators):
            above = dominators.get(vertex)
            if above is None:
                found[vertex] = None
            elif above >= len(self.nodes):
                found[vertex] = above if depth[above] <= NESTING else found[self.arms[above - len(self.nodes)][0]]
            else:
                found[vertex] = found[above]
            if vertex >= len(self.nodes):
                depth[vertex] = depth[found[self.arms[vertex - len(self.nodes)][0]]] + 1
        return {number: found.get(number) for number in range(len(self.nodes))}

    def _by_dominance(self, dominators: dict[int, int]) -> Iterator[int]:
        below: defaultdict[int, list[int]] = defaultdict(list)
        for vertex, above in dominators.items():
            below[above].append(vertex)
        stack = [self.entry]
        while stack:
            vertex = stack.pop()
            yield vertex
            stack.extend(below[vertex])

    # -- order -------------------------------------------------------------------------------------

    def shape(self) -> Shape:
        """The form of the graph. Ids that stand twice name nothing for sure: then all is written in a row."""
        if len(self.ids) != len(self.nodes):
            root = Block([Item(number) for number in range(len(self.nodes))])
            self._follow(root)
            return Shape(root, self.rest)
        return self._nested()

    def _nested(self) -> Shape:
        block_of = self.blocks()
        inside: defaultdict[int | None, list[int]] = defaultdict(list)
        for number, block in block_of.items():
            inside[block].append(number)
        before = self._before(block_of)
        root = Block()
        work: list[tuple[Block, int | None]] = [(root, None)]
        while work:
            here, vertex = work.pop()
            here.items = [Item(number) for number in self._sorted(inside[vertex], before, vertex is None)]
            for item in here.items:
                vertices = [self.arm_number[item.node, place] for place in range(len(self.labels[item.node]))]
                item.nested = bool(vertices) and (self._depth(block_of, item.node) < NESTING)
                if item.nested:
                    item.arms = [Arm(self.labels[item.node][place], Block()) for place in range(len(vertices))]
                    work.extend((arm.block, v) for arm, v in zip(item.arms, vertices, strict=True))
        self._follow(root)
        return Shape(root, self.rest)

    def _depth(self, block_of: dict[int, int | None], number: int) -> int:
        depth, block = 0, block_of[number]
        while block is not None:
            depth += 1
            block = block_of[self.arms[block - len(self.nodes)][0]]
        return depth

    def _before(self, block_of: dict[int, int | None]) -> dict[int, set[int]]:
        """Of neighbours in a block, which lead to which, also out of what they hold."""
        chain: dict[int, list[tuple[int | None, int]]] = {}

        def ways_up(number: int) -> list[tuple[int | None, int]]:
            if number not in chain:
                block = block_of[number]
                above = ways_up(self.arms[block - len(self.nodes)][0]) if block is not None else []
                chain[number] = [(block, number), *above]
            return chain[number]

        before: defaultdict[int, set[int]] = defaultdict(set)
        for edge in self.edges:
            source, target = self.ids.get(edge["source"]), self.ids.get(edge["target"])
            if source is None or target is None:
                continue
            up = dict(ways_up(source))
            for above, number in ways_up(target):
                if above in up:
                    if up[above] != number:
                        before[number].add(up[above])
                    break
        return before

    def _sorted(self, numbers: list[int], before: dict[int, set[int]], outermost: bool) -> list[int]:
        """Kahn's order, ties by the order of the document; where a cycle closes, the first that is left."""
        here = set(numbers)
        waits = {number: len(before.get(number, set()) & here) for number in numbers}
        leads: defaultdict[int, list[int]] = defaultdict(list)
        for number in numbers:
            for source in before.get(number, ()):
                if source in here:
                    leads[source].append(number)
        ready = [number for number in numbers if not waits[number]]
        if outermost and self.entry in here and waits[self.entry]:
            ready.append(self.entry)
        heapq.heapify(ready)
        done: list[int] = []
        seen: set[int] = set()
        left = iter(numbers)
        while len(done) < len(numbers):
            number = heapq.heappop(ready) if ready else next(n for n in left if n not in seen)
            if number in seen:
                continue
            seen.add(number)
            done.append(number)
            for target in leads[number]:
                waits[target] -= 1
                if not waits[target] and target not in seen:
                    heapq.heappush(ready, target)
        return done

    # -- edges -------------------------------------------------------------------------------------

    def _follow(self, root: Block) -> None:
        """Says of each node what it comes after, where that is not what the order says."""
        self._in_block(root, [])
        known = self.ids.keys()
        self.rest += [((e["source"], e.get("label")), e["target"]) for e in self.edges if e["target"] not in known]

    def _in_block(self, block: Block, ends: list[Key]) -> list[Key]:
        last: Item | None = None
        for item in block.items:
            wanted = self._wanted(item.node)
            if Counter(ends) != Counter(wanted) and last is not None:
                self._close(last, set(wanted))
                ends = self._ends(last)
            if Counter(ends) != Counter(wanted):
                item.after = wanted
            item.keys = wanted if item.after is not None else list(ends)
            self.written.add(self.nodes[item.node]["id"])
            for arm in item.arms:
                self._in_block(arm.block, [(self.nodes[item.node]["id"], arm.label)])
            ends, last = self._ends(item), item
        return ends

    def _wanted(self, number: int) -> list[Key]:
        """The ways that lead to a node from what is written before it; the others are written behind."""
        if self.ids[self.nodes[number]["id"]] != number:
            return []
        found = []
        for key in self.coming[number]:
            if key[0] in self.written:
                found.append(key)
            else:
                self.rest.append((key, self.nodes[number]["id"]))
        return found

    def _ends(self, item: Item) -> list[Key]:
        node = self.nodes[item.node]
        if node["type"] == "break" and not (node.get("data") or {}).get("condition"):
            return []
        if node["type"] in ("loop", "try_catch") or (joins(node) and not item.arms):
            return [(node["id"], "then")]
        if item.arms:
            return [end for arm in item.arms for end in self._arm_ends(item, arm)]
        return [(node["id"], None)]

    def _arm_ends(self, item: Item, arm: Arm) -> list[Key]:
        if arm.block.closed:
            return []
        if not arm.block.items:
            return [(self.nodes[item.node]["id"], arm.label)]
        return self._ends(arm.block.items[-1])

    def _close(self, item: Item, wanted: set[Key]) -> None:
        """Ends the arms from which nothing goes on to where the ways meet."""
        if not item.arms or not joins(self.nodes[item.node]):
            return
        ends = [end for arm in item.arms for end in self._arm_ends(item, arm)]
        if not wanted or not wanted <= set(ends):
            return
        for arm in item.arms:
            own = set(self._arm_ends(item, arm))
            if own and not own & wanted:
                arm.block.closed = True
            elif own - wanted and arm.block.items:
                self._close(arm.block.items[-1], wanted & own)


def shape_of(artifact: dict[str, Any]) -> Shape:
    """The form of a graph."""
    return _Maker(artifact["nodes"], artifact["edges"], artifact["entryNodeId"]).shape()
