"""A part of a graph becomes a workflow of its own."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from stepwell import check, compile_artifact, edit
from stepwell.diagnostics import Severity
from stepwell.edit import Edited
from tests.cli.cli_calls import stepwell
from tests.editor.test_scope import GOOD
from tests.properties.documents import edge, graph, node
from tests.random_graphs import prepared

Json = dict[str, Any]


def extracted(document: Any, *ids: str, **more: Any) -> tuple[Any, Any]:
    before = copy.deepcopy(document)
    done = edit.extract(document, ids, **{"name": "Child", **more})
    assert isinstance(done, Edited), [one.message for one in done.findings]
    assert document == before
    return done.document, done.extracted


def refused(document: Any, *ids: str, **more: Any) -> str:
    done = edit.extract(document, ids, **{"name": "Child", **more})
    assert not done.ok and done.findings
    return done.findings[0].message


def code_of(document: Json, node_id: str) -> Any:
    [one] = [n for n in document["nodes"] if n["id"] == node_id]
    return one["data"]["code"]


def sub(document: Json) -> Json:
    [one] = [n for n in document["nodes"] if n["type"] == "sub_workflow"]
    found: Json = one
    return found


A = node("a", name="Load order", code="return { total: 1, items: [{ n: 1 }] };")
B = node("b", code="return { double: {{a.total}} * 2, of: event.payload.x, first: {{a.items[0]}} };")
C = node("c", code="return b.double + Load_order.total + {{trigger.y}};")
D = node("d", code="return [{{c}}, {{a.total}}];")


def test_a_chain() -> None:
    parent, child = extracted(graph(A, B, C, D), "b", "c", name="Price it")
    assert [n["id"] for n in parent["nodes"]] == ["a", "Price_it", "d"]
    assert sub(parent)["data"] == {
        "workflowId": "price-it",
        "workflowName": "PriceIt",
        "input": {"a": "{{a}}", "payload": "{{event.payload}}"},
        "timeout": "365 days",
    }
    assert [(e["source"], e["target"]) for e in parent["edges"]] == [("a", "Price_it"), ("Price_it", "d")]
    assert code_of(parent, "d") == "return [{{Price_it.output}}, {{a.total}}];"
    assert child["entryNodeId"] == "b" and child["trigger"] == {"type": "manual"}
    assert code_of(child, "b") == (
        "return { double: {{event.payload.a.total}} * 2, of: event.payload.payload.x, "
        "first: {{event.payload.a.items[0]}} };"
    )
    assert code_of(child, "c") == "return b.double + event.payload.a.total + {{event.payload.payload.y}};"
    assert compile_artifact(parent).ok and compile_artifact(child).ok
    made = compile_artifact(child).manifest
    assert made is not None and (made["workflow"]["class"], made["worker"]) == ("PriceIt", "price-it")


def test_several_values_are_exported() -> None:
    last = node("d", code="return [{{b.double}}, b, {{c ?? b.double}}];")
    parent, child = extracted(graph(A, B, C, last), "b", "c", id="it", worker="prices-prod")
    expected = "[{{it.output.b.double}}, {{it.output.b}}, {{it.output.c ?? it.output.b.double}}]"
    assert code_of(parent, "d") == f"return {expected};"
    assert [n["name"] for n in child["nodes"]] == ["EXPORT_b", "EXPORT_c"]
    assert sub(parent)["data"]["workflowId"] == "prices-prod"


def test_shadowed_names_take_braces() -> None:
    shadow = node("b", code="return items.map((event) => event + Load_order.total);")
    _, child = extracted(graph(A, {**shadow, "data": {"code": "return [1].map((event) => event + a.total);"}}), "b")
    assert code_of(child, "b") == "return [1].map((event) => event + {{event.payload.a}}.total);"
    _, child = extracted(graph(A, node("b", code="return { a };")), "b")
    assert code_of(child, "b") == "return { a: event.payload.a };"


def test_containers_go_with_what_they_hold() -> None:
    loop = node("loop", "loop", loopType="forEach", collection="{{a.items}}")
    edges = [edge("a", "loop"), edge("loop", "b", "body"), edge("loop", "d", "then")]
    line = node("b", code="return item.n + i;")
    document = graph(A, loop, line, node("d", code="return {{loop.results}};"), edges=edges)
    parent, child = extracted(document, "loop")
    assert [n["id"] for n in child["nodes"]] == ["loop", "b"]
    assert code_of(parent, "d") == "return {{Child.output.results}};"
    assert child["nodes"][0]["data"]["collection"] == "{{event.payload.a.items}}"


def test_a_part_of_a_loop_s_body_gets_the_item() -> None:
    loop = node("loop", "loop", loopType="forEach", collection="{{a.items}}")
    edges = [edge("a", "loop"), edge("loop", "b", "body"), edge("b", "c")]
    document = graph(A, loop, node("b", code="return item.n + {{item.n}} + i;"), node("c"), edges=edges)
    parent, child = extracted(document, "b")
    assert sub(parent)["data"]["input"] == {"item": "{{item}}", "i": "{{i}}"}
    assert code_of(child, "b") == "return event.payload.item.n + {{event.payload.item.n}} + event.payload.i;"
    assert ("loop", "Child", "body") in [(e["source"], e["target"], e.get("label")) for e in parent["edges"]]


def test_what_may_be_missing_is_read_with_care() -> None:
    arms = [{"label": "x", "condition": "event.payload.x"}, {"label": "y", "condition": ""}]
    way = node("way", "branch", branches=arms)
    edges = [edge("way", "a", "x"), edge("way", "z", "y"), edge("a", "b"), edge("z", "b")]
    document = graph(way, A, node("z"), node("b", code="return {{a.total ?? 7}};"), edges=edges)
    _, child = extracted(document, "b")
    assert code_of(child, "b") == "return {{event.payload.a?.total ?? 7}};"


def test_the_envelope_and_the_text() -> None:
    source = {"ir": graph(A, B), "envVars": [{"name": "KEY", "value": "x"}], "triggerCode": "", "other": 1}
    parent, child = extracted(json.dumps(source, indent=2), "b")
    assert json.loads(parent).keys() == source.keys()
    assert json.loads(child)["envVars"] == source["envVars"] and "triggerCode" not in json.loads(child)
    assert child.endswith("}\n")


def test_the_first_node_too() -> None:
    parent, child = extracted(graph(A, B, C, D), "a", "b", "c")
    assert parent["entryNodeId"] == "Child" and child["entryNodeId"] == "a"
    assert sub(parent)["data"]["input"] == {"payload": "{{event.payload}}"}


WAY = node("way", "branch", branches=[{"label": "x", "condition": "event.payload.x"}])


@pytest.mark.parametrize(
    ("document", "ids", "message"),
    [
        (graph(A, B, C, D), ["b", "d"], "entered at `b`, `d`"),
        (graph(A, B, kind="script", trigger={"type": "http"}), ["b"], "a script does not wait"),
        (graph(A, node("b", "break")), ["b"], "would end the new workflow"),
        (graph(A, node("b", name="EXPORT_x")), ["b"], "is exported"),
        (graph(A, node("b", code="return event;")), ["b"], "reads `event` as a whole"),
        (graph(A, node("b", code="return {{event.timestamp}};")), ["b"], "reads `event` `.timestamp`"),
        (graph(A, node("b", code="return (")), ["b"], "the part cannot stand alone"),
        (graph(A, node("b", "http_request", url=7)), ["b"], "has faults"),
        (graph(A, WAY, B, node("d"), edges=[edge("a", "way"), edge("way", "b", "x"), edge("b", "d"), edge("a", "d")]),
         ["way", "b"],
         "does not always run behind the part"),
        (graph(A, WAY, B, node("d", code="return {{b.double ?? 1}};"),
               edges=[edge("a", "way"), edge("way", "b", "x"), edge("b", "d"), edge("way", "d", "then")]), ["way"],
         "may not have run in the new workflow"),
        (graph(A, WAY, B, edges=[edge("a", "way"), edge("way", "b", "x")]), ["a", "b"], "entered at"),
    ],
)  # fmt: skip
def test_what_is_refused(document: Json, ids: list[str], message: str) -> None:
    assert message in refused(document, *ids)


def test_wrong_wishes() -> None:
    assert "no nodes" in refused(graph(A))
    assert "needs a name" in refused(graph(A), "a", name="!!!")
    assert "there is a node `b`" in refused(graph(A, B), "a", id="b")
    with pytest.raises(edit.UnknownNode):
        edit.extract(graph(A), ["zz"], name="x")


def _sound(done: edit.Edited | edit.Refused) -> bool:
    if isinstance(done, Edited):
        for document in (done.document, done.extracted):
            assert [d.message for d in check(document) if d.severity is Severity.ERROR] == []
        return True
    assert done.findings
    return False


@pytest.mark.parametrize(("name", "document"), GOOD, ids=[name for name, _ in GOOD])
def test_one_node_of_each_golden(name: str, document: Json) -> None:
    _sound(edit.extract(document, [random.Random(name).choice(document["nodes"])["id"]], name="Child"))


def test_random_parts() -> None:
    done = 0
    for seed in range(60):
        found = prepared(seed)
        if found is not None:
            rng = random.Random(seed)
            ids = [n["id"] for n in found[0]["nodes"]]
            at = rng.randrange(len(ids))
            done += _sound(edit.extract(found[0], ids[at : at + rng.randint(1, 3)], name="Child"))
    assert done > 5


def test_it_runs_as_before(tmp_path: Path) -> None:
    """On the real runtime: the graph as it was, and the two that were made of it."""
    document = graph(A, B, C, D)
    parent, child = extracted(document, "b", "c")
    for name, one in (("whole", document), ("parent", parent), ("child", child)):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    params = ("--params", '{"x": 3, "y": 4}', "--json")
    whole = json.loads(stepwell("run", tmp_path / "whole.json", *params).out)
    two = json.loads(stepwell("run", tmp_path / "parent.json", "--child", tmp_path / "child.json", *params).out)
    assert whole["output"] == two["output"] == [7, 1]


def test_what_code_names_of_the_event_is_no_event_as_a_whole() -> None:
    listed = node("x", code="const items = event.payload?.items ?? []; return items.length;")
    parent, child = extracted(graph(A, listed), "x")
    assert code_of(child, "x") == "const items = event.payload.payload?.items ?? []; return items.length;"
    assert sub(parent)["data"]["input"] == {"payload": "{{event.payload}}"}
    for code in ("const e = event; return e.payload;", "return [event];", "const { payload } = event; return payload;"):
        assert "reads `event` as a whole" in refused(graph(A, node("x", code=code)), "x")


def test_a_part_in_an_arm_may_be_read_behind_the_arm() -> None:
    """It runs whenever the new workflow does, and where that does not run its value is not there either."""
    asked = node("asked", code="return { yes: true };")
    choice = node("if", "branch", branches=[{"label": "large", "condition": "true"}, {"label": "else"}])
    reader = node("z", code="return {{asked.yes ?? false}};")
    edges = [edge("if", "asked", "large"), edge("if", "z", "then")]
    parent, child = extracted(graph(choice, asked, reader, edges=edges), "asked")
    assert code_of(parent, "z") == "return {{Child.output.yes ?? false}};"
    assert not [d for d in check(parent) + check(child) if d.severity is Severity.ERROR]
    # Not so of a node that only some runs of the part come to.
    assert "may not have run in the new workflow" in refused(graph(choice, asked, reader, edges=edges), "if")


def test_keys_in_another_order_than_the_new_node_has_them() -> None:
    """What is written in place of a node with the same keys goes by the order of the text."""
    order = ("data", "position", "id", "type", "provider", "name", "version")
    nodes = [{key: one[key] for key in order} for one in (A, B, C, D)]
    value = graph(*nodes)
    for indent in (None, 2):
        parent, child = extracted(json.dumps(value, indent=indent), "b")
        assert (json.loads(parent), json.loads(child)) == extracted(value, "b")
        assert list(json.loads(parent)["nodes"][1]) == list(order)
