"""Regions: which block a node belongs to, in which order a block runs, and what must be guarded.

A block is the root or an arm. A vertex belongs to the block of its immediate dominator; where a node does not
always run when its immediate dominator does, it and what it dominates form a guarded part of that block
(design.md, section 3: Containment, Order, Guards). Nothing here is recursive: graphs may be deep.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import networkx as nx

from stepwell.check.flow import Flow

ROOT = -1


@dataclass(slots=True)
class Regions:
    """What dominance says. `block[v]` is the innermost arm around v (ROOT: none); an arm's own block is itself."""

    flow: Flow
    idom: list[int] = field(default_factory=list)
    children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    block: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    """Depth in the dominator tree."""
    enter: list[int] = field(default_factory=list)
    leave: list[int] = field(default_factory=list)
    guarded: set[int] = field(default_factory=set)
    parts: dict[int, list[int]] = field(default_factory=dict)
    """Of a block (ROOT or an arm) or a guarded vertex: what runs in it, in order; guarded vertices stand for their part."""
    position: list[int] = field(default_factory=list)
    """The place of each node in the order in which the whole program is written down."""
    home: list[int] = field(default_factory=list)
    """The part (ROOT, an arm or a guarded vertex) in which a node stands."""
    exiting: list[bool] = field(default_factory=list)
    """Whether control never comes past this vertex (an Exit without a condition on every way)."""

    def dominates(self, a: int, b: int) -> bool:
        return self.enter[a] <= self.enter[b] and self.leave[b] <= self.leave[a]

    def parent_block(self, block: int) -> int:
        """The block that holds the container of the arm `block`."""
        return self.block[self.flow.arm(block).container]

    def blocks_around(self, vertex: int) -> list[int]:
        """The arms around a vertex, innermost first (its own, when it is an arm)."""
        around: list[int] = []
        block = self.block[vertex]
        while block != ROOT:
            around.append(block)
            block = self.parent_block(block)
        return around

    def common_dominator(self, a: int, b: int) -> int:
        while not self.dominates(a, b):
            a = self.idom[a]
        return a

    def child_towards(self, dominator: int, vertex: int) -> int:
        """The child of `dominator` in the dominator tree that dominates `vertex` (`vertex` is below it)."""
        while self.idom[vertex] != dominator:
            vertex = self.idom[vertex]
        return vertex

    def is_joined(self, vertex: int) -> bool:
        """Whether the vertex belongs to a container's block behind it: its immediate dominator is a container."""
        return not self.flow.is_arm(vertex) and self.flow.shape(self.idom[vertex]) not in ("plain", "arm")


def build_regions(flow: Flow) -> Regions:
    regions = Regions(flow)
    _dominators(regions)
    _blocks(regions)
    regions.exiting = _exiting(flow)
    _guards(regions)
    _order(regions)
    return regions


def _dominators(regions: Regions) -> None:
    flow = regions.flow
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(flow.size))
    graph.add_edges_from((u, v) for u, targets in enumerate(flow.succ) for v in targets)
    found = nx.immediate_dominators(graph, flow.entry)
    # networkx 3.6 leaves the start node out of the result; older ones map it to itself
    regions.idom = [found.get(v, ROOT) if v != flow.entry else ROOT for v in range(flow.size)]
    for vertex in flow.topological:
        if vertex != flow.entry:
            regions.children[regions.idom[vertex]].append(vertex)


def _blocks(regions: Regions) -> None:
    flow = regions.flow
    regions.block, regions.depth = [ROOT] * flow.size, [0] * flow.size
    for vertex in flow.topological:
        above = regions.idom[vertex]
        if above != ROOT:
            regions.depth[vertex] = regions.depth[above] + 1
        if flow.is_arm(vertex):
            regions.block[vertex] = vertex
        elif above != ROOT:
            regions.block[vertex] = regions.block[above]
    regions.enter, regions.leave = [0] * flow.size, [0] * flow.size
    clock, stack = 0, [(flow.entry, False)]
    while stack:
        vertex, done = stack.pop()
        clock += 1
        if done:
            regions.leave[vertex] = clock
            continue
        regions.enter[vertex] = clock
        stack.append((vertex, True))
        stack.extend((child, False) for child in regions.children[vertex])


def _holds(flow: Flow, vertex: int, value: dict[int, bool]) -> bool:
    """The rule of `must` at one vertex, given the vertices behind it (design.md, section 3, Guards)."""
    shape = flow.shape(vertex)
    then = any(value.get(t, False) for t in flow.then_of.get(vertex, ()))
    arms = [value.get(a, False) for a in flow.arms_of.get(vertex, ())]
    if shape in ("branch", "race"):
        return then or all(arms)
    if shape == "loop":
        return then
    if shape == "try":
        by_label = {flow.arm(a).label: value.get(a, False) for a in flow.arms_of[vertex]}
        return then or by_label.get("finally", False) or (by_label.get("try", False) and by_label.get("catch", False))
    return any(value.get(t, False) for t in flow.succ[vertex])


def _exiting(flow: Flow) -> list[bool]:
    value: dict[int, bool] = {}
    for vertex in reversed(flow.topological):
        value[vertex] = vertex in flow.exits or _holds(flow, vertex, value)
    return [value[v] for v in range(flow.size)]


def must(regions: Regions, above: int, vertex: int) -> bool:
    """Whether `vertex` always runs when `above`, which dominates it, runs (and nothing throws, and no Exit leaves)."""
    flow = regions.flow
    if above == vertex:
        return True
    if flow.shape(above) in ("plain", "arm", "parallel") and vertex in flow.succ[above]:
        return True
    between = _between(regions, above, vertex)
    value = {vertex: True}
    for each in sorted(between, key=flow.rank.__getitem__, reverse=True):
        if each != vertex:
            value[each] = regions.exiting[each] or _holds(flow, each, _with_exits(flow, each, value, regions))
    return value.get(above, False)


def _with_exits(flow: Flow, vertex: int, value: dict[int, bool], regions: Regions) -> dict[int, bool]:
    """`value`, with the arms and successors of `vertex` that leave by an Exit counted as holding."""
    extra = {t: True for t in (*flow.succ[vertex],) if regions.exiting[t] and t not in value}
    return {**{t: value[t] for t in flow.succ[vertex] if t in value}, **extra}


def _between(regions: Regions, above: int, vertex: int) -> set[int]:
    """All vertices on ways from `above` to `vertex`, both included."""
    found, stack = {vertex, above}, [vertex]
    while stack:
        for source in regions.flow.pred[stack.pop()]:
            if source not in found:
                found.add(source)
                stack.append(source)
    return found


def _guards(regions: Regions) -> None:
    for vertex in regions.flow.topological:
        above = regions.idom[vertex]
        if above != ROOT and not regions.flow.is_arm(vertex) and not must(regions, above, vertex):
            regions.guarded.add(vertex)


def _order(regions: Regions) -> None:
    """The order of every block and guarded part, each on its own (dominated parts can be contracted)."""
    flow = regions.flow
    regions.home = home = _homes(regions)
    members: dict[int, list[int]] = defaultdict(list)
    for vertex in flow.topological:
        if not flow.is_arm(vertex):
            members[home[vertex]].append(vertex)
            if vertex in regions.guarded:
                members[vertex].append(vertex)
    hard = _hard(regions)
    soft = _soft(regions)
    regions.parts = {part: _sorted_part(vertices, hard, soft) for part, vertices in members.items()}
    _positions(regions)


def _homes(regions: Regions) -> list[int]:
    """The part in which each node stands. The head of a guarded part stands in the part around its own."""
    flow = regions.flow
    home = [ROOT] * flow.size
    for vertex in flow.topological:
        above = regions.idom[vertex]
        if above != ROOT:
            home[vertex] = above if flow.is_arm(above) or above in regions.guarded else home[above]
    return home


def member_of(regions: Regions, vertex: int, part: int) -> int:
    """The member of `part` that holds `vertex`, which lies somewhere inside it (the part's own head counts)."""
    flow, home = regions.flow, regions.home
    here = flow.arm(vertex).container if flow.is_arm(vertex) else vertex
    while home[here] != part and here != part:
        above = home[here]
        here = flow.arm(above).container if flow.is_arm(above) else above
    return here


def _hard(regions: Regions) -> dict[int, set[int]]:
    """For each node the members of its part that must stand before it, by the edges."""
    flow, home = regions.flow, regions.home
    needs: dict[int, set[int]] = {}
    for vertex in flow.topological:
        if not flow.is_arm(vertex):
            part = home[vertex]
            needs[vertex] = {member_of(regions, s, part) for s in flow.pred[vertex] if s != part} - {vertex}
    return needs


def _soft(regions: Regions) -> dict[int, set[int]]:
    """With a merge and a `then`, the merge's part runs first."""
    flow, home = regions.flow, regions.home
    soft: dict[int, set[int]] = {}
    for container, targets in flow.then_of.items():
        joins = [v for v in regions.children[container] if not flow.is_arm(v) and v not in targets]
        part = [m for join in joins for m in _dominated_members(regions, join)]
        for target in targets:
            soft.setdefault(target, set()).update(m for m in part if home[m] == home[target])
    return soft


def _dominated_members(regions: Regions, vertex: int) -> list[int]:
    """The vertex and what it dominates in the same part."""
    found, stack = [], [vertex]
    while stack:
        here = stack.pop()
        found.append(here)
        if here not in regions.guarded:
            stack.extend(v for v in regions.children[here] if not regions.flow.is_arm(v))
    return found


def _sorted_part(vertices: list[int], hard: dict[int, set[int]], soft: dict[int, set[int]]) -> list[int]:
    """Kahn's order, ties by file order; a soft constraint is dropped where it would stop everything."""
    inside = set(vertices)
    waiting = {v: hard[v] & inside if v in hard else set() for v in vertices}
    followers: dict[int, list[int]] = defaultdict(list)
    for vertex, needs in waiting.items():
        for need in needs:
            followers[need].append(vertex)
    missing = {v: len(needs) for v, needs in waiting.items()}
    ready = [v for v in vertices if not missing[v]]
    heapq.heapify(ready)
    done: set[int] = set()
    order: list[int] = []
    held: list[int] = []
    while ready or held:
        if not ready:
            vertex = heapq.heappop(held)
        else:
            vertex = heapq.heappop(ready)
            if (soft.get(vertex, set()) & inside) - done:
                heapq.heappush(held, vertex)
                continue
        done.add(vertex)
        order.append(vertex)
        for follower in followers[vertex]:
            missing[follower] -= 1
            if not missing[follower]:
                heapq.heappush(ready, follower)
        for vertex in [h for h in held if not (soft[h] & inside) - done]:
            held.remove(vertex)
            heapq.heappush(ready, vertex)
    return order


def _positions(regions: Regions) -> None:
    flow = regions.flow
    regions.position = [0] * flow.size
    clock = 0
    stack: list[tuple[int, bool]] = [(ROOT, True)]
    while stack:
        vertex, is_part = stack.pop()
        if not is_part:
            regions.position[vertex] = clock
            clock += 1
            stack.extend((arm, True) for arm in reversed(flow.arms_of.get(vertex, [])))
            continue
        if vertex != ROOT and flow.is_arm(vertex):
            regions.position[vertex] = clock
            clock += 1
        for member in reversed(regions.parts.get(vertex, [])):
            own = member == vertex
            stack.append((member, member in regions.guarded and not own))
