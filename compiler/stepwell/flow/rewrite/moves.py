"""Moves the statement of a node to another place."""

from __future__ import annotations

from stepwell.flow import nodes as made
from stepwell.flow.reader import NodeSite, Statement
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.lines import at_indent, cut, put
from stepwell.flow.rewrite.plan import Move, Refused
from stepwell.flow.rewrite.references import spell_out
from stepwell.flow.rewrite.statements import (
    Point,
    arms_of,
    extent,
    holds,
    own,
    point_before,
    point_behind,
    point_first_in,
    within,
)


def move_statement(draft: Draft) -> None:
    """Makes the move of the plan, in the first round."""
    move = draft.plan.move
    if move is None or draft.number > 0:
        return
    site = draft.sites.get(move.node)
    if site is None:
        raise Refused(f"There is no node `{move.node}` in the file.")
    statement = own(site.statement)
    if _is_there(draft, statement, move):
        return
    _displace(draft, [statement], _point_of(draft, move, statement))


def _point_of(draft: Draft, move: Move, statement: Statement | None = None) -> Point:
    anchor = draft.sites.get(move.anchor)
    if anchor is None:
        raise Refused(f"There is no node `{move.anchor}` in the file.")
    if statement is not None and holds(statement, anchor.statement):
        raise Refused("A node cannot be moved into itself.", statement.cst)
    if move.where == "into":
        return _into(draft, anchor, move.label)
    own(anchor.statement)
    return point_behind(draft, anchor.statement) if move.where == "after" else point_before(draft, anchor.statement)


def _into(draft: Draft, site: NodeSite, label: str | None) -> Point:
    if isinstance(site.handle, made.Loop) and label in ("body", None):
        return point_first_in(draft, site.statement)
    for arm in arms_of(site):
        if arm.label == label:
            return point_first_in(draft, arm)
    raise Refused(f"`{site.handle.id}` has no arm {label!r} in the file.", site.statement.cst)


def _is_there(draft: Draft, statement: Statement, move: Move) -> bool:
    anchor = draft.sites.get(move.anchor)
    if anchor is None or anchor.statement.block is not statement.block:
        return False
    here = statement.block.index(statement) - statement.block.index(anchor.statement)
    return here == (1 if move.where == "after" else -1) and move.where != "into"


def _displace(draft: Draft, statements: list[Statement], point: Point) -> None:
    """Takes statements out where they stand, and puts them in at a point."""
    parts = []
    for statement in statements:
        span = extent(draft, statement)
        named = [one for one in (statement, *within(statement)) if one.kind == "node" and one.name is not None]
        if span.end <= point.offset:
            spell_out(draft, named, span.end, point.offset)
    for statement in statements:
        span = extent(draft, own(statement), comments=True)
        parts.append(at_indent(draft, statement, point.indent))
        cut(draft, span, statement)
    put(draft, "".join(parts), point)
