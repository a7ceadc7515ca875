"""From the name of a step that ran to the node it belongs to, by the manifest's table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_INDICES = re.compile(r" (?:\[\d+\])+$")
_EXTRA = re.compile(r": [a-z]+(?: \[?\d+\]?)?$")


@dataclass(frozen=True)
class NodeName:
    """A node's id and its display name."""

    id: str
    name: str


class StepTable:
    """The nodes of a compiled graph by the names of their steps."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        names = {node["id"]: node["name"] for node in manifest.get("nodes", ())}
        rows = ((row["name"], row["node"]) for row in manifest.get("steps", ()))
        self._nodes = {step: NodeName(node, names.get(node, node)) for step, node in rows}

    def node(self, step: str) -> NodeName | None:
        """The node; in loops a name carries indices, and some nodes have steps like `<name>: winner`."""
        waiting = [step]
        for name in waiting:
            if name in self._nodes:
                return self._nodes[name]
            shorter = (_INDICES.sub("", name), _EXTRA.sub("", name))
            waiting += [one for one in shorter if one != name]
        return None
