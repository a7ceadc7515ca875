"""Where statements stand in the text: their lines, what they stand in, and the points at which others are put in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from stepwell.flow.reader import NodeSite, Statement
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.plan import Refused
from stepwell.flow.rewrite.syntax import is_docstring
from stepwell.flow.spans import Span
from stepwell.flow.splices import indent_at, line_end, line_start


@dataclass(eq=False)
class Point:
    """Where statements are put in: an offset, the indentation there, and the `pass` that they stand in place of."""

    offset: int
    indent: str
    instead: Span | None = None


def own(statement: Statement) -> Statement:
    """A statement that can be moved and taken out as a whole. Raises `Refused`."""
    if statement.broken:
        raise Refused("This statement is not understood as a whole, so it is left as it is.", statement.cst)
    shared = [one for one in statement.block if one.cst is statement.cst]
    lines = isinstance(statement.cst, cst.SimpleStatementLine | cst.With)
    if len(shared) != 1 or not lines or (statement.kind != "flow" and _in_one_with(statement)):
        raise Refused("This statement shares its line with others; write it on a line of its own.", statement.cst)
    return statement


def extent(draft: Draft, statement: Statement, comments: bool = False) -> Span:
    """The lines of a statement; with `comments` those directly above it and below its body too."""
    span = draft.spans.of(statement.cst)
    start, end = line_start(draft.text, span.start), line_end(draft.text, span.end)
    indent = indent_at(draft.text, span.start)
    while comments and start > 0:
        above = line_start(draft.text, start - 1)
        line = draft.text[above:start]
        if not line.strip().startswith("#") or not line.startswith(indent + "#"):
            break
        start = above
    if comments and isinstance(statement.cst, cst.With):
        end = _with_footer(draft, end, indent)
    return Span(start, end)


def _with_footer(draft: Draft, end: int, indent: str) -> int:
    """Past comments that are indented deeper than the `with` that they close."""
    at = end
    while at < len(draft.text):
        behind = line_end(draft.text, at)
        line = draft.text[at:behind]
        if line.strip() and not (line.strip().startswith("#") and len(indent_of(line)) > len(indent)):
            return end
        at = behind
        end = at if line.strip() else end
    return end


def point_behind(draft: Draft, statement: Statement) -> Point:
    """Behind a statement and the comments that belong to it."""
    span = draft.spans.of(statement.cst)
    indent = indent_at(draft.text, span.start)
    end = extent(draft, statement, comments=True).end
    return Point(end, indent)


def point_before(draft: Draft, statement: Statement) -> Point:
    """Before a statement and the comments that belong to it."""
    span = draft.spans.of(statement.cst)
    return Point(extent(draft, statement, comments=True).start, indent_at(draft.text, span.start))


def point_first_in(draft: Draft, holder: Statement) -> Point:
    """The start of the body of an arm, a loop or the workflow."""
    body = holder.body
    if not body or not isinstance(holder.cst.body, cst.IndentedBlock) or _in_one_with(holder):
        raise Refused("This block cannot be added to as it stands.", holder.cst)
    first = body[0]
    if first.kind == "pass" and len(body) == 1 and not tokens_of_statement(first):
        span = extent(draft, first)
        return Point(span.start, indent_at(draft.text, draft.spans.of(first.cst).start), span)
    if first.kind == "pass" and tokens_of_statement(first):
        return point_behind(draft, first)
    return point_before(draft, first)


def point_last_in_workflow(draft: Draft) -> Point:
    """Behind the last node, before the edges and the layout."""
    last = next((one for one in reversed(draft.root.body) if one.kind not in ("edge", "layout", "pass")), None)
    return point_behind(draft, last) if last is not None else point_first_in(draft, draft.root)


def within(statement: Statement) -> Iterator[Statement]:
    """All statements inside of one, in their order."""
    for one in statement.body:
        yield one
        yield from within(one)


def ancestors(statement: Statement) -> Iterator[Statement]:
    """The statements that one stands in, the innermost first."""
    here = statement.parent
    while here is not None:
        yield here
        here = here.parent


def holds(outer: Statement, inner: Statement) -> bool:
    """Whether a statement is another one, or stands around it."""
    return inner is outer or any(one is outer for one in ancestors(inner))


def arms_of(site: NodeSite) -> list[Statement]:
    """The arms of a container as they are written."""
    return [one for one in site.statement.body if one.kind == "arm"]


def _in_one_with(statement: Statement) -> bool:
    """Whether several stand in one `with a, b:`."""
    return isinstance(statement.cst, cst.With) and len(statement.cst.items) > 1


def tokens_of_statement(statement: Statement) -> bool:
    """Whether a statement is a text, as a docstring is."""
    return isinstance(statement.cst, cst.SimpleStatementLine) and is_docstring(statement.cst)


def indent_of(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t\f"))]
