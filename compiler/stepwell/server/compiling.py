"""From what is kept of a workflow to a document, and what the compiler says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stepwell.compiler import Compiled, check, compile_artifact
from stepwell.diagnostics import Diagnostic, has_errors
from stepwell.graph.locate import with_places
from stepwell.graph.names import display_names

from .errors import Problem
from .shapes import Finding, Spot
from .tables import WorkflowRow

if TYPE_CHECKING:
    from stepwell.bundle.packages import Packages
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.graph.nodes import Nodes


@dataclass(frozen=True)
class Source:
    """A source file: an artifact with what belongs to it, and the body that it came in, where it was posted."""

    ir: Mapping[str, Any]
    trigger_code: str | None = None
    dependencies: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    @cached_property
    def text(self) -> str:
        """What the compiler reads. It is ASCII, so that any database holds it."""
        told: dict[str, Any] = {"ir": self.ir}
        if self.trigger_code is not None:
            told["triggerCode"] = self.trigger_code
        if self.dependencies:
            told["dependencies"] = self.dependencies
        return json.dumps(told)

    def findings(self, diagnostics: Iterable[Diagnostic]) -> list[Finding]:
        """Findings about it, with places in the body: a pointer leads through both in the same way."""
        unplaced = [replace(one, place=None) for one in diagnostics]
        if self.body is None:
            return findings(unplaced, self.ir)
        posted = json.loads(self.body)
        placed = with_places(self.body, unplaced)
        return findings((one if _is_in(posted, one) else replace(one, place=None) for one in placed), self.ir)


def _is_in(posted: Mapping[str, Any], one: Diagnostic) -> bool:
    """Whether a finding is about what was posted, and not about what is kept beside it."""
    return not one.pointer or one.pointer.split("/")[1] in posted


def of_workflow(workflow: WorkflowRow, ir: Mapping[str, Any], body: str | None = None) -> Source:
    """The source file of a workflow with this artifact."""
    return Source(ir, workflow.trigger_code, json.loads(workflow.dependencies), body)


def compiled(source: Source, toolchain: Toolchain | None, nodes: Nodes, packages: Packages | None) -> Compiled:
    """A document compiled, with the custom nodes that it may use and the npm packages that it asks for.

    Raises `Problem` 422 with the findings.
    """
    made = compile_artifact(source.text, toolchain=toolchain, packages=packages, nodes=nodes)
    if not made.ok:
        raise refused(source.findings(made.diagnostics))
    return made


def refused(found: list[Finding]) -> Problem:
    """The graph has errors."""
    errors = sum(1 for one in found if one.severity == "error")
    return Problem(422, f"the graph has {errors} error{'s' if errors != 1 else ''}", told(found))


def told(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON values."""
    return [one.model_dump(mode="json") for one in found]


def check_kind(workflow: WorkflowRow, ir: Mapping[str, Any]) -> None:
    """Raises `Problem` 422 when a script is posted to a workflow, or the other way round."""
    kind = ir.get("kind", "workflow")
    if kind in ("workflow", "script") and kind != workflow.kind:
        raise Problem(
            422,
            f"the artifact is of kind {kind}, and this is a {workflow.kind}: post it to one of its own kind",
            [{"path": "ir.kind", "message": f"must be {workflow.kind}"}],
        )


def checked(source: Source, nodes: Nodes) -> tuple[bool, list[Finding]]:
    """Whether a document has no errors, and all findings."""
    found = check(source.text, nodes=nodes)
    return not has_errors(found), source.findings(found)


def findings(diagnostics: Iterable[Diagnostic], artifact: object = None) -> list[Finding]:
    """Findings as they are told, in the words of `stepwell check --format json`."""
    names = display_names(artifact)
    return [
        Finding(
            severity=one.severity.value,
            code=one.code.id,
            slug=one.slug,
            message=one.message,
            hint=one.hint,
            pointer=one.pointer,
            node_id=one.node_id,
            node_name=names.get(one.node_id or ""),
            line=one.place.line if one.place else None,
            column=one.place.column if one.place else None,
            snippet=Spot(line=one.snippet.line, column=one.snippet.column) if one.snippet else None,
            template=one.file,
        )
        for one in diagnostics
    ]


def content_hash(text: str) -> str:
    """What tells whether two artifacts are the same."""
    return hashlib.sha256(text.encode()).hexdigest()
