"""Results of this room as plain JSON: keys in camelCase, findings as the command line prints them."""

from __future__ import annotations

import dataclasses
from typing import Any

from stepwell.diagnostics import Diagnostic


def plain(value: Any) -> Any:
    """A result, or a part of one, as JSON values."""
    if isinstance(value, Diagnostic):
        return finding(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {camel(f.name): plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def camel(name: str) -> str:
    """`node_id` as `nodeId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def finding(one: Diagnostic) -> dict[str, Any]:
    """A finding as JSON values."""
    return {
        "severity": one.severity.value,
        "code": one.code.id,
        "slug": one.slug,
        "message": one.message,
        "hint": one.hint,
        "pointer": one.pointer,
        "nodeId": one.node_id,
        "line": one.place.line if one.place else None,
        "column": one.place.column if one.place else None,
        "snippet": {"line": one.snippet.line, "column": one.snippet.column} if one.snippet else None,
    }
