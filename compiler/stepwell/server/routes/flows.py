"""Workflows written in Python: read, written, changed. Nothing is run, and nothing is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from stepwell.compiler import check
from stepwell.diagnostics import has_errors
from stepwell.flow import Reading
from stepwell.graph.locate import with_places
from stepwell.graph.nodes import Nodes

from .. import compiling
from ..door import needs
from ..errors import Problem
from ..shapes import FlowApplied, FlowApply, FlowRead, FlowTell, FlowWrite, FlowWritten
from .common import Body, Hall, Who, make_router

router = make_router("flows")


@router.post("/flow/read")
@needs("read", graph=True)
def read_flow(house: Hall, who: Who, ask: FlowRead) -> FlowTell:
    """The graph of a flow's file, with all that is wrong with it, and positions for nodes that have none."""
    from stepwell.flow import read

    reading = read(ask.text, files=_files(ask.files))
    return FlowTell.model_validate(_told(reading, house.nodes))


@router.post("/flow/write")
@needs("read", graph=True)
def write_flow(house: Hall, who: Who, ask: FlowWrite, body: Body) -> FlowWritten:
    """A flow's file for a graph (an artifact, or the source file around one)."""
    from stepwell.flow import write

    written = write(ask.document)
    inside = [replace(one, pointer=f"/document{one.pointer}", place=None) for one in written.diagnostics]
    found = compiling.findings(with_places(body, inside), _artifact(ask.document))
    if written.text is None:
        raise compiling.refused(found)
    return FlowWritten(text=written.text, findings=found)


@router.post("/flow/apply")
@needs("read", graph=True)
def apply_flow(house: Hall, who: Who, ask: FlowApply) -> FlowApplied:
    """A flow's file after edits: only the lines that they are about change. 422 when one of them cannot be made."""
    from stepwell.flow import apply, read

    done = apply(ask.text, ask.edits, files=_files(ask.files))
    if done.text is None:
        found = [one for one in compiling.findings(done.diagnostics, None) if one.severity == "error"]
        words = found[0].message if found else "the edits cannot be made"
        raise Problem(422, words, compiling.told(found))
    reading = read(done.text, files=_files(ask.files))
    return FlowApplied.model_validate({"text": done.text, **_told(reading, house.nodes)})


def _files(given: Mapping[str, str] | None) -> Callable[[str], str]:
    """The files that came along; no other one is read."""

    def text_of(name: str) -> str:
        if given is None or name not in given:
            raise ValueError("it was not sent along in `files`")
        return given[name]

    return text_of


def _told(reading: Reading, nodes: Nodes) -> dict[str, Any]:
    from stepwell.flow.placing import automatic

    found = check(reading, nodes=nodes)
    document = _sendable(reading.document)
    artifact = _artifact(document)
    return {
        "ok": not has_errors(found),
        "document": document,
        "layout": automatic(artifact) if artifact is not None else None,
        "findings": compiling.findings(found, artifact),
    }


def _sendable(document: dict[str, Any] | None) -> dict[str, Any] | None:
    """The document, where JSON and UTF-8 can hold it; what they cannot hold is a finding."""
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return document


def _artifact(document: dict[str, Any] | None) -> Any:
    """The artifact in a source file, or alone."""
    return (document or {}).get("ir", document)
