"""Regions: which block a node belongs to, in which order a block runs, and what must be guarded.

A block is the root or an arm. A vertex belongs to the block of its immediate dominator; where a node does not
always run when its immediate dominator does, it and what it dominates are guarded: neighbours with the same guards
form a group (design.md, section 3: Containment, Order, Guards). Nothing here is recursive: graphs may be deep.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from stepwell.check.dominators import immediate_dominators
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
    guard_above: list[int] = field(default_factory=list)
    """Of each node: the next guarded node of the same block that properly dominates it, else an arm or ROOT."""
    parts: dict[int, list[int]] = field(default_factory=dict)
    """Of a block (ROOT or an arm) or a group: what runs in it, in order: nodes and groups."""
    groups: dict[int, int] = field(default_factory=dict)
    """Groups (numbers behind those of the vertices) with the guarded node whose flag they ask."""
    position: list[int] = field(default_factory=list)
    """The place of each node in the order in which the whole program is written down."""
    home: list[int] = field(default_factory=list)
    """The part (ROOT, an arm or a group) in which a node or a group stands."""
    sure_from: list[int] = field(default_factory=list)
    """Of each vertex: the depth of the highest of its dominators with which it always runs (itself, at least)."""
    bodies: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Of each block: the bodies of loops around it and itself, innermost first."""
    leaving: set[int] = field(default_factory=set)
    """Arms whose end is never reached, because an Exit without a condition always runs in them."""

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

    def loop_bodies(self, vertex: int) -> tuple[int, ...]:
        """Those of the arms around a vertex that are bodies of loops, innermost first."""
        return self.bodies[self.block[vertex]]

    def loops_around(self, vertex: int) -> list[int]:
        """The loops around a vertex, innermost first."""
        return [self.flow.arm(body).container for body in self.bodies[self.block[vertex]]]

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
    regions.leaving = _leaving(regions)
    _guards(regions)
    _order(regions)
    return regions


def _dominators(regions: Regions) -> None:
    flow = regions.flow
    regions.idom = immediate_dominators(flow.topological, flow.pred)
    for vertex in flow.topological:
        if vertex != flow.entry:
            regions.children[regions.idom[vertex]].append(vertex)


def _blocks(regions: Regions) -> None:
    flow, idom, count = regions.flow, regions.idom, len(regions.flow.nodes)
    block, depth = [ROOT] * flow.size, [0] * flow.size
    for vertex in flow.topological:
        above = idom[vertex]
        if above != ROOT:
            depth[vertex] = depth[above] + 1
        if vertex >= count:
            block[vertex] = vertex
        elif above != ROOT:
            block[vertex] = block[above]
    regions.block, regions.depth = block, depth
    regions.bodies = {ROOT: ()}
    for vertex in flow.topological:
        if vertex >= count:
            container = flow.arm(vertex).container
            around = regions.bodies[block[container]]
            regions.bodies[vertex] = (vertex, *around) if flow.shape(container) == "loop" else around
    _visits(regions)


def _visits(regions: Regions) -> None:
    """When a walk through the dominator tree enters each vertex, and when it leaves it."""
    enter, leave = [0] * regions.flow.size, [0] * regions.flow.size
    clock, stack = 0, [regions.flow.entry]
    while stack:
        vertex = stack.pop()
        clock += 1
        if vertex < 0:
            leave[~vertex] = clock
            continue
        enter[vertex] = clock
        stack.append(~vertex)
        stack += regions.children.get(vertex, ())
    regions.enter, regions.leave = enter, leave


def _holds(flow: Flow, vertex: int, holds: Callable[[int], bool]) -> bool:
    """The rule of `must` at one vertex, given what `holds` behind it (design.md, section 3, Guards)."""
    shape = flow.shape(vertex)
    then = any(holds(t) for t in flow.then_of.get(vertex, ()))
    if shape in ("branch", "race"):
        return then or all(holds(a) for a in flow.arms_of[vertex])
    if shape == "loop":
        return then
    if shape == "try":
        by_label = {flow.arm(a).label: holds(a) for a in flow.arms_of[vertex]}
        return then or by_label.get("finally", False) or (by_label["try"] and by_label["catch"])
    return any(holds(t) for t in flow.succ[vertex])


def _leaving(regions: Regions) -> set[int]:
    """Arms whose end is never reached: an Exit without a condition always runs in them. Inner arms first."""
    flow = regions.flow
    leaving: set[int] = set()
    if not flow.exits:
        return leaving
    by_block: dict[int, list[int]] = defaultdict(list)
    for vertex in flow.topological:
        if not flow.is_arm(vertex) and (vertex in flow.exits or flow.shape(vertex) in ("branch", "try")):
            by_block[regions.block[vertex]].append(vertex)
    for arm in reversed(flow.topological):
        if flow.is_arm(arm):
            inside = (v for v in by_block[arm] if _leaves(flow, v, leaving))
            if any(_always(regions, arm, v, leaving) for v in inside):
                leaving.add(arm)
    return leaving


def _leaves(flow: Flow, vertex: int, leaving: set[int]) -> bool:
    """Whether control never comes past a node, given the arms that are left by an Exit."""
    if vertex in flow.exits:
        return True
    by_label = {flow.arm(a).label: a in leaving for a in flow.arms_of[vertex]}
    if flow.shape(vertex) == "try":
        return by_label.get("finally", False) or (by_label["try"] and by_label["catch"])
    return all(by_label.values())


def must(regions: Regions, above: int, vertex: int) -> bool:
    """Whether `vertex` always runs when `above`, which dominates it, runs (and nothing throws, and no Exit leaves)."""
    if not regions.leaving and regions.dominates(above, vertex):
        return regions.depth[above] >= regions.sure_from[vertex]
    return _always(regions, above, vertex, regions.leaving)


def _always(regions: Regions, above: int, vertex: int, leaving: set[int]) -> bool:
    flow = regions.flow
    if above == vertex:
        return True
    if flow.shapes[above] in ("plain", "arm", "parallel") and vertex in flow.succ[above] and above not in flow.exits:
        return True
    value = {vertex: True}

    def holds(each: int) -> bool:
        return value.get(each, False) or each in leaving

    for each in sorted(_between(regions, above, vertex), key=flow.rank.__getitem__, reverse=True):
        if each != vertex:
            value[each] = each not in flow.exits and _holds(flow, each, holds)
    return value.get(above, False)


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
    flow, idom, count = regions.flow, regions.idom, len(regions.flow.nodes)
    guarded, sure_from, guard_above = regions.guarded, [0] * flow.size, [ROOT] * flow.size
    for vertex in flow.topological:
        above = idom[vertex]
        if above == ROOT:
            continue
        # Where nothing leaves, a vertex always runs with a dominator when each in between does with the one above it.
        sure = _always(regions, above, vertex, regions.leaving)
        sure_from[vertex] = sure_from[above] if sure else regions.depth[vertex]
        if not sure and vertex < count:
            guarded.add(vertex)
        guard_above[vertex] = above if above >= count or above in guarded else guard_above[above]
    regions.sure_from, regions.guard_above = sure_from, guard_above


def _order(regions: Regions) -> None:
    """The order of every block, and its guarded nodes gathered into groups."""
    flow = regions.flow
    members: dict[int, list[int]] = defaultdict(list)
    block, count = regions.block, len(flow.nodes)
    for vertex in flow.topological:
        if vertex < count:
            members[block[vertex]].append(vertex)
    hard, soft = _hard(regions), _soft(regions)
    regions.home = [ROOT] * flow.size
    for part, vertices in members.items():
        _group(regions, part, _sorted_part(vertices, hard, soft))
    _positions(regions)


def _hard(regions: Regions) -> dict[int, set[int]]:
    """For each node the nodes of its block that must stand before it, by the edges."""
    flow, block, count = regions.flow, regions.block, len(regions.flow.nodes)
    needs: dict[int, set[int]] = {}
    for vertex in flow.topological:
        if vertex < count:
            here = block[vertex]
            before = {
                source if source < count and block[source] == here else _unit(regions, source, here)
                for source in flow.pred[vertex]
                if source != here
            }
            before.discard(vertex)
            needs[vertex] = before
    return needs


def _unit(regions: Regions, vertex: int, block: int) -> int:
    """The node of `block` that is or holds `vertex`."""
    flow = regions.flow
    here = flow.arm(vertex).container if flow.is_arm(vertex) else vertex
    while regions.block[here] != block:
        here = flow.arm(regions.block[here]).container
    return here


def _soft(regions: Regions) -> dict[int, set[int]]:
    """With a merge and a `then`, the merge's part runs first."""
    flow, block = regions.flow, regions.block
    soft: dict[int, set[int]] = {}
    for container, targets in flow.then_of.items():
        joins = [v for v in regions.children[container] if not flow.is_arm(v) and v not in targets]
        part = [m for join in joins for m in _dominated_in_block(regions, join)]
        for target in targets if part else ():
            behind = _behind(flow, target, max(flow.rank[m] for m in part))
            soft.setdefault(target, set()).update(m for m in part if block[m] == block[target] and m not in behind)
    return soft


def _behind(flow: Flow, vertex: int, last: int) -> set[int]:
    """What can be reached from `vertex`, up to the topological rank `last`."""
    found, stack = {vertex}, [vertex]
    while stack:
        for target in flow.succ[stack.pop()]:
            if target not in found and flow.rank[target] <= last:
                found.add(target)
                stack.append(target)
    return found


def _dominated_in_block(regions: Regions, vertex: int) -> list[int]:
    found, stack = [], [vertex]
    while stack:
        here = stack.pop()
        found.append(here)
        stack.extend(v for v in regions.children[here] if not regions.flow.is_arm(v))
    return found


def _group(regions: Regions, block: int, order: list[int]) -> None:
    """Neighbours in a block that are guarded by the same nodes stand in one group, groups in groups."""
    regions.parts[block] = []
    if regions.guarded.isdisjoint(order):
        regions.parts[block] += order
        for vertex in order:
            regions.home[vertex] = block
        return
    open_groups: list[int] = []
    for vertex in order:
        guards = _guards_of(regions, vertex)
        shared = 0
        while shared < min(len(guards), len(open_groups)) and regions.groups[open_groups[shared]] == guards[shared]:
            shared += 1
        del open_groups[shared:]
        for guard in guards[shared:]:
            group = len(regions.home)
            around = open_groups[-1] if open_groups else block
            regions.home.append(around)
            regions.groups[group] = guard
            regions.parts[group] = []
            regions.parts[around].append(group)
            open_groups.append(group)
        part = open_groups[-1] if open_groups else block
        regions.home[vertex] = part
        regions.parts[part].append(vertex)


def _guards_of(regions: Regions, vertex: int) -> list[int]:
    """The guarded nodes of the same block that dominate `vertex` (itself included), outermost first."""
    guards, here = [], vertex
    while here != ROOT and not regions.flow.is_arm(here):
        if here in regions.guarded:
            guards.append(here)
        here = regions.guard_above[here]
    return guards[::-1]


def member_of(regions: Regions, vertex: int, part: int) -> int:
    """The member of `part` (a node or a group) that is or holds `vertex`, which lies somewhere inside it."""
    flow, home = regions.flow, regions.home
    here = flow.arm(vertex).container if flow.is_arm(vertex) else vertex
    while home[here] != part:
        above = home[here]
        here = flow.arm(above).container if flow.is_arm(above) else above
    return here


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
            if vertex in soft and (soft[vertex] & inside) - done:
                heapq.heappush(held, vertex)
                continue
        done.add(vertex)
        order.append(vertex)
        for follower in followers.get(vertex, ()):
            missing[follower] -= 1
            if not missing[follower]:
                heapq.heappush(ready, follower)
        for vertex in [h for h in held if not (soft[h] & inside) - done] if held else ():
            held.remove(vertex)
            heapq.heappush(ready, vertex)
    return order


def _positions(regions: Regions) -> None:
    """Number vertices in the order in which the program is written down."""
    parts, arms_of = regions.parts, regions.flow.arms_of
    count, size = len(regions.flow.nodes), regions.flow.size
    position = regions.position = [0] * size
    clock = 0
    stack = [ROOT]
    while stack:
        here = stack.pop()
        if 0 <= here < size:  # no group, nor the root
            position[here] = clock
            clock += 1
        inside = arms_of.get(here) if 0 <= here < count else parts.get(here)
        if inside:
            stack += inside[::-1]
