"""Takes out the statements of nodes that are not wanted any more."""

from __future__ import annotations

from stepwell.flow.reader import Statement
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.layout import forget_in_layout
from stepwell.flow.rewrite.lines import at_indent, cut
from stepwell.flow.rewrite.plan import Refused
from stepwell.flow.rewrite.references import spell_out
from stepwell.flow.rewrite.statements import ancestors, extent, holds, own, within
from stepwell.flow.splices import Splice, indent_at


def take_out(draft: Draft, gone: list[str]) -> None:
    """Takes out nodes, with the references by name to them and what the layout says of them."""
    chosen = {id(draft.sites[one].statement) for one in gone}
    for one in gone:
        statement = draft.sites[one].statement
        if not any(id(above) in chosen for above in ancestors(statement)):
            _take_out_one(draft, own(statement), chosen)
            lost = [draft.sites[id].statement for id in gone if holds(statement, draft.sites[id].statement)]
            lost = [one for one in lost if one.name is not None]
            spell_out(draft, lost, extent(draft, statement).end, len(draft.text))
    forget_in_layout(draft, set(gone))


def _take_out_one(draft: Draft, statement: Statement, chosen: set[int]) -> None:
    """Takes a statement out; nodes inside of it that stay are put in its place."""
    inside = list(within(statement))
    foreign = next((one for one in inside if one.kind == "other" or one.broken), None)
    if foreign is not None:
        raise Refused("This code is not understood, so what stands around it is not taken out.", foreign.cst)
    staying = [one for one in inside if one.kind == "node" and id(one) not in chosen]
    tops = [one for one in staying if not any(one in within(other) for other in staying if other is not one)]
    span, indent = extent(draft, statement), indent_at(draft.text, draft.spans.of(statement.cst).start)
    kept = [at_indent(draft, one, indent) for one in tops]
    cut(draft, span, statement)
    if kept:
        draft.made[-1] = Splice(span.start, span.end, "".join(kept))
