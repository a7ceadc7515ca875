"""Nodes put on edges and taken out again: what is left means what it meant."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from stepwell import check, edit
from stepwell.diagnostics import Severity
from stepwell.edit import Edited
from stepwell.editor.catalogue import catalogue
from tests.editor.test_catalogue import _value as form_value
from tests.editor.test_scope import GOOD
from tests.properties.documents import edge, graph, node
from tests.random_graphs import prepared

Json = dict[str, Any]
A, B, C = (node(one, code=f"return '{one}';") for one in "abc")


def made(done: edit.Edited | edit.Refused) -> Any:
    assert isinstance(done, Edited), [one.message for one in done.findings]
    return done.document


def errors(document: Any) -> list[str]:
    return [d.message for d in check(document) if d.severity is Severity.ERROR]


def ways(document: Json) -> set[tuple[str, str, str | None]]:
    return {(e["source"], e["target"], e.get("label")) for e in document["edges"]}


def there_and_back(document: Json, edge_id: str) -> None:
    before = copy.deepcopy(document)
    done = edit.insert(document, edge_id, {"id": "zzq", "type": "step", "data": {"code": "return 'zzq';"}})
    there = made(done)
    assert document == before and errors(there) == []
    assert [n for n in there["nodes"] if n["id"] != "zzq"] == document["nodes"]
    back = made(edit.delete(there, "zzq"))
    # An edge leads on from where it stood, so all is as it was.
    twice = len(ways(document)) < len(document["edges"])
    assert back == document or (twice and ways(back) == ways(document))


@pytest.mark.parametrize(("name", "document"), GOOD, ids=[name for name, _ in GOOD])
def test_on_edges_of_the_goldens(name: str, document: Json) -> None:
    ids = [e["id"] for e in document["edges"]]
    for edge_id in random.Random(name).sample(ids, min(2, len(ids))):
        if ids.count(edge_id) == 1:
            there_and_back(document, edge_id)


def test_on_edges_of_random_graphs() -> None:
    for seed in range(60):
        found = prepared(seed)
        if found is not None and found[0]["edges"]:
            there_and_back(found[0], random.Random(seed).choice(found[0]["edges"])["id"])


def test_random_nodes_are_deleted_or_it_is_said_why_not() -> None:
    deleted = 0
    for seed in range(50):
        found = prepared(seed)
        if found is None:
            continue
        document, rng = found[0], random.Random(seed)
        before = copy.deepcopy(document)
        done = edit.delete(document, rng.choice(document["nodes"])["id"], keep=rng.choice([(), ("*",)]))
        assert document == before
        if isinstance(done, Edited):
            deleted += 1
            assert errors(done.document) == []
            kept = {n["id"]: n for n in done.document["nodes"]}
            assert all(kept[n["id"]] == n for n in document["nodes"] if n["id"] in kept)
        else:
            assert done.findings and all(one.message for one in done.findings)
    assert deleted > 15


@pytest.mark.parametrize("kind", [one for one in catalogue() if one.id != "break"], ids=lambda one: one.id)
def test_every_type_can_be_inserted(kind: Any) -> None:
    data = {key: form_value(key, one) for key, one in kind.config_schema.items() if one["required"]}
    there = made(edit.insert(graph(A, B), "0 a b None", {"type": kind.id, "data": data}))
    assert errors(there) == []
    new = there["nodes"][2]
    assert (new["id"], new["name"]) == (kind.id, kind.name) and ways(there) >= {("a", kind.id, None)}
    assert (kind.id, "b", "then" if kind.shape != "plain" else None) in ways(there)


def test_what_is_given_stays_and_what_is_missing_is_made_up() -> None:
    document = graph(A, {**B, "position": {"x": 100, "y": 40}})
    there = made(edit.insert(document, "0 a b None", {"type": "step", "mine": [1], "data": {"code": "return 1;"}}))
    assert there["nodes"][2] == {
        "id": "step", "type": "step", "name": "Step", "position": {"x": 50.0, "y": 20.0}, "version": "1.0.0",
        "provider": "cloudflare", "data": {"code": "return 1;"}, "mine": [1],
    }  # fmt: skip
    assert there["edges"] == [
        {"id": "0 a b None", "source": "a", "target": "step"},
        {"id": "0 a b None-step", "source": "step", "target": "b"},
    ]


def test_the_label_stays_with_the_first_half() -> None:
    way = node("way", "branch", branches=[{"label": "yes", "condition": "event.payload.x"}])
    there = made(edit.insert(graph(way, A, edges=[edge("way", "a", "yes")]), "0 way a yes", B))
    assert ways(there) == {("way", "b", "yes"), ("b", "a", None)}


@pytest.mark.parametrize(
    ("edge_id", "given", "message"),
    [
        ("none", B, "there is no edge `none`"),
        ("0 a b None", {"type": "nope"}, '"nope" is not known'),
        ("0 a b None", A, "there is a node `a` already"),
        ("0 a b None", {"id": "zz", "type": "step"}, "has no `code`"),
        ("0 a b None", {"id": "free", "type": "step", "data": {"code": "return 1;"}}, "would read something else"),
    ],
)
def test_inserts_that_are_refused(edge_id: str, given: Json, message: str) -> None:
    document = graph(A, node("b", code="return free;"))
    done = edit.insert(document, edge_id, given)
    assert not done.ok and message in done.findings[0].message


def test_a_node_between_others() -> None:
    document = graph(A, B, C, edges=[edge("a", "b"), edge("b", "c"), edge("a", "c")])
    assert made(edit.delete(document, "b"))["edges"] == [edge("a", "c")]
    fan = graph(A, B, C, node("d"), edges=[edge("a", "b"), edge("b", "c"), edge("b", "d")])
    assert ways(made(edit.delete(fan, "b"))) == {("a", "c", None), ("a", "d", None)}
    assert made(edit.delete(graph(A, B), "b"))["edges"] == []


def test_the_first_node() -> None:
    there = made(edit.delete(graph(A, B, C), "a"))
    assert there["entryNodeId"] == "b" and len(there["nodes"]) == 2
    done = edit.delete(graph(A), "a")
    assert not done.ok and "nothing comes behind it" in done.findings[0].message


def test_what_others_read_stays() -> None:
    done = edit.delete(graph(A, node("b", code="return {{a}};")), "a")
    assert not done.ok and [d.node_id for d in done.findings] == ["b"]
    assert done.findings[0].slug == "unknown-reference"


ARMS = [{"label": "yes", "condition": "event.payload.x"}, {"label": "no", "condition": ""}]
WAY = node("way", "branch", branches=ARMS)
BRANCHED = graph(A, WAY, node("y"), node("n"), B, edges=[edge("a", "way"), edge("way", "y", "yes"),
                 edge("way", "n", "no"), edge("y", "b"), edge("n", "b")])  # fmt: skip


def test_a_container_with_its_arms() -> None:
    there = made(edit.delete(BRANCHED, "way"))
    assert ways(there) == {("a", "b", None)} and [n["id"] for n in there["nodes"]] == ["a", "b"]


def test_a_container_without_its_arms() -> None:
    there = made(edit.delete(BRANCHED, "way", keep={"yes"}))
    assert ways(there) == {("a", "y", None), ("y", "b", None)}
    there = made(edit.delete(BRANCHED, "way", keep="*"))
    assert ways(there) == {("a", "y", None), ("a", "n", None), ("y", "b", None), ("n", "b", None)}
    done = edit.delete(BRANCHED, "way", keep={"maybe"})
    assert not done.ok and "no arm `maybe`; its arms are `no`, `yes`" in done.findings[0].message


def test_the_body_of_a_loop_comes_in_its_place() -> None:
    loop = node("loop", "loop", loopType="times", count=3)
    inner = node("in", "parallel")
    edges = [edge("a", "loop"), edge("loop", "b", "body"), edge("b", "in"), edge("in", "x"), edge("in", "y"),
             edge("loop", "c", "then")]  # fmt: skip
    document = graph(A, loop, B, inner, node("x"), node("y"), C, edges=edges)
    there = made(edit.delete(document, "loop", keep={"body"}))
    inside = {("b", "in", None), ("in", "x", None), ("in", "y", None)}
    assert ways(there) == {("a", "b", None), *inside, ("in", "c", "then")}
    assert ways(made(edit.delete(document, "loop"))) == {("a", "c", None)}
    item = graph(A, loop, node("b", code="return i;"), edges=[edge("a", "loop"), edge("loop", "b", "body")])
    assert made(edit.delete(item, "loop"))["edges"] == []


def test_arms_that_must_hold_something() -> None:
    loop = node("loop", "loop", loopType="times", count=3)
    done = edit.delete(graph(A, loop, B, edges=[edge("a", "loop"), edge("loop", "b", "body")]), "b")
    assert not done.ok and done.findings[0].slug == "missing-arm"
    fan = graph(WAY, A, B, C, edges=[edge("way", "a", "yes"), edge("a", "b"), edge("a", "c")])
    done = edit.delete(fan, "a")
    assert not done.ok and "can lead to one only" in done.findings[0].message


def test_arms_of_a_parallel() -> None:
    both = node("both", "parallel")
    edges = [edge("both", "a"), edge("both", "b", None, 1), edge("a", "c"), edge("b", "c")]
    document = graph(both, A, B, C, edges=edges)
    there = made(edit.delete(document, "a"))
    assert ways(there) == {("both", "c", None), ("both", "b", None), ("b", "c", None)}
    assert ways(made(edit.delete(document, "both"))) == set()


def test_a_text_keeps_its_form() -> None:
    text = """{
  "metadata": { "name": "T" }, "entryNodeId": "a",
  "nodes": [
    { "id": "a", "type": "step", "name": "A", "data": {"code": "return 1;"} },
    { "id": "b", "type": "step", "name": "B", "data": {"code": "return 1;"} }
  ],
  "edges": [{ "id": "e", "source": "a", "target": "b" }]
}
"""
    there = made(edit.insert(text, "e", {"id": "new", "type": "sleep", "data": {"duration": "1 hour"}}))
    assert there.startswith(text[: text.index("  ],") - 1] + ",\n    {")
    assert there.endswith(
        '"edges": [{ "id": "e", "source": "a", "target": "new" }, {"id": "e-new", "source": "new", "target": "b"}]\n}\n'
    )
    assert json.loads(there)["nodes"][2]["id"] == "new"
    assert made(edit.delete(there, "new")) == text


def test_a_document_that_has_errors_already() -> None:
    broken = graph(A, node("b", code="return ("), C, node("loose"), node("end"), edges=[edge("a", "b"), edge("b", "c")])
    broken["edges"] += [edge("loose", "end"), edge("end", "c")]
    assert ways(made(edit.delete(broken, "end"))) >= {("loose", "c", None)}
    assert ways(made(edit.delete(broken, "b"))) >= {("a", "c", None)}
    assert ("a", "n", None) in ways(made(edit.insert(broken, "0 a b None", node("n"))))


def test_positions_stay_whole() -> None:
    places = [{"x": 0, "y": 1}, {"x": 5, "y": 0.5}]
    nodes = [{**one, "position": place} for one, place in zip((A, B), places, strict=True)]
    put = made(edit.insert(graph(*nodes), edge("a", "b")["id"], {"type": "sleep", "data": {"duration": "1 hour"}}))
    place = put["nodes"][-1]["position"]
    assert place == {"x": 2, "y": 0.75} and isinstance(place["x"], int)


def test_a_type_that_is_not_known_is_guessed() -> None:
    done = edit.insert(graph(A, B), edge("a", "b")["id"], {"type": "Sleep", "data": {}})
    assert not done.ok and done.findings[0].hint == 'did you mean "sleep"?'


def test_errors_are_told_of_the_given_document() -> None:
    """The pointer leads to the node that would break, where it stands in the document that somebody has."""
    reader = node("r", code="return {{a}};")
    for document, base in ((graph(A, B, reader), ""), ({"ir": graph(A, B, reader)}, "/ir")):
        done = edit.delete(document, "a")
        assert not done.ok
        [error] = done.findings
        assert (error.pointer, error.node_id) == (f"{base}/nodes/2/data/code", "r")
        assert error.message.startswith("`r` would have an error: `a` is neither")
    done = edit.insert(graph(A, B), edge("a", "b")["id"], {"type": "sleep", "data": {}})
    assert not done.ok and [one.pointer for one in done.findings] == [""]
    assert "`sleep`" in done.findings[0].message


@pytest.mark.parametrize("wrong", [5, [1], {"a": 1}, b"a", object()], ids=lambda one: type(one).__name__)
def test_arguments_of_a_wrong_type(wrong: Any) -> None:
    document, on = graph(A, B), edge("a", "b")["id"]
    asked = [
        edit.insert(document, wrong, {"type": "step"}),
        edit.rename(document, wrong, id="z"),
        edit.rename(document, "a", id=wrong),
        edit.rename(document, "a", name=wrong),
        edit.delete(document, wrong),
        edit.extract(document, ["a"], name=wrong),
        edit.extract(document, ["a"], name="Z", worker=wrong),
        edit.extract(document, ["a"], name="Z", id=wrong),
        edit.delete(document, "a", nodes=wrong),
        edit.insert(document, on, {"type": wrong}),
    ]
    assert all(not done.ok and len(done.findings) == 1 for done in asked)


def test_a_text_is_no_node_and_no_list() -> None:
    document = graph(A, B)
    for done, words in (
        (edit.insert(document, edge("a", "b")["id"], "x"), "a node is an object"),  # type: ignore[arg-type]
        (edit.extract(document, "a", name="Z"), "`node_ids` is a list of texts"),
        (edit.delete(document, "a", keep="body"), "`keep` is a list of texts"),
    ):
        assert not done.ok and done.findings[0].message.startswith(words)


def test_a_flow_file_that_was_read() -> None:
    from stepwell.flow import read, write

    text = write(graph(A, B)).text
    assert text is not None
    reading = read(text)
    done = edit.rename(reading, "a", id="z")
    assert not done.ok and "stepwell.flow.apply" in done.findings[0].message
    assert edit.rename(reading.document, "a", id="z").ok
