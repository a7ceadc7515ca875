"""Custom nodes in a picker, in scopes and in edits."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell import catalogue, check, edit, scope
from stepwell.graph.definition import Definition
from stepwell.nodes import CustomNode, Nodes
from tests.properties.documents import graph, node

FIELDS = {
    "city": {"type": "string", "label": "City", "required": True},
    "when": {"type": "expression", "label": "When"},
    "key": {"type": "secret", "label": "Key", "envVarName": "WEATHER_KEY"},
}
OUTPUT = {
    "celsius": {"type": "number", "description": "the temperature"},
    "sky": {"type": "object", "properties": {"clouds": {"type": "number", "nullable": True}}},
    "raw": {"type": "object"},
}


def weather(version: str, output: dict[str, Any]) -> CustomNode:
    told = {
        "id": "weather", "name": "Weather", "version": version, "description": "Asks for the weather.",
        "category": "Data", "author": "a", "license": "MIT", "tags": ["sky"], "configSchema": FIELDS,
        "outputSchema": output, "providers": ["cloudflare"],
    }  # fmt: skip
    template = "export default async function (ctx) { return {}; }"
    return CustomNode(Definition.model_validate(told), {"cloudflare": template}, "nodes/weather/template.ts")


NODES = Nodes.of([weather("1.0.0", OUTPUT), weather("2.0.0", {})])
ASK = {**node("ask", "weather", name="Ask", city="{{a.city}}", when="a.day", input_x="{{a}}"), "version": "1.0.0"}
A = node("a", name="Place", code="return { city: 'Rome', day: 1 };")


def test_the_catalogue() -> None:
    new, old = catalogue(nodes=NODES)[-2:]
    assert (new.id, new.version, old.version, old.origin) == ("weather", "2.0.0", "1.0.0", "custom")
    told = old.to_json()
    assert told["configSchema"]["key"]["envVarName"] == "WEATHER_KEY" and told["tags"] == ["sky"]
    assert told["outputSchema"]["celsius"]["type"] == "number"
    assert [port["label"] for port in told["ports"]] == [None]


def test_the_scope_has_their_outputs() -> None:
    document = graph(A, ASK, node("b"))
    [ask] = [root for root in scope(document, "b", nodes=NODES).roots if root.name == "ask"]
    assert [(f.key, f.types, f.open, f.description) for f in ask.value.fields] == [
        ("celsius", ("number",), False, "the temperature"),
        ("sky", ("object",), False, ""),
        ("raw", ("object",), True, ""),
    ]
    assert ask.value.fields[1].fields[0].types == ("number", "null")
    newer = graph(A, {**ASK, "version": "2.0.0"}, node("b"))
    [ask] = [root for root in scope(newer, "b", nodes=NODES).roots if root.name == "ask"]
    assert ask.value.open and not ask.value.fields
    assert [root.name for root in scope(newer, "b").roots if root.kind == "node"] == ["a", "ask"]


def told(*nodes: Any) -> list[tuple[str, str]]:
    return [(d.pointer, d.message) for d in check(graph(*nodes), nodes=NODES) if d.slug == "unknown-path"]


def test_paths_that_they_do_not_have() -> None:
    last = node("b", code="return [{{ask.celsius}}, {{ask.sky.clouds}}, {{ask.raw.any}}];")
    assert told(A, ASK, last) == []
    assert told(A, ASK, node("b", code="return {{ask.celcius}};"))[0][0] == "/nodes/2/data/code"
    wrong = {**ASK, "data": {"city": "in {{a.cty}}", "when": "a.dy", "input_x": {"deep": "{{a.x}}"}}}
    places = [pointer for pointer, _ in told(A, wrong)]
    assert sorted(places) == ["/nodes/1/data/city", "/nodes/1/data/input_x/deep", "/nodes/1/data/when"]
    free = {**ASK, "version": "2.0.0"}
    assert told(A, free, node("b", code="return {{ask.anything}};")) == []


def test_edits() -> None:
    document = graph(A, ASK, node("b", code="return ask.celsius;"))
    done = edit.rename(document, "a", id="place", nodes=NODES)
    assert done.ok and done.document["nodes"][1]["data"] == {
        "city": "{{place.city}}", "when": "place.day", "input_x": "{{place}}"
    }  # fmt: skip
    done = edit.extract(document, ["ask"], name="Child", nodes=NODES)
    assert done.ok and done.extracted["nodes"][0]["data"]["when"] == "event.payload.a.day"
    assert done.document["nodes"][2]["data"]["code"] == "return {{Child.output}}.celsius;"
    done = edit.insert(graph(A, node("b")), "0 a b None", {"type": "weather", "data": {"city": "x"}}, nodes=NODES)
    assert done.ok
    assert (done.document["nodes"][2]["version"], done.document["nodes"][2]["name"]) == ("2.0.0", "Weather")


@pytest.mark.parametrize("known", [None, NODES])
def test_inserts_of_types_that_there_are_not(known: Nodes | None) -> None:
    wish = {"type": "weather", "version": "9.0.0", "data": {"city": "x"}}
    done = edit.insert(graph(A, node("b")), "0 a b None", wish, nodes=known)
    assert not done.ok and done.findings[0].message == 'the node\'s type "weather" is not known'
