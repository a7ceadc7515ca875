"""Positions for nodes that have none, so that an editor can draw a graph that was written by hand."""

from __future__ import annotations

from typing import Any, Final

_WIDTH: Final = 200.0
_HEIGHT: Final = 80.0


def with_positions(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a position for every node; those that are there stay."""
    artifact = document.get("ir", document)
    if all("position" in node for node in artifact["nodes"]):
        return document
    places = automatic(artifact)
    nodes = [
        node if "position" in node else {**node, "position": place}
        for node, place in zip(artifact["nodes"], places, strict=True)
    ]
    made = {**artifact, "nodes": nodes}
    return {**document, "ir": made} if artifact is not document else made


def automatic(artifact: dict[str, Any]) -> list[dict[str, int]]:
    """Where the nodes of a graph stand when it is laid out in layers, from top to bottom."""
    from stepwell.picture.layout import Link, Size, lay_out

    numbers = {node["id"]: number for number, node in reversed(list(enumerate(artifact["nodes"])))}
    links = [
        Link(numbers[edge["source"]], numbers[edge["target"]])
        for edge in artifact["edges"]
        if edge["source"] in numbers and edge["target"] in numbers
    ]
    made = lay_out([Size(_WIDTH, _HEIGHT)] * len(artifact["nodes"]), links)
    return [{"x": round(x), "y": round(y)} for x, y in made.centres]
