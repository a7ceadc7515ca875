"""Hypothesis strategies of graphs and of what happens in them; they shrink to few nodes, straight edges, no failures.

Two ways to make a graph: *wired*, where every node leads to some later ones, so that joins, shared tails and fan-out of
every kind arise; and *nested*, where containers stand in containers. What the checks refuse is dropped. References
are drawn last, from what the checks allow: their findings are read as a user reads them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hypothesis import assume
from hypothesis import strategies as st

from tests.semantics.case import CONTAINERS, EPOCH, STATES, VALUED, Case, Edge, Json, Node, Read
from tests.semantics.reference import latency
from tests.semantics.shape import Shape
from tests.semantics.truth import Pairs, pairs_of

_LEAVES: Final = ["step"] * 6 + ["http_request", "sleep", "wait_for_event", "sub_workflow", "sub_script", "sleep_until"]
_KINDS: Final = [*_LEAVES, "branch", "branch", "branch", "loop", "loop", "parallel", "race", "try_catch", "break"]
_NOT_IN_SCRIPTS: Final = ("sleep", "sleep_until", "wait_for_event")
_MOST_NODES: Final = 14
_TAGGED: Final = ("step", "http_request", "sub_script", "wait_for_event")

rarely = st.sampled_from([False] * 7 + [True])
sometimes = st.sampled_from([False, False, True])


@dataclass(frozen=True)
class Drawn:
    """A case with its shape, what the checks say about all pairs of nodes, and scenarios."""

    case: Case
    shape: Shape
    pairs: Pairs
    scenarios: tuple[Json, ...]


@st.composite
def drawn(draw: st.DrawFn, scenarios: int = 3, script: bool = False, calm: bool = False) -> Drawn:
    """`calm`: scenarios that come out alike where time is not to be trusted (on the real runtime)."""
    nodes, edges = draw(nested(script) if draw(sometimes) else wired(script))
    bare = _pruned(draw, nodes, edges, script)
    pairs = pairs_of(bare)
    assume(pairs is not None)
    assert pairs is not None
    case = replace(bare, nodes=tuple(draw(_referring(node, bare, Shape(bare), pairs)) for node in bare.nodes))
    shape = Shape(case)
    return Drawn(case, shape, pairs, tuple(draw(scenario(case, shape, calm)) for _ in range(scenarios)))


# -- nodes


@st.composite
def _node(draw: st.DrawFn, number: int, kind: str, script: bool) -> Node:
    node = Node(f"n{number}", kind, f"N{number}")
    if kind in VALUED and draw(rarely):
        node = replace(node, name=f"EXPORT_N{number}")
    if script and kind in VALUED and draw(st.booleans()):
        node = replace(node, name=f"EXPORT_N{number}")
    return replace(node, **draw(_OPTIONS[kind])) if kind in _OPTIONS else node


def _some(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(options)


_retries = st.sampled_from([None, 0, 1, 2])
_OPTIONS: Final[dict[str, st.SearchStrategy[dict[str, Any]]]] = {
    "step": _some(inline=rarely, nothing=rarely, retries=_retries),
    "http_request": _some(
        throws=st.sampled_from([True, True, False]), method=st.sampled_from(["GET", "POST"]), retries=_retries
    ),
    "sub_script": _some(throws=st.sampled_from([True, True, False]), retries=_retries),
    "sub_workflow": _some(waits=st.sampled_from([True, True, False])),
    "sleep": _some(impure=rarely),
    "branch": _some(
        arms=st.sampled_from([("a",), ("a", "b"), ("a", "b"), ("a", "b", "c")]), has_else=st.booleans(), impure=rarely
    ),
    "parallel": _some(settled=st.booleans()),
    "loop": _some(
        kind=st.sampled_from(["times", "forEach", "while"]), concurrency=st.sampled_from([1, 1, 1, 2, 3]), impure=rarely
    ).map(lambda options: {**options, "concurrency": 1 if options["kind"] == "while" else options["concurrency"]}),
    "break": _some(bare=rarely, impure=rarely),
}


def _kinds(script: bool) -> list[str]:
    return [kind for kind in _KINDS if not (script and kind in _NOT_IN_SCRIPTS)]


def _labels(node: Node) -> list[str | None]:
    """The labels of the edges by which a container leads to its arms."""
    labels: dict[str, list[str | None]] = {
        "branch": [*node.arms, *(["else"] if node.has_else else [])],
        "loop": ["body"],
        "try_catch": ["try", "catch"],
    }
    return labels.get(node.type, [None, None])


Wiring = tuple[list[Node], list[Edge]]


@st.composite
def wired(draw: st.DrawFn, script: bool) -> Wiring:
    """Every node leads to some of those behind it, mostly near ones."""
    least = draw(st.sampled_from([1, 4, 8]))
    kinds = draw(st.lists(st.sampled_from(_kinds(script)), min_size=least, max_size=_MOST_NODES - 1))
    nodes = [draw(_node(number, kind, script)) for number, kind in enumerate([*kinds, "step"])]
    edges: list[Edge] = []
    for node in nodes[:-1]:
        for label in _ways(draw, node):
            ahead = draw(st.sampled_from([1, 1, 1, 2, 2, 3, 4, 6]))
            edges.append(Edge(node.id, f"n{min(len(nodes) - 1, node.number + ahead)}", label))
    return nodes, edges


def _ways(draw: st.DrawFn, node: Node) -> list[str | None]:
    if node.type not in CONTAINERS:
        return [None] * draw(st.sampled_from([1, 1, 1, 1, 0, 2]))
    ways = _labels(node)
    if node.type == "branch":
        ways = [way for way in ways if draw(st.sampled_from([True] * 9 + [False]))]
    if node.type in ("parallel", "race"):
        ways = [None] * draw(st.sampled_from([2, 2, 1, 3]))
    if node.type == "try_catch" and draw(sometimes):
        ways = [*ways, "finally"]
    return [*ways, *(["then"] if draw(st.booleans()) else [])]


@dataclass
class _Nest:
    """A nested graph in the making."""

    draw: st.DrawFn
    script: bool
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def add(self, kind: str) -> Node:
        node = self.draw(_node(len(self.nodes), kind, self.script))
        self.nodes.append(node)
        return node

    def lead(self, ends: list[tuple[str, str | None]], target: Node) -> None:
        self.edges += [Edge(source, target.id, label) for source, label in ends]

    def sequence(self, depth: int, ends: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        """Nodes behind `ends`, one after the other; the ends that are left."""
        for _ in range(self.draw(st.sampled_from([1, 1, 2, 2, 3]))):
            room = depth > 0 and len(self.nodes) < _MOST_NODES
            kinds = _kinds(self.script) if room else [k for k in _LEAVES if k in _kinds(self.script)]
            node = self.add(self.draw(st.sampled_from(kinds)))
            self.lead(ends, node)
            ends = self.container(node, depth - 1) if node.type in CONTAINERS else [(node.id, None)]
        return ends

    def container(self, node: Node, depth: int) -> list[tuple[str, str | None]]:
        ends: list[tuple[str, str | None]] = []
        labels = [*_labels(node), *(["finally"] if node.type == "try_catch" and self.draw(sometimes) else [])]
        for label in labels:
            own = (node.id, label)
            empty = node.type in ("branch", "parallel") and self.draw(rarely)
            ends += [own] if empty else self.sequence(depth, [own])
        way = self.draw(st.sampled_from(["then", "join", "both"]))
        if way == "then" or node.type == "loop":
            return [(node.id, "then")]
        return ends if way == "join" else [*ends, (node.id, "then")]


@st.composite
def nested(draw: st.DrawFn, script: bool) -> Wiring:
    """Containers in containers; their arms meet again behind them, or `then` goes on."""
    nest = _Nest(draw, script)
    first = nest.add("step")
    ends = nest.sequence(draw(st.integers(1, 3)), [(first.id, None)])
    nest.lead(ends, nest.add("step"))
    return nest.nodes, nest.edges


def _pruned(draw: st.DrawFn, nodes: list[Node], edges: list[Edge], script: bool) -> Case:
    """Only what can be reached, sometimes in another order in the file."""
    leads = defaultdict(list)
    for edge in edges:
        leads[edge.source].append(edge.target)
    seen, stack = {nodes[0].id}, [nodes[0].id]
    while stack:
        fresh = set(leads[stack.pop()]) - seen
        seen |= fresh
        stack += sorted(fresh)
    kept = [node for node in nodes if node.id in seen]
    if draw(sometimes):
        kept = draw(st.permutations(kept))
    used = list(dict.fromkeys(edge for edge in edges if edge.source in seen))
    return Case(tuple(kept), tuple(used), [node.id for node in kept].index(nodes[0].id), script)


# -- references


@st.composite
def _referring(draw: st.DrawFn, node: Node, case: Case, shape: Shape, pairs: Pairs) -> Node:
    """The node with references that the checks allow."""
    allowed = [other for other in case.nodes if pairs.allowed(node.id, other.id)]
    if node.type in _TAGGED[:3] or node.type == "sub_workflow":
        node = replace(node, reads=tuple(_reads(draw, node, allowed, case, shape)))
    tagged = [other.id for other in allowed if other.type in _TAGGED and not other.nothing]
    if node.type in ("branch", "loop") and tagged and draw(sometimes):
        node = replace(node, asks=draw(st.sampled_from(tagged)))
    sources = [other.id for other in allowed if other.type == "step" and not other.nothing]
    if node.type == "loop" and node.kind == "forEach" and sources and draw(sometimes):
        node = replace(node, source=draw(st.sampled_from(sources)))
    return _stepping(draw, node, allowed, shape, pairs) if node.type == "step" else node


def _reads(draw: st.DrawFn, node: Node, allowed: list[Node], case: Case, shape: Shape) -> list[Read]:
    reads = []
    for other in draw(st.lists(st.sampled_from(allowed), max_size=3, unique=True)) if allowed else ():
        part = draw(st.sampled_from(_parts(other, node, case)))
        if part is not None:
            by_name = (
                node.type == "step"
                and draw(rarely)
                and other.type not in ("http_request", "sub_script", "sub_workflow")
            )
            reads.append(Read(other.id, "" if by_name else part, not by_name and draw(st.booleans()), by_name))
    if node.type == "step":
        reads += draw(st.lists(st.sampled_from(_variables(node, shape)), max_size=1))
    return reads


def _parts(other: Node, reader: Node, case: Case) -> list[str | None]:
    if other.type in ("loop", "parallel", "race") and reader.type != "step":
        return [None]
    parts: dict[str, list[str | None]] = {
        "step": [""] if other.nothing else ["tag"],  # `.tag` of undefined would be the graph's own fault
        "http_request": ["tag", "status", "body"] if reader.type == "step" else ["tag", "status"],
        "sub_script": ["tag", "status"],
        "wait_for_event": ["tag", "payload.tag", "type"],
        "sub_workflow": ["output.tag"] if other.waits and not case.script else [None],
        "loop": ["results", "output"],
        "parallel": [""],
        "race": [""],
    }
    return parts.get(other.type, [None])


def _variables(node: Node, shape: Shape) -> list[Read]:
    found = [Read("", "list")]
    if shape.loops(node.id):
        found.append(Read("", "_loop_i"))
    if any(loop.kind == "forEach" for loop in shape.loops(node.id)):
        found.append(Read("", "item.x"))
    caught = [shape.owner(arm) for arm in shape.around(node.id) if arm.endswith("/catch")]
    return [*found, *([Read("", "err"), Read(caught[-1], "error")] if caught else [])]


def _stepping(draw: st.DrawFn, node: Node, allowed: list[Node], shape: Shape, pairs: Pairs) -> Node:
    steps = [other.id for other in allowed if other.type == "step" and not other.nothing]
    spoilable = [*steps, "event"]
    if any(loop.kind == "forEach" for loop in shape.loops(node.id)):
        spoilable.append("item")
    node = replace(
        node, spoils=tuple(draw(st.lists(st.sampled_from(spoilable), max_size=2, unique=True))) if draw(rarely) else ()
    )
    loops = shape.loops(node.id)
    if loops and not node.inline and draw(rarely):
        node = replace(
            node, writes="assign" if loops[0].concurrency > 1 else draw(st.sampled_from(["assign", "append"]))
        )
    return node


# -- scenarios


@st.composite
def scenario(draw: st.DrawFn, case: Case, shape: Shape, calm: bool) -> Json:
    """The payload of a run: what conditions say, how often loops turn, what fails and when events come."""
    asked: dict[str, dict[str, Any]] = {
        part: {} for part in ("does", "answers", "child", "flags", "turns", "items", "ms", "until", "late")
    }
    events: list[list[Any]] = []
    for node in case.nodes:
        _answers(draw, node, case, shape, calm, asked)
        if node.type == "wait_for_event":
            events += draw(_events(node, shape, calm))
    late = any(at > 60_000 for at, _, _ in events)
    return {**asked, "list": [3, 1, 2], "events": sorted(events), "timed": late}


def _answers(
    draw: st.DrawFn, node: Node, case: Case, shape: Shape, calm: bool, asked: dict[str, dict[str, Any]]
) -> None:
    def words(choice: list[str]) -> list[str]:
        return draw(st.lists(st.sampled_from(choice), min_size=STATES, max_size=STATES))

    quiet = calm and any(loop.concurrency > 1 for loop in shape.loops(node.id))
    if node.type == "loop" or any(other.source == node.id for other in case.nodes):
        asked["items"][node.id] = [{"x": f"{node.id}#{k}"} for k in range(draw(st.sampled_from([1, 0, 2, 2, 3])))]
    if case.script and node.type == "step":
        asked["late"][node.id] = [latency(node.id, turn) for turn in range(STATES)]
    match node.type:
        case "step":
            asked["does"][node.id] = words(["ok"] if quiet else _doings(node, case.script, calm))
        case "http_request" | "sub_script":
            asked["answers"][node.id] = words(["ok"] if quiet else _answerings(node, case.script))
        case "sub_workflow":
            asked["child"][node.id] = words(["ok"] if quiet else ["ok"] * 10 + ["fail", "never"])
        case "branch":
            asked["flags"][node.id] = {label: draw(st.tuples(*[st.booleans()] * STATES)) for label in node.arms}
        case "break":
            asked["flags"][node.id] = {"exit": draw(st.tuples(*[sometimes] * STATES))}
        case "loop":
            asked["turns"][node.id] = draw(st.sampled_from([1, 0, 2, 2, 3]))
        case "sleep":
            asked["ms"][node.id] = 1000 * draw(st.sampled_from([1, 7, 3600]))
        case "sleep_until":
            past, *later = [EPOCH - 5_000, EPOCH + 5_000, EPOCH + 3_600_000]
            times = [past] if quiet else [past, "no time"] if calm else [past, *later, "no time"]
            asked["until"][node.id] = draw(st.sampled_from(times))


def _doings(node: Node, script: bool, calm: bool) -> list[str]:
    failing = ["fail"] if node.inline else ["fail", "fatal", "flaky", "hang"]
    return ["ok"] * 40 + [each for each in failing if each != "hang" or not (script or calm)]


def _answerings(node: Node, script: bool) -> list[str]:
    retried = node.retries or (node.retries is None and not script)
    return ["ok"] * 20 + ["404", "503", "text", "empty", "broken"] + (["flaky"] if node.throws and retried else [])


@st.composite
def _events(draw: st.DrawFn, node: Node, shape: Shape, calm: bool) -> list[list[Any]]:
    """Early, in between, late, and never. Never where another wait could take what is meant for this one."""
    containers = [each.type for each in shape.containers(node.id)]
    shared = "race" in containers and "loop" in containers
    if shared or any(loop.concurrency > 1 for loop in shape.loops(node.id)):
        return []
    when = st.sampled_from([0.25, 10_000.25] if calm else [0.25, 10_000.25, 61_000.25, 200_000.25])
    times = sorted(draw(st.lists(when, max_size=3)))
    return [
        [at + 0.01 * number + 0.001 * node.number, f"ev-{node.id}", {"tag": f"{node.id} event {number}", "type": "own"}]
        for number, at in enumerate(times)
    ]
