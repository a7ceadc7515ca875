"""All names of a program, allocated before anything is built (design.md, section 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from stepwell.check.analysis import Analysis
from stepwell.check.custom import used_nodes
from stepwell.check.naming import identifier_of
from stepwell.check.values import CodeValue, Ref, Use, walk
from stepwell.graph.data import LoopData
from stepwell.javascript import Kind, parse
from stepwell.lower.expressions import Naming
from stepwell.lower.names import USED_GLOBALS, NameTable, class_name
from stepwell.lower.plan import STORED_KEYS, Key, Plan


@dataclass(slots=True)
class Names:
    """Every name: `naming` for what nodes read, `flags` by guarded vertex, `results` by branch or try, and more."""

    table: NameTable
    workflow: str
    """The class of a workflow. It comes before the nodes, which may be called like it."""
    naming: Naming
    base: list[str]
    flags: dict[int, str]
    results: dict[int, str]
    turns: dict[int, str]
    """The arrays of loops' results."""
    exports: dict[Key, str]
    """Variables of exports that several nodes may give."""
    steps: Sequence[str]
    """The static step name of each node."""
    nodes: Mapping[str, str]
    """What the functions of custom nodes are imported as, by id and version."""
    run: str | None
    """The variable of what custom nodes are told of the run."""


def make_names(plan: Plan) -> Names:
    analysis = plan.analysis
    # Arms return what they hand on by its name, in one record with what they are worth, which is its `value`.
    record = ["value"] if any(plan.handed.values()) else []
    table = NameTable(_in_the_module(analysis))
    workflow = _class_name(analysis, table)
    table.reserve(*_declared(analysis), *record)
    base = [table.take(identifier_of(n.name) or identifier_of(n.id)) for n in analysis.flow.nodes]
    hidden = _hidden(analysis)
    items, indices = _loop_names(plan, table, hidden)
    values, views = _values_and_views(plan, table, base)
    keyed = {v: STORED_KEYS[n.type] for v, n in enumerate(analysis.flow.nodes) if n.type in STORED_KEYS}
    outputs = {v: table.take(f"{base[v]}_output") for v in sorted(plan.outputs_of)}
    outer = _outer_values(plan, table, base)
    errors = _error_names(plan, table, base, "err" in {*items.values(), *indices.values()}, hidden)
    aliases = {kind: table.take(kind) for kind in ("event", "env") if kind in hidden.get(Use(kind), ())}
    naming = Naming(values, views, items, indices, errors, outputs, keyed, outer, aliases, plan.level)
    flags = {v: table.take(f"{base[v]}_due") for v in sorted(analysis.regions.guarded)}
    results = {v: base[v] for v in range(len(base)) if analysis.flow.shape(v) in ("branch", "try")}
    turns = {v: table.take(f"{base[v]}_results") for v in sorted(plan.results_of)}
    exports = _export_names(plan, table, base)
    nodes = {key: table.take(identifier_of(custom.definition.id)) for key, (_, custom) in used_nodes(analysis).items()}
    run = table.take("workflow") if nodes else None
    return Names(table, workflow, naming, base, flags, results, turns, exports, analysis.steps, nodes, run)


def _class_name(analysis: Analysis, table: NameTable) -> str:
    """The class of a workflow; a script has none."""
    ir = analysis.document.source.ir
    wanted = class_name(ir.metadata.name)
    return wanted if ir.kind == "script" else table.take(wanted)


def _in_the_module(analysis: Analysis) -> Iterator[str]:
    """Names that users' code declares in the module, or takes from it: nothing of ours may have them."""
    yield from analysis.trigger.names
    for codes in analysis.codes:
        yield from taken_by(codes)


def taken_by(codes: Sequence[tuple[str, CodeValue]]) -> Iterator[str]:
    """The same of the code of one node."""
    for _, code in codes:
        if code.facts.imports:
            yield from _imported(code)
        resolved = {named.name.name for named in code.names}
        for free in code.facts.free:
            if free.name not in resolved:
                yield free.name


def _declared(analysis: Analysis) -> Iterator[str]:
    """Names that bodies and loops declare: they would hide the variables of nodes."""
    for vertex in range(len(analysis.codes)):
        yield from declared_by(analysis, vertex)
    for data in analysis.data:
        if isinstance(data, LoopData):
            yield from (data.itemVar, data.indexVar)


def declared_by(analysis: Analysis, vertex: int) -> Iterator[str]:
    """The names that the bodies of one node declare."""
    for _, code in analysis.codes[vertex]:
        if code.facts.bound and (code.holes or code.names):
            own = identifier_of(analysis.flow.nodes[vertex].name)
            yield from (name for name in code.facts.bound if name != own)


def _imported(code: CodeValue) -> Iterator[str]:
    """Names that a body imports: the module declares them, so a node's variable must not hide them."""
    for imported in code.facts.imports:
        if not imported.dynamic:
            yield from parse(imported.text, Kind.MODULE).declared


def _hidden(analysis: Analysis) -> dict[Use, set[str]]:
    """For what expressions in code read, apart from nodes: the names that the code around them has variables of.

    `{{item}}` in a function whose parameter is `item` means the loop's item all the same.
    """
    found: dict[Use, set[str]] = defaultdict(set)
    for _, _, code in analysis.all_codes():
        for part in (part for hole in code.holes for part in walk(hole.ref)) if code.facts.bound else ():
            if isinstance(part, Ref) and part.use.kind != "node":
                found[Use("event") if part.use.kind == "trigger" else part.use] |= code.facts.bound
    return found


def _loop_names(plan: Plan, table: NameTable, hidden: Mapping[Use, set[str]]) -> tuple[dict[int, str], dict[int, str]]:
    """Items and indices: the user's names; loops that stand in each other get different ones."""
    analysis = plan.analysis
    items: dict[int, str] = {}
    indices: dict[int, str] = {}
    wanted = {n for d in analysis.data if isinstance(d, LoopData) for n in (d.itemVar, d.indexVar)}
    free = table.taken - (wanted - USED_GLOBALS)
    for vertex in analysis.flow.topological:
        data = analysis.data[vertex] if not analysis.flow.is_arm(vertex) else None
        if not isinstance(data, LoopData):
            continue
        around = {analysis.flow.arm(a).container for a in analysis.regions.blocks_around(vertex)}
        taken = {items[v] for v in around if v in items} | {indices[v] for v in around if v in indices}
        others = "ijklmn" if data.indexVar == "i" else ""
        indices[vertex] = _pick(data.indexVar, others, taken | hidden.get(Use("index", vertex), set()), free, table)
        taken.add(indices[vertex])
        items[vertex] = _pick(data.itemVar, "", taken | hidden.get(Use("item", vertex), set()), free, table)
        table.reserve(indices[vertex], items[vertex])
    return items, indices


def _pick(wanted: str, others: str, taken: set[str], free: frozenset[str], table: NameTable) -> str:
    candidates: Iterator[str] = chain((wanted, *others), (f"{wanted}_{number}" for number in count(2)))
    while (candidate := next(candidates)) in taken or candidate in free:
        table.tried.add(candidate)
    table.tried.add(candidate)
    return candidate


def _values_and_views(plan: Plan, table: NameTable, base: list[str]) -> tuple[dict[int, str], dict[int, str]]:
    """A node's variable has its name; a request that is read in both forms keeps the stored one as `…_stored`."""
    values = dict(enumerate(base))
    views = {}
    for vertex, node in enumerate(plan.analysis.flow.nodes):
        if node.type in STORED_KEYS:
            views[vertex] = base[vertex]
            if plan.is_read(Key("view", vertex)) and plan.is_read(Key("value", vertex)):
                values[vertex] = table.take(f"{base[vertex]}_stored")
    return values, views


def _outer_values(plan: Plan, table: NameTable, base: list[str]) -> dict[tuple[bool, int, int], str]:
    """Values as they are read outside their turns: `…_last`, or the node's own name where no turn reads it itself."""
    names: dict[tuple[bool, int, int], str] = {}
    for vertex in range(len(base)):
        keys = plan.outer_levels(vertex)
        inside = plan.is_read(Key("value", vertex)) or plan.is_read(Key("view", vertex))
        for number, key in enumerate(keys):
            name = base[vertex] if number == 0 and not inside else table.take(f"{base[vertex]}_last")
            names[key.role == "view", vertex, key.level] = name
    return names


def _export_names(plan: Plan, table: NameTable, base: list[str]) -> dict[Key, str]:
    """A node's own name where nothing else has it."""
    names: dict[Key, str] = {}
    for key in dict.fromkeys(plan.exports_to.values()):
        if plan.is_read(key):
            own = key in plan.shared and not any(k.vertex == key.vertex and k.role != "export" for k in plan.reads)
            names[key] = base[key.vertex] if own else table.take(f"{base[key.vertex]}_export")
    return names


def _error_names(
    plan: Plan, table: NameTable, base: list[str], looped: bool, hidden: Mapping[Use, set[str]]
) -> dict[int, str]:
    """`err`, but for a try/catch in whose catch arm another error is read under that name, or something hides it.

    `looped`: a loop's variable has that name.
    """
    flow, regions = plan.analysis.flow, plan.analysis.regions
    names: dict[int, str] = {}
    for vertex in flow.topological:
        if flow.is_arm(vertex) or flow.shape(vertex) != "try":
            continue
        around = [flow.arm(a).container for a in regions.blocks_around(vertex) if flow.arm(a).label == "catch"]
        taken = any(names.get(v) == "err" and v in plan.errors for v in around)
        taken = taken or looped or "err" in hidden.get(Use("error", vertex), ())
        names[vertex] = table.take(f"{base[vertex]}_error") if taken and vertex in plan.errors else "err"
    return names
