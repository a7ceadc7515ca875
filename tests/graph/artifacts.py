"""Small artifacts for the tests of the rooms `graph` and `check`."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def node(type_: str = "step", data: Json | None = None, **more: Any) -> Json:
    """A node `n` of a type, with data that its type asks for unless others are given."""
    return {
        "id": "n",
        "type": type_,
        "name": "n",
        "position": {"x": 0, "y": 0},
        "version": "1.0.0",
        "provider": "cloudflare",
        "data": MINIMAL[type_] if data is None else data,
        **more,
    }


def graph(*nodes: Json, **more: Any) -> Json:
    """An artifact of some nodes; one step when there are none."""
    listed = list(nodes) or [node()]
    return {
        "metadata": {"name": "Test", "version": 1},
        "nodes": listed,
        "edges": [],
        "entryNodeId": listed[0].get("id", "n"),
        **more,
    }


MINIMAL: dict[str, Json] = {
    "step": {"code": "return 1;"},
    "http_request": {"url": "https://example.com/"},
    "sleep": {"duration": "1 day"},
    "sleep_until": {"timestamp": "2027-01-31T09:00:00Z"},
    "wait_for_event": {"eventType": "paid"},
    "branch": {"branches": [{"label": "yes", "condition": "true"}, {"label": "no", "condition": ""}]},
    "parallel": {},
    "race": {},
    "loop": {"loopType": "times", "count": 3},
    "try_catch": {},
    "break": {},
    "sub_workflow": {"workflowId": "child", "workflowName": "Child"},
    "sub_script": {"workerName": "other"},
}
