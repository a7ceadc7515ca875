"""Changes a flow's file so that it says another graph, and leaves everything else in it as it is.

The change is made in rounds: what is added, taken out and moved first, then fields and edges, then what an editor
keeps. After each round the text is read again, and it is done when it says what it shall. So whatever a round
overlooks is seen by the next one, and a text that says something else than was asked for is never given back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stepwell.diagnostics import Diagnostic
from stepwell.diagnostics import codes as c
from stepwell.flow.reader import NodeSite, Reading, read
from stepwell.flow.rewrite.additions import put_in
from stepwell.flow.rewrite.arms import change_branches
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.edges import change_edges
from stepwell.flow.rewrite.fields import change_node, rename
from stepwell.flow.rewrite.head import change_head
from stepwell.flow.rewrite.imports import imports
from stepwell.flow.rewrite.layout import change_layout
from stepwell.flow.rewrite.moves import move_statement
from stepwell.flow.rewrite.plan import Json, Plan, Refused
from stepwell.flow.rewrite.removals import take_out
from stepwell.flow.rewrite.verify import faults_of, says
from stepwell.flow.splices import OverlapError, Splice, spliced
from stepwell.flow.writer import cleaned, form_of

ROUNDS: Final = 8


@dataclass(frozen=True)
class Updated:
    """The changed text, and what it says; None, and why, where it cannot be."""

    text: str | None
    reading: Reading | None
    diagnostics: tuple[Diagnostic, ...] = ()


def update(reading: Reading, target: Json, plan: Plan | None = None) -> Updated:
    """The text of a flow's file, changed so that it says `target`, a document that can be read."""
    plan = plan or Plan()
    target = cleaned(target)
    try:
        changed = _in_rounds(reading, target, plan)
    except Refused as refused:
        place = reading.place_of_syntax(refused.node) if refused.node is not None else None
        return Updated(None, None, (Diagnostic(c.FLOW_EDIT, refused.message, place=place),))
    except (OverlapError, RecursionError):
        message = "The change cannot be written into the file as it stands; make it in smaller steps."
        return Updated(None, None, (Diagnostic(c.FLOW_EDIT, message),))
    return Updated(changed.mark + changed.text, changed)


def _in_rounds(reading: Reading, target: Json, plan: Plan) -> Reading:
    if reading.document is None or reading.root is None:
        raise Refused("There is no workflow in the file that could be changed.")
    closed = frozenset((site.handle.id, param) for site in reading.sites for param in site.unread)
    faults = faults_of(reading)
    for number in range(ROUNDS):
        splices = _splices(Draft(reading, target, plan, number, closed))
        if not splices:
            break
        reading = read(reading.mark + spliced(reading.text, splices), files=reading.files)
        if reading.document is None or reading.root is None:
            raise Refused("The change would leave a file that cannot be read.")
    if not says(reading.document, target, plan.exact) or faults_of(reading) - faults:
        raise Refused("The graph that is wanted cannot be written into the file as it stands.")
    return reading


def _splices(draft: Draft) -> list[Splice]:
    """The changes of the first of these that has any."""
    for change in (rename, move_statement, _take_out_and_put_in, change_branches, _details, change_layout):
        change(draft)
        if draft.made:
            return [*draft.made, *imports(draft)]
    return []


def _take_out_and_put_in(draft: Draft) -> None:
    gone = [id for id, site in draft.sites.items() if id not in draft.wanted or _becomes(site, draft.wanted[id])]
    if gone:
        take_out(draft, gone)
        return
    put_in(draft, [node for node in draft.artifact["nodes"] if node["id"] not in draft.sites])


def _becomes(site: NodeSite, node: Json) -> bool:
    """Whether a plain node is to become a container, or the other way: then it goes, and comes anew."""
    return form_of(node).container != site.form.container and "node" not in (form_of(node).method, site.form.method)


def _details(draft: Draft) -> None:
    for id, site in draft.sites.items():
        change_node(draft, site, draft.wanted[id])
    change_edges(draft)
    change_head(draft)
