"""The bindings of a Worker: every `env.NAME` that is read, and those of called Workers (design.md, section 6)."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.check.analysis import Analysis
from stepwell.check.values import Ref, codes_of, walk
from stepwell.graph.data import SubScriptData, SubWorkflowData
from stepwell.javascript.bindings import BindingKind, EnvRead, env_reads, kind_of, merged
from stepwell.lower import names as n
from stepwell.lower.program import Binding

OWN = "WORKFLOW"
"""The binding of a Worker's own workflow."""

TOKEN = "TRIGGER_TOKEN"


def called_bindings(analysis: Analysis) -> tuple[dict[int, str], list[Binding]]:
    """The binding of each node that calls another Worker, and the bindings themselves (one for each target)."""
    taken = {OWN, TOKEN, *_reads(analysis)}
    by_target: dict[tuple[str, str, str | None], Binding] = {}
    of_node: dict[int, str] = {}
    for vertex, data in enumerate(analysis.data):
        if isinstance(data, SubWorkflowData):
            key: tuple[str, str, str | None] = (data.workflowId, "workflow", data.workflowName)
            wanted, target = data.workflowName, n.kebab(data.workflowName)
        elif isinstance(data, SubScriptData):
            key = (data.workerName, "service", None)
            wanted, target = data.workerName.removeprefix("awaitstep-"), data.workerName
        else:
            continue
        if key not in by_target:
            script, kind, class_ = key
            by_target[key] = Binding(
                _unique(n.upper_snake(wanted), taken), kind, target, class_, script if kind == "workflow" else None
            )
        of_node[vertex] = by_target[key].name
    return of_node, list(by_target.values())


def _unique(name: str, taken: set[str]) -> str:
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    taken.add(unique)
    return unique


def _all_reads(analysis: Analysis) -> Iterator[EnvRead]:
    for fields in analysis.fields:
        for value in fields.values():
            for code in codes_of(value):
                yield from env_reads(code.facts).reads
            for part in walk(value):
                if isinstance(part, Ref) and part.use.kind == "env" and part.path:
                    yield EnvRead(str(part.path[0]), value=True)
    if analysis.trigger.code is not None:
        yield from env_reads(analysis.trigger.code.facts).reads


def _reads(analysis: Analysis) -> dict[str, EnvRead]:
    return merged(_all_reads(analysis))


def env_bindings(analysis: Analysis) -> list[Binding]:
    """What is read of `env`, by name. Variables have the kind `string`, or `secret` where the document says so."""
    reads = _reads(analysis)
    variables = {v.name: v for v in analysis.document.source.envVars}
    bindings = []
    for name in sorted(reads):
        if name == OWN:
            continue
        kind = kind_of(name, reads[name])
        given = variables.get(name)
        if given is not None:
            kind = BindingKind.STRING
        bindings.append(Binding(name, "secret" if given is not None and given.isSecret else kind.value))
    return bindings + [
        Binding(v.name, "secret" if v.isSecret else "string")
        for v in analysis.document.source.envVars
        if v.name not in reads
    ]
