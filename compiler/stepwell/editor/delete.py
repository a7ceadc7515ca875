"""Deletes a node and joins what it stood between."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from stepwell.editor.draft import Draft, order_of
from stepwell.editor.edits import (
    Edit,
    Edited,
    Json,
    Result,
    attempt,
    ends,
    not_text,
    not_texts,
    refuse,
    same_meaning,
    unused,
    users,
)
from stepwell.graph.nodes import Nodes

ALL: Final = "*"
"""As a label to keep: every arm."""


def delete(document: object, node_id: str, *, keep: Collection[str] = (), nodes: Nodes | None = None) -> Result:
    """Takes a node out: the edges that led to it lead to what came behind it.

    Of a container everything inside goes too, but for the arms that `keep` names by their labels (`"*"` all; arms of a
    parallel or a race without a label are `"1"`, `"2"` … in the order of their edges): those come in its place.
    Refused where other nodes read what would be gone, where an arm that must hold something would be empty, and where
    the edges cannot be joined so that they mean the same. Raises `UnknownNode`.
    """
    asked = (not_text("node_id", node_id), None if keep == ALL else not_texts("keep", keep))
    return attempt(document, nodes, lambda edit: _delete(edit, node_id, frozenset(keep)), asked)


def _delete(edit: Edit, node_id: str, keep: frozenset[str]) -> Edited:
    made, vertex = edit.made, edit.made.vertex(node_id)
    gone, firsts, lasts = _inside(made, vertex, keep)
    behind = _behind(edit, vertex, gone)
    heads = firsts or behind
    gone_ids = {made.flow.nodes[v].id for v in gone}
    edit.edges[:] = _joined(edit, node_id, gone_ids, heads)
    if firsts:
        _lead_on(edit, lasts, behind)
    left = [number for number in users(made) if number not in gone]
    edit.nodes[:] = [edit.nodes[number] for number in left]
    _entry(edit, node_id, heads)
    return edit.done(lambda before, after: same_meaning(before, after, ((v, n) for n, v in enumerate(left))))


def _inside(made: Draft, vertex: int, keep: frozenset[str]) -> tuple[set[int], list[int], list[int]]:
    """What goes with a node, and of the arms that are kept the nodes that come first and last."""
    flow, regions = made.flow, made.regions
    arms = [arm for arm in flow.arms_of.get(vertex, ()) if not flow.arm(arm).missing]
    labels = {flow.arm(arm).label for arm in arms}
    unknown = sorted(keep - labels - {ALL})
    if unknown:
        there = ", ".join(f"`{label}`" for label in sorted(labels)) or "none"
        raise refuse(
            f"{flow.nodes[vertex].label} has no arm `{unknown[0]}`; its arms are {there}", flow.nodes[vertex].id
        )
    gone, firsts, lasts = {vertex}, list[int](), list[int]()
    for arm in arms:
        inside = [v for v in users(made) if regions.dominates(arm, v)]
        if flow.arm(arm).label in keep or ALL in keep:
            firsts += [v for v in flow.succ[arm] if v in inside]
            lasts += [v for v in inside if regions.block[v] == arm and not _goes_on(made, v)]
        else:
            gone |= set(inside)
    return gone, firsts, lasts


def _goes_on(made: Draft, vertex: int) -> bool:
    """Whether something comes behind a node: an edge leads on from it, or from an arm of it."""
    flow, regions = made.flow, made.regions
    if not flow.kinds[vertex].is_container:
        return bool(flow.succ[vertex])
    return bool(flow.then_of.get(vertex)) or any(not flow.is_arm(v) for v in regions.children[vertex])


def _behind(edit: Edit, vertex: int, gone: set[int]) -> list[int]:
    """Where edges of the node, and of what goes with it, lead out to: in the order of the program."""
    made, flow = edit.made, edit.made.flow
    if not flow.kinds[vertex].is_container:
        ids = made.scope.ids
        targets = [to for source, to in map(ends, edit.edges) if source == flow.nodes[vertex].id]
        return order_of(made, [ids[to] for to in dict.fromkeys(targets) if to in ids])
    arms = [arm.vertex for arm in flow.arms if arm.container in gone and not arm.missing]
    led = {t for v in (*gone, *arms) for t in flow.succ[v] if not flow.is_arm(t)}
    own = flow.arms_of.get(vertex, ())
    inside = {t for t in led if t in gone or any(made.regions.dominates(arm, t) for arm in own)}
    return order_of(made, sorted(led - inside))


def _joined(edit: Edit, node_id: str, gone: Collection[str], heads: list[int]) -> list[object]:
    """The edges without those of what goes; those that led to the node lead to the `heads`, where they stood."""
    made = edit.made
    concurrent = {
        n.id for n, k in zip(made.flow.nodes, made.flow.kinds, strict=True) if k.shape in ("parallel", "race")
    }
    there = {_way(edge) for edge in edit.edges if isinstance(edge, dict)}
    found: list[object] = []
    for edge in edit.edges:
        source, target = ends(edge)
        if not {source, target} & set(gone):
            found.append(edge)
        elif target == node_id and source not in gone:
            for led in _redirected(edit, edge, heads):
                # What is said already is not said twice, but each edge of a parallel is an arm of its own.
                if _way(led) not in there or led["source"] in concurrent:
                    there.add(_way(led))
                    found.append(led)
    return found


def _way(edge: Json) -> tuple[object, object, object]:
    return repr(edge.get("source")), repr(edge.get("target")), repr(edge.get("label") or None)


def _redirected(edit: Edit, edge: Json, heads: list[int]) -> Iterator[Json]:
    """The edge as it leads to what came behind: several, where several nodes do."""
    made = edit.made
    source = made.scope.ids.get(str(edge.get("source")))
    if source is None:
        return
    label, shape, node = edge.get("label"), made.flow.shape(source), made.flow.nodes[source]
    arm = (shape in ("parallel", "race") and label != "then") or (shape == "branch" and label not in (None, "", "then"))
    if arm and len(heads) > 1:
        raise refuse(
            f"several nodes come behind, and the edge `{edge.get('id')}` of {node.label} can lead to one only",
            node.id,
            "let one node come behind first, and delete this one then",
        )
    for number, head in enumerate(heads):
        id = edge.get("id") if not number else unused(f"{edge.get('id')}-{number + 1}", edit.edge_ids())
        yield {**edge, "id": id, "target": made.flow.nodes[head].id}


def _lead_on(edit: Edit, lasts: list[int], behind: list[int]) -> None:
    """Edges from the ends of the arms that stay to what came behind their container."""
    flow = edit.made.flow
    for last in lasts:
        for target in behind:
            source, to = flow.nodes[last], flow.nodes[target]
            id = unused(f"{source.id}-{to.id}", edit.edge_ids())
            made: Json = {"id": id, "source": source.id, "target": to.id}
            edit.edges.append({**made, "label": "then"} if flow.kinds[last].is_container else made)


def _entry(edit: Edit, node_id: str, heads: list[int]) -> None:
    if edit.artifact.get("entryNodeId") != node_id:
        return
    if len(heads) != 1:
        what = "nothing comes" if not heads else "several nodes come"
        raise refuse(
            f"the graph starts with `{node_id}`, and {what} behind it", node_id, "let another node be the entry"
        )
    edit.artifact["entryNodeId"] = edit.made.flow.nodes[heads[0]].id
