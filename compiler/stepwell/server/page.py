"""The OpenAPI document as a page for people. It holds all it needs: no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from stepwell.assets import templates

_METHODS = ("get", "post", "patch", "put", "delete")


def api_page(document: Mapping[str, Any]) -> str:
    """The page (HTML)."""
    environment = Environment(loader=FileSystemLoader(templates() / "server"), autoescape=select_autoescape(("html",)))
    groups: dict[str, list[dict[str, Any]]] = {}
    for operation in _operations(document):
        groups.setdefault(operation["tag"], []).append(operation)
    return environment.get_template("api.html").render(info=document["info"], groups=groups)


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    schemas = document.get("components", {}).get("schemas", {})
    for path, methods in document["paths"].items():
        for method in _METHODS:
            told = methods.get(method)
            if told is None:
                continue
            yield {
                "tag": (told.get("tags") or ["other"])[0],
                "id": told["operationId"],
                "method": method.upper(),
                "path": path,
                "scope": told.get("x-scope"),
                "words": told.get("description", ""),
                "parameters": told.get("parameters", []),
                "body": _schema(told.get("requestBody"), schemas),
                "answers": {status: one["description"] for status, one in told["responses"].items()},
                "result": _schema(next(iter(told["responses"].values())), schemas),
            }


def _schema(told: Mapping[str, Any] | None, schemas: Mapping[str, Any]) -> str | None:
    """The JSON schema of a body, with those it refers to in its first level."""
    content = (told or {}).get("content", {}).get("application/json")
    if content is None:
        return None
    schema = content["schema"]
    reference = schema.get("$ref") or next((one["$ref"] for one in schema.get("anyOf", ()) if "$ref" in one), None)
    found = schemas.get(reference.rsplit("/", 1)[-1], schema) if reference else schema
    return json.dumps(found.get("properties", found), indent=2, ensure_ascii=False)
