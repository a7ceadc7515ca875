from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stepwell.graph.catalogue import BUILTIN
from stepwell.graph.read import read_value
from stepwell.graph.schema import artifact_schema
from tests.graph.artifacts import MINIMAL, graph, node

SHARED = Path(__file__).parents[3] / "shared" / "graphs"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = artifact_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(
    "document",
    [
        *(graph(node(kind)) for kind in MINIMAL),
        {"ir": graph(), "triggerCode": "x", "dependencies": {"zod": "3"}, "envVars": [{"name": "A", "value": ""}]},
        graph(node("http_request", {"url": "{{n.url}}", "method": "post", "headers": "{}", "retryLimit": "5"})),
        graph(node("loop", {"loopType": "forEach", "collection": "{{n.items}}", "concurrency": "3"})),
        graph(node("loop", {"loopType": "while", "condition": "true", "count": "{{n.count}}"})),
        graph(kind="script", trigger={"type": "http"}),
        graph(trigger={"type": "cron", "expression": "* * * * *"}),
        graph(node(config={"retries": {"limit": 1, "delay": 5, "backoff": "linear"}, "timeout": "1 day"}), extra=1),
        *(json.loads(path.read_text()) for path in sorted(SHARED.glob("*.json"))),
    ],
)
def test_valid(validator: Draft202012Validator, document: dict[str, Any]) -> None:
    validator.validate(document)
    assert read_value(document)[0] is not None


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"ir": {}},
        graph(nodes=[]),
        graph(kind="function"),
        graph(kind="script"),
        graph(kind="script", trigger={"type": "manual"}),
        graph(trigger={"type": "corn"}),
        graph(trigger={"type": "cron"}),
        graph(trigger={"type": "http", "method": "FETCH"}),
        graph(trigger={"type": "event", "eventType": "a b"}),
        graph(node(type="unknown")),
        graph(node(provider="x")),
        graph(node(id="")),
        graph(node(name="x" * 257)),
        graph(node(data={})),
        graph({k: v for k, v in node().items() if k != "data"}),
        graph(node(config={"retries": {"limit": 1}})),
        graph(node(config={"timeout": []})),
        graph(node("branch", {"branches": []})),
        graph(node("branch", {"branches": [{"condition": "x"}]})),
        graph(node("loop", {"loopType": "forEach"})),
        graph(node("loop", {"loopType": "while"})),
        graph(node("loop", {"loopType": "until"})),
        graph(node("http_request", {})),
        graph(node("http_request", {"url": "https://x", "retryLimit": "many"})),
        graph(node("http_request", {"url": "https://x", "headers": []})),
        graph(node("sleep", {"duration": True})),
        {"ir": graph(), "envVars": [{"name": "a", "value": ""}]},
        {"ir": graph(), "dependencies": {"x": 1}},
    ],
)
def test_broken(validator: Draft202012Validator, document: Any) -> None:
    assert not validator.is_valid(document)


def test_editors_are_told_everything() -> None:
    definitions = artifact_schema()["$defs"]
    for name, definition in definitions.items():
        assert definition["title"]
        for key, property_ in definition.get("properties", {}).items():
            silent = name == "Position" or (key == "type" and name.endswith("Trigger"))
            assert silent or property_.get("description"), (name, key)
    types = {choice["const"] for choice in definitions["Node"]["properties"]["type"]["oneOf"]}
    assert types == set(BUILTIN)


def test_each_call_makes_its_own() -> None:
    artifact_schema()["$defs"].clear()
    assert artifact_schema()["$defs"]
