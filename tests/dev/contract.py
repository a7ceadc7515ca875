"""Answers held to the description of Cloudflare's API in `data/openapi.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx
from jsonschema import Draft202012Validator

DATA: Final = Path(__file__).with_name("data")
ROOT: Final = "/client/v4"
_METHODS: Final = ("get", "put", "post", "patch", "delete")

# Where the description itself is known to be wrong, and what is right.
_CORRECTED: Final = {
    # Cloudflare, wrangler and the SDK have `{items: […]}`; the description has the bare list.
    "list-workers-scripts-versions": lambda result: {
        "type": "object",
        "required": ["items"],
        "properties": {"items": result},
    },
}


@dataclass(frozen=True)
class Operation:
    """One of the API."""

    method: str
    path: str
    id: str
    pattern: re.Pattern[str]
    spec: dict[str, Any]


@dataclass
class Contract:
    """The description with what was seen of it: (operation, whether it was granted)."""

    document: dict[str, Any]
    operations: list[Operation]
    seen: set[tuple[str, bool]] = field(default_factory=set)
    validators: dict[tuple[str, bool], Draft202012Validator] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Self:
        """The description beside this."""
        document = json.loads((DATA / "openapi.json").read_text("utf-8"))
        return cls(document, list(_operations(document)))

    def client(self) -> httpx.Client:
        """A client whose every answer is checked."""

        def check(response: httpx.Response) -> None:
            response.read()
            self.check(response)

        return httpx.Client(event_hooks={"response": [check]}, timeout=60, trust_env=False)

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a request; literal parts of a path win over parameters."""
        fitting = [one for one in self.operations if one.method == method and one.pattern.fullmatch(path)]
        return min(fitting, key=lambda one: one.path.count("{"), default=None)

    def check(self, response: httpx.Response) -> None:
        """Fails when the answer is none that the description has for its request; others are left alone."""
        path = response.request.url.path
        operation = self.find(response.request.method, path.removeprefix(ROOT)) if path.startswith(ROOT) else None
        if operation is None:
            return
        self.seen.add((operation.id, response.is_success))
        content = self._content(operation, response.status_code)
        kind = response.headers.get("content-type", "").partition(";")[0]
        assert kind in content or "*/*" in content, f"{operation.id}: {kind}"
        if kind != "application/json" or kind not in content:
            return
        validator = self._validator(operation, response.is_success, content[kind]["schema"])
        faults = list(validator.iter_errors(response.json()))
        told = "\n".join(f"{fault.json_path}: {fault.message}" for fault in faults)
        assert not faults, f"{operation.id}, {response.status_code}: {told}\n{response.text}"

    def fields(self, schema: dict[str, Any]) -> set[str]:
        """The names of all fields that a body may have, of any of its forms; of the JSON part of an upload."""
        if "$ref" in schema:
            return self.fields(self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        properties = schema.get("properties", {})
        for part in ("metadata", "settings"):
            if part in properties and ("files" in properties or list(properties) == [part]):
                return self.fields(properties[part])
        forms = [form for name in ("allOf", "anyOf", "oneOf") for form in schema.get(name, [])]
        return set(properties).union(*(self.fields(form) for form in forms))

    def _content(self, operation: Operation, status: int) -> dict[str, Any]:
        responses = operation.spec["responses"]
        told = responses.get(str(status)) or responses["default"]
        if "$ref" in told:
            told = self.document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        return dict(told["content"])

    def _validator(self, operation: Operation, granted: bool, schema: dict[str, Any]) -> Draft202012Validator:
        key = (operation.id, granted)
        if key not in self.validators:
            if granted and operation.id in _CORRECTED:
                result = schema["allOf"][1]["properties"]["result"]
                corrected = {"type": "object", "properties": {"result": _CORRECTED[operation.id](result)}}
                schema = {"allOf": [schema["allOf"][0], corrected]}
            components = {"components": {"schemas": _json_schema(self.document["components"]["schemas"])}}
            self.validators[key] = Draft202012Validator({**_json_schema(schema), **components})
        return self.validators[key]


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        for method in _METHODS:
            if method in item:
                yield Operation(method.upper(), path, item[method]["operationId"], pattern, item[method])


def _json_schema(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as one of JSON Schema: what is `nullable` there may be null here."""
    if isinstance(schema, list):
        return [_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _json_schema(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain
