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
