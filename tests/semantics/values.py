"""Values as cases compare them."""

from __future__ import annotations

from typing import Any, Final

UNDEFINED: Final = "\0undefined"
"""JavaScript's `undefined`, also in what the small engine answers."""

DRAWN: Final = frozenset({"headers", "timestamp", "instanceId", "reason"})
"""Keys whose values differ from run to run, or are errors."""


def plain(value: Any) -> Any:
    """A value without what is drawn, and without members that are undefined."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {k: plain(item) for k, item in value.items() if k not in DRAWN and item != UNDEFINED}
    return value


def through_json(value: Any) -> Any:
    """What JSON leaves of a plain value: `undefined` in a list is null."""
    if isinstance(value, list):
        return [through_json(item) for item in value]
    if isinstance(value, dict):
        return {k: through_json(item) for k, item in value.items()}
    return None if value == UNDEFINED else value


def shown(value: Any) -> Any:
    """What the function `show` of the steps' bodies gives: tags instead of the values of steps."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag = value.get("tag")
    return tag if tag is not None else {k: shown(item) for k, item in value.items() if k not in DRAWN}
