"""What an editor asks: node types, and what the compiler says of a graph that is not kept."""

from __future__ import annotations

from stepwell.compiler import compile_artifact
from stepwell.graph.catalogue import BUILTIN, NodeKind

from .. import compiling
from ..door import needs
from ..errors import missing
from ..shapes import CheckAsk, CheckTell, CompileTell, NodeTell, Page
from .common import Hall, Who, make_router

router = make_router("nodes")


@router.post("/check")
@needs("read", graph=True)
def check(house: Hall, who: Who, ask: CheckAsk) -> CheckTell:
    """What is wrong with a graph, without keeping it. Pointers begin with `/ir`."""
    ok, found = compiling.checked(compiling.document(ask.ir, ask.trigger_code))
    return CheckTell(ok=ok, findings=found)


@router.post("/compile")
@needs("read", graph=True)
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


@router.get("/nodes")
@needs("read")
def list_nodes(house: Hall, who: Who) -> Page[NodeTell]:
    """The node types, with their fields as a JSON schema and the edges that leave them."""
    return Page(data=[_tell(kind) for kind in BUILTIN.values()], next_cursor=None)


@router.get("/nodes/{node_id}")
@needs("read")
def get_node(house: Hall, who: Who, node_id: str) -> NodeTell:
    """A node type."""
    if node_id not in BUILTIN:
        raise missing("Node type")
    return _tell(BUILTIN[node_id])


def _tell(kind: NodeKind) -> NodeTell:
    return NodeTell.model_validate(
        {
            "id": kind.type,
            "name": kind.title,
            "shape": kind.shape,
            "labels": list(kind.labels),
            "durable": kind.durable,
            "hasValue": kind.value,
            "dataSchema": kind.data.model_json_schema(),
        }
    )
