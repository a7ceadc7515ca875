"""Which values are read where, and so which variables there are and in which scope each is declared.

A scope is a part of the regions: the root, an arm, or a guarded part. A variable that is read only in the scope
where its value arises is a constant there; otherwise it is declared in the scope that holds both. Arms of a race,
turns of a concurrent loop, and values that a parallel hands on own their variables and return them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from stepwell.check.analysis import Analysis
from stepwell.check.naming import export_name
from stepwell.check.regions import ROOT, member_of, must
from stepwell.check.structure import dead_nodes
from stepwell.check.values import uses_of, written_into
from stepwell.graph.data import LoopData, ParallelData

Role = Literal["value", "view", "result", "flag", "export"]


class Key(NamedTuple):
    """A variable: the stored value or the view of a node, the value of a branch or try, the flag of a guarded node,
    what a node gives to an export that others may give too.

    `level` counts the loop bodies that a reader of the value stands outside of. Inside the turn a value is
    undefined until its node has run in this turn; outside it is that of the last turn in which it ran. So these
    are different variables.
    """

    role: Role
    vertex: int
    level: int = 0


NOWHERE = -2
"""Where a variable starts that no node declares, for several assign it."""

_READ_ROLES: tuple[Role, ...] = ("value", "view")

STORED_KEYS = {
    "http_request": ("status", "headers", "body"),
    "sub_script": ("status", "headers", "body"),
    "wait_for_event": ("payload", "type", "timestamp"),
}
"""Types whose value has a stored form and a view; these are the keys of both."""


@dataclass(frozen=True, slots=True)
class SymVar:
    key: Key


@dataclass(frozen=True, slots=True)
class SymChoose:
    """`flag of vertex ? yes : no`; a missing value is undefined."""

    vertex: int
    yes: Sym
    no: Sym | None


Sym = SymVar | SymChoose


@dataclass(frozen=True, slots=True)
class Segment:
    """A variable within one owner: it arises in `start`, is declared in `declared`; the arm `owner` returns it."""

    start: int
    declared: int
    owner: int | None


@dataclass(slots=True)
class Plan:
    """What lowering decided before it builds statements."""

    analysis: Analysis
    dead: set[int]
    reads: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))
    segments: dict[Key, list[Segment]] = field(default_factory=dict)
    alias: dict[Key, Key] = field(default_factory=dict)
    declares: dict[tuple[int, int], list[Key]] = field(default_factory=lambda: defaultdict(list))
    """Variables that are declared in a scope right before one of its members."""
    arm_values: dict[int, Sym | None] = field(default_factory=dict)
    """What an arm is worth, where somebody asks for it."""
    breaks: list[int] = field(default_factory=list)
    """All Exits."""
    results_of: set[int] = field(default_factory=set)
    """Loops whose `results` are read."""
    given_outputs: set[int] = field(default_factory=set)
    """Loops to whose `_output` some step gives something."""
    outputs_of: set[int] = field(default_factory=set)
    """Loops whose `output` is read, from outside or by their own steps."""
    exits: dict[int, Sym | None] = field(default_factory=dict)
    """What an Exit that ends the run returns; what the turn is worth for one that leaves a loop."""
    result: Sym | None = None
    exporting: bool = False
    """Whether the result is an object of exports; it is empty where none of them can run."""
    exports: dict[int, str] = field(default_factory=dict)
    errors: set[int] = field(default_factory=set)
    """try/catch nodes whose error is read."""
    flag_at: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Guarded nodes whose flag is set right behind a vertex (at the start of an arm)."""
    flag_at_end: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Guarded nodes whose flag is set at the end of an arm."""
    groups_of: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The groups that ask a guarded node's flag."""
    flagged_behind: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    flagged_at_end: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The same by guarded node."""
    exported: dict[int, list[tuple[str, list[Key]]]] = field(default_factory=dict)
    """Where a run ends (an Exit, or ROOT): the exports and their variables. Of several the last that was given wins."""
    shared: dict[Key, list[int]] = field(default_factory=dict)
    """Variables that several nodes assign, which export one name: the one that ran last has the last word."""
    exports_to: dict[int, Key] = field(default_factory=dict)
    """Of a node: the variable that its value goes to beside its own."""
    boxed: dict[Key, int] = field(default_factory=dict)
    """Variables that hold `{ value }`, so that "did not run" is not "gave undefined": up to and with this segment."""
    handed: dict[int, list[Key]] = field(default_factory=lambda: defaultdict(list))
    """What an owning arm returns beside its value."""
    leveled: dict[int, set[Key]] = field(default_factory=lambda: defaultdict(set))
    """Of a node: the variables of its value outside its turn."""
    values: _Values | None = None
    field_reads: set[Key] | None = None
    """Variables that fields of nodes and exports read; filled when first asked for."""
    parts_of: dict[int, dict[int, Key]] = field(default_factory=lambda: defaultdict(dict))
    """Of a parallel: arm → the variable that its value is bound to by destructuring."""

    def scope_of(self, vertex: int) -> int:
        """The scope in which a vertex's statements stand."""
        return vertex if self.analysis.flow.is_arm(vertex) else self.analysis.regions.home[vertex]

    def parent(self, scope: int) -> int:
        flow, regions = self.analysis.flow, self.analysis.regions
        return regions.home[scope] if scope in regions.groups else regions.home[flow.arm(scope).container]

    def chain(self, scope: int) -> list[int]:
        """A scope and those around it, the root last."""
        scopes = [scope]
        while scopes[-1] != ROOT:
            scopes.append(self.parent(scopes[-1]))
        return scopes

    def level(self, target: int, scope: int) -> int:
        """How many of the loop bodies around `target` a reader in `scope` stands outside of."""
        regions = self.analysis.regions
        bodies = regions.loop_bodies(target)
        if not bodies or scope == ROOT:
            return len(bodies)
        around = regions.loop_bodies(regions.groups.get(scope, scope))
        return sum(body not in around for body in bodies)

    def outer_levels(self, vertex: int) -> list[Key]:
        """The variables of a node's value that readers outside of its turn read."""
        return sorted(k for k in self.leveled.get(vertex, ()) if self.reads.get(k))

    def resolve(self, key: Key) -> Key:
        while key in self.alias:
            key = self.alias[key]
        return key

    def is_read(self, key: Key) -> bool:
        return bool(self.reads.get(key))

    def members(self, part: int) -> list[int]:
        groups = self.analysis.regions.groups
        return [m for m in self.analysis.regions.parts.get(part, []) if groups.get(m, m) not in self.dead]


def make_plan(analysis: Analysis) -> Plan:
    plan = Plan(analysis, dead_nodes(analysis.flow))
    plan.breaks = [v for v, n in enumerate(analysis.flow.nodes) if n.type == "break"]
    plan.given_outputs = _given_outputs(plan)
    plan.values = values = _Values(plan)
    _read_fields(plan)
    _results(plan, values)
    _errors_and_outputs(plan)
    _demand_arms(plan, values)
    for key in list(plan.reads):
        if key.level:
            plan.leveled[key.vertex].add(key)
    _flags(plan)
    _aliases(plan)
    _settle(plan)
    plan.values = None  # it knows the plan: a circle would keep all of a compile until the collector comes
    return plan


# -- what is read --------------------------------------------------------------------------------


def _read_fields(plan: Plan) -> None:
    analysis = plan.analysis
    for vertex, fields in enumerate(analysis.fields):
        if vertex in plan.dead:
            continue
        scope = plan.scope_of(vertex)
        for value in fields.values():
            for use, path in uses_of(value):
                if use.kind == "node":
                    _read_node(plan, use.vertex, path, scope)
                elif use.kind == "error":
                    plan.errors.add(use.vertex)
                elif use.kind == "output":
                    plan.outputs_of.add(use.vertex)


def _given_outputs(plan: Plan) -> set[int]:
    """Loops to whose `_output` some step gives something."""
    return {
        use.vertex
        for _, _, code in plan.analysis.all_codes()
        if code.names or code.holes
        for use in written_into(code)
        if use.kind == "output"
    }


def _read_node(plan: Plan, vertex: int, path: tuple[str | int, ...] | None, scope: int) -> None:
    data = plan.analysis.data[vertex]
    keys = STORED_KEYS.get(plan.analysis.flow.nodes[vertex].type)
    view = keys is not None and (not path or path[0] not in keys)
    plan.reads[Key("view" if view else "value", vertex, plan.level(vertex, scope))].add(scope)
    if isinstance(data, LoopData):
        wanted = path[0] if path else None
        if wanted != "output":
            plan.results_of.add(vertex)
        if wanted == "output" or (wanted != "results" and vertex in plan.given_outputs):
            plan.outputs_of.add(vertex)


def _errors_and_outputs(plan: Plan) -> None:
    """A loop's whole value, read by the result, holds both parts."""
    for vertex, data in enumerate(plan.analysis.data):
        if (
            isinstance(data, LoopData)
            and plan.is_read(Key("value", vertex))
            and vertex not in plan.results_of | plan.outputs_of
        ) or (isinstance(data, LoopData) and vertex in plan.exports):
            plan.results_of.add(vertex)
            plan.outputs_of.update({vertex} & plan.given_outputs)


# -- what blocks are worth -------------------------------------------------------------------------


class _Values:
    """The value of a block: that of the last node with a value that ran in it (design.md, Result of a run)."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.flow = plan.analysis.flow
        self._has: dict[int, bool] = {}
        for vertex in reversed(self.flow.topological):
            if not self.flow.is_arm(vertex) and vertex not in plan.dead:
                self._has[vertex] = self._has_value(vertex)

    def _has_value(self, vertex: int) -> bool:
        if not self.flow.kinds[vertex].is_container:
            return self.flow.kinds[vertex].value
        return any(
            self.part_has_value(a)
            for a in self.flow.arms_of.get(vertex, ())
            if self.flow.arm(a).label != "finally" or self.flow.shape(vertex) != "try"
        )

    def part_has_value(self, part: int) -> bool:
        stack, regions = [part], self.plan.analysis.regions
        while stack:
            here = stack.pop()
            for member in self.plan.members(here):
                if member in regions.groups:
                    stack.append(member)
                elif self._has.get(member, False):
                    return True
        return False

    def key(self, vertex: int) -> Key:
        return Key("result" if self.flow.shape(vertex) in ("branch", "try") else "value", vertex)

    def of_part(self, part: int, before: int | None = None, so_far: Sym | None = None) -> Sym | None:
        """What `part` is worth (up to its member `before`), given what came before it."""
        return self._walk(part, before, so_far)[0]

    def _walk(self, part: int, before: int | None, so_far: Sym | None) -> tuple[Sym | None, bool]:
        """The value, and whether a node that stands in the part itself (not in a group of it) contributed to it."""
        groups = self.plan.analysis.regions.groups
        value, own = so_far, False
        for member in self.plan.members(part):
            if member == before:
                break
            if member in groups:
                inner, direct = self._walk(member, None, value)
                value = (
                    SymChoose(groups[member], inner, value)
                    if direct and value is not None and inner is not None
                    else inner
                )
            elif self._has.get(member, False):
                value, own = SymVar(self.key(member)), True
        return value, own

    def so_far(self, vertex: int, outermost: int) -> Sym | None:
        """What has been computed when control is at `vertex`, within the scope `outermost`."""
        plan, regions = self.plan, self.plan.analysis.regions
        scopes = plan.chain(plan.scope_of(vertex))
        scopes = scopes[: scopes.index(outermost) + 1]
        value: Sym | None = None
        for scope in reversed(scopes):
            value = self.of_part(scope, member_of(regions, vertex, scope), value)
        return value


def _values(plan: Plan) -> _Values:
    assert plan.values is not None
    return plan.values


def _results(plan: Plan, values: _Values) -> None:
    """The result of the run and of each Exit."""
    analysis = plan.analysis
    named = [export_name(node.name) for node in analysis.flow.nodes]
    plan.exporting = any(named) or analysis.document.source.ir.kind == "script"
    plan.exports = {v: key for v, key in enumerate(named) if key is not None and v not in plan.dead}
    plan.result = None if plan.exporting else values.of_part(ROOT)
    if plan.result is not None:
        _demand(plan, values, plan.result, ROOT)
    for vertex, node in enumerate(analysis.flow.nodes):
        if node.type == "break" and vertex not in plan.dead and _loop_around(plan, vertex) is None:
            plan.exits[vertex] = None if plan.exporting else values.so_far(vertex, ROOT)
            if plan.exits[vertex] is not None:
                _demand(plan, values, plan.exits[vertex], plan.scope_of(vertex))
    _exports(plan)


def _exports(plan: Plan) -> None:
    """Which variables hold the exports wherever the run may end."""
    flow, position = plan.analysis.flow, plan.analysis.regions.position
    by_name: dict[str, list[int]] = defaultdict(list)
    for vertex in sorted(plan.exports, key=position.__getitem__):
        by_name[plan.exports[vertex]].append(vertex)
    ends = [v for v, n in enumerate(flow.nodes) if n.type == "break" and v in plan.exits]
    wanted: dict[int, list[tuple[str, list[int]]]] = {
        end: [(name, ran) for name, vertices in by_name.items() if (ran := _given_at(plan, vertices, end))]
        for end in (ROOT, *ends)
    }
    open_ = {name for given in wanted.values() for name, vertices in given if len(vertices) > 1}
    for name in sorted(open_):
        _share(plan, by_name[name])
    for end, given in wanted.items():
        scope = ROOT if end == ROOT else plan.scope_of(end)
        plan.exported[end] = []
        for name, vertices in given:
            keys = (
                [Key("value", vertices[0], plan.level(vertices[0], scope))]
                if len(vertices) == 1
                else list(dict.fromkeys(plan.exports_to[v] for v in vertices))
            )
            plan.exported[end].append((name, keys))
            for key in keys:
                plan.reads[key].add(scope)


def _given_at(plan: Plan, vertices: list[int], end: int) -> list[int]:
    """The nodes that may have given an export when the run ends at `end`: none before one that surely ran."""
    analysis = plan.analysis
    found: list[int] = []
    for vertex in reversed(vertices):
        if end == ROOT:
            possible, sure = True, analysis.reach.surely(analysis.flow.entry, vertex)
        else:
            possible = exported_at(plan, vertex, end)
            sure = possible and analysis.reach.status(vertex, end) == "definite"
        found += [vertex] if possible else []
        if sure:
            break
    return found[::-1]


def _share(plan: Plan, vertices: list[int]) -> None:
    """One variable for nodes that export one name, where they surely run one after the other; else one for each."""
    flow = plan.analysis.flow
    arms = [{s for s in plan.chain(plan.scope_of(v)) if flow.is_arm(s)} for v in vertices]
    beside = any(_runs_beside(plan, arm) for around in arms for arm in around)
    for vertex in vertices:
        key = Key("export", vertex if beside else vertices[0])
        plan.exports_to[vertex] = key
        if not beside:
            plan.shared.setdefault(key, []).append(vertex)


def _runs_beside(plan: Plan, arm: int) -> bool:
    """Whether an arm runs at the same time as others, so that a replay may finish them in another order."""
    flow, container = plan.analysis.flow, plan.analysis.flow.arm(arm).container
    data = plan.analysis.data[container]
    return flow.shape(container) in ("parallel", "race") or (isinstance(data, LoopData) and data.concurrency > 1)


def exported_at(plan: Plan, exported: int, vertex: int) -> bool:
    """Whether the value of `exported` may have been computed when the Exit `vertex` ends the run."""
    regions, flow = plan.analysis.regions, plan.analysis.flow
    if regions.position[exported] >= regions.position[vertex]:
        return False
    above = regions.common_dominator(exported, vertex)
    if above in (exported, vertex) or flow.shape(above) != "branch":
        return True
    ours, theirs = regions.child_towards(above, exported), regions.child_towards(above, vertex)
    return not (flow.is_arm(ours) and flow.is_arm(theirs))


def _loop_around(plan: Plan, vertex: int) -> int | None:
    """The body arm of the innermost loop around a vertex."""
    return next(iter(plan.analysis.regions.loop_bodies(vertex)), None)


def _demand(plan: Plan, values: _Values, sym: Sym | None, scope: int) -> None:
    """Note that `sym` is read in `scope`, and what it is made of."""
    stack: list[tuple[Sym | None, int]] = [(sym, scope)]
    flow = plan.analysis.flow
    while stack:
        here, at = stack.pop()
        if isinstance(here, SymChoose):
            plan.reads[Key("flag", here.vertex)].add(at)
            stack += [(here.yes, at), (here.no, at)]
        elif isinstance(here, SymVar):
            role, vertex, _ = here.key
            plan.reads[here.key].add(at)
            if role == "result":
                for arm in flow.arms_of[vertex]:
                    final = flow.arm(arm).label == "finally" and flow.shape(vertex) == "try"
                    if not final and arm not in plan.arm_values:
                        plan.arm_values[arm] = values.of_part(arm)
                        stack.append((plan.arm_values[arm], arm))
            elif flow.shape(vertex) == "loop":
                plan.results_of.add(vertex)
                plan.outputs_of.update({vertex} & plan.given_outputs)


def _demand_arms(plan: Plan, values: _Values) -> None:
    """The values of arms of parallels and races, of turns, and of Exits in loops, as far as somebody reads them."""
    flow = plan.analysis.flow
    exits = [v for v, n in enumerate(flow.nodes) if n.type == "break" and v not in plan.dead]
    bodies = {v: body for v in exits if (body := _loop_around(plan, v)) is not None}
    order = [
        v
        for v in flow.topological
        if not flow.is_arm(v) and v not in plan.dead and flow.shape(v) in ("parallel", "race", "loop")
    ]
    asked = True
    while asked:
        asked = False
        outside = {k.vertex for k in plan.reads if k.level and plan.reads[k]} | plan.exports_to.keys()
        for vertex in order:
            loop = flow.shape(vertex) == "loop"
            wanted = vertex in plan.results_of if loop else plan.is_read(Key("value", vertex)) or vertex in outside
            for arm in flow.arms_of[vertex] if wanted else ():
                if arm not in plan.arm_values:
                    plan.arm_values[arm] = values.of_part(arm)
                    _demand(plan, values, plan.arm_values[arm], arm)
                    asked = True
        for vertex, body in bodies.items():
            if vertex not in plan.exits and flow.arm(body).container in plan.results_of:
                plan.exits[vertex] = values.so_far(vertex, body)
                _demand(plan, values, plan.exits[vertex], plan.scope_of(vertex))
                asked = True


# -- flags -------------------------------------------------------------------------------------------


def _flags(plan: Plan) -> None:
    """Where the flags of guarded nodes are set (design.md, section 3, Guards)."""
    regions, flow = plan.analysis.regions, plan.analysis.flow
    for group, guard in regions.groups.items():
        plan.groups_of[guard].append(group)
    for vertex in sorted(regions.guarded):
        if vertex in plan.dead:
            continue
        plan.reads[Key("flag", vertex)].update(regions.home[g] for g in plan.groups_of[vertex])
        at_end: set[int] = set()
        for source in flow.pred[vertex]:
            if source in plan.dead or source in flow.exits:
                continue
            arm = _whole_arm(plan, source, vertex)
            if arm is None:
                plan.flag_at[source].append(vertex)
                plan.flagged_behind[vertex].append(source)
            elif arm not in at_end:
                at_end.add(arm)
                plan.flag_at_end[arm].append(vertex)
                plan.flagged_at_end[vertex].append(arm)


def _whole_arm(plan: Plan, source: int, vertex: int) -> int | None:
    """The outermost arm around `source` whose end means that `vertex` is due, if one can stand for its edges."""
    regions, flow, data = plan.analysis.regions, plan.analysis.flow, plan.analysis.data
    best: int | None = None
    above = regions.idom[vertex]
    for arm in regions.blocks_around(source):
        container = flow.arm(arm).container
        settled = data[container]
        plain = flow.shape(container) == "branch" or (isinstance(settled, ParallelData) and settled.mode == "all")
        if not plain or not regions.dominates(above, container):
            break
        if must(regions, arm, vertex) and not _has_exit(plan, arm):
            best = arm
        if container == above:
            break
    return best


def _has_exit(plan: Plan, arm: int) -> bool:
    return any(plan.analysis.regions.dominates(arm, v) for v in plan.breaks)


# -- variables ------------------------------------------------------------------------------------------


def _aliases(plan: Plan) -> None:
    """A node whose only reader is the value of its arm is bound to the variable of the branch or try directly."""
    flow = plan.analysis.flow
    for arm, sym in plan.arm_values.items():
        container = flow.arm(arm).container
        outer = Key("result", container)
        if flow.shape(container) not in ("branch", "try") or not isinstance(sym, SymVar) or not plan.is_read(outer):
            continue
        role, vertex, _ = sym.key
        here = plan.scope_of(vertex) == arm
        view = flow.nodes[vertex].type in STORED_KEYS and plan.is_read(Key("view", vertex))
        inner_arm_values = role == "result" or not flow.kinds[vertex].is_container
        if (
            here
            and not view
            and inner_arm_values
            and plan.reads[sym.key] == {arm}
            and not plan.outer_levels(vertex)
            and not _read_by_fields(plan, sym.key)
        ):
            plan.alias[sym.key] = outer


def _read_by_fields(plan: Plan, key: Key) -> bool:
    """Whether a field of a node reads the variable too (a read in the same scope looks the same in `reads`)."""
    return key in _field_reads(plan)


def _field_reads(plan: Plan) -> set[Key]:
    cached = plan.field_reads
    if cached is None:
        cached = set()
        for vertex, fields in enumerate(plan.analysis.fields):
            for value in fields.values() if vertex not in plan.dead else ():
                cached.update(
                    Key(role, use.vertex) for use, _ in uses_of(value) if use.kind == "node" for role in _READ_ROLES
                )
        cached.update(Key("value", v) for v in plan.exports)
        plan.field_reads = cached
    return cached


def _settle(plan: Plan) -> None:
    """Declare every variable that is read."""
    for key in sorted(plan.reads, key=lambda k: (plan.analysis.regions.position[k.vertex], k)):
        if plan.reads[key] and key not in plan.alias and key.vertex not in plan.dead:
            _declare(plan, key)


def _starts(plan: Plan, key: Key) -> list[int]:
    """The scopes in which the value of a variable arises."""
    role, vertex, _ = key
    if role == "flag":
        return [plan.scope_of(s) for s in plan.flagged_behind.get(vertex, ())] + plan.flagged_at_end.get(vertex, [])
    return [plan.scope_of(vertex)]


def _declare(plan: Plan, key: Key) -> None:
    role, vertex, _ = key
    if role == "flag":
        _declare_flag(plan, vertex)
        return
    if key in plan.shared:
        _declare_shared(plan, key)
        return
    start = plan.scope_of(vertex)
    segments: list[Segment] = []
    while True:
        up = plan.chain(start)
        target = _common(plan, start, plan.reads[key])
        path = up[: up.index(target) + 1]
        owner = next((s for s in path if s != target and _owns(plan, s, key, target)), None)
        if owner is None:
            segments.append(Segment(start, target, None))
            break
        segments.append(Segment(start, owner, owner))
        plan.handed[owner].append(key)
        start = plan.parent(owner)
    plan.segments[key] = segments
    _box(plan, key, segments)
    for segment in segments:
        if segment.start != segment.declared or (role == "result" and segment is segments[0]):
            member = vertex if segment.start == segment.declared else _member(plan, segment.start, segment.declared)
            plan.declares[segment.declared, member].append(key)


def _declare_shared(plan: Plan, key: Key) -> None:
    """A variable that several nodes assign is declared in the scope of all and of its readers."""
    starts = [plan.scope_of(v) for v in plan.shared[key]]
    home = _common(plan, starts[0], [*starts, *plan.reads[key]])
    members = [
        v if start == home else _member(plan, start, home) for v, start in zip(plan.shared[key], starts, strict=True)
    ]
    order = {m: n for n, m in enumerate(plan.analysis.regions.parts.get(home, []))}
    plan.segments[key] = [Segment(NOWHERE, home, None)]
    plan.declares[home, min(members, key=order.__getitem__)].append(key)


def _box(plan: Plan, key: Key, segments: list[Segment]) -> None:
    """Whether a variable must tell that its node did not run from that it gave undefined.

    It must where turns beside each other return it and the node may not run in each, where it leaves an arm of a
    race in a turn, for then an earlier turn's value stays, and where several nodes may give one export.
    """
    if key.role == "export":
        plan.boxed[key] = len(segments) - 1
        return
    flow, reach = plan.analysis.flow, plan.analysis.reach
    last = -1
    for number, segment in enumerate(segments[:-1]):
        assert segment.owner is not None
        concurrent = flow.shape(flow.arm(segment.owner).container) == "loop"
        always = concurrent and len(segments) == 2 and reach.surely(segment.owner, key.vertex)
        if (concurrent and not always) or any(leaves_turn(plan, s) for s in segments[number + 1 :]):
            last = number
    if last >= 0:
        plan.boxed[key] = last


def leaves_turn(plan: Plan, segment: Segment) -> bool:
    """Whether a segment's variable is declared outside of a loop in which it gets its value."""
    flow, chain = plan.analysis.flow, plan.chain(segment.start)
    between = chain[: chain.index(segment.declared)]
    return any(flow.is_arm(s) and flow.shape(flow.arm(s).container) == "loop" for s in between)


def _member(plan: Plan, start: int, declared: int) -> int:
    """The member of the scope `declared` that holds the scope `start`."""
    chain = plan.chain(start)
    below = chain[chain.index(declared) - 1]
    return below if below in plan.analysis.regions.groups else plan.analysis.flow.arm(below).container


def _common(plan: Plan, scope: int, others: Iterable[int]) -> int:
    """The innermost scope that holds all of them."""
    chain = plan.chain(scope)
    found = 0
    for other in others:
        if other == chain[found]:
            continue
        around = set(plan.chain(other))
        while chain[found] not in around:
            found += 1
    return chain[found]


def _owns(plan: Plan, scope: int, key: Key, target: int) -> bool:
    """Whether variables do not simply leave `scope` by assignment."""
    flow, data = plan.analysis.flow, plan.analysis.data
    if not flow.is_arm(scope):
        return False
    container = flow.arm(scope).container
    if flow.shape(container) == "race":
        return True
    loop = data[container]
    if isinstance(loop, LoopData) and loop.concurrency > 1:
        return True
    return _is_part(plan, scope, container, key, target)


def _is_part(plan: Plan, arm: int, container: int, key: Key, target: int) -> bool:
    """Whether a parallel hands this variable on by destructuring: it is the arm's value, and read right behind."""
    data = plan.analysis.data[container]
    if not (isinstance(data, ParallelData) and data.mode == "all") or plan.scope_of(container) != target:
        return False
    role, vertex, _ = key
    if role != "value" or key.level or plan.scope_of(vertex) != arm or plan.analysis.flow.kinds[vertex].is_container:
        return False
    if arm not in plan.arm_values:
        plan.arm_values[arm] = _values(plan).of_part(arm)
    if plan.arm_values[arm] != SymVar(key):
        return False
    plan.parts_of[container][arm] = key
    return True


def _declare_flag(plan: Plan, vertex: int) -> None:
    """A flag is declared in the block of its groups, before the first member that sets or asks it."""
    key = Key("flag", vertex)
    regions, flow = plan.analysis.regions, plan.analysis.flow
    starts = _starts(plan, key)
    scopes = sorted(plan.reads[key]) + starts
    home = _common(plan, scopes[0], scopes)
    members = [_member(plan, start, home) for start in starts if start != home]
    members += [s for s in plan.flagged_behind.get(vertex, ()) if plan.scope_of(s) == home]
    members += [g for g in plan.groups_of[vertex] if regions.home[g] == home]
    for start in starts:
        chain = plan.chain(start)
        for owner in chain[: chain.index(home)]:
            if flow.is_arm(owner) and flow.shape(flow.arm(owner).container) == "race" and key not in plan.handed[owner]:
                plan.handed[owner].append(key)
    order = {m: n for n, m in enumerate(regions.parts.get(home, []))}
    plan.segments[key] = [Segment(home, home, None)]
    plan.declares[home, min(members, key=lambda m: order.get(m, len(order)))].append(key)
