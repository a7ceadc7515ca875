"""Names that collide: nodes, loop variables, users' own variables and ours. Everyone reads what the graph says.

A plan is drawn first (steps, loops, try/catch, parallels, and what each step reads by which way); the document is made
of it, and what each step must return is computed from it by the rules of design.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import compile_artifact
from stepwell.check.naming import identifier_of
from stepwell.javascript.names import GLOBALS
from tests.properties.documents import edge, graph, node
from tests.properties.hostile import Json, bounded
from tests.semantics.engine import Engine

# fmt: off
POOL = (
    "total", "item", "i", "j", "k", "err", "name", "value", "request", "result", "event", "env", "step", "ctx", "trigger", "race", "DEFAULTS",
    "total_2", "item_2", "env_2", "i_2", "err_2", "request2", "_output", "output", "total_output", "total_results", "total_last", "total_due",
    "total_value", "total_won", "total_copy", "total_count", "total_turns", "total_error", "total_all", "unused", "messageOf", "valuesOf",
    "concurrently", "runGraph", "Total", "to tal", "to_tal", "total_", "EXPORT_total", "Promise", "Array", "structuredClone", "console", "x",
    "async", "of", "get", "let", "class", "new", "this", "a-b", "1", "2nd", "ünïcode", "$", "$total", "_", "__", "constructor", "__proto__",
)
VARIABLES = ("item", "i", "j", "total", "err", "name", "value", "request", "result", "x", "item_2", "i_2", "total_2", "total_results", "unused",
             "Promise", "Array", "structuredClone", "of", "async", "get", "event_2", "race", "DEFAULTS", "$total", "output")
LOCALS = ("total", "item", "i", "err", "name", "value", "request", "result", "env_2", "total_2", "event", "step", "ctx", "x", "to_tal", "Promise")
DECLARED = ("const {0} = 'local';", "var {0} = 'local';", "let {0}; {0} = 'local';", "const {{ {0} }} = {{ {0}: 'local' }};", "const [{0}] = ['local'];",
            "let q{0} = 'local', {0} = q{0};", "const {{ a: {0} = 'local' }} = {{}};", "function {0}() {{}} {0} = 'local';", "var {0} = 'lo'; {0} += 'cal';")
# fmt: on
SCAFFOLD = frozenset(
    {
        "event",
        "env",
        "ctx",
        "step",
        "NonRetryableError",
        "undefined",
        "NaN",
        "Infinity",
        "arguments",
        "this",
        "_output",
        "_loop_i",
    }
)
UNBOUND = SCAFFOLD | GLOBALS
KEYWORDS = frozenset(["let", "class", "new", "this", "async", "of", "get"])


@dataclass
class Step:
    id: str
    name: str
    local: dict[str, str] = field(default_factory=dict)
    """Own variables: name → how it is declared."""
    wishes: list[tuple[str, str, str]] = field(default_factory=list)
    """(way, wanted name, name of a function's parameter): what it would read, if it may."""
    throws: bool = False


@dataclass
class Loop:
    id: str
    name: str
    kind: str
    item: str
    index: str
    concurrency: int
    body: list[Part]


@dataclass
class Try:
    id: str
    name: str
    body: list[Part]
    caught: list[Part]


@dataclass
class Parallel:
    id: str
    name: str
    arms: list[list[Part]]


Part = Step | Loop | Try | Parallel


@st.composite
def plans(draw: st.DrawFn) -> list[Part]:
    free = draw(st.permutations(POOL))
    ids = iter([*free, *(f"spare {n}" for n in range(50))])

    def name() -> tuple[str, str]:
        identifier = next(ids)
        return identifier, draw(st.sampled_from([identifier, *POOL]))

    def parts(depth: int, least: int) -> list[Part]:
        return [part(depth) for _ in range(draw(st.integers(least, 3 if depth < 2 else 2)))]

    def part(depth: int) -> Part:
        kind = draw(st.sampled_from(["step"] * 5 + (["loop", "loop", "try", "parallel"] if depth < 2 else [])))
        if kind == "loop":
            item, index = draw(st.permutations(VARIABLES))[:2]
            return Loop(
                *name(),
                draw(st.sampled_from(["forEach", "times"])),
                item,
                index,
                draw(st.sampled_from([1, 1, 2])),
                parts(depth + 1, 1),
            )
        if kind == "try":
            failing = [Step(*name(), throws=True)] if draw(st.booleans()) else []
            identifier, shown = name()
            return Try(identifier, shown.removeprefix("EXPORT_"), [*parts(depth + 1, 1), *failing], parts(depth + 1, 1))
        if kind == "parallel":
            return Parallel(*name(), [parts(depth + 1, 1), parts(depth + 1, 1)])
        own = draw(st.lists(st.sampled_from(LOCALS), max_size=2, unique=True))
        wishes = st.tuples(st.sampled_from(WAYS), st.sampled_from(["", *POOL, *VARIABLES]), st.sampled_from(LOCALS))
        return Step(*name(), {n: draw(st.sampled_from(DECLARED)) for n in own}, draw(st.lists(wishes, max_size=4)))

    return [
        *parts(0, 1),
        Step(
            next(ids),
            "the end",
            {},
            draw(
                st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(POOL), st.sampled_from(LOCALS)), max_size=4)
            ),
        ),
    ]


WAYS = (
    "hole",
    "hole",
    "path",
    "in function",
    "in catch",
    "in class",
    "bare",
    "bare",
    "shorthand",
    "bare in function",
    "default",
    "template",
)


@dataclass(frozen=True)
class Around:
    """What surrounds a step, innermost first: ("loop", Loop) or ("catch", Try); and what has surely run before it."""

    scopes: tuple[tuple[str, Any], ...] = ()
    before: tuple[str, ...] = ()


class Model:
    """The document of a plan, and what its steps must return."""

    def __init__(self, plan: list[Part]) -> None:
        self.parts = list(everything(plan))
        self.ids = {p.id for p in self.parts}
        self.named: dict[str, str] = {}
        self.nodes: list[Json] = []
        self.edges: list[Json] = []
        self.reads: dict[str, list[tuple[str, Any]]] = {}
        for p in self.parts:
            named = identifier_of(p.name)
            for each in (named, named[:-1] if named.endswith("_") else named):
                if each:
                    self.named.setdefault(each, p.id)
        self.lay(plan, Around(), None)
        order = {p.id: n for n, p in enumerate(self.parts)}
        self.nodes.sort(key=lambda n: order[n["id"]])
        self.expected: dict[tuple[str, tuple[int, ...]], Any] = {}
        self.turn(plan, ())

    # -- the document

    def lay(self, parts: list[Part], around: Around, into: tuple[str, str] | None) -> Around:
        """Lays parts in a row; the first is entered from `into`. What has run when they are done."""
        for part in parts:
            if into is not None:
                self.edges.append(edge(*(into[0], part.id), into[1] or None, len(self.edges)))
            around = self.place(part, around)
            into = (part.id, "" if isinstance(part, Step) else "then")
        return around

    def place(self, part: Part, around: Around) -> Around:
        match part:
            case Step():
                self.nodes.append(node(part.id, name=part.name, code=self.code(part, around)))
                return Around(around.scopes, (*around.before, part.id))
            case Loop():
                data: Json = {"loopType": part.kind, "indexVar": part.index, "concurrency": part.concurrency}
                data |= {"collection": ["p", "q"], "itemVar": part.item} if part.kind == "forEach" else {"count": 2}
                self.nodes.append(node(part.id, "loop", name=part.name, **data))
                self.lay(part.body, Around((("loop", part), *around.scopes), around.before), (part.id, "body"))
                return Around(around.scopes, (*around.before, part.id))
            case Try():
                self.nodes.append(node(part.id, "try_catch", name=part.name))
                self.lay(part.body, around, (part.id, "try"))
                self.lay(part.caught, Around((("catch", part), *around.scopes), around.before), (part.id, "catch"))
                return around
            case Parallel():
                self.nodes.append(node(part.id, "parallel", name=part.name))
                before = around.before
                for number, arm in enumerate(part.arms):
                    before = (*before, *self.lay(arm, around, (part.id, str(number))).before[len(around.before) :])
                return Around(around.scopes, (*before, part.id))

    def code(self, step: Step, around: Around) -> str:
        self.reads[step.id] = []
        if step.throws:
            return "throw new Error('thrown');"
        lines = [how.format(name) for name, how in step.local.items()]
        for way, wanted, parameter in step.wishes:
            read = self.read(way, wanted or (around.before[-1] if around.before else "x"), parameter, step, around)
            if read is not None:
                self.reads[step.id].append(read)
        tell = "($v) => $v === undefined ? '?' : $v.message ? 'error' : $v.tag ?? ($v.results ? 'loop' : typeof $v === 'object' ? 'list' : $v)"
        inner = ", ".join(text for text, _ in self.reads[step.id])
        return "\n".join([f"const $t = {tell};", *lines, f"return {{ tag: {step.id!r}, r: [{inner}] }};"])

    def read(self, way: str, wanted: str, parameter: str, step: Step, around: Around) -> tuple[str, Any] | None:
        """JavaScript that reads, and what it must give; None where the rules do not allow it."""
        if way.startswith("bare") or way == "shorthand":
            if not wanted.replace("$", "_").isidentifier() or wanted in KEYWORDS:
                return None
            if way == "bare in function":
                return f"(({parameter}) => $t({parameter}))('local')", "local"
            meant = "local" if wanted in step.local else self.meaning(wanted, around, bare=True)
            text = f"$t({wanted})" if way == "bare" else f"$t(({{ {wanted} }}).{wanted})"
            return None if meant is None else (text, meant)
        meant = self.meaning(wanted, around, bare=False)
        if meant is None:
            return None
        hole = f"{{{{{wanted}}}}}"
        text = {
            "hole": f"$t({hole})",
            "path": f"$t({hole})",
            "in function": f"(({parameter}) => $t({hole}))('local')",
            "in catch": f"(() => {{ try {{ throw 'local'; }} catch ({parameter}) {{ return $t({hole}); }} }})()",
            "in class": f"new (class {parameter} {{ m() {{ return $t({hole}); }} }})().m()",
            "default": f"$t({{{{{wanted} ?? 'none'}}}})",
            "template": f"`${{$t({hole})}}`",
        }[way]
        return text, str(meant) if way == "template" else meant

    def meaning(self, name: str, around: Around, bare: bool) -> Any:
        """What a name stands for: ("turn", loop) for an index or an item, a node's id, "error"; None where it may not be read."""
        if not bare and name in self.ids:
            return self.value(name, around)
        for kind, part in around.scopes:
            if kind == "loop" and name == part.index:
                return None if bare is None else Index(part.id)
            if kind == "loop" and part.kind == "forEach" and name == part.item:
                return Item(part.id)
            if kind == "catch" and name == "err":
                return "error"
        if not bare or name in UNBOUND:
            return None
        target = name if name in self.ids else self.named.get(name)
        return self.value(target, around) if target is not None else None

    def value(self, target: str, around: Around) -> Any:
        if target not in around.before:
            return None
        part = next(p for p in self.parts if p.id == target)
        return {Step: target, Loop: "loop", Parallel: "list"}.get(type(part))

    # -- the run

    def turn(self, parts: list[Part], at: tuple[tuple[str, int], ...]) -> None:
        for part in parts:
            match part:
                case Step():
                    indices = tuple(index for _, index in at)
                    self.expected[part.id, indices] = (
                        "failed"
                        if part.throws
                        else {"tag": part.id, "r": [settled(meant, dict(at)) for _, meant in self.reads[part.id]]}
                    )
                case Loop():
                    for index in range(2):
                        self.turn(part.body, (*at, (part.id, index)))
                case Try():
                    self.turn(part.body, at)
                    last = part.body[-1]
                    if isinstance(last, Step) and last.throws:
                        self.turn(part.caught, at)
                case Parallel():
                    for arm in part.arms:
                        self.turn(arm, at)


@dataclass(frozen=True)
class Index:
    loop: str

    def __str__(self) -> str:
        return f"\0{self.loop}\0index"


@dataclass(frozen=True)
class Item(Index):
    def __str__(self) -> str:
        return f"\0{self.loop}\0item"


def settled(meant: Any, turns: dict[str, int]) -> Any:
    """A meaning as a value, in a turn."""
    if isinstance(meant, Index):
        return "pq"[turns[meant.loop]] if isinstance(meant, Item) else turns[meant.loop]
    if isinstance(meant, str) and meant.startswith("\0"):
        _, loop, kind = meant.split("\0")
        return "pq"[turns[loop]] if kind == "item" else str(turns[loop])
    return meant


def everything(parts: list[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        inner = part.body if isinstance(part, Loop) else [*part.body, *part.caught] if isinstance(part, Try) else []
        yield from everything(inner)
        for arm in part.arms if isinstance(part, Parallel) else ():
            yield from everything(arm)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@bounded(250)
@given(plans())
def test_everyone_reads_what_the_graph_says(engine: Engine, plan: list[Part]) -> None:
    model = Model(plan)
    document = graph(*model.nodes, edges=model.edges)
    document["entryNodeId"] = plan[0].id
    compiled = compile_artifact(document)
    errors = [d.message for d in compiled.diagnostics if d.severity.value == "error"]
    assert not errors, (errors, document)
    assert compiled.manifest is not None and compiled.js is not None
    answer = engine.run(
        compiled.js, compiled.manifest["workflow"]["class"], [{"scenario": {"events": []}, "kills": True}]
    )
    assert "fault" not in answer, (answer, compiled.js)
    run = answer["runs"][0]
    assert run["status"] == "complete" and not run["faults"] and not run["lives"], (run, compiled.js)
    names = {step["name"]: step["node"] for step in compiled.manifest["steps"]}
    got = {}
    for step in run["trace"]:
        if step["kind"] == "do":
            static, indices = split(step["name"], names)
            got[names[static], indices] = "failed" if "failed" in step else step["value"]
    assert got == model.expected, compiled.js


def split(name: str, names: dict[str, str]) -> tuple[str, tuple[int, ...]]:
    """A step's static name, and the indices of its turn."""
    if name in names:
        return name, ()
    static = max((n for n in names if name.startswith(f"{n} [")), key=len)
    return static, tuple(int(part) for part in name[len(static) + 2 : -1].split("]["))
