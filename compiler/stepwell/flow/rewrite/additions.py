"""Chooses where new nodes stand, and puts them in there."""

from __future__ import annotations

from collections import defaultdict

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
    placing = _Placing(draft, added)
    for node in placing.in_order(added):
        placing.place(placing.new[node["id"]])
    for point, row in placing.rows.values():
        put(draft, "".join(statement_text(draft, one, point.indent) for one in row), point)
    for id, told in placing.arms.items():
        _put_arms(draft, draft.sites[id], told)


class _Placing:
    """Where new nodes stand: in rows at points of the text, in new arms of nodes that are there, or in one another.

    `where` is the row that a node which has its place stands in.
    """

    def __init__(self, draft: Draft, added: list[Json]) -> None:
        self.draft = draft
        self.leaving: defaultdict[str, list[Json]] = defaultdict(list)
        self.coming: defaultdict[str, list[Json]] = defaultdict(list)
        for edge in draft.artifact["edges"]:
            self.leaving[edge["source"]].append(edge)
            self.coming[edge["target"]].append(edge)
        self.new = {
            one["id"]: New(one, [(label, []) for label in labels_of(one, self.leaving[one["id"]])]) for one in added
        }
        self.rows: dict[tuple[int, int], tuple[Point, list[New]]] = {}
        self.arms: defaultdict[str, list[tuple[str | None, list[New]]]] = defaultdict(list)
        self.where: dict[str, list[New]] = {}

    def in_order(self, added: list[Json]) -> list[Json]:
        """Nodes behind those that lead to them."""
        left, done = {node["id"]: node for node in added}, []
        while left:
            ready = [id for id in left if not any(e["source"] in left and e["source"] != id for e in self.coming[id])]
            chosen = ready[0] if ready else next(iter(left))
            done.append(left.pop(chosen))
        return done

    def place(self, new: New) -> None:
        """Chooses where a new node stands: behind what leads to it, in its arm, or before what it leads to."""
        id, sites = new.node["id"], self.draft.sites
        edges = [e for e in self.coming[id] if e["source"] in sites or e["source"] in self.where]
        targets = [e["target"] for e in self.leaving[id] if e["target"] in sites]
        if len(edges) == 1 or (edges and not targets):
            source, label = edges[0]["source"], edges[0].get("label")
            if source in self.where:
                self._behind_new(new, self.new[source], label)
            else:
                self._behind_site(new, sites[source], label)
        elif targets:
            self._at(point_before(self.draft, own(sites[targets[0]].statement)), new)
        else:
            self._at(point_last_in_workflow(self.draft), new)

    def _behind_new(self, new: New, source: New, label: str | None) -> None:
        """Behind a node that is new too, or first in its arm."""
        around = self.where[source.node["id"]]
        row = _row_in(source, label, around)
        row.insert(0 if row is not around else row.index(source) + 1, new)
        self.where[new.node["id"]] = row

    def _behind_site(self, new: New, site: NodeSite, label: str | None) -> None:
        """Behind a node that is there, or first in its arm; the arm is new where there is none yet."""
        if not _leads_in(self.draft, site, label):
            self._at(point_behind(self.draft, own(site.statement)), new)
            return
        arm = _arm_point(self.draft, site, label)
        if arm is not None:
            self._at(arm, new)
            return
        row = [new]
        self.arms[str(site.handle.id)].append((label, row))
        self.where[new.node["id"]] = row

    def _at(self, point: Point, new: New) -> None:
        _, row = self.rows.setdefault((point.offset, len(point.indent)), (point, []))
        row.append(new)
        self.where[new.node["id"]] = row


def _row_in(source: New, label: str | None, row: list[New]) -> list[New]:
    """The row of what an edge leads to: an arm of a new node, or the row that the node stands in."""
    for one, inside in source.arms:
        if one == label and not (inside and source.node["type"] in ("parallel", "race")):
            return inside
    return row


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
