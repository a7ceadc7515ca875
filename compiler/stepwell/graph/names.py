"""Display names of nodes, in a graph in whatever state it is."""

from __future__ import annotations


def display_names(artifact: object) -> dict[str, str]:
    """The display names by id, of those nodes whose name says more than the id."""
    nodes = artifact.get("nodes") if isinstance(artifact, dict) else None
    told = [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    pairs = [(node.get("id"), node.get("name")) for node in reversed(told)]  # of two with one id the first counts
    return {id: name for id, name in pairs if isinstance(id, str) and isinstance(name, str) and name != id}
