"""Custom nodes: a node's `data` held to its definition, and the templates of those that a graph uses.

Keys of `data` are those of the definition's `configSchema`; `input_x` arrives as `ctx.inputs.x` (as AwaitStep hands
it in); settings of the run may stand there too, where the definition has no field of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from stepwell.check.module_rules import ENV_WHOLE, JSX, import_fault
from stepwell.diagnostics import Code, Diagnostic, SnippetPosition, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph.data import Retrying
from stepwell.graph.faults import did_you_mean, shown
from stepwell.graph.fitting import misfit, settled
from stepwell.graph.model import Node
from stepwell.graph.nodes import CustomNode
from stepwell.javascript.template import NodeModule, parse_template

if TYPE_CHECKING:
    from stepwell.check.analysis import Analysis
    from stepwell.graph.definition import ConfigField

INPUT = "input_"
SETTINGS = frozenset(Retrying.model_fields)
_NAME = r"\s*env\.([A-Z][A-Z0-9_]*)\s*"
_OTHER_SECRET = re.compile(rf"\{{\{{{_NAME}\}}\}}|\$\{{{_NAME}\}}|{_NAME}")


class Checked(Protocol):
    """A node that is being checked, and where its findings go."""

    @property
    def node(self) -> Node: ...

    @property
    def given(self) -> dict[str, Any]: ...

    def report(self, code: Code, message: str, *parts: str | int, hint: str | None = None) -> None: ...

    def stranger(self, key: str, known: Iterable[str], owner: str, *parts: str | int) -> None: ...


# -- data ----------------------------------------------------------------------------------------------


def config_of(check: Checked, custom: CustomNode) -> dict[str, Any]:
    """The configuration of a node: what is given, and the defaults, in the definition's order."""
    config: dict[str, Any] = {}
    for key, field in custom.definition.configSchema.items():
        if field.type == "secret":
            config[key] = _secret(check, key, field)
        elif not _is_given(check.given.get(key)):
            if field.has_default:
                config[key] = settled(field, field.default)
            elif field.required:
                check.report(c.MISSING_DATA, f"has no `{key}`; add it: {field.description or field.label}.", "data")
        else:
            config[key] = _fitted(check, key, field, check.given[key])
    return config


def inputs_of(check: Checked, custom: CustomNode) -> dict[str, Any]:
    """What stands under `input_…`, where no field is called so."""
    own = custom.definition.configSchema
    return {k.removeprefix(INPUT): v for k, v in check.given.items() if k not in own and _is_input(k)}


def settings_of(check: Checked, custom: CustomNode) -> dict[str, Any]:
    """The settings of the run that stand in `data`."""
    own = custom.definition.configSchema
    return {key: check.given[key] for key in Retrying.model_fields if key in check.given and key not in own}


def report_strangers(check: Checked, custom: CustomNode) -> None:
    """Keys of `data` that nobody knows."""
    own = custom.definition.configSchema
    for key in check.node.data:
        if key not in own and not _is_input(key) and key not in SETTINGS:
            check.stranger(key, own, "the data", "data")


def _is_input(key: str) -> bool:
    return key.startswith(INPUT) and key != INPUT


def _is_given(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _fitted(check: Checked, key: str, field: ConfigField, value: Any) -> Any:
    if _is_dynamic(value):
        return value
    wanted = misfit(field, value)
    if wanted is not None:
        meant = did_you_mean(value, field.options or ())
        hint = f'Did you mean "{meant}"?' if meant else None
        check.report(c.BAD_DATA, f"has {shown(value)} as `{key}`; it must be {wanted}.", "data", key, hint=hint)
        return None  # so that nothing more is said of it
    return settled(field, value)


def _is_dynamic(value: object) -> bool:
    """Whether something in a value is known only to a run."""
    if isinstance(value, str):
        return "{{" in value or "${" in value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_is_dynamic, inner))


def _secret(check: Checked, key: str, field: ConfigField) -> str:
    """The expression that reads a secret: under the definition's name, or under another that the graph chose."""
    given = check.given.get(key)
    other = env_name(given) if isinstance(given, str) else None
    if given is not None and other is None and given != field.envVarName:
        check.report(
            c.NODE_SECRET,
            f"has a value as `{key}`, which is a secret and never stands in a graph or in code; take it out, and give "
            f"the Worker the secret `{field.envVarName}`.",
            "data",
            key,
            hint="`{{env.NAME}}` here takes another secret of the Worker instead.",
        )
    return f"{{{{env.{other or field.envVarName}}}}}"


def env_name(text: str) -> str | None:
    """The name in `{{env.NAME}}`, or in `env.NAME`, as AwaitStep writes it too."""
    found = _OTHER_SECRET.fullmatch(text.strip())
    return found and (found[1] or found[2] or found[3])


# -- templates -----------------------------------------------------------------------------------------


def used_nodes(analysis: Analysis) -> dict[str, tuple[int, CustomNode]]:
    """The custom nodes of a graph by id and version, each with the first vertex of it."""
    used: dict[str, tuple[int, CustomNode]] = {}
    for vertex, kind in enumerate(analysis.flow.kinds):
        if kind.custom is not None:
            used.setdefault(kind.custom.definition.key, (vertex, kind.custom))
    return used


def template_rules(analysis: Analysis) -> Iterator[Diagnostic]:
    """What is wrong with the templates, and which nodes are deprecated."""
    base = analysis.document.base
    for vertex, custom in used_nodes(analysis).values():
        node = analysis.flow.nodes[vertex]
        packages = {**analysis.document.source.dependencies, **(custom.definition.dependencies or {})}
        for code, message, hint, place in template_findings(custom, packages):
            at = base + pointer("nodes", vertex, "type")
            yield Diagnostic(code, message, at, node.id, hint, place, file=custom.source)
    for vertex, kind in enumerate(analysis.flow.kinds):
        if kind.custom is not None and kind.custom.definition.deprecated:
            yield _deprecated(kind.custom, analysis.flow.nodes[vertex], base + pointer("nodes", vertex, "type"))


def _deprecated(custom: CustomNode, node: Node, at: str) -> Diagnostic:
    definition = custom.definition
    why = f": {definition.deprecationMessage.rstrip('.')}" if definition.deprecationMessage else ""
    instead = f"Use `{definition.replacedBy}` instead." if definition.replacedBy else None
    message = f"The type `{definition.id}` of node {node.label} is deprecated{why}."
    return Diagnostic(c.NODE_DEPRECATED, message, at, node.id, instead)


Found = tuple[Code, str, str | None, SnippetPosition | None]


def template_findings(custom: CustomNode, packages: Mapping[str, str]) -> Iterator[Found]:
    """What is wrong with a template: code, message, hint, and where in its text."""
    if custom.template is None:
        has = ", ".join(custom.templates) or "none"
        yield c.NODE_TEMPLATE, f"`{custom.definition.key}` has no template for cloudflare (it has {has})", None, None
        return
    module = parse_template(custom.template)
    for fault in module.faults:
        yield c.NODE_TEMPLATE, fault.message, None, SnippetPosition(fault.line, fault.column)
    yield from _module_findings(module, packages)


def _module_findings(module: NodeModule, packages: Mapping[str, str]) -> Iterator[Found]:
    facts = module.facts
    for imported in facts.imports:
        place = SnippetPosition(*facts.position(imported.start))
        if imported.module.startswith((".", "/")):
            said = f'a template is one module, and "{imported.module}" is a file'
            yield c.IMPORT_UNKNOWN, said, "put the code into the template, or into a package", place
        elif fault := import_fault(imported.module, packages):
            yield c.IMPORT_UNKNOWN, *fault, place
    for offset in facts.jsx:
        yield c.JSX, *JSX, SnippetPosition(*facts.position(offset))
    for offset in module.env.dynamic[:1]:
        yield c.ENV_DYNAMIC, *ENV_WHOLE, SnippetPosition(*facts.position(offset))
