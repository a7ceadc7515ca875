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
from stepwell.check.values import CodeValue, codes_in
from stepwell.diagnostics import Diagnostic, has_errors
from stepwell.graph.data import Data, StepData
from stepwell.graph.expressions import Scanner
from stepwell.graph.read import Document
from stepwell.javascript import Kind, parse


@dataclass(frozen=True, slots=True)
class Names:
    """What the fields of all nodes are read with: the ids, and who declares the names of inline bodies."""

    scanner: Scanner
    owners: Mapping[str, str]


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
    names: Names | None = None
    """What fields are read with."""
    codes: Sequence[Sequence[tuple[str, CodeValue]]] = ()
    """The code in each node's fields, with the name of the field."""

    def all_codes(self) -> list[tuple[int, str, CodeValue]]:
        """All code of the graph, with its vertex and the name of its field."""
        return [(vertex, name, code) for vertex, codes in enumerate(self.codes) for name, code in codes]


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
    scanner = Scanner(scope.ids)
    names = names_of(typed, scanner, document.source.ir.kind == "script")
    analysis = Analysis(document, typed, data, flow, regions, reach, scope, [], trigger, sources, names=names)
    analysis.fields = _read_all(analysis, found, sources)
    analysis.codes = [codes_in(fields) for fields in analysis.fields]
    analysis.stored = stored_fields(analysis)
    analysis.steps = step_names(regions, {v for v, _ in analysis.stored})
    found += rule_findings(analysis)
    found += trigger_findings
    return (None if has_errors(found) else analysis), found


def _read_all(analysis: Analysis, found: list[Diagnostic], sources: dict[str, str]) -> list[Fields]:
    return read_some(analysis, range(len(analysis.typed)), found, sources)


def read_some(
    analysis: Analysis, vertices: Sequence[int], found: list[Diagnostic], sources: dict[str, str]
) -> list[Fields]:
    """The fields of some nodes; findings are added to `found`, texts to `sources`."""
    assert analysis.names is not None
    base, known, owners = analysis.document.base, analysis.trigger.names, analysis.names.owners
    reader = FieldReader(analysis.scope, analysis.names.scanner, 0, base, found, sources, known, owners)
    fields = []
    for vertex in vertices:
        reader.enter(vertex)
        fields.append(read_fields(analysis.typed[vertex].kind, analysis.typed[vertex].data, reader))
    return fields


def names_of(typed: Sequence[Typed], scanner: Scanner, script: bool) -> Names:
    """What the fields of nodes are read with."""
    return Names(scanner, _local_names(typed, scanner, script))


def _local_names(typed: Sequence[Typed], scanner: Scanner, script: bool) -> dict[str, str]:
    """What inline bodies (and all bodies of a script) declare, with the node that owns it."""
    owners: dict[str, str] = {}
    for each in typed:
        for name in declared_by(each, scanner, script):
            owners.setdefault(name, each.node.id)
    return owners


def declared_by(typed: Typed, scanner: Scanner, script: bool) -> frozenset[str]:
    """What the body of a node declares, where bodies of other nodes could take it for theirs."""
    if isinstance(typed.data, StepData) and (typed.data.inline or script):
        return parse(_filled(typed.data.code, scanner), Kind.BODY).declared
    return frozenset()


def _filled(text: str, scanner: Scanner) -> str:
    """`text` with its expressions replaced by identifiers, none resolved."""
    if "{{" not in text:
        return text
    for number, expression in enumerate(scanner.scan(text)[0]):
        name = hole_name(number, expression.end - expression.start)
        text = text[: expression.start] + name + text[expression.end :]
    return text
