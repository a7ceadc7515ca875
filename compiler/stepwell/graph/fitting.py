"""Whether a JSON value is one that a config field of a custom node takes."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stepwell.graph import durations, times
from stepwell.graph.faults import one_of
from stepwell.graph.fields import number_of_text

if TYPE_CHECKING:
    from stepwell.graph.definition import ConfigField, Validation

_EMAIL = re.compile(r"[^\s@<>\",;]+@[^\s@<>\",;.]+(\.[^\s@<>\",;.]+)+")
_SEARCHED = 10_000
"""Longer texts are not held to a pattern here: it may take for ever, and the service that is called judges anyway."""


def settled(field: ConfigField, value: Any) -> Any:
    """A value as the node is to see it: numbers and booleans that an editor wrote as text are what they say."""
    if field.type == "number":
        return number_of_text(value)
    if field.type == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    if field.type in ("multiselect", "json") and isinstance(value, str):
        parsed = _json(value)
        return value if parsed is None else parsed
    return value


def misfit(field: ConfigField, value: Any) -> str | None:
    """What `value` should be, as a phrase behind "must be"; None when the field takes it."""
    value = settled(field, value)
    wanted = _KINDS[field.type](field, value)
    return wanted or (_bounds(field.validation, value) if field.validation else None)


def _text(_: ConfigField, value: Any) -> str | None:
    return None if isinstance(value, str) else "text"


def _number(_: ConfigField, value: Any) -> str | None:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "a number"


def _boolean(_: ConfigField, value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _select(field: ConfigField, value: Any) -> str | None:
    options = field.options or []
    return None if value in options else one_of(options)


def _multiselect(field: ConfigField, value: Any) -> str | None:
    options = field.options or []
    known = isinstance(value, list) and all(isinstance(one, str) and one in options for one in value)
    return None if known else f"a list out of {one_of(options)}"


def _json_text(_: ConfigField, value: Any) -> str | None:
    return "JSON: an object, a list, or the text of one" if isinstance(value, str) and _json(value) is None else None


def _anything(_field: ConfigField, _value: Any) -> str | None:
    return None


_KINDS: Mapping[str, Callable[[ConfigField, Any], str | None]] = MappingProxyType(
    {
        "string": _text,
        "textarea": _text,
        "code": _text,
        "secret": _text,
        "number": _number,
        "boolean": _boolean,
        "select": _select,
        "multiselect": _multiselect,
        "json": _json_text,
        "expression": _anything,
    }
)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# -- bounds --------------------------------------------------------------------------------------------


def _bounds(bounds: Validation, value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _range(bounds, value)
    if isinstance(value, str | list):
        return _length(bounds, value) or (_words(bounds, value) if isinstance(value, str) else None)
    return None


def _range(bounds: Validation, value: float) -> str | None:
    if bounds.min is not None and value < bounds.min:
        return f"at least {bounds.min:,}"
    return f"at most {bounds.max:,}" if bounds.max is not None and value > bounds.max else None


def _length(bounds: Validation, value: str | list[Any]) -> str | None:
    a_list, long = ("", " characters long") if isinstance(value, str) else ("a list of ", "")
    if bounds.minLength is not None and len(value) < bounds.minLength:
        return f"{a_list}at least {bounds.minLength:,}{long}"
    too_long = bounds.maxLength is not None and len(value) > bounds.maxLength
    return f"{a_list}at most {bounds.maxLength:,}{long}" if too_long else None


def _words(bounds: Validation, value: str) -> str | None:
    if bounds.pattern is not None and len(value) <= _SEARCHED and not re.search(bounds.pattern, value):
        return f"text like {bounds.pattern}"
    is_format, wanted = _FORMATS[bounds.format] if bounds.format else (_is_any, "")
    return None if is_format(value.strip()) else wanted


def _is_any(_: str) -> bool:
    return True


def _is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        return False


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_date_time(text: str) -> bool:
    return "T" in text.upper() and times.parse(text) is not None


def _is_duration(text: str) -> bool:
    return durations.parse(text) is not None


_FORMATS: Mapping[str, tuple[Callable[[str], bool], str]] = MappingProxyType(
    {
        "email": (_is_email, "an e-mail address"),
        "url": (_is_url, "a whole URL, such as https://example.com/path"),
        "uuid": (_is_uuid, "a UUID"),
        "date": (_is_date, "a date, such as 2027-01-31"),
        "date-time": (_is_date_time, "a time, such as 2027-01-31T09:00:00Z"),
        "duration": (_is_duration, 'a duration, such as "10 minutes"'),
    }
)
