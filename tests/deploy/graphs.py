"""Graphs that are deployed in these tests."""

from __future__ import annotations

import json
from typing import Any

from stepwell.compiler import compile_artifact
from stepwell.deploy.prepare import Source


def graph(name: str = "Orders", code: str = "return { id: 1 };", *, waits: bool = True, **more: Any) -> dict[str, Any]:
    """A workflow: a step, a wait, a step."""
    nodes: list[dict[str, Any]] = [
        {"id": "start", "type": "step", "name": "Start", "data": {"code": code}},
        {"id": "end", "type": "step", "name": "End", "data": {"code": "return {{start}};"}},
    ]
    edges = [{"id": "e1", "source": "start", "target": "end"}]
    if waits:
        nodes.append(
            {"id": "wait", "type": "wait_for_event", "name": "Wait", "data": {"eventType": "go", "timeout": "1 day"}}
        )
        edges = [{"id": "e1", "source": "start", "target": "wait"}, {"id": "e2", "source": "wait", "target": "end"}]
    return {"metadata": {"name": name, "version": 1}, "entryNodeId": "start", "nodes": nodes, "edges": edges, **more}


def source(value: dict[str, Any], key: str = "orders") -> Source:
    """A graph compiled."""
    text = json.dumps(value)
    compiled = compile_artifact(text)
    assert compiled.ok, compiled.diagnostics
    return Source(key, text, compiled)
