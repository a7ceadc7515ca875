"""The node types for an editor's picker and forms, in the form of a node's definition, made from the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stepwell.check.shapes import custom_output
from stepwell.editor.plain import plain
from stepwell.graph.catalogue import BUILTIN, NodeKind
from stepwell.graph.data import BranchData, Retrying
from stepwell.graph.fields import Form
from stepwell.graph.nodes import CustomNode, Nodes, kind_of
from stepwell.graph.outputs import OUTPUTS

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Port:
    """A way out of a node: edges with this label.

    `label` None: an edge that needs no label. `labels_from` leads to the data whose labels such edges have; `free` says
    that a label may be anything. `many`: more than one edge may leave it.
    """

    label: str | None
    title: str
    required: bool = False
    many: bool = True
    free: bool = False
    labels_from: str | None = None


@dataclass(frozen=True, slots=True)
class NodeType:
    """What an editor knows of a node type. The fields are those of a node's definition, and what is stepwell's own.

    `config_schema` and `output_schema` are JSON: fields and outputs by key. A config field has `type`, `label`,
    `description`, `required`, `default`, `options`, `validation`, and where it has a meaning only beside another
    field's value, `when`. `output` describes the value as a whole, None where there is none; with `additional` it may
    have other keys too. `durable` types cannot stand in a script.
    """

    id: str
    name: str
    version: str
    description: str
    category: str
    author: str
    license: str
    config_schema: Json
    output_schema: Json
    providers: tuple[str, ...]
    ports: tuple[Port, ...]
    origin: Literal["built-in", "custom"] = "built-in"
    shape: str = "plain"
    durable: bool = False
    settings: tuple[str, ...] = ()
    output: Json | None = None
    more: Json = field(default_factory=dict)
    """What else a custom definition says: `tags`, `icon`, `dependencies`, `runtime`, `deprecated` …"""

    def to_json(self) -> Json:
        """The definition as JSON values."""
        found: Json = plain(self)
        more: Json = found.pop("more")
        return found | {key: value for key, value in more.items() if key not in found}


def catalogue(*, nodes: Nodes | None = None) -> tuple[NodeType, ...]:
    """All node types, in the order in which a picker shows them: the built-in ones, then those of `nodes`, each version
    of theirs."""
    return (*map(_built_in, BUILTIN.values()), *map(_custom, nodes or ()))


def _custom(node: CustomNode) -> NodeType:
    told = node.definition.model_dump(mode="json", exclude_none=True)
    kind = kind_of(node)
    return NodeType(
        **{key: told.pop(key) for key in ("id", "name", "version", "description", "category", "author", "license")},
        config_schema=told.pop("configSchema"),
        output_schema=told.pop("outputSchema"),
        providers=tuple(told.pop("providers")),
        ports=ports(kind),
        origin="custom",
        settings=tuple(sorted(kind.settings)),
        output=plain(dict(custom_output(node))),
        more=told,
    )


def _built_in(kind: NodeKind) -> NodeType:
    output = OUTPUTS.get(kind.type)
    return NodeType(
        id=kind.type,
        name=kind.title,
        version="1.0.0",
        description=_description(kind),
        category=kind.category,
        author="stepwell",
        license="Apache-2.0",
        config_schema=config_schema(kind.data),
        output_schema=plain(dict((output or {}).get("properties", {}))),
        providers=("cloudflare",),
        ports=ports(kind),
        shape=kind.shape,
        durable=kind.durable,
        settings=tuple(sorted(kind.settings)),
        output=None if output is None else plain(dict(output)),
    )


def _description(kind: NodeKind) -> str:
    said = _ABOUT.get(kind.type) or (kind.data.__doc__ or "").strip()
    return said.split("\n")[0]


_ABOUT: Final = {
    "race": "Runs its arms at once; the first that finishes counts.",
    "try_catch": "Catches what its try arm throws.",
}
"""Of types whose data is empty, so that its model says nothing."""


def ports(kind: NodeKind) -> tuple[Port, ...]:
    """The ways out of a node of this type."""
    if kind.shape == "plain":
        return (Port(None, "Next"),)
    if kind.shape == "branch":
        arms = [Port(None, "Arm", many=False, labels_from="/branches/*/label")]
    elif kind.shape in ("parallel", "race"):
        arms = [Port(None, "Arm", required=True, free=True)]
    else:
        arms = [Port(label, label.capitalize(), label in kind.required) for label in kind.labels]
    return (*arms, Port("then", "Then"))


# -- forms ------------------------------------------------------------------------------------------------


def config_schema(model: type[BaseModel]) -> Json:
    """The fields of a model as config fields, by key: those that must be given first, settings of the run last."""
    fields = model.model_fields.items()
    order = sorted(fields, key=lambda one: (one[0] in Retrying.model_fields, not one[1].is_required()))
    return {key: _config_field(key, one) for key, one in order}


def _config_field(key: str, info: FieldInfo) -> Json:
    parts = list(_parts(info.annotation, info.metadata))
    form = next((part for part in parts if isinstance(part, Form)), None)
    choices = next((get_args(part) for part in parts if get_origin(part) is Literal), None)
    found: Json = {"type": _type(key, form, choices, parts), "label": label(key)}
    if info.description:
        found["description"] = info.description
    found["required"] = info.is_required() or (form is not None and form.needed)
    if info.default is not None and not info.is_required():
        found["default"] = info.default
    if choices:
        found["options"] = list(choices)
    validation = _validation(form, parts)
    if validation:
        found["validation"] = validation
    if form is not None and form.when is not None:
        found["when"] = {form.when[0]: form.when[1]}
    if key == "branches":
        found["items"] = config_schema(get_args(BranchData.model_fields[key].annotation)[0])
    return found


def _type(key: str, form: Form | None, choices: tuple[Any, ...] | None, parts: list[Any]) -> str:
    if choices:
        return "select"
    if form is not None:
        return form.type
    if bool in parts:
        return "boolean"
    if int in parts:
        return "number"
    raise TypeError(f"nothing says how an editor asks for {key!r}: give it a Form")


def _parts(annotation: Any, metadata: list[Any]) -> Iterator[Any]:
    """The types of an annotation and what is said beside them, optional and annotated ones unwrapped."""
    yield from metadata
    stack = [annotation]
    while stack:
        here = stack.pop()
        origin = get_origin(here)
        if origin is Annotated:
            inner, *said = get_args(here)
            stack.append(inner)
            for one in said:
                yield from one.metadata if isinstance(one, FieldInfo) else [one]
        elif origin is Union or type(here).__name__ == "UnionType":
            stack.extend(get_args(here))
        else:
            yield here


def _validation(form: Form | None, parts: list[Any]) -> Json:
    bounds = {"ge": "min", "le": "max", "min_length": "minLength"}
    found: Json = {
        name: value
        for part in parts
        for bound, name in bounds.items()
        if (value := getattr(part, bound, None)) is not None
    }
    if form is not None and form.format is not None:
        found["format"] = form.format
    return found


def label(key: str) -> str:
    """`retryLimit` as `Retry limit`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower()
    return _LABELS.get(key, words[:1].upper() + words[1:])


_LABELS: Final = {
    "url": "URL",
    "queryParams": "Query parameters",
    "loopType": "Kind of loop",
    "itemVar": "Name of the item",
    "indexVar": "Name of the index",
    "workflowId": "Worker",
    "workflowName": "Class of the workflow",
    "workerName": "Worker",
    "branches": "Arms",
    "throwOnError": "Throw when not ok",
    "idempotencyKey": "Send an Idempotency-Key",
}
