"""What travels with an upload: the graph's shape and what a version does not carry, as a data module beside the code.

It comes back with the Worker's content, so that a plan, a rollback and a search for drift need no state of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

MODULE: Final = "stepwell-manifest.json"
CONTENT_TYPE: Final = "application/octet-stream"
FORMAT: Final = 1


class CarriedNode(BaseModel):
    """A node as it was: `hash` of its type and data, `next` of the edges that leave it."""

    id: str
    type: str
    name: str
    hash: str
    next: str


class CarriedWorkflow(BaseModel):
    """A workflow that belongs to the Worker."""

    name: str
    class_name: str
    steps: int | None = None


class Carried(BaseModel):
    """What travels."""

    format: int = FORMAT
    compiler: str
    kind: str
    graph: str
    version: Any = None
    artifact: str
    code: str
    nodes: list[CarriedNode]
    edges: list[tuple[str, str, str]] = []
    entry: str = ""
    trigger: dict[str, Any] = {}
    step_names: list[tuple[str, str]]
    workflows: list[CarriedWorkflow]
    crons: list[str]
    routes: list[dict[str, str]]
    domains: list[str]
    consumers: dict[str, dict[str, Any]]
    workers_dev: bool
    settings: dict[str, Any]

    def module(self) -> bytes:
        """The module's bytes; the same value gives the same bytes."""
        return json.dumps(self.model_dump(), sort_keys=True, ensure_ascii=False, indent=1).encode(
            "utf-8", "backslashreplace"
        )

    @property
    def drawn(self) -> dict[str, Any] | None:
        """The graph as far as a picture needs it; None where it did not travel."""
        if not self.edges and len(self.nodes) > 1:
            return None
        return {
            "metadata": {"name": self.graph},
            "trigger": self.trigger,
            "entryNodeId": self.entry,
            "nodes": [{"id": node.id, "type": node.type, "name": node.name} for node in self.nodes],
            "edges": [{"source": source, "target": target, "label": label} for source, target, label in self.edges],
        }

    @property
    def steps(self) -> dict[str, str]:
        """The nodes of the steps, by the names of the steps."""
        return dict(self.step_names)


def read(modules: Mapping[str, bytes]) -> Carried | None:
    """What travelled with these modules; None when they are not from here."""
    raw = modules.get(MODULE)
    if raw is None:
        return None
    try:
        found = Carried.model_validate_json(raw)
    except ValueError:
        return None
    return found if found.format == FORMAT else None


def nodes(ir: Mapping[str, Any]) -> list[CarriedNode]:
    """The nodes of a graph with what tells whether they changed. A node's place on the canvas does not count."""
    edges: dict[str, list[Any]] = {}
    for edge in ir.get("edges") or ():
        edges.setdefault(edge["source"], []).append([edge["target"], edge.get("label")])
    return [
        CarriedNode(
            id=node["id"],
            type=node["type"],
            name=node.get("name") or node["id"],
            hash=_hash([node["type"], node.get("data"), node.get("version")]),
            next=_hash(sorted(edges.get(node["id"], []), key=str)),
        )
        for node in ir.get("nodes") or ()
    ]


def edges(ir: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The edges of a graph: source, target, label."""
    return [(edge["source"], edge["target"], edge.get("label") or "") for edge in ir.get("edges") or ()]


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
