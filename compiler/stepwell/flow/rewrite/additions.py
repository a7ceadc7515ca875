"""Chooses where new nodes stand, and puts them in there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import libcst as cst

from stepwell.flow import nodes as made
from stepwell.flow.reader import NodeSite
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.lines import put
from stepwell.flow.rewrite.plan import Json, Refused
from stepwell.flow.rewrite.printing import New, arm_text, statement_text
from stepwell.flow.rewrite.statements import (
    Point,
    arms_of,
    extent,
    own,
    point_before,
    point_behind,
    point_first_in,
    point_last_in_workflow,
)
from stepwell.flow.structure import labels_of


def put_in(draft: Draft, added: list[Json]) -> None:
    """Puts in the statements of nodes, each where its edges have it stand."""
    leaving: defaultdict[str, list[Json]] = defaultdict(list)
    coming: defaultdict[str, list[Json]] = defaultdict(list)
    for edge in draft.artifact["edges"]:
        leaving[edge["source"]].append(edge)
        coming[edge["target"]].append(edge)
    new = {one["id"]: New(one, [(label, []) for label in labels_of(one, leaving[one["id"]])]) for one in added}
    rows: dict[tuple[int, int], tuple[Point, list[New]]] = {}
    where: dict[str, list[New]] = {}
    arms: defaultdict[str, list[tuple[str | None, list[New]]]] = defaultdict(list)
    for node in _in_order(added, coming):
        _place(draft, new[node["id"]], coming, leaving, new, rows, where, arms)
    for point, row in rows.values():
        put(draft, "".join(statement_text(draft, one, point.indent) for one in row), point)
    for id, told in arms.items():
        _put_arms(draft, draft.sites[id], told)


def _in_order(added: list[Json], coming: Mapping[str, list[Json]]) -> list[Json]:
    """Nodes behind those that lead to them."""
    left, done = {node["id"]: node for node in added}, []
    while left:
        ready = [id for id in left if not any(e["source"] in left and e["source"] != id for e in coming[id])]
        chosen = ready[0] if ready else next(iter(left))
        done.append(left.pop(chosen))
    return done


def _place(
    draft: Draft,
    new: New,
    coming: Mapping[str, list[Json]],
    leaving: Mapping[str, list[Json]],
    all_new: Mapping[str, New],
    rows: dict[tuple[int, int], tuple[Point, list[New]]],
    where: dict[str, list[New]],
    arms: defaultdict[str, list[tuple[str | None, list[New]]]],
) -> None:
    """Chooses where a new node stands: behind what leads to it, in its arm, or before what it leads to."""
    id = new.node["id"]
    edges = [e for e in coming[id] if e["source"] in draft.sites or e["source"] in where]
    targets = [e["target"] for e in leaving[id] if e["target"] in draft.sites]
    if len(edges) == 1 or (edges and not targets):
        edge = edges[0]
        source, label = edge["source"], edge.get("label")
        if source in where:
            row = _row_in(all_new[source], label, where[source])
            row.insert(0 if row is not where[source] else row.index(all_new[source]) + 1, new)
            where[id] = row
            return
        site = draft.sites[source]
        if _leads_in(draft, site, label):
            arm = _arm_point(draft, site, label)
            if arm is None:
                row = [new]
                arms[source].append((label, row))
                where[id] = row
                return
            _note(arm, new, rows, where)
            return
        _note(point_behind(draft, own(site.statement)), new, rows, where)
        return
    if targets:
        _note(point_before(draft, own(draft.sites[targets[0]].statement)), new, rows, where)
    else:
        _note(point_last_in_workflow(draft), new, rows, where)


def _row_in(source: New, label: str | None, row: list[New]) -> list[New]:
    for one, inside in source.arms:
        if one == label and not (inside and source.node["type"] in ("parallel", "race")):
            return inside
    return row


def _note(
    point: Point,
    new: New,
    rows: dict[tuple[int, int], tuple[Point, list[New]]],
    where: dict[str, list[New]],
) -> None:
    _, row = rows.setdefault((point.offset, len(point.indent)), (point, []))
    row.append(new)
    where[new.node["id"]] = row


def _leads_in(draft: Draft, site: NodeSite, label: str | None) -> bool:
    """Whether an edge of this label leads into an arm."""
    node = draft.wanted.get(str(site.handle.id), site.handle._json)
    match site.handle._json["type"]:
        case "parallel" | "race":
            return label != "then"
        case "loop" | "try_catch" | "branch":
            return label in labels_of(node, [{"label": label}]) and label not in (None, "then")
    return False


def _arm_point(draft: Draft, site: NodeSite, label: str | None) -> Point | None:
    """Where the arm begins; None when the file has none yet."""
    own(site.statement)
    if isinstance(site.handle, made.Loop):
        return point_first_in(draft, site.statement)
    is_own = site.handle._json["type"] in ("parallel", "race")
    for arm in arms_of(site):
        if arm.label == label and not (is_own and any(one.kind == "node" for one in arm.body)):
            return point_first_in(draft, arm)
    return None


def _put_arms(draft: Draft, site: NodeSite, arms: list[tuple[str | None, list[New]]]) -> None:
    """New arms at the end of a container."""
    statement = own(site.statement)
    if not isinstance(statement.cst, cst.With):
        raise Refused("The container stands without a `with`, so it gets no arms.", statement.cst)
    name = draft.ensure_name(site)
    point = point_behind(draft, statement.body[-1]) if statement.body else None
    if point is None:
        raise Refused("This container cannot be added to as it stands.", statement.cst)
    node = draft.wanted[str(site.handle.id)]
    text = "".join(arm_text(draft, node, name, label, row, point.indent) for label, row in arms)
    only = statement.body[0]
    if only.kind == "pass" and len(statement.body) == 1:
        point = Point(point.offset, point.indent, extent(draft, only))
    put(draft, text, point)
