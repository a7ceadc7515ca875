"""Inserts a node on an edge."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.diagnostics import Diagnostic
from stepwell.editor.draft import Draft
from stepwell.editor.edits import (
    Edit,
    Edited,
    Json,
    Result,
    attempt,
    ends,
    not_a_node,
    not_text,
    refuse,
    same_meaning,
    unused,
    users,
    usual,
)
from stepwell.graph.catalogue import NodeKind
from stepwell.graph.faults import shown
from stepwell.graph.nodes import Nodes
from stepwell.graph.read import meant_type


def insert(document: object, edge_id: str, node: Mapping[str, Any], *, nodes: Nodes | None = None) -> Result:
    """Puts a node on an edge: what the edge led to now comes behind the node.

    `node` is a node as it stands in a document. A missing `id` or `name` is made up; so are `version`, `provider` and
    `position` where other nodes of the document say theirs. The edge keeps its id and label and leads to the node; a
    new one leads on, labelled `then` where the node is a container. A container that needs arms gets a step in each,
    to be filled in. Nodes are added at the end.
    """
    asked = (not_text("edge_id", edge_id), not_a_node(node))
    return attempt(document, nodes, lambda edit: _insert(edit, edge_id, node), asked)


def _insert(edit: Edit, edge_id: str, node: Mapping[str, Any]) -> Edited:
    number, edge = _edge(edit, edge_id)
    kind = _kind(edit, node)
    made = _completed(edit, node, edge, kind)
    target, edge["target"] = edge["target"], made["id"]
    label = "then" if kind.is_container else None
    edit.edges.insert(number + 1, _new_edge(edit, f"{edge_id}-{made['id']}", made["id"], target, label))
    edit.nodes.append(made)
    for label in _needed(kind):
        step = _step(edit, made, label)
        edit.nodes.append(step)
        edit.edges.append(_new_edge(edit, f"{made['id']}-{step['id']}", made["id"], step["id"], label))
    return edit.done(_keeps)


def _edge(edit: Edit, edge_id: str) -> tuple[int, Json]:
    """The edge and its place; the only one with its id, and it leads from a node to one."""
    found = [(i, e) for i, e in enumerate(edit.edges) if isinstance(e, dict) and e.get("id") == edge_id]
    if not found:
        raise refuse(f"there is no edge `{edge_id}`")
    if len(found) > 1:
        raise refuse(f"{len(found)} edges have the id `{edge_id}`", None, "give each its own")
    number, edge = found[0]
    if not set(ends(edge)) <= edit.made.scope.ids.keys():
        raise refuse(f"the edge `{edge_id}` does not lead from a node to a node")
    return number, edge


def _kind(edit: Edit, node: Mapping[str, Any]) -> NodeKind:
    """What the new node is: a type that there is, in the version that is asked for."""
    type_, version = node.get("type"), node.get("version")
    known = Nodes() if edit.known is None else edit.known
    kind = known.kind(type_, version if isinstance(version, str) else None) if isinstance(type_, str) else None
    if kind is None:
        meant = meant_type(type_, known) if isinstance(type_, str) else None
        hint = f'did you mean "{meant}"?' if meant else None
        raise refuse(f"the node's type {shown(type_)} is not known", None, hint)
    return kind


def _completed(edit: Edit, node: Mapping[str, Any], edge: Json, kind: NodeKind) -> Json:
    """The node with all that one needs. Its own keys stay as they are."""
    ids = edit.made.scope.ids
    given = copy.deepcopy(dict(node))
    wanted = given.get("id")
    if isinstance(wanted, str) and wanted in ids:
        raise refuse(f"there is a node `{wanted}` already", None, "choose another id, or leave it out")
    said = usual(edit.nodes, _between(edit, edge))
    if kind.custom:
        said["version"] = kind.custom.definition.version
    defaults: Json = {"id": unused(kind.type, ids), "type": kind.type, "name": kind.title, **said, "data": {}}
    return {**{key: given.pop(key, value) for key, value in defaults.items()}, **given}


def _between(edit: Edit, edge: Json) -> Json:
    """The middle between the nodes of an edge."""
    given = [edit.nodes[edit.made.scope.ids[end]].get("position") for end in ends(edge)]
    places = [place if isinstance(place, dict) else {} for place in given]
    return {axis: _middle([_number(place.get(axis)) for place in places]) for axis in ("x", "y")}


def _middle(of: list[float]) -> float:
    """The middle of two numbers, whole where both are: a file keeps the form of its positions."""
    total = sum(of)
    return total // 2 if isinstance(total, int) else total / 2


def _number(value: object) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _new_edge(edit: Edit, id: str, source: str, target: str, label: str | None) -> Json:
    made: Json = {"id": unused(id, edit.edge_ids()), "source": source, "target": target}
    return made if label is None else {**made, "label": label}


def _needed(kind: NodeKind) -> tuple[str | None, ...]:
    """Labels of the arms that a new container cannot be without; None: an arm needs no label."""
    return (None, None) if kind.shape in ("parallel", "race") else kind.required


def _step(edit: Edit, container: Json, label: str | None) -> Json:
    """An empty step for an arm of a new container."""
    taken = {str(node.get("id")) for node in edit.nodes if isinstance(node, dict)} | edit.made.scope.ids.keys()
    around = container.get("position")
    place = around if isinstance(around, dict) else {}
    return {
        "id": unused(f"{container['id']}_{label or 'arm'}", taken),
        "type": "step",
        "name": f"{container['name']}: {label or 'arm'}",
        **usual(edit.nodes, {"x": _number(place.get("x")), "y": _number(place.get("y")) + 100}),
        "data": {"code": "return null;"},
    }


def _keeps(before: Draft, after: Draft) -> Iterator[Diagnostic]:
    return same_meaning(before, after, ((vertex, vertex) for vertex in users(before)))
