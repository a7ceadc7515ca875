"""The catalogue says what the models say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepwell import check
from stepwell.editor.catalogue import NodeType, catalogue, label
from stepwell.graph.catalogue import BUILTIN, NodeKind
from stepwell.graph.outputs import OUTPUTS
from stepwell.graph.schema import artifact_schema
from tests.properties.documents import edge, graph

TYPES = {one.id: one for one in catalogue()}
KINDS = list(BUILTIN.values())
IDS = list(BUILTIN)
FIELDS = {"string", "number", "boolean", "select", "code", "json", "expression"}


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_every_key_of_the_data_is_a_field_and_no_other(kind: NodeKind) -> None:
    schema = TYPES[kind.type].config_schema
    assert schema.keys() == kind.keys
    for key, one in schema.items():
        assert one["type"] in FIELDS and one["label"] and one["description"], key
        assert (one["type"] == "select") == ("options" in one)


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_it_agrees_with_the_json_schema(kind: NodeKind) -> None:
    """What is required, what is the default, and which choices there are."""
    model = artifact_schema()["$defs"][kind.data.__name__]
    for key, one in TYPES[kind.type].config_schema.items():
        told = model["properties"][key]
        assert one["required"] == (key in model.get("required", ()) or ("when" in one and one["required"]))
        assert one.get("default") == told.get("default")
        assert one["description"] == told["description"]
        if "options" in one:
            assert json.dumps(one["options"]).strip("[]") in json.dumps(told)


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_values_and_ports(kind: NodeKind) -> None:
    one = TYPES[kind.type]
    assert (one.output is not None) == kind.value == (kind.type in OUTPUTS)
    assert [p.label for p in one.ports if p.label not in (None, "then")] == list(kind.labels)
    assert [p.label for p in one.ports if p.required and p.label] == list(kind.required)
    assert (one.ports[-1].label == "then") == kind.is_container
    assert json.loads(json.dumps(one.to_json()))["configSchema"].keys() == kind.keys
    assert one.description and len(one.description) <= 120


def _value(key: str, one: dict[str, Any]) -> Any:
    """What a form would hold."""
    words = {"duration": "5 seconds", "date-time": "2030-01-01T00:00:00Z", "url": "https://a.test/"}
    arms = [{"label": "yes", "condition": "true"}]
    given = {"eventType": "go", "branches": arms, "collection": [1], "body": "1", "input": "1"}
    by_type = {"code": "return 1;", "json": {}, "expression": "event.payload.x", "number": 1, "boolean": True}
    if key in given:
        return given[key]
    return (
        one.get("default")
        or one.get("options", [None])[0]
        or words.get(one.get("validation", {}).get("format"), by_type.get(one["type"], "name"))
    )


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
@pytest.mark.parametrize("everything", [False, True])
def test_a_form_that_is_filled_in_is_valid(kind: NodeKind, everything: bool) -> None:
    data = {
        key: _value(key, one)
        for key, one in TYPES[kind.type].config_schema.items()
        if (one["required"] or everything) and key != "inline"
    }
    nodes = [{"id": "it", "type": kind.type, "name": "It", "data": data}]
    edges = []
    for port in (p for p in TYPES[kind.type].ports if p.required):
        nodes.append({"id": f"n{len(nodes)}", "type": "step", "name": "S", "data": {"code": "return 1;"}})
        edges.append(edge("it", f"n{len(nodes) - 1}", port.label))
    found = check(graph(*nodes, edges=edges))
    assert [d.message for d in found if d.severity.value == "error"] == []


def test_what_a_loop_needs_depends_on_its_kind() -> None:
    fields = TYPES["loop"].config_schema
    assert fields["collection"]["when"] == {"loopType": "forEach"} and fields["condition"]["required"]
    assert "when" not in fields["indexVar"]


def test_labels() -> None:
    assert (label("retryLimit"), label("url")) == ("Retry limit", "URL")


def test_json() -> None:
    told = TYPES["http_request"].to_json()
    assert isinstance(TYPES["http_request"], NodeType)
    assert told["configSchema"]["method"]["options"][0] == "GET"
    assert told["outputSchema"]["status"]["type"] == "number" and told["output"]["additional"] is True
    assert told["ports"][0]["label"] is None and "more" not in told
