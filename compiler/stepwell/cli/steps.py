"""From the name of a step that ran to the node it belongs to, by the manifest's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.graph.stepnames import node_of, node_with


@dataclass(frozen=True)
class NodeName:
    """A node's id and its display name."""

    id: str
    name: str


class StepTable:
    """The nodes of a compiled graph by the names of their steps."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._nodes = {row["name"]: row["node"] for row in manifest.get("steps", ())}
        self._names = {node["id"]: node["name"] for node in manifest.get("nodes", ())}

    def node(self, step: str) -> NodeName | None:
        """The node of a step."""
        id = node_of(step, self._nodes)
        return None if id is None else NodeName(id, self._names.get(id, id))

    def node_with(self, source: str) -> NodeName | None:
        """The node whose code a source of the map is."""
        id = node_with(source, self._names)
        return None if id is None else NodeName(id, self._names[id])
