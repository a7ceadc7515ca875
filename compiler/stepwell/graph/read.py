"""Reads a document: JSON text or a parsed value as a typed `Document`, and everything that is wrong with it.

The stages: is it JSON (`jsontext`, `values`), has it the shape of an artifact (pydantic, told in plain words
by `faults`), are there keys that nobody knows, and what a model cannot say (node types, cron, names …).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from stepwell.diagnostics import Code, Diagnostic, has_errors, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph import cron, jsontext, model, values
from stepwell.graph.catalogue import ALIASES, BUILTIN
from stepwell.graph.faults import Fault, did_you_mean, faults, shortened, shown
from stepwell.graph.nodes import Nodes
from stepwell.graph.packages import is_package, is_range

NODES = 50_000
EDGES = 200_000
NAME_LENGTH = 256
_SHOWN_TYPES = 40
ENV_VALUE_BYTES = 5 * 1024

_Found = list[Diagnostic]
_TRIGGERS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "http": model.HttpTrigger,
        "cron": model.CronTrigger,
        "event": model.EventTrigger,
        "manual": model.ManualTrigger,
    }
)


_BUILT_IN = Nodes()


@dataclass(frozen=True)
class Document:
    """A document whose schema is right: what it says, and the artifact's pointer in the file ("" or "/ir").

    Pointers of findings begin with `base`: they lead through the file as the user wrote it. `nodes` are the node
    types that it may use.
    """

    source: model.Source
    base: str
    nodes: Nodes = _BUILT_IN


@dataclass(frozen=True, slots=True)
class _Raw:
    """A parsed document before it is typed. `artifact` is the object with the nodes."""

    value: dict[str, Any]
    artifact: dict[str, Any]
    enveloped: bool
    nodes: Nodes

    @property
    def base(self) -> str:
        return "/ir" if self.enveloped else ""

    def items(self, key: str) -> list[tuple[int, dict[str, Any]]]:
        """The objects of a list of the artifact, with their indices."""
        listed = self.artifact.get(key)
        return (
            [(i, item) for i, item in enumerate(listed) if isinstance(item, dict)] if isinstance(listed, list) else []
        )

    def at(self, *parts: str | int) -> str:
        """The pointer of a place in the artifact."""
        return self.base + pointer(*parts)


def read_text(text: str, nodes: Nodes = _BUILT_IN) -> tuple[Document | None, list[Diagnostic]]:
    """Read JSON text. Every finding is reported; there is no `Document` when one of them is an error."""
    value, repeated, fault = jsontext.parse(text)
    if fault is not None:
        return None, [fault]
    document, found = read_value(value, nodes)
    return document, values.in_order(value, [*_repeated(value, repeated), *found]) if repeated else found


def read_value(value: object, nodes: Nodes = _BUILT_IN) -> tuple[Document | None, list[Diagnostic]]:
    """Read a parsed JSON value: an artifact, or `{"ir": artifact, …}`. It is not changed.

    What JSON does not have (other Python types, NaN, an object that holds itself) is a finding, not an error.
    """
    if not isinstance(value, dict):
        message = (
            f"The document must be an object with `metadata`, `nodes`, `edges` and `entryNodeId`, not {shown(value)}."
        )
        return None, [Diagnostic(c.NOT_AN_ARTIFACT, message)]
    fault = values.fault(value) or _too_large(value)
    if fault is not None:
        return None, [fault]
    raw = _unwrap(value, nodes)
    source, found = _typed(raw)
    for check in _CHECKS:
        found.extend(check(raw))
    found = values.in_order(value, found)
    if source is None or has_errors(found):
        return None, found
    return Document(source, raw.base, nodes), found


def _unwrap(value: dict[str, Any], nodes: Nodes = _BUILT_IN) -> _Raw:
    """An object with `ir` is an envelope, unless it also looks like an artifact itself."""
    if "ir" not in value or "nodes" in value:
        return _Raw(value, value, False, nodes)
    inner = value["ir"]
    return _Raw(value, inner if isinstance(inner, dict) else {}, True, nodes)


def _too_large(value: dict[str, Any]) -> Diagnostic | None:
    raw = _unwrap(value)
    for key, limit in (("nodes", NODES), ("edges", EDGES)):
        listed = raw.artifact.get(key)
        if isinstance(listed, list) and len(listed) > limit:
            return Diagnostic(
                c.TOO_LARGE,
                f"The graph has {len(listed):,} {key}, more than {limit:,}; split it into sub-workflows.",
                raw.at(key),
            )
    return None


def _repeated(value: object, repeated: list[jsontext.Repeated]) -> _Found:
    pointers = values.find(value, {id(one.holder) for one in repeated})
    return [
        Diagnostic(
            c.DUPLICATE_KEY,
            f"`{shortened(key)}` stands more than once in this object; the last one counts. Remove the others.",
            pointers[id(one.holder)] + pointer(key),
            values.node_id(value, pointers[id(one.holder)]),
        )
        # An object that a repeated key dropped is in the document no more.
        for one in repeated
        if id(one.holder) in pointers
        for key in one.keys
    ]


# -- the schema ------------------------------------------------------------------------------------


def _typed(raw: _Raw) -> tuple[model.Source | None, _Found]:
    document = raw.value if raw.enveloped else {"ir": raw.value}
    try:
        source = model.Source.model_validate(document)
    except ValidationError as error:
        return None, [_schema(raw, fault) for fault in faults(error, document)]
    unasked: set[str] = set()
    for part in (*source.ir.nodes, *source.ir.edges):
        # pydantic keeps with each which keys it was given: a kilobyte a node that nobody asks for.
        object.__setattr__(part, "__pydantic_fields_set__", unasked)
    return source, []


def _schema(raw: _Raw, fault: Fault) -> Diagnostic:
    inside = fault.path[:1] == ("ir",)
    path = fault.path[1:] if inside else fault.path
    place = raw.at(*path) if inside else pointer(*path)
    subject, node_id = _subject(raw, path) if inside else ("The source file", None)
    message = _sentence(subject, path, fault)
    return Diagnostic(_code(path, fault, inside), message, place, node_id, _hint(fault))


def _code(path: tuple[str | int, ...], fault: Fault, inside: bool) -> Code:
    head = path[0] if path else None
    if inside:
        if head != "trigger":
            return c.NOT_AN_ARTIFACT
        return c.BAD_EVENT_TYPE if fault.field == "eventType" and not fault.missing else c.BAD_TRIGGER
    return {"envVars": c.ENV_VAR, "dependencies": c.DEPENDENCY}.get(str(head), c.NOT_AN_ARTIFACT)


def _sentence(subject: str, path: tuple[str | int, ...], fault: Fault) -> str:
    if fault.missing:
        purpose = _purpose(path, fault)
        return f"{subject} has no `{fault.field}`; add it{f': {purpose}' if purpose else ''}."
    if fault.field == "name" and path[:1] == ("envVars",) and isinstance(fault.value, str):
        return f"{subject}: a variable's name is upper case letters, digits and `_`, not {fault.found}."
    where = _inner_path(path)
    if fault.wanted.endswith("that is not empty") and fault.value in ("", []):
        return f"{subject}: `{where}` must not be empty." if where else f"{subject} must not be empty."
    return (
        f"{subject} must be {fault.wanted}, not {fault.found}."
        if not where
        else (f"{subject}: `{where}` must be {fault.wanted}, not {fault.found}.")
    )


def _inner_path(path: tuple[str | int, ...]) -> str:
    """The path as it is named behind its subject: `config.timeout` of a node, `path` of the trigger."""
    listed, named = path[:1] in (("nodes",), ("edges",)), path[:1] in (("metadata",), ("trigger",))
    rest = path[2:] if listed and len(path) > 1 else path[1:] if named else path
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest).lstrip(".")


def _subject(raw: _Raw, path: tuple[str | int, ...]) -> tuple[str, str | None]:
    """What a path leads into, in words, and its node's id."""
    if path and path[0] in ("metadata", "trigger"):
        return f"The {path[0]}", None
    if len(path) < 2 or path[0] not in ("nodes", "edges"):
        return "The artifact", None
    kind = "Node" if path[0] == "nodes" else "Edge"
    item = raw.artifact[str(path[0])][path[1]]
    identifier = item.get("id") if isinstance(item, dict) else None
    if not isinstance(identifier, str) or not identifier:
        return f"{kind} number {int(path[1]) + 1}", None
    return f"{kind} `{shortened(identifier)}`", identifier if kind == "Node" else None


def _purpose(path: tuple[str | int, ...], fault: Fault) -> str | None:
    """What the missing field is for: its description in the model that has it."""
    names = tuple(part for part in path if isinstance(part, str))
    owner = _OWNERS.get(names)
    if names == ("trigger",) and isinstance(fault.value, dict):
        owner = _TRIGGERS.get(str(fault.value.get("type")))
    field = owner.model_fields.get(fault.field) if owner else None
    return field.description if field else None


_OWNERS: Mapping[tuple[str, ...], type[BaseModel]] = MappingProxyType(
    {
        (): model.Artifact,
        ("metadata",): model.Metadata,
        ("nodes",): model.Node,
        ("edges",): model.Edge,
        ("nodes", "config", "retries"): model.Retries,
        ("envVars",): model.EnvVar,
    }
)


def _hint(fault: Fault) -> str | None:
    meant = did_you_mean(fault.value, fault.choices) if fault.choices else None
    if fault.field == "kind" and fault.value == "function":
        meant = "script"
    return f'Did you mean "{meant}"?' if meant else None


# -- keys that nobody knows ------------------------------------------------------------------------


def _known(owner: type[BaseModel]) -> frozenset[str]:
    return frozenset(owner.model_fields)


_ENVELOPE = _known(model.Source)
_ARTIFACT = _known(model.Artifact)
_METADATA = _known(model.Metadata)
_NODE = _known(model.Node)
_EDGE = _known(model.Edge)
_CONFIG = _known(model.StepConfig)
_RETRIES = _known(model.Retries)
_ENV_VAR = _known(model.EnvVar)


def _unknown_keys(raw: _Raw) -> Iterator[Diagnostic]:
    if raw.enveloped:
        yield from _strangers(raw.value, _ENVELOPE, "", "the source file")
        for index, variable in enumerate(_list(raw.value.get("envVars"))):
            yield from _strangers(variable, _ENV_VAR, pointer("envVars", index), "a variable")
    yield from map(_misplaced, _strangers(raw.artifact, _ARTIFACT, raw.base, "the artifact"))
    yield from _strangers(raw.artifact.get("metadata"), _METADATA, raw.at("metadata"), "the metadata")
    yield from _trigger_keys(raw)
    for index, node in raw.items("nodes"):
        if not node.keys() <= _NODE or not _config_is_known(node.get("config")):
            yield from _node_keys(raw, index, node)
    for index, edge in raw.items("edges"):
        if not edge.keys() <= _EDGE:
            yield from _strangers(edge, _EDGE, raw.at("edges", index), f"edge {_name(edge)}")


def _node_keys(raw: _Raw, index: int, node: dict[str, Any]) -> Iterator[Diagnostic]:
    place, owner, node_id = raw.at("nodes", index), f"node {_name(node)}", _id(node)
    for stranger in _strangers(node, _NODE, place, owner, node_id):
        key = stranger.pointer.rpartition("/")[2]
        yield replace(stranger, hint=f"It belongs to the settings: `config.{key}`.") if key in _CONFIG else stranger
    config = node.get("config")
    yield from _strangers(config, _CONFIG, place + "/config", f"the config of {owner}", node_id)
    if isinstance(config, dict):
        yield from _strangers(
            config.get("retries"), _RETRIES, place + "/config/retries", f"the retries of {owner}", node_id
        )


def _config_is_known(config: object) -> bool:
    if not isinstance(config, dict):
        return True
    retries = config.get("retries")
    return config.keys() <= _CONFIG and (not isinstance(retries, dict) or retries.keys() <= _RETRIES)


def _trigger_keys(raw: _Raw) -> Iterator[Diagnostic]:
    trigger = raw.artifact.get("trigger")
    owner = _TRIGGERS.get(str(trigger.get("type"))) if isinstance(trigger, dict) else None
    if owner is not None:
        yield from _strangers(trigger, _known(owner), raw.at("trigger"), "the trigger")


def _strangers(
    holder: object, known: frozenset[str], place: str, owner: str, node_id: str | None = None
) -> Iterator[Diagnostic]:
    if not isinstance(holder, dict):
        return
    for key in holder:
        if key not in known:
            yield unknown_key(key, known, place, owner, node_id, holder)


def unknown_key(
    key: str,
    known: Iterable[str],
    place: str,
    owner: str,
    node_id: str | None = None,
    beside: Container[str] = (),
) -> Diagnostic:
    """The warning that `owner` (in words) has a key that nobody knows.

    `known` are the keys that it could have had, `beside` those that it has.
    """
    meant = did_you_mean(key, known)
    message = f"`{shortened(key)}` is no key of {owner} and is left out."
    hint = None
    if meant:
        hint = f"Did you mean `{meant}`?" if meant not in beside else f"`{meant}` is there too; take this one out."
    return Diagnostic(c.UNKNOWN_KEY, message, place + pointer(key), node_id, hint)


def _misplaced(stranger: Diagnostic) -> Diagnostic:
    """A key of the envelope that stands in the artifact is told where it belongs."""
    key = stranger.pointer.rpartition("/")[2]
    if key not in _ENVELOPE or key == "ir":
        return stranger
    return Diagnostic(
        stranger.code,
        stranger.message,
        stranger.pointer,
        hint=f'`{key}` stands beside the artifact: {{"ir": <the artifact>, "{key}": …}}.',
    )


# -- what the models cannot say ----------------------------------------------------------------------


def _nodes(raw: _Raw) -> Iterator[Diagnostic]:
    for index, node in raw.items("nodes"):
        kind, provider, name = node.get("type"), node.get("provider"), node.get("name")
        if isinstance(kind, str) and kind and kind not in BUILTIN:
            yield from _custom(raw, index, node, kind)
        if isinstance(provider, str) and provider != "cloudflare":
            message = f'is meant for "{shortened(provider)}"; set its `provider` to "cloudflare".'
            yield Diagnostic(
                c.WRONG_PROVIDER, f"Node {_name(node)} {message}", raw.at("nodes", index, "provider"), _id(node)
            )
        if isinstance(name, str) and len(name) > NAME_LENGTH:
            yield Diagnostic(
                c.NAME_TOO_LONG,
                f"The name of node {_name(node)} has {len(name):,} characters; shorten it to {NAME_LENGTH}.",
                raw.at("nodes", index, "name"),
                _id(node),
            )


def _custom(raw: _Raw, index: int, node: dict[str, Any], kind: str) -> Iterator[Diagnostic]:
    """What is wrong with a type that is not built in, and with the version of it that a node asks for."""
    version = node.get("version")
    if kind not in raw.nodes:
        yield _unknown_type(node, kind, raw.at("nodes", index, "type"), raw.nodes)
    elif kind not in raw.nodes.custom:
        yield _broken(node, kind, raw.at("nodes", index, "type"), raw.nodes)
    elif isinstance(version, str) and raw.nodes.find(kind, version) is None:
        yield _no_version(node, kind, version, raw.at("nodes", index, "version"), raw.nodes)
    elif not isinstance(version, str) and len(raw.nodes.custom[kind]) > 1:
        newest = raw.nodes.custom[kind][0].definition.version
        yield Diagnostic(
            c.NODE_UNPINNED,
            f"Node {_name(node)} asks for no version of `{kind}`; it is taken for {newest}, the newest.",
            raw.at("nodes", index),
            _id(node),
            f'Write `"version": "{newest}"`, so that it stays so.',
        )


def meant_type(kind: str, nodes: Nodes) -> str | None:
    """The type that somebody means who writes one that is not known; by its title or another tool's word too."""
    titles = {row.title: row.type for row in BUILTIN.values()}
    titles |= {versions[0].definition.name: id_ for id_, versions in nodes.custom.items()}
    meant = ALIASES.get(re.sub(r"[^a-z]", "", kind.lower()[:40]))
    return meant or did_you_mean(kind, nodes.types) or titles.get(did_you_mean(kind, titles) or "")


def _unknown_type(node: dict[str, Any], kind: str, place: str, nodes: Nodes) -> Diagnostic:
    meant = meant_type(kind, nodes)
    return Diagnostic(
        c.UNKNOWN_TYPE,
        f'The type "{shortened(kind)}" of node {_name(node)} is not known; the types are {_listed(nodes.types)}.',
        place,
        _id(node),
        f'Did you mean "{meant}"?' if meant else None,
    )


def _listed(types: list[str]) -> str:
    shown, more = types[:_SHOWN_TYPES], len(types) - _SHOWN_TYPES
    return f"{', '.join(shown)}{f' and {more} more: `stepwell nodes list`' if more > 0 else ''}"


def _broken(node: dict[str, Any], kind: str, place: str, nodes: Nodes) -> Diagnostic:
    broken = nodes.broken[kind]
    first = broken.flaws[0]
    more = f" (and {len(broken.flaws) - 1} more)" if len(broken.flaws) > 1 else ""
    return Diagnostic(
        c.NODE_DEFINITION,
        f"The type `{kind}` of node {_name(node)} cannot be used: {broken.file}: {first.message}{more}.",
        place,
        _id(node),
        f"{first.hint[:1].upper()}{first.hint[1:]}" if first.hint else None,
    )


def _no_version(node: dict[str, Any], kind: str, version: str, place: str, nodes: Nodes) -> Diagnostic:
    there = [one.definition.version for one in nodes.custom[kind]]
    known = f"there is {there[0]}" if len(there) == 1 else f"there are {', '.join(there)}"
    return Diagnostic(
        c.NODE_VERSION,
        f'Node {_name(node)} asks for version "{shortened(version)}" of `{kind}`; {known}.',
        place,
        _id(node),
        f'Did you mean "{did_you_mean(version, there) or there[0]}"?',
    )


def _trigger(raw: _Raw) -> Iterator[Diagnostic]:
    trigger = raw.artifact.get("trigger")
    kind = trigger.get("type") if isinstance(trigger, dict) else None
    if raw.artifact.get("kind") == "script" and (trigger is None or kind in ("cron", "event", "manual")):
        found = "has no trigger" if trigger is None else f'has a trigger of type "{kind}"'
        yield Diagnostic(
            c.BAD_TRIGGER,
            f'A script is called by HTTP, but this one {found}; write `"trigger": {{"type": "http"}}`.',
            raw.at("trigger") if trigger else raw.base,
        )
    expression = trigger.get("expression") if isinstance(trigger, dict) else None
    if kind == "cron" and isinstance(expression, str) and expression:
        reason = cron.fault(expression)
        if reason:
            yield Diagnostic(
                c.BAD_CRON,
                f"The cron expression `{shortened(expression)}` cannot be used: {reason}.",
                raw.at("trigger", "expression"),
            )


def _variables(raw: _Raw) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, variable in enumerate(_list(raw.value.get("envVars")) if raw.enveloped else ()):
        name = variable.get("name") if isinstance(variable, dict) else None
        value = variable.get("value") if isinstance(variable, dict) else None
        if isinstance(name, str) and name in seen:
            yield Diagnostic(
                c.ENV_VAR,
                f"The variable `{shortened(name)}` stands twice; remove one.",
                pointer("envVars", index, "name"),
            )
        seen.update([name] if isinstance(name, str) else [])
        if isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) > ENV_VALUE_BYTES:
            message = f"The value of the variable `{shortened(str(name))}` is over 5 KB; keep it in KV."
            yield Diagnostic(c.ENV_VAR, message, pointer("envVars", index, "value"))


def _dependencies(raw: _Raw) -> Iterator[Diagnostic]:
    listed = raw.value.get("dependencies") if raw.enveloped else None
    for name, wanted in listed.items() if isinstance(listed, dict) else ():
        place = pointer("dependencies", name)
        if not is_package(name):
            yield Diagnostic(
                c.DEPENDENCY,
                f'"{shortened(name)}" is no npm package name: lower case letters, '
                "digits, `-`, `.`, `_`, with an optional `@scope/` before it.",
                place,
            )
        if isinstance(wanted, str) and not is_range(wanted):
            yield Diagnostic(
                c.DEPENDENCY,
                f'"{shortened(wanted)}" is no version range of {shortened(name)}; '
                'write one such as "^1.2.3", "1.x" or "latest".',
                place,
            )


_CHECKS: tuple[Callable[[_Raw], Iterator[Diagnostic]], ...] = (
    _unknown_keys,
    _nodes,
    _trigger,
    _variables,
    _dependencies,
)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(node: dict[str, Any]) -> str | None:
    identifier = node.get("id")
    return identifier if isinstance(identifier, str) and identifier else None


def _name(item: dict[str, Any]) -> str:
    """A node or an edge as a message names it."""
    identifier, name = _id(item), item.get("name")
    if identifier is None:
        return "without an id"
    return (
        f"`{shortened(identifier)}`"
        if not isinstance(name, str) or name in ("", identifier)
        else (f"`{shortened(identifier)}` ({shortened(name)})")
    )
