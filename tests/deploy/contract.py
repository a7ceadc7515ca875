"""Requests held to the description of Cloudflare's API in `tests/dev/data/openapi.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from tests.deploy.shop import Sent

DATA: Final = Path(__file__).with_name("data")
DEV: Final = Path(__file__).parents[1] / "dev" / "data"


@dataclass(frozen=True)
class Operation:
    """One of the API."""

    id: str
    method: str
    path: str
    pattern: re.Pattern[str]
    spec: dict[str, Any]


@dataclass
class Contract:
    """The description, what was seen of it, and what of a request it does not have."""

    document: dict[str, Any] = field(default_factory=lambda: json.loads((DEV / "openapi.json").read_text("utf-8")))
    seen: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def find(self, sent: Sent) -> tuple[Operation, re.Match[str]] | None:
        """The operation of a request; literal parts of a path win over parameters."""
        fitting = [
            (one, found)
            for one in self._operations()
            if one.method == sent.method and (found := one.pattern.fullmatch(sent.path))
        ]
        return min(fitting, key=lambda one: one[0].path.count("{"), default=None)

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            pattern = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))
            for method in ("get", "put", "post", "patch", "delete"):
                if method in item:
                    spec = {**item[method], "shared": item.get("parameters", [])}
                    yield Operation(spec["operationId"], method.upper(), path, pattern, spec)

    def check(self, sent: Sent) -> list[str]:
        """What is wrong with a request. What the description lacks is noted in `unknown`."""
        found = self.find(sent)
        if found is None:
            self.unknown.add(sent.place)
            return []
        operation, path = found
        self.seen.add(operation.id)
        faults = list(self._parameters(operation, sent, path.groupdict()))
        faults += self._body(operation, sent)
        return [f"{operation.id}: {fault}" for fault in faults]

    def _parameters(self, operation: Operation, sent: Sent, path: dict[str, str]) -> Iterator[str]:
        told = [self._resolve(one) for one in (*operation.spec.get("parameters", ()), *operation.spec["shared"])]
        query = dict(sent.query)
        for parameter in told:
            place, name = parameter["in"], parameter["name"]
            value = path.get(name) if place == "path" else query.pop(name, None) if place == "query" else None
            if value is not None:
                yield from self._validate(parameter["schema"], _typed(value, parameter["schema"]), name)
            elif parameter.get("required") and place != "header":
                yield f"{name} is missing"
        for name in query:
            self.unknown.add(f"{operation.method} {operation.path} ?{name}")

    def _body(self, operation: Operation, sent: Sent) -> Iterator[str]:
        told = operation.spec.get("requestBody")
        if told is None:
            if sent.content:
                yield "has no body"
            return
        if not sent.content:
            if told.get("required"):
                yield "needs a body"
            return
        kind = sent.headers["content-type"].partition(";")[0]
        if kind not in told["content"]:
            yield f"{kind} is none of {', '.join(told['content'])}"
            return
        schema = told["content"][kind]["schema"]
        if kind == "multipart/form-data":
            yield from self._form(operation.path, schema, told["content"][kind], sent)
        else:
            yield from self._validate(schema, sent.json, "body")
            known = self._resolve(schema).get("properties")
            if isinstance(sent.json, dict) and known is not None:
                yield from (f"body.{key} is unknown" for key in sent.json if key not in known)

    def _form(self, path: str, schema: dict[str, Any], told: dict[str, Any], sent: Sent) -> Iterator[str]:
        parts = sent.parts
        for name in schema.get("required", ()):
            if name not in parts:
                yield f"the part {name} is missing"
        for name, (kind, content) in parts.items():
            wanted = told.get("encoding", {}).get(name, {}).get("contentType", kind)
            if kind != wanted:
                yield f"the part {name} is {kind}, not {wanted}"
            if name in schema["properties"]:
                inner = self._resolve(schema["properties"][name])
                value = json.loads(content)
                extra = value.keys() - inner["properties"].keys()
                self.unknown |= {f"{sent.method} {path} {name}.{key}" for key in extra}
                yield from self._validate(inner, value, name)
        main = sent.metadata.get("main_module")
        if main not in parts:
            yield f"main_module {main} is not among the parts"

    def _validate(self, schema: Any, value: Any, name: str) -> Iterator[str]:
        whole = {**_json_schema(schema, closed=False), **self._components}
        for fault in Draft202012Validator(whole).iter_errors(value):
            yield f"{name}{fault.json_path[1:]}: {fault.message}"

    @cached_property
    def _components(self) -> dict[str, Any]:
        return {"components": {"schemas": _json_schema(self.document["components"]["schemas"], closed=True)}}

    def _resolve(self, told: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in told:
            inner: Any = self.document
            for part in told["$ref"].removeprefix("#/").split("/"):
                inner = inner[part]
            told = inner
        return told


def _typed(value: str, schema: dict[str, Any]) -> Any:
    """A text of a path or a query as what it stands for."""
    if schema.get("type") in ("integer", "number"):
        return int(value) if value.isdecimal() else value
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return value


def _json_schema(schema: Any, *, closed: bool) -> Any:
    """A schema of OpenAPI 3.0 as one of JSON Schema: what is `nullable` there may be null here.

    `closed`: objects (bindings, settings) have no keys but those that are described, so that a misspelt one is found.
    """
    if isinstance(schema, list):
        return [_json_schema(one, closed=closed) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _json_schema(value, closed=closed) for name, value in schema.items() if name != "nullable"}
    if closed and isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        plain["additionalProperties"] = False
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain
