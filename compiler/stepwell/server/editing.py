"""Edits that are asked for over HTTP: from a body to an edit, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stepwell import edit
from stepwell.diagnostics import Diagnostic
from stepwell.editor.plain import plain
from stepwell.graph.nodes import Nodes

from . import compiling
from .shapes import DeleteAsk, EditAsk, EditTell, InsertAsk, RenameAsk


def edited(ask: EditAsk, nodes: Nodes) -> EditTell:
    """The edit, or why it was not made, with the custom nodes that the graph may use. Raises `UnknownNode`."""
    done = _done(ask, nodes)
    found = compiling.findings(done.findings)
    if not isinstance(done, edit.Edited):
        return EditTell(ok=False, ir=None, extracted=None, changes=[], findings=found)
    extracted = done.extracted.get("ir", done.extracted) if done.extracted is not None else None
    changes: list[dict[str, Any]] = plain(list(done.changes))
    return EditTell(ok=True, ir=done.document["ir"], extracted=extracted, changes=changes, findings=found)


def _done(ask: EditAsk, nodes: Nodes) -> edit.Edited | edit.Refused:
    wanted = ask.edit
    document: dict[str, Any] = {"ir": ask.ir}
    if ask.trigger_code is not None:
        document["triggerCode"] = ask.trigger_code
    if isinstance(wanted, RenameAsk):
        return edit.rename(document, wanted.node_id, id=wanted.id, name=wanted.name, nodes=nodes)
    if isinstance(wanted, InsertAsk):
        return edit.insert(document, wanted.edge_id, wanted.node, nodes=nodes)
    if isinstance(wanted, DeleteAsk):
        return edit.delete(document, wanted.node_id, keep=wanted.keep, nodes=nodes)
    return edit.extract(document, wanted.node_ids, name=wanted.name, worker=wanted.worker, id=wanted.id, nodes=nodes)


def findings(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Findings as the other routes tell them."""
    return [one.model_dump(mode="json") for one in compiling.findings(diagnostics)]
