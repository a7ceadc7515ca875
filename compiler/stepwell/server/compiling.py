"""From what is kept of a workflow to a document, and what the compiler says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stepwell.compiler import Compiled, check, compile_artifact, dependencies
from stepwell.diagnostics import Diagnostic, has_errors

from .errors import Problem
from .shapes import Finding
from .tables import WorkflowRow

if TYPE_CHECKING:
    from stepwell.bundle.packages import Packages
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.graph.nodes import Nodes


def document(ir: Mapping[str, Any], trigger_code: str | None, dependencies: Mapping[str, str] | None = None) -> str:
    """The text of a source file. It is ASCII, so that any database holds it."""
    told: dict[str, Any] = {"ir": ir}
    if trigger_code is not None:
        told["triggerCode"] = trigger_code
    if dependencies:
        told["dependencies"] = dependencies
    return json.dumps(told)


def of_workflow(workflow: WorkflowRow, ir: Mapping[str, Any]) -> str:
    """The document of a workflow with this artifact."""
    return document(ir, workflow.trigger_code, json.loads(workflow.dependencies))


def compiled(text: str, toolchain: Toolchain | None, nodes: Nodes) -> Compiled:
    """A document compiled, with the custom nodes that it may use, its npm packages installed first.

    Raises `Problem` 422 with the findings.
    """
    made = compile_artifact(text, toolchain=toolchain, packages=_packages(text, nodes), nodes=nodes)
    if not made.ok:
        raise refused(made.diagnostics)
    return made


def _packages(text: str, nodes: Nodes) -> Packages | None:
    """What the document asks for, in the versions that were chosen when it was first asked for here.

    Raises `Problem` 422 when it cannot be had.
    """
    from stepwell.bundle.packages import PackagesFailed, install_chosen

    try:
        return install_chosen(dependencies(text, nodes=nodes) or {})
    except PackagesFailed as failed:
        said = str(failed)
        raise Problem(422, said, [{"path": "dependencies", "message": said}]) from None


def refused(diagnostics: Iterable[Diagnostic]) -> Problem:
    """The graph has errors."""
    found = findings(diagnostics)
    errors = sum(1 for one in found if one.severity == "error")
    return Problem(
        422,
        f"the graph has {errors} error{'s' if errors != 1 else ''}",
        [one.model_dump(mode="json") for one in found],
    )


def check_kind(workflow: WorkflowRow, ir: Mapping[str, Any]) -> None:
    """Raises `Problem` 422 when a script is posted to a workflow, or the other way round."""
    kind = ir.get("kind", "workflow")
    if kind in ("workflow", "script") and kind != workflow.kind:
        raise Problem(
            422,
            f"the artifact is of kind {kind}, and this is a {workflow.kind}: post it to one of its own kind",
            [{"path": "ir.kind", "message": f"must be {workflow.kind}"}],
        )


def checked(text: str, nodes: Nodes) -> tuple[bool, list[Finding]]:
    """Whether a document has no errors, and all findings."""
    found = check(text, nodes=nodes)
    return not has_errors(found), findings(found)


def findings(diagnostics: Iterable[Diagnostic]) -> list[Finding]:
    """Findings as they are told. Places in the file are left out: the file is a request's body."""
    return [
        Finding(
            code=one.code.id,
            slug=one.slug,
            severity=one.severity.value,
            message=one.message,
            pointer=one.pointer,
            node_id=one.node_id,
            hint=one.hint,
            line=one.snippet.line if one.snippet else None,
            column=one.snippet.column if one.snippet else None,
            template=one.file,
        )
        for one in diagnostics
    ]


def content_hash(text: str) -> str:
    """What tells whether two artifacts are the same."""
    return hashlib.sha256(text.encode()).hexdigest()
