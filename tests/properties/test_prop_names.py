"""Names of steps, identifiers, Workers and bindings: unique, within their limits, whatever the graph calls things."""

from __future__ import annotations

import re
from itertools import count, pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from stepwell import Compiled, compile_artifact
from stepwell.javascript.names import is_name
from tests.properties.documents import edge, graph, node
from tests.properties.hostile import Json, bounded, plain, strings
from tests.properties.observer import Observer

STEMS = ("A", "B", "name " * 60, "😀" * 140, "é" * 256, "x" * 240, "x" * 236, "a: value", "A: value", "\0", "  ", "A\n")
TAILS = (
    "",
    " [0]",
    " [1]",
    " [0][1]",
    ": value",
    ": value [0]",
    ": winner",
    ": id",
    ": create",
    ": status [1]",
    ": status [0][1]",
    ": part 1",
    ": remaining",
    ": part 1 [0]",
    " (a)",
    " (b)",
    " (b 2)",
    " (n1)",
    " (n2)",
    " (n2 2)",
    " (n2: value)",
    "]",
    ")",
    " ",
)

names = st.tuples(st.sampled_from(STEMS), st.lists(st.sampled_from(TAILS), max_size=3)).map(
    lambda t: (t[0] + "".join(t[1]))[:256]
) | strings.filter(bool)
ids = st.sampled_from(
    [
        "a",
        "b",
        "n1",
        "n2",
        "n2: value",
        "b: status [1]",
        "a: value",
        "a: value b",
        "x" * 300,
        "x" * 301,
        "[0]",
        "b: part 1",
    ]
) | strings.filter(bool)


@st.composite
def nests(draw: st.DrawFn) -> Json:
    """Steps, calls and waits, some of them in loops, whose names and ids look like each other's."""
    number = count()
    taken = set[str]()

    def named() -> dict[str, str]:
        identifier = draw(ids)
        while identifier in taken:
            identifier += f" {next(number)}"
        taken.add(identifier)
        return {"identifier": identifier, "name": draw(names)}

    nodes, edges = [], []

    def row(depth: int, into: tuple[str, str | None] | None) -> None:
        for _ in range(draw(st.integers(1, 3))):
            kind = draw(
                st.sampled_from(
                    ["step", "step", "wait", "until", "child", "value", "race", "loop", "loop"]
                    if depth < 3
                    else ["step", "value", "child"]
                )
            )
            made = one(kind, **named())
            nodes.append(made)
            if into is not None:
                edges.append(edge(into[0], made["id"], into[1], next(number)))
            if kind == "loop":
                row(depth + 1, (made["id"], "body"))
            if kind == "race":
                arm = one("step", **named())
                nodes.append(arm)
                edges.append(edge(made["id"], arm["id"], "1", next(number)))
            into = (made["id"], "then" if kind in ("loop", "race") else None)

    row(0, None)
    return graph(*nodes, edges=edges)


def one(kind: str, identifier: str, name: str) -> Json:
    match kind:
        case "loop":
            return node(identifier, "loop", name=name, loopType="times", count=2, concurrency=1)
        case "race":
            return node(identifier, "race", name=name)
        case "wait":
            return node(identifier, "wait_for_event", name=name, eventType="e")
        case "until":
            return node(identifier, "sleep_until", name=name, timestamp="2020-01-01")
        case "child":
            return node(identifier, "sub_workflow", name=name, workflowId="w", workflowName="W")
        case "value":
            return node(identifier, "sleep", name=name, duration="{{env.DURATION}}")
        case _:
            return node(identifier, name=name.removeprefix("EXPORT_") or "x")


def compiled_of(document: Json) -> Compiled:
    compiled = compile_artifact(document)
    errors = {d.slug for d in compiled.diagnostics if d.severity.value == "error"}
    assert errors <= {"no-value"}, compiled.diagnostics
    return compiled


@bounded(200)
@given(nests())
@example(
    graph(node("a", name="A"), node("b: value a", name="A"), node("b: value b", name="A"), node("b: value c", name="A"))
)
def test_names_of_steps_are_unique_and_short(observer: Observer, document: Json) -> None:
    """Over all calls of a run; the observer refuses a name that comes twice."""
    compiled = compiled_of(document)
    if not compiled.ok:
        return
    seen = observer.run(compiled, env={"DURATION": "1 day"})
    assert seen["error"] is None, (seen["error"], compiled.js)
    for name in seen["names"]:
        assert 1 <= len(name.encode("utf-16-le", "surrogatepass")) // 2 <= 256, name
        assert not re.search(r"[\x00-\x1f\x7f]", name), name


@bounded(60)
@given(st.integers(1, 45), st.lists(names, min_size=3, max_size=3), st.lists(ids, min_size=3, max_size=3, unique=True))
def test_names_in_deep_loops_stay_short(depth: int, shown: list[str], given_ids: list[str]) -> None:
    loops = [node(f"loop {i}", "loop", loopType="times", count=2, indexVar=f"i{i}") for i in range(depth)]
    steps = [
        node(identifier, name=name.removeprefix("EXPORT_") or "x")
        for identifier, name in zip(given_ids, shown, strict=True)
    ]
    row = [*loops, *steps]
    edges = [edge(a["id"], b["id"], "body" if a["type"] == "loop" else None) for a, b in pairwise(row)]
    compiled = compile_artifact(graph(*row, edges=edges))
    if depth > 40:
        assert [d.slug for d in compiled.diagnostics if d.severity.value == "error"] == ["too-deep"]
        return
    assert compiled.manifest is not None, compiled.diagnostics
    static = [step["name"] for step in compiled.manifest["steps"]]
    assert len(set(static)) == len(static)
    for name in static:
        # Every index has one digit at least; there is room for the longest that a run can have.
        assert len(name.encode("utf-16-le", "surrogatepass")) // 2 + 3 * depth + 1 <= 256


@bounded(150)
@given(strings.filter(bool), strings.filter(bool), strings.filter(bool))
@example("EXPORT_", "-", "123")
@example("x" * 500, "x" * 500, "x" * 500)
def test_names_of_workers_and_classes(name: str, worker: str, class_: str) -> None:
    calls = (
        []
        if not all(map(utf8, (worker, class_)))
        or not plain(worker + class_)
        or not worker.strip()
        or not class_.strip()
        else [
            node("w", "sub_workflow", workflowId=worker, workflowName=class_),
            node("s", "sub_script", workerName=worker),
        ]
    )
    for kind in ("workflow", "script"):
        document = graph(node("a"), *calls, name=name, kind=kind, trigger={"type": "http"})
        compiled = compiled_of(document)
        assert compiled.manifest is not None
        known = compiled.manifest
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", known["worker"])
        if kind == "workflow":
            assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", known["workflow"]["name"])
            assert is_name(known["workflow"]["class"])
        bound = [b["name"] for b in known["bindings"]]
        assert len(set(bound)) == len(bound) and all(re.fullmatch(r"[A-Z_][A-Z0-9_]*", b) for b in bound), bound


def utf8(text: str) -> bool:
    return not any("\ud800" <= ch <= "\udfff" for ch in text)
