"""What can be referenced at a node is what the compiler takes there: no more, no less, with the same certainty."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from stepwell import check
from stepwell.diagnostics import Severity
from stepwell.editor.draft import UnknownNode
from stepwell.editor.scope import Field, Root, scope
from tests.properties.documents import edge, goldens, graph, mutated, node
from tests.random_graphs import prepared

Json = dict[str, Any]
GOOD = [
    (name, value)
    for name, value in goldens()
    if "nodes" in value and not any(d.severity is Severity.ERROR for d in check(value))
]


def root(document: Any, at: str, name: str) -> Root | None:
    return next((one for one in scope(document, at).roots if one.name == name), None)


def reading(document: Json, node_id: str, reads: list[str]) -> dict[str, set[str]]:
    """Slugs of what is found about a step whose body reads these: by the name that the message begins with."""
    changed = copy.deepcopy(document)
    [place] = [n for n in changed["nodes"] if n["id"] == node_id]
    place["data"] = {"code": f"return [{', '.join(reads)}];"}
    found: dict[str, set[str]] = {}
    for one in check(changed):
        if one.node_id == node_id and one.code.id[:3] in ("SW3", "SW4"):
            found.setdefault(one.slug, set()).add(_subject(one.message, document))
    return found


def _subject(message: str, document: Json) -> str:
    """What a message is about: a node's id where it begins with one."""
    ids = [n["id"] for n in document["nodes"] if message.startswith(f"`{n['id']}`")]
    return max(ids, key=len) if ids else message.split("`")[1]


def agrees(document: Json, node_id: str) -> None:
    """The scope of a step says what the compiler says."""
    roots = [r for r in scope(document, node_id).roots if r.value.insert and not r.only_in]
    possible = {r.name for r in roots if r.presence == "possible"}
    found = reading(document, node_id, [str(r.value.insert) for r in roots])
    assert found.pop("possible-reference", set()) == possible
    assert not found, found
    names = [str(r.value.code) for r in roots if r.value.code and r.kind == "node"]
    found = reading(document, node_id, names)
    assert len(found.pop("possible-reference", ())) <= len(possible)
    assert not found, (found, names)
    others = {n["id"] for n in document["nodes"]} - {r.node_id for r in roots if r.kind == "node"}
    found = reading(document, node_id, [f"{{{{{other}}}}}" for other in sorted(others)])
    found.pop("possible-reference", None)
    told = set().union(*(found.get(s, ()) for s in ("impossible-reference", "no-value", "self-reference")))
    assert told >= others, (others - told, found)


@pytest.mark.parametrize(("name", "document"), GOOD, ids=[name for name, _ in GOOD])
def test_it_agrees_with_the_compiler(name: str, document: Json) -> None:
    steps = [n["id"] for n in document["nodes"] if n["type"] == "step" and not n["data"].get("inline")]
    for node_id in random.Random(name).sample(steps, min(3, len(steps))):
        agrees(document, node_id)


def test_it_agrees_on_random_graphs() -> None:
    for seed in range(60):
        made = prepared(seed)
        if made is not None:
            document = made[0]
            steps = [n["id"] for n in document["nodes"] if n["type"] == "step"]
            agrees(document, random.Random(seed).choice(steps))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_nothing_that_a_user_wrote_raises(document: Any) -> None:
    before = copy.deepcopy(document)
    inner = document.get("ir") if isinstance(document, dict) and "nodes" not in document else document
    nodes = inner.get("nodes") if isinstance(inner, dict) else None
    ids = [n.get("id") for n in nodes if isinstance(n, dict)] if isinstance(nodes, list) else []
    for node_id in [i for i in ids if isinstance(i, str)][:4]:
        try:
            json.dumps(scope(document, node_id).to_json())
        except UnknownNode as error:
            assert node_id in ("", error.node_id)
    assert document == before


A = node("a", name="First", code="return { total: 1, lines: [{ sku: 'x' }], 'odd key': null };")


def test_types_and_texts() -> None:
    found = root(graph(A, node("b")), "b", "a")
    assert found is not None and (found.presence, found.pointer, found.title) == ("definite", "/nodes/0", "First")
    told: list[tuple[Any, ...]] = []

    def tell(field: Field) -> None:
        told.append((field.insert, field.code, field.types))
        for inner in (*field.fields, *([field.items] if field.items else [])):
            tell(inner)

    tell(found.value)
    assert told == [
        ("{{a}}", "First", ("object",)),
        ("{{a.total}}", "First.total", ("number",)),
        ("{{a.lines}}", "First.lines", ("array",)),
        ("{{a.lines[0]}}", "First.lines[0]", ("object",)),
        ("{{a.lines[0].sku}}", "First.lines[0].sku", ("string",)),
        ('{{a["odd key"]}}', 'First["odd key"]', ("null",)),
    ]
    assert not found.value.open


def test_what_may_not_have_run_is_read_with_care() -> None:
    way = node("way", "branch", branches=[{"label": "yes", "condition": "event.payload.x"}])
    edges = [edge("way", "a", "yes"), edge("a", "b"), edge("way", "b", "then", 1)]
    found = root(graph(way, A, node("b"), edges=edges), "b", "a")
    assert found is not None and found.presence == "possible"
    assert found.value.fields[2].code == 'First?.["odd key"]'


def test_names_that_stand_for_something_else() -> None:
    shadow = graph(A, node("b", code="const First = 1; return First;"))
    found = root(shadow, "b", "a")
    assert found is not None and found.value.code == "a"
    taken = graph(node("fetch", name="event"), node("b"))
    found = root(taken, "b", "fetch")
    assert found is not None and (found.value.code, found.value.insert) == (None, "{{fetch}}")
    of_event = root(graph(node("event", name="x"), node("b")), "b", "event")
    assert of_event is not None


def test_loops_errors_and_steps() -> None:
    outer = node("outer", "loop", loopType="forEach", collection="{{a.lines}}", itemVar="line")
    risky = node("risky", "try_catch")
    edges = [edge("a", "outer"), edge("outer", "risky", "body"), edge("risky", "t", "try"), edge("risky", "k", "catch")]
    document = graph(A, outer, risky, node("t"), node("k"), edges=edges)
    names = [r.name for r in scope(document, "k").roots]
    assert names == ["event", "trigger", "env", "a", "t", "_output", "i", "line", "err", "ctx"]
    line = root(document, "k", "line")
    assert line is not None and [f.key for f in line.value.fields] == ["sku"]
    assert [r.name for r in scope(document, "t").roots][-2:] == ["line", "ctx"]


def test_the_condition_of_a_while_loop_reads_its_turns() -> None:
    loop = node("loop", "loop", loopType="while", condition="i < 3")
    document = graph(loop, node("b"), edges=[edge("loop", "b", "body")])
    told = {r.name: (r.presence, r.only_in) for r in scope(document, "loop").roots}
    assert told["b"] == ("possible", ("condition",))
    assert told["i"] == told["_output"] == ("definite", ("condition",))


def test_with_errors_elsewhere() -> None:
    broken = node("x", "no_such_type")
    document = graph(A, broken, node("b"), node("lonely"), node("after"), edges=[edge("a", "x"), edge("x", "b")])
    document["edges"] += [edge("lonely", "after"), edge("b", "a"), edge("b", "nowhere"), {"id": 1}]
    document["nodes"].append(None)
    found = scope(document, "b")
    assert [r.name for r in found.roots if r.kind == "node"] == ["a", "x"] and found.findings
    assert [r.name for r in scope(document, "after").roots if r.kind == "node"] == ["lonely"]


def test_wrong_labels_and_missing_arms() -> None:
    way = node("way", "branch", branches=[{"label": "yes", "condition": ""}, {"label": 7}, 3])
    risky, loop, race = node("risky", "try_catch"), node("loop", "loop"), node("race", "race")
    edges = [edge("way", "a", "yess"), edge("a", "b"), edge("way", "risky", "then"), edge("risky", "loop"),
             edge("loop", "race", "bdoy"), edge("loop", "b", "then")]  # fmt: skip
    document = graph(way, A, risky, loop, race, node("b"), edges=edges)
    found = root(document, "b", "a")
    assert found is not None and found.presence == "possible"
    assert root(document, "race", "i") is not None


@pytest.mark.parametrize("document", ["{", "[]", '"a"', {"ir": 1}, {"nodes": []}, {"nodes": {}}, 7])
def test_documents_without_nodes(document: Any) -> None:
    try:
        found = scope(document, "a")
    except UnknownNode as error:
        assert error.node_id == "a"
    else:
        assert found.roots == () and found.findings


def test_no_such_node() -> None:
    with pytest.raises(UnknownNode, match="there is no node 'zz'"):
        scope(graph(A), "zz")
    with pytest.raises(UnknownNode):
        scope(graph(A), "\0" + "1")


def test_env_names_are_those_of_the_document() -> None:
    source = {"ir": graph(A), "envVars": [{"name": "API_KEY", "value": "x"}, 5]}
    found = root(source, "a", "env")
    assert found is not None and [f.insert for f in found.value.fields] == ["{{env.API_KEY}}"] and found.value.open


def test_of_a_flow_file_that_was_read() -> None:
    from stepwell.flow import read, write

    document = graph(node("a", code="return { total: 1 };"), node("b", code="return {{a.totl}};"))
    text = write(document).text
    assert text is not None
    found = scope(read(text), "b")
    assert [root.name for root in found.roots] == [root.name for root in scope(document, "b").roots]
    assert found.findings and all(one.place is not None for one in found.findings)
    with pytest.raises(UnknownNode):
        scope(read(text), "nobody")
    assert scope(read("x ="), "b").roots == ()
