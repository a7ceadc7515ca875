"""The JSON Schema of a source file, for editors: made from the same models that read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from stepwell.graph import model
from stepwell.graph.catalogue import BUILTIN, NodeKind
from stepwell.graph.definition import ConfigField, Definition
from stepwell.graph.nodes import CustomNode
from stepwell.graph.read import EDGES, NAME_LENGTH, NODES

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def artifact_schema(nodes: Iterable[CustomNode] = ()) -> Schema:
    """The JSON Schema (draft 2020-12) of a source file: an artifact, or `{"ir": artifact, …}` around one.

    Each node's `data` has the schema of its type, a built-in one or one of the custom `nodes`. What a schema
    cannot say well (edges, references, durations, code) is left to the compiler. Keys that nobody knows are
    allowed, as they are in a file.
    """
    definitions = _definitions()
    _finish_node(definitions["Node"], list(nodes))
    _finish_artifact(definitions["Artifact"])
    definitions["LoopData"].update(_loop_needs())
    return {
        "$schema": DIALECT,
        "title": "stepwell source file",
        "description": "A workflow graph, or an object with the graph as `ir` and what belongs to it.",
        "type": "object",
        "if": {"required": ["ir"], "not": {"required": ["nodes"]}},
        "then": {"$ref": "#/$defs/Source"},
        "else": {"$ref": "#/$defs/Artifact"},
        "$defs": definitions,
    }


def data_schema(definition: Definition) -> Schema:
    """The JSON Schema of the data of a custom node."""
    fields = definition.configSchema
    needed = [key for key, one in fields.items() if one.required and not one.has_default and one.type != "secret"]
    schema: Schema = {"type": "object", "properties": {key: _config_schema(one) for key, one in fields.items()}}
    return schema | ({"required": needed} if needed else {})


def _config_schema(field: ConfigField) -> Schema:
    """A field may hold an expression in the place of any value, so its type alone is not asked for."""
    found: Schema = {"title": field.label}
    found |= {"description": field.description} if field.description else {}
    found |= {"default": field.default} if field.has_default else {}
    found |= {"examples": field.options} if field.options else {}
    return found | ({"type": "string"} if field.type in ("string", "textarea", "code", "secret") else {})


def _definitions() -> dict[str, Schema]:
    models: list[type[BaseModel]] = [model.Source, *dict.fromkeys(kind.data for kind in BUILTIN.values())]
    _, schema = models_json_schema([(one, "validation") for one in models])
    definitions: dict[str, Schema] = schema["$defs"]
    for name, definition in definitions.items():
        _tidy(name, definition)
    return definitions


def _tidy(name: str, definition: Schema) -> None:
    """Take out what only repeats the key: made-up titles of properties, and null as a default."""
    definition["title"] = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Data")).capitalize()
    for key, property_ in definition.get("properties", {}).items():
        property_["title"] = key
        if property_.get("default", 0) is None:
            del property_["default"]


def _finish_node(node: Schema, custom: Sequence[CustomNode]) -> None:
    types = [{"const": kind.type, "title": kind.title, "description": _summary(kind)} for kind in BUILTIN.values()]
    newest = {one.definition.id: one.definition for one in reversed(custom)}
    types += [{"const": id_, "title": one.name, "description": one.description} for id_, one in sorted(newest.items())]
    node["properties"]["type"] = {
        "title": "type",
        "description": node["properties"]["type"]["description"],
        "oneOf": types,
    }
    node["properties"]["provider"]["const"] = "cloudflare"
    node["properties"]["name"]["maxLength"] = NAME_LENGTH
    node["allOf"] = [*map(_data_of, BUILTIN.values()), *map(_custom_data, custom)]


def _data_of(kind: NodeKind) -> Schema:
    """What `data` is when a node has the type; it cannot be left out when something in it is required."""
    then: Schema = {"properties": {"data": {"$ref": f"#/$defs/{kind.data.__name__}"}}}
    if any(field.is_required() for field in kind.data.model_fields.values()):
        then["required"] = ["data"]
    return {"if": {"properties": {"type": {"const": kind.type}}, "required": ["type"]}, "then": then}


def _custom_data(node: CustomNode) -> Schema:
    """What `data` is when a node asks for this version of a custom type."""
    definition = node.definition
    asked = {"type": {"const": definition.id}, "version": {"const": definition.version}}
    then: Schema = {"properties": {"data": data_schema(definition)}}
    if "required" in then["properties"]["data"]:
        then["required"] = ["data"]
    return {"if": {"properties": asked, "required": ["type", "version"]}, "then": then}


def _summary(kind: NodeKind) -> str:
    return (kind.data.__doc__ or "").strip() if kind.data.model_fields else kind.title


def _finish_artifact(artifact: Schema) -> None:
    artifact["properties"]["nodes"]["maxItems"] = NODES
    artifact["properties"]["edges"]["maxItems"] = EDGES
    # A script is called by HTTP and needs the trigger that says so.
    artifact["if"] = {"properties": {"kind": {"const": "script"}}, "required": ["kind"]}
    artifact["then"] = {"required": ["trigger"], "properties": {"trigger": {"$ref": "#/$defs/HttpTrigger"}}}


def _loop_needs() -> Schema:
    needs = {"forEach": "collection", "while": "condition"}
    return {
        "allOf": [
            {"if": {"properties": {"loopType": {"const": kind}}, "required": ["loopType"]}, "then": {"required": [key]}}
            for kind, key in needs.items()
        ]
    }
