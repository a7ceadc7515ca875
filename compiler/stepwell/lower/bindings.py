"""The bindings of a Worker: every `env.NAME` that is read, and those of called Workers (design.md, section 6)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from stepwell.check.analysis import Analysis
from stepwell.check.custom import env_name
from stepwell.check.values import CodeValue, Lit, Obj, Ref, Value, walk
from stepwell.graph.data import CustomData, SubScriptData, SubWorkflowData
from stepwell.javascript.bindings import BindingKind, EnvRead, env_reads, kind_of, merged
from stepwell.javascript.template import parse_template
from stepwell.lower import names as n
from stepwell.lower.program import Binding

OWN = "WORKFLOW"
"""The binding of a Worker's own workflow."""

TOKEN = "TRIGGER_TOKEN"


def called_bindings(analysis: Analysis, reads: Collection[str]) -> tuple[dict[int, str], list[Binding]]:
    """The binding of each node that calls another Worker, and the bindings themselves (one for each target)."""
    taken = {OWN, TOKEN, *reads}
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


def other_secrets(analysis: Analysis, vertex: int) -> dict[str, str]:
    """Secrets that a custom node is to see another one in the place of, by its own names."""
    return {own: name for own, (name, _) in _secrets_of(analysis, vertex).items() if own != name}


def _secrets_of(analysis: Analysis, vertex: int) -> dict[str, tuple[str, bool]]:
    """A custom node's secrets by its own names: the name in `env`, and whether it must be there."""
    custom, data = analysis.flow.kinds[vertex].custom, analysis.data[vertex]
    if custom is None or not isinstance(data, CustomData):
        return {}
    given = analysis.flow.nodes[vertex].data
    return {
        own: (env_name(data.config[key]) or own, custom.definition.configSchema[key].required or bool(given.get(key)))
        for key, own in custom.definition.secrets.items()
    }


def _secrets(analysis: Analysis) -> dict[str, bool]:
    """Every secret of custom nodes by its name in `env`, and whether some node needs it."""
    needed: dict[str, bool] = {}
    for vertex in range(len(analysis.data)):
        for name, required in _secrets_of(analysis, vertex).values():
            needed[name] = required or needed.get(name, False)
    return needed


def _custom_reads(analysis: Analysis) -> Iterator[EnvRead]:
    """What custom nodes read of `env`; also what their fields hand in, with what the template calls on it."""
    for vertex, kind in enumerate(analysis.flow.kinds):
        if kind.custom is None or kind.custom.template is None:
            continue
        module, others = parse_template(kind.custom.template), other_secrets(analysis, vertex)
        yield from (read for read in module.env.reads if read.name not in others)
        yield from (EnvRead(name, *module.uses(key)) for key, name in _handed_in(analysis, vertex))


def _handed_in(analysis: Analysis, vertex: int) -> Iterator[tuple[str, str]]:
    """The fields of a custom node that are a name of `env`, with that name."""
    config = analysis.fields[vertex]["config"]
    for key, value in config.entries if isinstance(config, Obj) else ():
        name = _binding_of(value)
        if name is not None:
            yield key, name


def _meant(analysis: Analysis) -> dict[str, BindingKind]:
    """Kinds of the bindings that are handed in by fields whose default says which kind is meant: `{{env.BUCKET}}`."""
    found: dict[str, BindingKind] = {}
    for vertex, kind in enumerate(analysis.flow.kinds):
        if kind.custom is None or kind.custom.template is None:
            continue
        module, schema = parse_template(kind.custom.template), kind.custom.definition.configSchema
        for key, name in _handed_in(analysis, vertex):
            default = env_name(str(schema[key].default))
            if default is not None:
                found.setdefault(name, kind_of(default, EnvRead(default, *module.uses(key))))
    return found


def _binding_of(value: Value) -> str | None:
    """The name in `{{env.NAME}}` or `env.NAME`, when that is all of a value."""
    if isinstance(value, Ref):
        return str(value.path[0]) if value.use.kind == "env" and len(value.path) == 1 else None
    members = value.facts.members if isinstance(value, CodeValue) else ()
    alone = len(members) == 1 and members[0].root == "env" and len(members[0].path) == 1
    text = value.facts.text.strip() if isinstance(value, CodeValue) else ""
    return text.removeprefix("env.") if alone and text == f"env.{members[0].path[0]}" else None


def _all_reads(analysis: Analysis) -> Iterator[EnvRead]:
    yield from _custom_reads(analysis)
    for _, _, code in analysis.all_codes():
        yield from env_reads(code.facts).reads
    for fields in analysis.fields:
        for value in fields.values():
            for part in walk(value) if type(value) is not Lit else ():
                if type(part) is Ref and part.use.kind == "env" and part.path:
                    yield EnvRead(str(part.path[0]), value=True)
    if analysis.trigger.code is not None:
        yield from env_reads(analysis.trigger.code.facts).reads


def read_of_env(analysis: Analysis) -> dict[str, EnvRead]:
    """What is read of `env`, by name."""
    return merged(_all_reads(analysis))


def env_bindings(analysis: Analysis, reads: Mapping[str, EnvRead]) -> list[Binding]:
    """The bindings of what is read. Variables have the kind `string`, or `secret` where the document says so."""
    variables = {v.name: v for v in analysis.document.source.envVars}
    secrets, meant = _secrets(analysis), _meant(analysis)
    bindings = []
    for name in sorted({*reads, *secrets}):
        if name == OWN:
            continue
        given = variables.get(name)
        told = given is not None or name in secrets
        kind = BindingKind.STRING if told else meant.get(name) or kind_of(name, reads[name])
        secret = given.isSecret if given is not None else name in secrets
        optional = given is None and not secrets.get(name, True)
        bindings.append(Binding(name, "secret" if secret else kind.value, optional=optional))
    return bindings + [
        Binding(v.name, "secret" if v.isSecret else "string")
        for v in analysis.document.source.envVars
        if v.name not in reads and v.name not in secrets
    ]
