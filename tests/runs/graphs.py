"""What is deployed in these tests."""

from __future__ import annotations

SCRIPT = {
    "kind": "script",
    "metadata": {"name": "Answer", "version": 1},
    "trigger": {"type": "http", "path": "/", "method": "POST"},
    "entryNodeId": "a",
    "nodes": [{"id": "a", "type": "step", "name": "EXPORT_twice", "data": {"code": "return event.payload.n * 2;"}}],
    "edges": [],
}
FAILS = "if (event.payload.fail) throw new Error('no luck'); return { id: event.payload.id ?? 1 };"


def _step(id: str, code: str) -> dict[str, object]:
    return {"id": id, "type": "step", "name": id.capitalize(), "data": {"code": code, "retryLimit": 0}}


BROKEN = {
    "metadata": {"name": "Broken", "version": 1},
    "entryNodeId": "good",
    "nodes": [
        _step("good", "return { bad: true };"),
        {
            "id": "which",
            "type": "branch",
            "name": "Which?",
            "data": {"branches": [{"label": "bad", "condition": "{{good.bad}}"}, {"label": "other", "condition": ""}]},
        },
        _step("bad", "const nobody = undefined;\nreturn nobody.there;"),
        _step("never", "return 1;"),
        _step("last", "return 2;"),
    ],
    "edges": [
        {"id": "1", "source": "good", "target": "which"},
        {"id": "2", "source": "which", "target": "bad", "label": "bad"},
        {"id": "3", "source": "which", "target": "never", "label": "other"},
        {"id": "4", "source": "bad", "target": "last"},
        {"id": "5", "source": "never", "target": "last"},
    ],
}

BETWEEN = {
    "metadata": {"name": "Between", "version": 1},
    "entryNodeId": "try",
    "nodes": [
        {"id": "try", "type": "try_catch", "name": "Try", "data": {}},
        _step("bad", "throw new Error('caught');"),
        _step("calm", "return { none: null };"),
        {
            "id": "which",
            "type": "branch",
            "name": "Which?",
            "data": {"branches": [{"label": "a", "condition": "!event.payload.no && event.payload.no.where"}]},
        },
        _step("never", "return 1;"),
    ],
    "edges": [
        {"id": "1", "source": "try", "target": "bad", "label": "try"},
        {"id": "2", "source": "try", "target": "calm", "label": "catch"},
        {"id": "3", "source": "try", "target": "which", "label": "then"},
        {"id": "4", "source": "which", "target": "never", "label": "a"},
    ],
}
"""An error that is caught, then one in a condition."""
