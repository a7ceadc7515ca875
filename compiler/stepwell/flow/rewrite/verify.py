"""Whether a changed text says the graph that is wanted, and is as faultless as the one before."""

from __future__ import annotations

from collections import Counter
from typing import Any

from stepwell.diagnostics import codes as c
from stepwell.flow.reader import Reading
from stepwell.flow.rewrite.plan import Json
from stepwell.flow.writer import cleaned


def says(document: Any, target: Json, exact: bool) -> bool:
    """Whether a document is the one that is wanted; `exact`: in the order of nodes and edges too."""
    document = cleaned(document)
    if exact:
        return bool(document == target)
    return _unordered(document) == _unordered(target)


def _unordered(document: Json) -> Json:
    artifact = document.get("ir", document)
    loose = {
        **artifact,
        "nodes": {node["id"]: node for node in artifact["nodes"]},
        "edges": Counter((e["id"], e["source"], e["target"], e.get("label")) for e in artifact["edges"]),
    }
    return {**document, "ir": loose} if artifact is not document else loose


def faults_of(reading: Reading) -> Counter[tuple[str, str]]:
    """The errors of a reading, without their places: a change moves those."""
    return Counter((d.code.id, d.message) for d in reading.diagnostics if d.severity is c.Severity.ERROR)
