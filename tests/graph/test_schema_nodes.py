"""The JSON Schema with custom nodes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from stepwell.graph.definition import read_definition
from stepwell.graph.nodes import CustomNode, Nodes
from stepwell.graph.schema import artifact_schema
from tests.nodes.helpers import definition


def schema() -> dict[str, Any]:
    told = [definition(), definition(version="2.0.0", configSchema={})]
    made = [read_definition(one)[0] for one in told]
    return artifact_schema(Nodes.of(CustomNode(one, {}, "x") for one in made if one is not None))


def graph(**node: Any) -> dict[str, Any]:
    nodes = [{"id": "a", "name": "A", **node}]
    return {"metadata": {"name": "x", "version": 1}, "nodes": nodes, "edges": [], "entryNodeId": "a"}


@pytest.mark.parametrize(
    ("node", "right"),
    [
        ({"type": "say", "version": "1.0.0", "data": {"text": "hello"}}, True),
        ({"type": "say", "version": "1.0.0", "data": {"text": "{{event.payload}}"}}, True),
        ({"type": "say", "version": "1.0.0", "data": {}}, False),
        ({"type": "say", "version": "1.0.0", "data": {"text": 5}}, False),
        ({"type": "say", "version": "2.0.0", "data": {}}, True),
        ({"type": "tell", "data": {}}, False),
        ({"type": "step", "data": {"code": "return 1"}}, True),
    ],
)
def test_data_is_that_of_the_definition(node: dict[str, Any], right: bool) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(graph(**node)) == right
