"""pydantic's errors in plain words: where, what was wanted, what was found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_DURATION = 'a duration such as "10 seconds", or a number of milliseconds'
_BACKOFF = '"constant", "linear" or "exponential"'

WANTED: Mapping[str, str] = MappingProxyType(
    {
        "retryLimit": "a whole number from 0 to 10,000",
        "limit": "a whole number from 0 to 10,000",
        "retryDelay": _DURATION,
        "delay": _DURATION,
        "timeout": _DURATION,
        "duration": _DURATION + ", or an expression",
        "timestamp": "a time such as 2027-01-31T09:00:00Z, a number of milliseconds since 1970, or an expression",
        "backoff": _BACKOFF,
        "count": "a whole number of at least 1, or an expression",
        "concurrency": "a whole number of at least 1",
        "headers": "an object, or the JSON text of one",
        "queryParams": "an object, or the JSON text of one",
        "eventType": "1 to 100 characters of A-Z a-z 0-9 _ -",
        "path": "a path that begins with `/`",
    }
)
"""What a field takes, where its type alone does not say it."""

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "string_type": "text",
        "bool_type": "true or false",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "list_type": "a list",
        "dict_type": "an object",
        "model_type": "an object",
        "model_attributes_type": "an object",
        "is_instance_of": "text",
        "string_unicode": "text without half a surrogate pair",
        "string_too_short": "text that is not empty",
        "finite_number": "a finite number",
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a model refused.

    `path` leads to the value, or to the object that lacks `field` when `missing`; `wanted` and `found` are
    phrases that fit "must be …, not …"; `choices` are the values of an enumeration.
    """

    path: tuple[str | int, ...]
    field: str
    missing: bool
    wanted: str
    found: str
    choices: tuple[str, ...] = ()
    value: object = None


def faults(error: ValidationError, raw: object) -> list[Fault]:
    """The faults of `error`, one for each place, in the order of the document `raw` that was refused."""
    found: dict[tuple[object, ...], Fault] = {}
    for detail in error.errors(include_url=False, include_input=False):
        fault = _fault(detail, raw)
        found.setdefault((fault.path, fault.missing and fault.field), fault)
    return list(found.values())


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    """The one of `known` that `word` resembles most, whatever its case; None when there is none."""
    if not isinstance(word, str) or len(word) > 100:
        return None
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def shown(value: object) -> str:
    """A JSON value as a message shows it, cut short."""
    if isinstance(value, str):
        return f'"{shortened(value)}"' if value else "empty text"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"the number {number}" if (number := _number(value)) else f"a Python {type(value).__name__}"


def shortened(text: str, limit: int = 60) -> str:
    """`text` on one line and not longer than `limit` characters."""
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def _number(value: object) -> str | None:
    if isinstance(value, float):
        return repr(value)
    # Python refuses to print integers of thousands of digits.
    if isinstance(value, int):
        return str(value) if value.bit_length() < 256 else f"of {value.bit_length()} bits"
    return None


def _fault(detail: ErrorDetails, raw: object) -> Fault:
    path, here = _resolve(detail["loc"], raw)
    if detail["type"] == "union_tag_invalid" and isinstance(here, dict):
        path, here = (*path, "type"), here.get("type")
    missing = detail["type"] == "missing"
    field = str(detail["loc"][-1]) if missing else next((p for p in reversed(path) if isinstance(p, str)), "")
    choices = _choices(detail)
    wanted = WANTED.get(field) or _wanted(detail, choices)
    return Fault(path, field, missing, wanted, shown(here), choices, here)


def _resolve(location: tuple[int | str, ...], raw: object) -> tuple[tuple[str | int, ...], Any]:
    """The part of pydantic's location that is a way through the document: it also names members of unions."""
    path: list[str | int] = []
    here: Any = raw
    for part in location:
        if not _leads_on(here, part):
            continue
        path.append(part)
        here = here[part]
    return tuple(path), here


def _leads_on(here: object, part: int | str) -> bool:
    if isinstance(here, list):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, dict) and part in here


def _choices(detail: ErrorDetails) -> tuple[str, ...]:
    if detail["type"] not in ("literal_error", "union_tag_invalid"):
        return ()
    context = detail["ctx"]
    listed = str(context.get("expected") or context.get("expected_tags"))
    return tuple(listed.replace(" or ", ", ").replace("'", "").split(", "))


def _wanted(detail: ErrorDetails, choices: tuple[str, ...]) -> str:
    kind = detail["type"]
    if choices:
        return one_of(choices)
    if kind == "union_tag_not_found":
        return 'an object with a `type`, such as {"type": "http"}'
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = detail["ctx"].get("ge", detail["ctx"].get("le"))
        return f"at {'least' if kind.startswith('greater') else 'most'} {bound:,}"
    if kind == "too_short":
        return f"{'a list' if detail['ctx'].get('field_type') == 'List' else 'text'} that is not empty"
    if kind == "string_pattern_mismatch":
        return f"text like {detail['ctx'].get('pattern')}"
    return _TYPES.get(kind) or detail["msg"][:1].lower() + detail["msg"][1:]


def one_of(choices: Iterable[str]) -> str:
    """`"a", "b" or "c"`."""
    quoted = [f'"{choice}"' for choice in choices]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
