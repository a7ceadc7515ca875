"""Edits that are asked for over HTTP: from a body to an edit, and what came of it."""

from __future__ import annotations

from typing import Any

from stepwell import edit
from stepwell.editor.plain import plain
from stepwell.graph.nodes import Nodes

from .compiling import Source
from .shapes import DeleteAsk, EditAsk, EditTell, InsertAsk, RenameAsk


def edited(ask: EditAsk, body: str, nodes: Nodes) -> EditTell:
    """The edit that a body asks for, or why it was not made. Raises `UnknownNode`."""
    done = _done(ask, nodes)
    if not isinstance(done, edit.Edited):
        found = Source(ask.ir, body=body).findings(done.findings)
        return EditTell(ok=False, ir=None, extracted=None, changes=[], findings=found)
    extracted = done.extracted.get("ir", done.extracted) if done.extracted is not None else None
    found = Source(done.document["ir"]).findings(done.findings)
    changes: list[dict[str, Any]] = plain(list(done.changes))
    return EditTell(ok=True, ir=done.document["ir"], extracted=extracted, changes=changes, findings=found)


def _done(ask: EditAsk, nodes: Nodes) -> edit.Edited | edit.Refused:
    wanted = ask.edit
    document: dict[str, Any] = {"ir": ask.ir}
    if ask.trigger_code is not None:
        document["triggerCode"] = ask.trigger_code
    if ask.dependencies is not None:
        document["dependencies"] = ask.dependencies
    if isinstance(wanted, RenameAsk):
        return edit.rename(document, wanted.node_id, id=wanted.id, name=wanted.name, nodes=nodes)
    if isinstance(wanted, InsertAsk):
        return edit.insert(document, wanted.edge_id, wanted.node, nodes=nodes)
    if isinstance(wanted, DeleteAsk):
        return edit.delete(document, wanted.node_id, keep=wanted.keep, nodes=nodes)
    return edit.extract(document, wanted.node_ids, name=wanted.name, worker=wanted.worker, id=wanted.id, nodes=nodes)
