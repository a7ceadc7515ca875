"""What an editor asks: node types, and what the compiler says of a graph that is not kept."""

from __future__ import annotations

from typing import Any

from stepwell.compiler import compile_artifact
from stepwell.editor.catalogue import NodeType, catalogue
from stepwell.editor.draft import UnknownNode
from stepwell.editor.plain import plain
from stepwell.editor.scope import scope
from stepwell.graph.catalogue import BUILTIN
from stepwell.graph.nodes import Nodes
from stepwell.graph.schema import data_schema

from .. import compiling, editing
from ..compiling import Source
from ..door import needs
from ..errors import missing
from ..shapes import CheckAsk, CheckTell, CompileTell, EditAsk, EditTell, NodeTell, Page, ScopeAsk, ScopeTell
from .common import Body, Hall, Who, make_router

router = make_router("nodes")


def _source(ask: CheckAsk, body: str) -> Source:
    return Source(ask.ir, ask.trigger_code, ask.dependencies or {}, body)


@router.post("/check")
@needs("read", graph=True)
def check(house: Hall, who: Who, ask: CheckAsk, body: Body) -> CheckTell:
    """What is wrong with a graph, without keeping it. Pointers begin with `/ir`."""
    ok, found = compiling.checked(_source(ask, body), house.nodes)
    return CheckTell(ok=ok, findings=found)


@router.post("/compile")
@needs("read", graph=True)
def compile_graph(house: Hall, who: Who, ask: CheckAsk, body: Body) -> CompileTell:
    """The Worker of a graph, without keeping it. Packages are not installed for it: a graph that imports one gets the
    finding SW803, and is compiled when it is posted as a version.
    """
    source = _source(ask, body)
    made = compile_artifact(source.text, toolchain=house.toolchain, nodes=house.nodes)
    return CompileTell(
        ok=made.ok,
        findings=source.findings(made.diagnostics),
        source=made.source,
        language=made.language,
        worker=made.js,
        source_map=made.source_map,
        manifest=made.manifest,
    )


@router.post("/nodes/scope")
@needs("read", graph=True)
def scope_of_node(house: Hall, who: Who, ask: ScopeAsk, body: Body) -> ScopeTell:
    """What can be referenced at a node of a graph in any state: roots, their paths with types, what to insert."""
    source = _source(ask, body)
    try:
        found = scope(source.text, ask.node_id, nodes=house.nodes)
    except UnknownNode:
        raise missing("Node") from None
    return ScopeTell.model_validate({**found.to_json(), "findings": compiling.told(source.findings(found.findings))})


@router.post("/nodes/edit")
@needs("read", graph=True)
def edit_graph(house: Hall, who: Who, ask: EditAsk, body: Body) -> EditTell:
    """Edits a graph, without keeping it: rename, insert, delete, extract. Everything else in it stays as it was.

    `ok` false: the edit would break the graph; `findings` say how. Else they are those of the new graph, `changes` what
    is another than before.
    """
    try:
        return editing.edited(ask, body, house.nodes)
    except UnknownNode:
        raise missing("Node") from None


@router.get("/nodes")
@needs("read")
def list_nodes(house: Hall, who: Who) -> Page[NodeTell]:
    """The node types: definitions with the fields of their forms and their outputs, and the edges that leave them.

    Custom nodes come in each version, the newest first.
    """
    return Page(data=[_tell(one, house.nodes) for one in catalogue(nodes=house.nodes)], next_cursor=None)


@router.get("/nodes/templates")
@needs("read")
def list_templates(house: Hall, who: Who) -> dict[str, dict[str, str]]:
    """The templates of the custom nodes' newest versions by id and provider, as AwaitStep gives them."""
    return {id_: dict(versions[0].templates) for id_, versions in house.nodes.custom.items()}


@router.get("/nodes/{node_id}")
@needs("read")
def get_node(house: Hall, who: Who, node_id: str, version: str | None = None) -> NodeTell:
    """A node type; of a custom node the newest version, or the one that is asked for."""
    custom = house.nodes.find(node_id, version)
    wanted = version if custom is None else custom.definition.version
    for one in catalogue(nodes=house.nodes):
        if one.id == node_id and wanted in (None, one.version):
            return _tell(one, house.nodes)
    raise missing("Node type")


def _tell(one: NodeType, nodes: Nodes) -> NodeTell:
    told: dict[str, Any] = one.to_json()
    kind, custom = BUILTIN.get(one.id), nodes.find(one.id, one.version)
    if kind is not None:
        told |= {"labels": list(kind.labels), "hasValue": kind.value, "dataSchema": kind.data.model_json_schema()}
    elif custom is not None:
        told |= {"labels": [], "hasValue": True, "dataSchema": data_schema(custom.definition)}
    return NodeTell.model_validate(plain(told))
