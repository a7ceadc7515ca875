"""The check stage as a whole: what is known of a graph once it has been read, and everything wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stepwell.check.data import Typed, typed_nodes
from stepwell.check.fields import Fields, read_fields
from stepwell.check.flow import Flow, build_flow
from stepwell.check.reachability import Reachability
from stepwell.check.reader import FieldReader, hole_name
from stepwell.check.regions import Regions, build_regions
from stepwell.check.rules import rule_findings, stored_fields
from stepwell.check.scope import Scope
from stepwell.check.stepnames import step_names
from stepwell.check.structure import structure_findings
from stepwell.check.trigger import Trigger, read_trigger
from stepwell.diagnostics import Diagnostic, has_errors
from stepwell.graph.data import Data, StepData
from stepwell.graph.expressions import Scanner
from stepwell.graph.read import Document
from stepwell.javascript import Kind, parse


@dataclass(slots=True)
class Analysis:
    """Everything that lowering needs; made only of a graph without errors."""

    document: Document
    typed: Sequence[Typed]
    data: Sequence[Data]
    flow: Flow
    regions: Regions
    reach: Reachability
    scope: Scope
    fields: Sequence[Fields]
    trigger: Trigger
    sources: dict[str, str] = field(default_factory=dict)
    stored: Mapping[tuple[int, str], str] = field(default_factory=dict)
    """Fields that are evaluated in a step of their own, (vertex, field name): what its name adds to the node's."""
    steps: Sequence[str] = ()
    """The static step name of each node."""


def analyse(document: Document) -> tuple[Analysis | None, list[Diagnostic]]:
    """Check a document. The analysis is None when there is an error; all findings of a stage are given at once."""
    typed_or_none, found = typed_nodes(document)
    trigger, trigger_findings = read_trigger(document)
    ir, base = document.source.ir, document.base
    typed = [t for t in typed_or_none if t is not None]
    if len(typed) < len(typed_or_none):
        return None, [*found, *trigger_findings]
    data = [t.data for t in typed]
    flow, shape_findings = build_flow(ir.nodes, [t.kind for t in typed], data, ir.edges, ir.entryNodeId, base)
    found += shape_findings
    if flow is None:
        return None, [*found, *trigger_findings]
    regions = build_regions(flow)
    structure = structure_findings(regions, data, base)
    found += structure
    if has_errors(structure):
        return None, [*found, *trigger_findings]
    reach = Reachability(regions, data)
    scope = Scope(reach, data)
    sources: dict[str, str] = {}
    fields = _read_all(typed, scope, document, trigger, found, sources)
    analysis = Analysis(document, typed, data, flow, regions, reach, scope, fields, trigger, sources)
    analysis.stored = stored_fields(analysis)
    analysis.steps = step_names(regions, {v for v, _ in analysis.stored})
    found += rule_findings(analysis)
    found += trigger_findings
    return (None if has_errors(found) else analysis), found


def _read_all(
    typed: Sequence[Typed],
    scope: Scope,
    document: Document,
    trigger: Trigger,
    found: list[Diagnostic],
    sources: dict[str, str],
) -> list[Fields]:
    scanner = Scanner(scope.ids)
    owners = _local_names(typed, scanner, document.source.ir.kind == "script")
    reader = FieldReader(scope, scanner, 0, document.base, found, sources, trigger.names, owners)
    fields = []
    for vertex, each in enumerate(typed):
        reader.enter(vertex)
        fields.append(read_fields(each.kind, each.data, reader))
    return fields


def _local_names(typed: Sequence[Typed], scanner: Scanner, script: bool) -> dict[str, str]:
    """What inline bodies (and all bodies of a script) declare, with the node that owns it."""
    owners: dict[str, str] = {}
    for each in typed:
        if isinstance(each.data, StepData) and (each.data.inline or script):
            for name in parse(_filled(each.data.code, scanner), Kind.BODY).declared:
                owners.setdefault(name, each.node.id)
    return owners


def _filled(text: str, scanner: Scanner) -> str:
    """`text` with its expressions replaced by identifiers, none resolved."""
    if "{{" not in text:
        return text
    for number, expression in enumerate(scanner.scan(text)[0]):
        name = hole_name(number, expression.end - expression.start)
        text = text[: expression.start] + name + text[expression.end :]
    return text
