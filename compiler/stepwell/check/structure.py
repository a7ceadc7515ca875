"""Rules about the shape of a graph that need its regions: crossings, exits, depth, empty arms of a race."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.check.flow import Flow, reach
from stepwell.check.regions import ROOT, Regions
from stepwell.diagnostics import Diagnostic, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph.data import LoopData

MAX_DEPTH = 200


def structure_findings(regions: Regions, data: Sequence[object], base: str = "") -> list[Diagnostic]:
    """Everything wrong with how containers are nested, entered and left."""
    return [
        *_crossings(regions, base),
        *_empty_race_arms(regions, base),
        *_exits(regions, data, base),
        *_never_runs(regions, base),
        *_too_deep(regions, base),
    ]


def dead_nodes(flow: Flow) -> set[int]:
    """Nodes to which every way goes through an Exit without a condition."""
    if not flow.exits:
        return set()  # what no way leads to at all was refused before
    succ = [[] if v in flow.exits else targets for v, targets in enumerate(flow.succ)]
    alive = reach(succ, [flow.entry])
    return {v for v in range(flow.size) if v not in alive}


def _place(base: str, vertex: int) -> str:
    return base + pointer("nodes", vertex)


def _crossings(regions: Regions, base: str) -> list[Diagnostic]:
    """Edges that leave a loop, a try/catch, a parallel or a race other than at a join behind it.

    A target is such a join when the container's other ways lead to it as well. Where only one arm does, the
    target would be inside that arm, were it not for an edge that enters from outside.
    """
    flow, block = regions.flow, regions.block
    found: list[Diagnostic] = []
    beside: dict[int, set[int]] = {}
    for source in flow.topological:
        for target in flow.succ[source]:
            if block[target] == block[source] or flow.is_arm(target):
                continue
            for arm in _arms_left(regions, source, target):
                container = flow.arm(arm).container
                if flow.shape(container) == "branch" or regions.idom[target] == container:
                    continue
                if arm not in beside:
                    beside[arm] = reach(flow.succ, [container], without=arm)
                if target not in beside[arm]:
                    found.append(_crossing(regions, source, target, arm, base))
                    break
    return found


def _arms_left(regions: Regions, source: int, target: int) -> list[int]:
    left: list[int] = []
    block = regions.block[source]
    while block != regions.block[target] and block != ROOT:
        left.append(block)
        block = regions.parent_block(block)
    return left


def _crossing(regions: Regions, source: int, target: int, arm: int, base: str) -> Diagnostic:
    flow = regions.flow
    container = flow.nodes[flow.arm(arm).container]
    inside = regions.flow.arm(source).container if flow.is_arm(source) else source
    outside = next((p for p in flow.pred[target] if arm not in (p, *regions.blocks_around(p))), flow.entry)
    outside = flow.arm(outside).container if flow.is_arm(outside) else outside
    number = flow.edge_of.get((source, target), 0)
    join = flow.nodes[target].label
    # An edge of the container itself that leads straight to the target says that this is inside.
    straight = flow.is_arm(source)
    hint = (
        f"remove the edge from {flow.nodes[outside].label} to {join}, if {join} belongs inside"
        if straight
        else f"lead a `then` edge of {container.label} to {join}, or remove one of the two edges"
    )
    return Diagnostic(
        c.CROSSING,
        f"the edge from {flow.nodes[inside].label} to {flow.nodes[target].label} crosses the border "
        f"of {container.label}: only {flow.part(arm)} leads there, and so does {flow.nodes[outside].label} outside",
        base + pointer("edges", number),
        flow.nodes[inside].id,
        hint,
    )


def _empty_race_arms(regions: Regions, base: str) -> list[Diagnostic]:
    flow = regions.flow
    return [
        Diagnostic(
            c.RACE_EMPTY_ARM,
            f"the arm of the race {flow.nodes[arm.container].label} that leads straight to "
            f"{', '.join(flow.nodes[v].label for v in flow.succ[arm.vertex])} has no nodes: it would win at once",
            base + pointer("edges", arm.edge or 0),
            flow.nodes[arm.container].id,
            "put a node into the arm, or remove its edge",
        )
        for arm in flow.arms
        if flow.shape(arm.container) == "race" and not regions.parts.get(arm.vertex)
    ]


def _exits(regions: Regions, data: Sequence[object], base: str) -> list[Diagnostic]:
    flow = regions.flow
    found = []
    for vertex, node in enumerate(flow.nodes):
        if node.type == "break":
            wall = exit_wall(regions, data, vertex)
            if wall is not None:
                why, hint = _why_not_left(flow, data, wall)
                said = f"the Exit {node.label} would have to leave {flow.name(wall)}, {why}"
                found.append(Diagnostic(c.EXIT_CROSSES, said, _place(base, vertex), node.id, hint))
    return found


def _why_not_left(flow: Flow, data: Sequence[object], wall: int) -> tuple[str, str]:
    """Why an arm cannot be left from inside, and what to do."""
    container = flow.arm(wall).container
    shape, loop = flow.shape(container), data[container]
    if isinstance(loop, LoopData):
        others = (
            f"whose turns run at once (concurrency {loop.concurrency}), so that leaving one would not end the others"
        )
        return others, "set `concurrency` to 1, or let a branch skip the rest of the turn"
    if shape == "try":
        return "which has to run to its end", "move the Exit behind the try/catch, or into its `try` or `catch` arm"
    others = "beside which other arms run, so that leaving it would not end them"
    return others, f"move the Exit behind the {shape}, or end its arm in a value that a branch behind it reads"


def exit_wall(regions: Regions, data: Sequence[object], vertex: int) -> int | None:
    """The arm that an Exit at `vertex` would have to leave and cannot, if any."""
    flow = regions.flow
    for arm in regions.blocks_around(vertex):
        container, label = flow.arm(arm).container, flow.arm(arm).label
        shape, loop = flow.shape(container), data[container]
        if shape == "loop":
            return arm if isinstance(loop, LoopData) and loop.concurrency > 1 else None
        if shape in ("parallel", "race") or (shape == "try" and label == "finally"):
            return arm
    return None


def _never_runs(regions: Regions, base: str) -> list[Diagnostic]:
    flow = regions.flow
    return [
        Diagnostic(
            c.NEVER_RUNS,
            f"{flow.nodes[v].label} never runs: every way to it goes through an Exit without a condition",
            _place(base, v),
            flow.nodes[v].id,
            "give the Exit a condition, or remove the node",
        )
        for v in sorted(dead_nodes(flow))
        if not flow.is_arm(v)
    ]


def _too_deep(regions: Regions, base: str) -> list[Diagnostic]:
    flow = regions.flow
    depth: dict[int, int] = {ROOT: 0}
    stack = [ROOT]
    while stack:
        part = stack.pop()
        inside = [m for m in regions.parts.get(part, []) if m in regions.groups]
        inside += [a for m in regions.parts.get(part, []) if m not in regions.groups for a in flow.arms_of.get(m, ())]
        for inner in inside:
            depth[inner] = depth[part] + 1
            stack.append(inner)
    deepest = max(depth, key=depth.__getitem__)
    if depth[deepest] <= MAX_DEPTH:
        return []
    container = regions.groups[deepest] if deepest in regions.groups else flow.arm(deepest).container
    return [
        Diagnostic(
            c.TOO_DEEP,
            f"containers and conditions are nested {depth[deepest]} deep; {MAX_DEPTH} is the most",
            _place(base, container),
            flow.nodes[container].id,
            "move the inner part to a sub-workflow",
        )
    ]
