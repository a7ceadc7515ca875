"""What an editor asks: node types, and what the compiler says of a graph that is not kept."""

from __future__ import annotations

from typing import Any

from stepwell.compiler import compile_artifact
from stepwell.editor.catalogue import NodeType, catalogue
from stepwell.editor.draft import UnknownNode
from stepwell.editor.plain import plain
from stepwell.editor.scope import scope
from stepwell.graph.catalogue import BUILTIN

from .. import compiling, editing
from ..door import needs
from ..errors import missing
from ..shapes import CheckAsk, CheckTell, CompileTell, EditAsk, EditTell, NodeTell, Page, ScopeAsk, ScopeTell
from .common import Hall, Who, make_router

router = make_router("nodes")


@router.post("/check")
@needs("read")
def check(house: Hall, who: Who, ask: CheckAsk) -> CheckTell:
    """What is wrong with a graph, without keeping it. Pointers begin with `/ir`."""
    ok, found = compiling.checked(compiling.document(ask.ir, ask.trigger_code))
    return CheckTell(ok=ok, findings=found)


@router.post("/compile")
@needs("read")
def compile_graph(house: Hall, who: Who, ask: CheckAsk) -> CompileTell:
    """The Worker of a graph, without keeping it."""
    made = compile_artifact(compiling.document(ask.ir, ask.trigger_code), toolchain=house.toolchain)
    return CompileTell(
        ok=made.ok,
        findings=compiling.findings(made.diagnostics),
        source=made.source,
        language=made.language,
        worker=made.js,
        source_map=made.source_map,
        manifest=made.manifest,
    )


@router.post("/nodes/scope")
@needs("read")
def scope_of_node(house: Hall, who: Who, ask: ScopeAsk) -> ScopeTell:
    """What can be referenced at a node of a graph in any state: roots, their paths with types, what to insert."""
    try:
        found = scope(compiling.document(ask.ir, ask.trigger_code), ask.node_id)
    except UnknownNode:
        raise missing("Node") from None
    return ScopeTell.model_validate({**found.to_json(), "findings": editing.findings(found.findings)})


@router.post("/nodes/edit")
@needs("read")
def edit_graph(house: Hall, who: Who, ask: EditAsk) -> EditTell:
    """Edits a graph, without keeping it: rename, insert, delete, extract. Everything else in it stays as it was.

    `ok` false: the edit would break the graph; `findings` say how. Else they are those of the new graph, `changes` what
    is another than before.
    """
    try:
        return editing.edited(ask)
    except UnknownNode:
        raise missing("Node") from None


@router.get("/nodes")
@needs("read")
def list_nodes(house: Hall, who: Who) -> Page[NodeTell]:
    """The node types: definitions with the fields of their forms and their outputs, and the edges that leave them."""
    return Page(data=[_tell(one) for one in catalogue()], next_cursor=None)


@router.get("/nodes/{node_id}")
@needs("read")
def get_node(house: Hall, who: Who, node_id: str) -> NodeTell:
    """A node type."""
    for one in catalogue():
        if one.id == node_id:
            return _tell(one)
    raise missing("Node type")


def _tell(one: NodeType) -> NodeTell:
    told: dict[str, Any] = one.to_json()
    kind = BUILTIN.get(one.id)
    if kind is not None:
        told |= {"labels": list(kind.labels), "hasValue": kind.value, "dataSchema": kind.data.model_json_schema()}
    return NodeTell.model_validate(plain(told))
