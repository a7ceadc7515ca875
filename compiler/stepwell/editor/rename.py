"""Renames a node: its id, its display name, and whatever says them."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.diagnostics import Diagnostic
from stepwell.editor.draft import OURS, Draft, draft
from stepwell.editor.edits import Edit, Edited, Result, Spot, apply, attempt, not_text, refuse, same_meaning, users
from stepwell.editor.references import braces, kept_names, own_constant
from stepwell.graph.expressions import Scanner
from stepwell.graph.nodes import Nodes
from stepwell.graph.read import NAME_LENGTH


def rename(
    document: object, node_id: str, *, id: str | None = None, name: str | None = None, nodes: Nodes | None = None
) -> Result:
    """Gives a node another id, another display name, or both.

    Its edges, the entry, `{{…}}` in any string of any node's data, and names in code go along; what stands for
    something else of that name stays. Refused where other code would mean something else by the new name. Raises
    `UnknownNode`.
    """
    asked = (not_text("node_id", node_id), not_text("id", id, optional=True), not_text("name", name, optional=True))
    return attempt(document, nodes, lambda edit: _rename(edit, node_id, id, name), asked)


def _rename(edit: Edit, node_id: str, id: str | None, name: str | None) -> Edited:
    vertex = edit.made.vertex(node_id)
    node = edit.node(node_id)
    spots: list[Spot] = []
    if name is not None:
        _check_name(name, node_id)
        node["name"] = name
    if id is not None and id != node_id:
        _check_id(edit.made, id, node_id)
        _edges(edit, node_id, id)
        node["id"] = id
        edit.renamed[id] = node_id
        spots += _in_braces(edit.made, node_id, id)
    constant = own_constant(edit.made, vertex)
    # Names in code are settled once ids are: what each stands for afterwards is asked of the new graph.
    apply(edit.nodes, spots)
    after = draft(edit.value, edit.known)
    assert after is not None
    if constant is not None and own_constant(after, vertex) != constant:
        spots.append(_returned(edit.made, vertex, constant))
    spots += kept_names(edit.made, after, "id" if name is None else "name")
    edit.nodes[:] = _with_old_data(edit)
    apply(edit.nodes, spots)
    return edit.done(_keeps)


def _with_old_data(edit: Edit) -> list[object]:
    """The nodes with their data as it was, so that all texts are changed by places in the old ones."""
    import copy

    old = edit.made.artifact["nodes"]
    return [
        {**node, "data": copy.deepcopy(was["data"])} if isinstance(node, dict) and "data" in node else node
        for node, was in zip(edit.nodes, old, strict=True)
    ]


def _check_name(name: str, node_id: str) -> None:
    if not name or len(name) > NAME_LENGTH:
        raise refuse(f"a display name has 1 to {NAME_LENGTH} characters, not {len(name):,}", node_id)


def _check_id(made: Draft, id: str, node_id: str) -> None:
    if not id or id.startswith(OURS):
        raise refuse("an id is a text that is not empty", node_id)
    if id in made.scope.ids:
        taken = made.flow.nodes[made.scope.ids[id]]
        raise refuse(f"{taken.label} has the id `{id}` already", node_id, "choose another id")
    if not _can_be_written(id):
        raise refuse(f"`{id}` cannot be written in an expression", node_id, "leave out spaces at its ends and braces")


def _can_be_written(id: str) -> bool:
    found, _ = Scanner([id]).scan(f"{{{{{id}.x}}}}")
    return len(found) == 1 and getattr(found[0], "root", None) == id


def _edges(edit: Edit, old: str, new: str) -> None:
    for edge in edit.edges:
        for end in ("source", "target"):
            if isinstance(edge, dict) and edge.get(end) == old:
                edge[end] = new
    if edit.artifact.get("entryNodeId") == old:
        edit.artifact["entryNodeId"] = new


def _in_braces(made: Draft, old: str, new: str) -> Iterator[Spot]:
    for one in braces(made):
        if one.reference.root == old:
            yield Spot(one.vertex, one.path, one.at, one.at + len(old), new)


def _returned(made: Draft, vertex: int, constant: str) -> Spot:
    """The value was the constant of the node's own name, which it will not be: it is returned."""
    code = made.flow.nodes[vertex].data["code"]
    return Spot(vertex, ("code",), len(code), len(code), f"\nreturn {constant};")


def _keeps(before: Draft, after: Draft) -> Iterator[Diagnostic]:
    return same_meaning(before, after, ((vertex, vertex) for vertex in users(before)))
