"""Rules about what fields say: replay, status, loops, code, limits. Each rule is one function of the analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from stepwell.check.custom import template_rules
from stepwell.check.data import Typed, is_dynamic
from stepwell.check.dependencies import conflicts
from stepwell.check.fields import Fields
from stepwell.check.module_rules import ENV_WHOLE, JSX, import_fault
from stepwell.check.naming import export_name
from stepwell.check.paths import unknown_paths
from stepwell.check.values import CodeValue, Lit, Ref, Use, Value, codes_of, impurities_of, uses_of, walk
from stepwell.diagnostics import Code, Diagnostic, SnippetPosition, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph.data import LoopData, RequestData, StepData, SubWorkflowData, WaitData
from stepwell.javascript import Impurity, env_reads

if TYPE_CHECKING:
    from stepwell.check.analysis import Analysis

DEEP_LOOPS = 40
"""A step's name carries the index of every loop around it, and must stay within 256 characters."""

CONTROL = ("condition", "collection", "count", "duration", "eventType", "timeout")
"""Fields that decide what runs, or under which key; their value must be the same on every replay. (What remains until
a `timestamp` is a step's result anyway.)"""


_STEPS = frozenset({"step", "http_request", "sub_script", "sub_workflow"})


def _at(analysis: Analysis, vertex: int, *parts: str | int) -> str:
    return analysis.document.base + pointer("nodes", vertex, *parts)


def _find(
    analysis: Analysis,
    code: Code,
    vertex: int,
    message: str,
    at: str,
    hint: str | None = None,
    value: CodeValue | None = None,
    offset: int = 0,
) -> Diagnostic:
    place = SnippetPosition(*value.position(offset)) if value else None
    return Diagnostic(code, message, at, analysis.flow.nodes[vertex].id, hint, place)


def rule_findings(analysis: Analysis) -> list[Diagnostic]:
    """The findings of every rule."""
    vertices = range(len(analysis.fields))
    return [finding for rule in _RULES for finding in rule(analysis, vertices)]


def findings_of(analysis: Analysis, vertices: Sequence[int]) -> list[Diagnostic]:
    """What rules say of some nodes by the texts in them; the other rules ask for no text that can be edited alone."""
    return [finding for rule in _RULES if rule not in _OF_GRAPHS for finding in rule(analysis, vertices)]


def _codes(analysis: Analysis, vertices: Sequence[int]) -> list[tuple[int, str, CodeValue]]:
    return [(vertex, name, code) for vertex in vertices for name, code in analysis.codes[vertex]]


# -- replay -------------------------------------------------------------------------------------------


def stored_fields(analysis: Analysis) -> dict[tuple[int, str], str]:
    """Control fields that are not provably deterministic, and what the names of their steps add to the node's.

    A script has no replay.
    """
    if analysis.document.source.ir.kind == "script":
        return {}
    return {
        (vertex, name): extra
        for vertex, fields in enumerate(analysis.fields)
        for name, extra in stored_of(fields).items()
    }


def stored_of(fields: Fields) -> dict[str, str]:
    """The same of one node of a workflow."""
    stored: dict[str, str] = {}
    for name, value in fields.items():
        if (name in CONTROL or name.startswith("arms/")) and impurities_of(value):
            stored[name] = ": value" if not stored else f": value {len(stored) + 1}"
    return stored


def _stored_of(analysis: Analysis, vertices: Sequence[int]) -> Iterator[tuple[tuple[int, str], str]]:
    for vertex in vertices:
        for name in analysis.fields[vertex]:
            if (vertex, name) in analysis.stored:
                yield (vertex, name), analysis.stored[vertex, name]


def _value_steps(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    for (vertex, name), extra in _stored_of(analysis, vertices):
        value = analysis.fields[vertex][name]
        if any(code.facts.faults for code in codes_of(value)):
            continue  # what its words mean is not known
        why = impurities_of(value)[0]
        field = "condition" if name.startswith("arms/") else name
        reads = _in_words(analysis, analysis.fields[vertex][name], why)
        yield _find(
            analysis,
            c.VALUE_STEP,
            vertex,
            f"the {field} of {analysis.flow.nodes[vertex].label} reads {reads} and is evaluated in "
            f"a step of its own, `{analysis.steps[vertex]}{extra}`",
            _field_pointer(analysis, vertex, name),
            "compute it in a step before if you want to name that step yourself",
        )


def _in_words(analysis: Analysis, value: Value, why: str) -> str:
    """What is read, an expression in braces under the name of its node."""
    root, dot, rest = why.partition(".")
    for code in codes_of(value):
        for hole in code.holes:
            if code.facts.text[hole.start : hole.end] == root:
                node = analysis.flow.nodes[hole.ref.use.vertex].id if hole.ref.use.kind == "node" else "…"
                return f"`{{{{{node}}}}}{dot}{rest}`"
    return f"`{why}`"


def _field_pointer(analysis: Analysis, vertex: int, name: str) -> str:
    if name.startswith("arms/"):
        return _at(analysis, vertex, "data", "branches", int(name[5:]), "condition")
    return _at(analysis, vertex, "data", name)


def _inline_is_deterministic(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    if analysis.document.source.ir.kind == "script":
        return
    for vertex, _, code in _codes(analysis, vertices):
        data = analysis.data[vertex]
        if not (isinstance(data, StepData) and data.inline):
            continue
        bindings = {
            m.start
            for m in (*code.facts.members, *code.facts.followed)
            if m.root == "env" and (len(m.path) > 1 or m.call)
        }
        for impurity in code.facts.impurities:
            if impurity.kind in ("clock", "random", "network") or (
                impurity.kind == "env" and impurity.start in bindings
            ):
                node = analysis.flow.nodes[vertex]
                yield _find(
                    analysis,
                    c.INLINE_NONDETERMINISTIC,
                    vertex,
                    f"the inline step {node.label} {_otherwise(impurity)} on every replay",
                    code.pointer,
                    "turn `inline` off",
                    code,
                    impurity.start,
                )


def _otherwise(impurity: Impurity) -> str:
    """What happens to something on a replay."""
    if impurity.kind == "network":
        return f"calls `{impurity.what}`, which would go out again"
    if impurity.kind == "env":
        return f"calls `{impurity.what}`, which is called again and may answer otherwise"
    return f"reads `{impurity.what}`, which gives another value"


def _race_events(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    waits = [v for v, d in enumerate(analysis.data) if isinstance(d, WaitData)]
    for vertex in waits:
        race = next(
            (
                a
                for a in analysis.regions.blocks_around(vertex)
                if analysis.flow.shape(analysis.flow.arm(a).container) == "race"
            ),
            None,
        )
        if race is None:
            continue
        kind = _event_type(analysis, vertex)
        later = next(
            (
                w
                for w in waits
                if w != vertex
                and kind
                and _event_type(analysis, w) == kind
                and analysis.regions.position[w] > analysis.regions.position[vertex]
                and not analysis.regions.dominates(race, w)
            ),
            None,
        )
        if later is not None:
            yield _find(
                analysis,
                c.RACE_EVENT_TWICE,
                vertex,
                f"{analysis.flow.nodes[vertex].label} waits for `{kind}` in a race, and "
                f"{analysis.flow.nodes[later].label} waits for "
                "it again: when the race is lost, the first wait still takes the next event",
                _at(analysis, vertex, "data", "eventType"),
                "give the two waits different event types",
            )


def _event_type(analysis: Analysis, vertex: int) -> str | None:
    value = analysis.fields[vertex].get("eventType")
    return value.value if isinstance(value, Lit) and isinstance(value.value, str) else None


# -- code ---------------------------------------------------------------------------------------------


def _code_rules(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    for vertex, name, code in _codes(analysis, vertices):
        facts, node = code.facts, analysis.flow.nodes[vertex]
        for method, offset in facts.step_calls:
            yield _find(
                analysis,
                c.STEP_CALL,
                vertex,
                f"the code of {node.label} calls `step.{method}`",
                code.pointer,
                "steps are made by nodes: draw a node for it",
                code,
                offset,
            )
        for offset in facts.jsx:
            yield _find(analysis, c.JSX, vertex, JSX[0], code.pointer, JSX[1], code, offset)
        for offset in facts.exports:
            yield _find(
                analysis,
                c.EXPORT_IN_BODY,
                vertex,
                f"the code of {node.label} exports something",
                code.pointer,
                "remove `export`; a body returns its value",
                code,
                offset,
            )
        for offset in facts.non_retryable_extra:
            yield _find(
                analysis,
                c.NON_RETRYABLE_ARGUMENT,
                vertex,
                "with a second argument the runtime retries a NonRetryableError",
                code.pointer,
                "give it the message only",
                code,
                offset,
            )
        for offset in facts.floating:
            yield _find(
                analysis,
                c.UNAWAITED,
                vertex,
                "a promise is not awaited",
                code.pointer,
                "write `await` in front of it",
                code,
                offset,
            )
        for imported in facts.imports:
            if fault := import_fault(imported.module, analysis.document.source.dependencies):
                yield _find(analysis, c.IMPORT_UNKNOWN, vertex, fault[0], code.pointer, fault[1], code, imported.start)
        for offset in env_reads(facts).dynamic[:1]:
            yield _find(analysis, c.ENV_DYNAMIC, vertex, ENV_WHOLE[0], code.pointer, ENV_WHOLE[1], code, offset)
        if code.names or (facts.mutated and code.holes):
            yield from _upstream_writes(analysis, vertex, name, code)


def _upstream_writes(analysis: Analysis, vertex: int, name: str, code: CodeValue) -> Iterator[Diagnostic]:
    said: set[Use] = set()
    if (vertex, name) in analysis.stored:
        return  # it has a step of its own, and a note about that
    for use, label, offset in written_uses(code):
        if use in said or use.kind in ("env", "output"):
            continue
        if label is None:
            label = analysis.flow.nodes[use.vertex].label if use.kind == "node" else "the value in braces"
        said.add(use)
        yield _find(
            analysis,
            c.WRITES_UPSTREAM,
            vertex,
            f"the code of {analysis.flow.nodes[vertex].label} writes to {label}; it works "
            "on a copy, for on replay the code does not run and the change would be lost",
            code.pointer,
            "return the changed value instead",
            code,
            offset,
        )


def written_uses(code: CodeValue) -> Iterator[tuple[Use, str | None, int]]:
    """What the code is seen to write into: the use, how the code names it (None: in braces), where it first stands."""
    for named in code.names:
        if named.name.name in code.facts.mutated or named.name.write:
            yield named.use, f"`{named.name.name}`", named.name.start
    for hole in code.holes:
        if code.facts.text[hole.start : hole.end] in code.facts.mutated:
            yield hole.ref.use, None, hole.start


# -- requests -------------------------------------------------------------------------------------------


def _status(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    told: set[tuple[str, int]] = set()
    for vertex, _, code in _codes(analysis, vertices):
        for target, path, comparison in _compared(analysis, code):
            request = analysis.flow.nodes[target].id
            if path == ("status",) and isinstance(comparison.literal, str):
                told.add((code.pointer, target))
                yield _find(
                    analysis,
                    c.STATUS_IS_NUMBER,
                    vertex,
                    f"`.status` of {analysis.flow.nodes[target].label} is the HTTP status, a number; "
                    f'it never equals "{comparison.literal}"',
                    code.pointer,
                    f"the answer's own field is `{{{{{request}.body.status}}}}`",
                    code,
                    comparison.start,
                )
    for vertex in vertices:
        for name, value in analysis.fields[vertex].items():
            if name == "condition" or name.startswith("arms/"):
                # A status that is taken for a field of the body is that fault alone.
                for target in sorted(set(_status_reads(analysis, value))):
                    if (_field_pointer(analysis, vertex, name), target) not in told:
                        yield from _status_throws(analysis, vertex, name, target)


def _compared(analysis: Analysis, code: CodeValue):  # type: ignore[no-untyped-def]
    holes = {code.facts.text[h.start : h.end]: h.ref for h in code.holes}
    names = {n.name.name: n.use for n in code.names}
    for comparison in code.facts.comparisons:
        ref = holes.get(comparison.root)
        use = ref.use if ref else names.get(comparison.root)
        path = (*(ref.path if ref else ()), *comparison.path)
        if use and use.kind == "node" and isinstance(analysis.data[use.vertex], RequestData):
            yield use.vertex, path, comparison


def _status_throws(analysis: Analysis, vertex: int, name: str, target: int) -> Iterator[Diagnostic]:
    data = analysis.data[target]
    if isinstance(data, RequestData) and data.throwOnError:
        request = analysis.flow.nodes[target].label
        yield _find(
            analysis,
            c.STATUS_THROWS,
            vertex,
            f"the condition reads the status of {request}, which throws when the status is "
            "not ok, so that the condition is not reached then",
            _field_pointer(analysis, vertex, name),
            f"set `throwOnError` of {request} to false to handle it here",
        )


def _status_reads(analysis: Analysis, value: Value) -> Iterator[int]:
    for part in walk(value):
        if isinstance(part, Ref) and part.use.kind == "node" and part.path[:1] == ("status",):
            yield part.use.vertex
        elif isinstance(part, CodeValue):
            holes = {part.facts.text[h.start : h.end]: h.ref for h in part.holes}
            names = {n.name.name: n.use for n in part.names}
            for member in part.facts.members:
                ref = holes.get(member.root)
                use = ref.use if ref else names.get(member.root)
                if use and use.kind == "node" and (*(ref.path if ref else ()), *member.path)[:1] == ("status",):
                    yield use.vertex


# -- loops ----------------------------------------------------------------------------------------------


def _while_can_end(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    for vertex in vertices:
        data = analysis.data[vertex]
        if not (isinstance(data, LoopData) and data.loopType == "while"):
            continue
        value = analysis.fields[vertex]["condition"]
        if isinstance(value, Lit) or (isinstance(value, CodeValue) and value.facts.faults):
            continue  # that it is missing or wrong has been told
        arms = analysis.flow.arms_of[vertex]
        changes = impurities_of(value) or any(
            (use.kind in ("output", "index") and use.vertex == vertex)
            or (use.kind == "node" and any(analysis.regions.dominates(a, use.vertex) for a in arms))
            for use, _ in uses_of(value)
        )
        leaves = any(
            n.type == "break" and analysis.scope._loops(v, None)[:1] == [vertex]
            for v, n in enumerate(analysis.flow.nodes)
        )
        if not changes and not leaves:
            yield _find(
                analysis,
                c.WHILE_CONSTANT,
                vertex,
                f"nothing in the body of {analysis.flow.nodes[vertex].label} can change its condition",
                _at(analysis, vertex, "data", "condition"),
                "read the value of a node of the body, `_output` or the index",
            )


def _output_of_concurrent(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    for vertex, _, code in _codes(analysis, vertices):
        for named in code.names:
            loop = analysis.data[named.use.vertex] if named.use.kind == "output" else None
            if (
                isinstance(loop, LoopData)
                and loop.concurrency > 1
                and (not named.name.write or "_output" in code.facts.mutated)
            ):
                yield _find(
                    analysis,
                    c.OUTPUT_CONCURRENT,
                    vertex,
                    "`_output` is read in a loop whose turns run at once",
                    code.pointer,
                    "assign it only, or set `concurrency` to 1",
                    code,
                    named.name.start,
                )


# -- settings ------------------------------------------------------------------------------------------

_BOUND = ("workflowId", "workflowName", "workerName")
"""Fields that name what is called: a binding of the Worker."""


def _fixed_settings(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    """Retry settings are written out in the code, so they cannot depend on the run."""
    for vertex, typed in enumerate(analysis.typed):
        for name, given in (("delay", typed.retries.delay), ("timeout", typed.retries.timeout)):
            if isinstance(given, str) and not isinstance(typed.data, WaitData):
                yield _find(
                    analysis,
                    c.BAD_DURATION,
                    vertex,
                    f"the {name} of {typed.node.label} is an expression; retry settings are fixed",
                    _at(analysis, vertex, *_setting(typed, name)),
                    'write a duration: "10 seconds"',
                )
        for name in _BOUND:
            if name in typed.kind.keys and is_dynamic(str(getattr(typed.data, name))):
                yield _find(
                    analysis,
                    c.BAD_DATA,
                    vertex,
                    f"`{name}` of {typed.node.label} is an expression; bindings are fixed",
                    _at(analysis, vertex, "data", name),
                    "write the name of the deployed Worker or its class",
                )
        if isinstance(typed.data, SubWorkflowData) and is_dynamic(str(typed.data.timeout)):
            yield _find(
                analysis,
                c.BAD_DURATION,
                vertex,
                f"the timeout of {typed.node.label} is an expression; it is fixed",
                _at(analysis, vertex, "data", "timeout"),
                'write a duration: "5 minutes"',
            )


def _setting(typed: Typed, name: str) -> tuple[str, ...]:
    """Where a node's delay or timeout was written: `config` goes before `data`."""
    config = typed.node.config
    if name == "delay":
        return ("config", "retries", "delay") if config and config.retries else ("data", "retryDelay")
    return ("config", "timeout") if config and config.timeout is not None else ("data", "timeout")


# -- limits and names -------------------------------------------------------------------------------------


def _limits(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    if analysis.document.source.ir.kind == "script":
        return
    steps = sum(
        1
        for n, k in zip(analysis.flow.nodes, analysis.typed, strict=True)
        if (n.type in _STEPS or k.kind.custom is not None) and not (isinstance(k.data, StepData) and k.data.inline)
    )
    place = analysis.document.base + "/nodes"
    if steps > 25_000:
        yield Diagnostic(
            c.STEP_LIMIT_HARD,
            f"the graph has {steps} steps; an instance can have 25,000",
            place,
            None,
            "use a loop, or move parts of it to sub-workflows",
        )
    elif steps > 10_000:
        yield Diagnostic(
            c.STEP_LIMIT,
            f"the graph has {steps} steps; an instance can have 10,000",
            place,
            None,
            "raise the workflow's `limits.steps` (25,000 at most, paid plan), or use sub-workflows",
        )
    elif steps > 1024:
        yield Diagnostic(
            c.STEP_LIMIT,
            f"the graph has {steps} steps; the free plan allows 1,024",
            place,
            None,
            "the paid plan allows 10,000",
        )


def _loop_depth(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    """The first loop that stands in too many others; a script has no steps that need names."""
    flow = analysis.flow
    if analysis.document.source.ir.kind == "script":
        return
    for vertex in flow.topological:
        if not flow.is_arm(vertex) and flow.shape(vertex) == "loop":
            around = len(analysis.regions.loop_bodies(vertex))
            if around >= DEEP_LOOPS:
                yield _find(
                    analysis,
                    c.TOO_DEEP,
                    vertex,
                    f"loops are nested {around + 1} deep at {flow.nodes[vertex].label}; {DEEP_LOOPS} is the "
                    "most, for a step's name carries the index of each",
                    _at(analysis, vertex),
                    "move the inner part to a sub-workflow",
                )
                return


def _exports(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    for vertex, node in enumerate(analysis.flow.nodes):
        key = export_name(node.name)
        if key is None:
            continue
        if not analysis.flow.kinds[vertex].value:
            yield _find(
                analysis,
                c.NO_VALUE,
                vertex,
                f"{node.label} is to be exported but has no value",
                _at(analysis, vertex, "name"),
                "give the name to a node that returns something",
            )
        elif key in first and not _exclusive(analysis, first[key], vertex):
            yield _find(
                analysis,
                c.DUPLICATE_EXPORT,
                vertex,
                f"{analysis.flow.nodes[first[key]].label} exports `{key}` too",
                _at(analysis, vertex, "name"),
                "the result holds the value of the one that ran last",
            )
        first.setdefault(key, vertex)


def _exclusive(analysis: Analysis, a: int, b: int) -> bool:
    """Whether only one of two nodes can run: they stand in different arms of a branch that no loop repeats."""
    regions, flow = analysis.regions, analysis.flow
    above = regions.common_dominator(a, b)
    if above in (a, b) or flow.shape(above) != "branch" or regions.loop_bodies(above):
        return False
    return all(flow.is_arm(regions.child_towards(above, v)) for v in (a, b))


def _names(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    for vertex, node in enumerate(analysis.flow.nodes):
        if any(ch < " " or ch == "\x7f" for ch in node.name):
            yield _find(
                analysis,
                c.NAME_CLEANED,
                vertex,
                f"the name of {node.label} holds control characters; they become spaces",
                _at(analysis, vertex, "name"),
            )


def _dependencies(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    yield from conflicts(analysis.document)


def _templates(analysis: Analysis, _: Sequence[int]) -> Iterator[Diagnostic]:
    yield from template_rules(analysis)


_RULES: tuple[Callable[[Analysis, Sequence[int]], Iterator[Diagnostic]], ...] = (
    _value_steps,
    _inline_is_deterministic,
    _race_events,
    _fixed_settings,
    _code_rules,
    _status,
    _while_can_end,
    _output_of_concurrent,
    _limits,
    _loop_depth,
    _exports,
    _names,
    unknown_paths,
    _templates,
    _dependencies,
)
_OF_GRAPHS = frozenset(
    {_race_events, _fixed_settings, _limits, _loop_depth, _exports, _names, _templates, _dependencies}
)
