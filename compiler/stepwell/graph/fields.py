"""Types of fields that several models share, with what an editor is told about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema


@dataclass(frozen=True, slots=True)
class Form:
    """How an editor asks for a field whose Python type does not say it.

    `type` is that of a config field in a node's definition. `when` names a field of the same data and the value with
    which this one has a meaning; `needed` says that it must be given then.
    """

    type: Literal["string", "number", "code", "json", "expression"]
    format: Literal["duration", "date-time", "url"] | None = None
    when: tuple[str, str] | None = None
    needed: bool = False


_NUMBER = re.compile(r"\s*-?[0-9]{1,15}(\.[0-9]{1,15})?\s*", re.ASCII)


def number_of_text(value: object) -> object:
    """A number that AwaitStep wrote as text ("5") as a number; everything else as it is."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return float(value) if "." in value else int(value)


def _whole(value: object) -> object:
    value = number_of_text(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _count_schema(minimum: int, maximum: int | None = None) -> dict[str, Any]:
    number: dict[str, Any] = {"type": "integer", "minimum": minimum}
    if maximum is not None:
        number["maximum"] = maximum
    return {"anyOf": [number, {"type": "string", "pattern": r"^\s*[0-9]{1,15}(\.0*)?\s*$"}]}


def _any_case(*words: str) -> str:
    """A pattern of the words in upper or lower case: an editor completes the upper case, takes both."""
    spelt = ("".join(f"[{letter}{letter.lower()}]" for letter in word) for word in words)
    return f"^({'|'.join(spelt)})$"


RETRY_LIMIT = 10_000
"""The most retries that may be asked for: as many as an instance can have steps."""

Method = Annotated[
    Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
    BeforeValidator(_upper),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [
                {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]},
                {"pattern": _any_case("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")},
            ],
        }
    ),
]
"""An HTTP method; lower case is taken too."""

Backoff = Literal["constant", "linear", "exponential"]

Duration = Annotated[
    str | int | float,
    Form("string", format="duration"),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}],
            "examples": ["10 seconds", "5 minutes", "24 hours", "3 days"],
        }
    ),
]
"""`"<n> second|minute|hour|day|week|month|year[s]"` or milliseconds; `stepwell.graph.durations` reads it."""

RetryCount = Annotated[
    int, Field(ge=0, le=RETRY_LIMIT), BeforeValidator(_whole), WithJsonSchema(_count_schema(0, RETRY_LIMIT))
]
Turns = Annotated[int, Field(ge=1), BeforeValidator(_whole), WithJsonSchema(_count_schema(1))]
NumberOrText = Annotated[int | float | str, BeforeValidator(_whole)]
