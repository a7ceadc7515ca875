"""Renamed nodes: the program stays the same but for the name, and the way back leads to the document as it was."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from stepwell import compile_artifact, edit
from stepwell.check.naming import identifier_of
from stepwell.edit import Edited
from stepwell.editor.draft import draft
from stepwell.editor.references import names
from tests.editor.test_scope import GOOD
from tests.properties.documents import edge, graph, node
from tests.random_graphs import prepared

Json = dict[str, Any]
COLLIDING = ("names-steps", "names-reserved", "names-long", "ref-shadowing")
"""Goldens about names that depend on other names."""


def fresh(old: str, document: Json) -> str:
    """A name that nobody has, as long as the old one: what is printed is cut by its length."""
    text = json.dumps(document) + program(document)
    letter = next(one for one in "QZXJKYqzxjkyVW" if one not in text)
    return letter * len(old)


def has_shorthand(document: Json) -> bool:
    """Whether code writes `{ name }` of a node: renamed it is `{ name: other }`, and stays so on the way back."""
    made = draft(document)
    assert made is not None
    return any(one.name.shorthand and one.target is not None for one in names(made))


def program(document: Any) -> str:
    made = compile_artifact(document)
    assert made.program is not None, [d.message for d in made.diagnostics]
    return made.program


def renamed(document: Any, node_id: str, **given: Any) -> Any:
    done = edit.rename(document, node_id, **given)
    assert isinstance(done, Edited), done.findings
    return done.document


def is_the_same_but_for_the_id(document: Json, node_id: str) -> None:
    before, new = copy.deepcopy(document), fresh(node_id, document)
    there = renamed(document, node_id, id=new)
    assert document == before
    # What is quoted is escaped, so an odd id comes back otherwise than it went.
    if node_id.isascii() and node_id.isidentifier():
        assert program(there).replace(new, node_id) == program(document)
    assert has_shorthand(document) or renamed(there, new, id=node_id) == document


@pytest.mark.parametrize(("name", "document"), GOOD, ids=[name for name, _ in GOOD])
def test_ids_of_the_goldens(name: str, document: Json) -> None:
    ids = [n["id"] for n in document["nodes"] if name != "names-steps"]
    for node_id in random.Random(name).sample(ids, min(2, len(ids))):
        is_the_same_but_for_the_id(document, node_id)


@pytest.mark.parametrize(("name", "document"), GOOD, ids=[name for name, _ in GOOD])
def test_names_of_the_goldens(name: str, document: Json) -> None:
    nodes = [n for n in document["nodes"] if identifier_of(n["name"]) == n["name"] != n["id"]]
    idents = [identifier_of(n["name"]) for n in document["nodes"]]
    for one in random.Random(name).sample(nodes, min(2, len(nodes))):
        new = fresh(one["name"], document)
        there = renamed(document, one["id"], name=new)
        if idents.count(one["name"]) == 1 and name not in COLLIDING:
            assert program(there).replace(new, one["name"]) == program(document)
            assert has_shorthand(document) or renamed(there, one["id"], name=one["name"]) == document


def test_random_graphs() -> None:
    for seed in range(40):
        made = prepared(seed)
        if made is not None:
            is_the_same_but_for_the_id(made[0], random.Random(seed).choice(made[0]["nodes"])["id"])


A = node("a", name="Charge card", code="return { id: 1 };")


def code_of(document: Any, number: int = 1) -> Any:
    return document["nodes"][number]["data"]["code"]


@pytest.mark.parametrize(
    ("code", "by_id", "by_name"),
    [
        ("return {{a.id}};", "return {{b.id}};", "return {{a.id}};"),
        ("return {{ a }};", "return {{ b }};", "return {{ a }};"),
        ("return a.id;", "return b.id;", "return a.id;"),
        ("return Charge_card.id;", "return Charge_card.id;", "return Refund.id;"),
        ("return { a };", "return { a: b };", "return { a };"),
        ("return { Charge_card };", "return { Charge_card };", "return { Charge_card: Refund };"),
        ("const b = 1; return a.id;", "const b = 1; return Charge_card.id;", "const b = 1; return a.id;"),
        ("const b = 1, Charge_card = 2; return a;", "const b = 1, Charge_card = 2; return {{b}};", None),
        ("const Refund = 1; return Charge_card;", None, "const Refund = 1; return a;"),
        ("return ((a) => a)(1);", "return ((a) => a)(1);", "return ((a) => a)(1);"),
        ("return x.a + 'a {{' + `${a.id}`;", "return x.a + 'a {{' + `${b.id}`;", None),
        ("// {{a.id}}\nreturn {{event.payload.a ?? a.id}};", "// {{b.id}}\nreturn {{event.payload.a ?? b.id}};", None),
        ("return '\\{{a.id}}';", "return '\\{{a.id}}';", None),
        ("return typeof a;", "return typeof b;", None),
    ],
)
def test_what_is_renamed_in_code(code: str, by_id: str | None, by_name: str | None) -> None:
    document = graph(A, node("last", code=code))
    if by_id is not None:
        assert code_of(renamed(document, "a", id="b")) == by_id
    if by_name is not None:
        assert code_of(renamed(document, "a", name="Refund")) == by_name


def test_every_string_of_every_node() -> None:
    ask = node("ask", "http_request", url="https://x.test/${a.id}/{{a.id}}", method="POST",
               headers={"X": ["{{a.id}}", {"deep": "{{a}}"}]}, body='{"id": "{{a.id}}", "{{k}}": 1}',
               unknown="{{a.id}}")  # fmt: skip
    way = node("way", "branch", branches=[{"label": "x", "condition": "a.id > 1", "id": "a"}])
    document = graph(A, ask, way, more="{{a}}")
    there = renamed(document, "a", id="b")
    assert there["nodes"][1]["data"] == {
        "url": "https://x.test/${b.id}/{{b.id}}", "method": "POST",
        "headers": {"X": ["{{b.id}}", {"deep": "{{b}}"}]}, "body": '{"id": "{{b.id}}", "{{k}}": 1}',
        "unknown": "{{b.id}}",
    }  # fmt: skip
    assert there["nodes"][2]["data"]["branches"] == [{"label": "x", "condition": "b.id > 1", "id": "a"}]
    assert there["more"] == "{{a}}" and there["entryNodeId"] == "b"
    assert [(e["source"], e["target"]) for e in there["edges"]] == [("b", "ask"), ("ask", "way")]
    assert there["edges"][0]["id"] == document["edges"][0]["id"]


def test_an_inline_step_whose_value_is_its_own_constant() -> None:
    inline = node("sum", name="Sum", code="const Sum = 1 + 1; // it", inline=True)
    document = graph(inline, node("b", code="return Sum;"))
    there = renamed(document, "sum", name="Total")
    assert [code_of(there, n) for n in (0, 1)] == ["const Sum = 1 + 1; // it\nreturn Sum;", "return Total;"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"id": "last"}, "has the id `last` already"),
        ({"id": ""}, "not empty"),
        ({"id": " x "}, "cannot be written"),
        ({"id": "free"}, "would read something else"),
        ({"name": ""}, "1 to 256"),
        ({"name": "x" * 257}, "1 to 256"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    document = graph(A, node("last", code="return free + Charge_card.id;"))
    done = edit.rename(document, "a", **given)
    assert not done.ok and message in done.findings[0].message
    assert done.findings[0].code.severity.value == "error"


def test_names_of_other_nodes_stay_theirs() -> None:
    document = graph(node("x", name="Total"), node("y", name="Other"), node("z", code="return [Total, Other];"))
    there = renamed(document, "y", name="Total")
    assert code_of(there, 2) == "return [Total, y];"
    there = renamed(document, "y", id="Total")
    assert code_of(there, 2) in ("return [x, Other];", "return [{{x}}, Other];")


def test_text_keeps_its_form() -> None:
    text = """{
    "nodes": [
        {"id": "a",   "type": "step", "name": "A", "data": {"code": "return 1;"}, "unknown": 1.0},
        {"id": "b", "type": "step", "name": "B \\u00e9", "data": {"code": "return \\"{{a}}\\" + {{ a }};"}}
    ],
    "edges": [ {"id": "e", "source": "a", "target": "b"} ],
    "entryNodeId": "a", "metadata": {"name": "T"}
}
"""
    text = text.replace('\\"{{a}}\\" + ', "")
    there = renamed(text, "a", id="first")
    expected = text.replace('"a"', '"first"').replace("{{ a }}", "{{ first }}")
    assert there == expected
    assert renamed(there, "first", id="a") == text


def test_what_changed_is_told() -> None:
    done = edit.rename(graph(A, node("b", code="return {{a}};")), "a", id="c")
    assert isinstance(done, Edited)
    told = {(one.action, one.pointer, one.before, one.after) for one in done.changes}
    assert told == {
        ("changed", "/nodes/0/id", "a", "c"),
        ("changed", "/nodes/1/data/code", "return {{a}};", "return {{c}};"),
        ("changed", "/edges/0/source", "a", "c"),
        ("changed", "/entryNodeId", "a", "c"),
    }
    assert json.loads(json.dumps(done.to_json()))["ok"] is True


def test_a_document_with_errors_is_edited_too() -> None:
    document = graph(A, node("b", code="return {{a.id}} + ;"), node("c", "http_request", url="{{a.id}}", method="NO"))
    document["edges"].append(edge("a", "nowhere"))
    there = renamed(document, "a", id="z")
    assert there["nodes"][2]["data"]["url"] == "{{z.id}}" and code_of(there) == "return {{z.id}} + ;"


def test_there_is_no_such_node() -> None:
    with pytest.raises(edit.UnknownNode):
        edit.rename(graph(A), "nobody", id="x")
    assert not edit.rename("{", "a", id="x").ok
