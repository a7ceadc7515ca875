"""JSON text as a Python value: faults as diagnostics with a place, duplicate keys found on the way."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from stepwell.diagnostics import Diagnostic, Place
from stepwell.diagnostics import codes as c

DEPTH = 200
"""How deep JSON values may be nested; the document itself is at depth 1."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]|-?\b(?:NaN|Infinity)\b|[0-9]{1000,}', re.DOTALL)
_REASONS = {
    "Expecting property name": "a key in double quotes is expected",
    "Expecting value": "a value is expected",
    "Expecting ',' delimiter": "`,` or the end of the list or object is expected",
    "Expecting ':' delimiter": "`:` is expected behind the key",
    "Extra data": "the document has ended, nothing may follow",
    "Invalid control character": "a text holds a control character; write `\\n` for a line break",
    "Invalid \\escape": "a backslash stands before something that cannot be escaped; write it twice",
    "Invalid \\uXXXX": "`\\u` needs four hexadecimal digits",
    "Unterminated string": "a text has no closing quote",
    "Illegal trailing comma": "a comma stands before the end of the list or object; remove it",
}


@dataclass(frozen=True, slots=True)
class Repeated:
    """An object that named `keys` more than once."""

    holder: dict[str, Any]
    keys: tuple[str, ...]


class _NotJson(ValueError):
    pass


def parse(text: str) -> tuple[Any, list[Repeated], Diagnostic | None]:
    """The value of a JSON text and its objects with repeated keys, or the diagnostic that says why not.

    A byte order mark is skipped. Of a repeated key the last value counts, as for every JSON reader.
    """
    text = text.removeprefix("\ufeff")
    repeated: list[Repeated] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(members)
        if len(made) != len(members):
            repeated.append(Repeated(made, _repeated(members)))
        return made

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=_constant), repeated, None
    except json.JSONDecodeError as error:
        return None, [], _syntax(text, error)
    except RecursionError:
        return None, [], too_deep(_deep_place(text))
    except ValueError as error:
        return None, [], _number(text, str(error))


def parse_at(text: str, at: int) -> tuple[Any, int] | None:
    """The value that begins at a place of a JSON text, and where it ends; None where `parse` would find a fault."""
    wrong = False

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal wrong
        made = dict(members)
        wrong = wrong or len(made) != len(members)
        return made

    try:
        found: tuple[Any, int] = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_constant).raw_decode(
            text, at
        )
    except (ValueError, RecursionError):
        return None
    return None if wrong else found


def too_deep(place: Place | None = None, pointer: str = "", node_id: str | None = None) -> Diagnostic:
    """The finding that a value is nested more than `DEPTH` deep."""
    return Diagnostic(
        c.TOO_DEEP,
        f"The document is nested more than {DEPTH} deep here; move the inner part "
        "to a sub-workflow, or to a step that builds it.",
        pointer,
        node_id,
        place=place,
    )


def _repeated(members: list[tuple[str, Any]]) -> tuple[str, ...]:
    counts = Counter(key for key, _ in members)
    return tuple(key for key, count in counts.items() if count > 1)


def _constant(name: str) -> float:
    raise _NotJson(name)


def _syntax(text: str, error: json.JSONDecodeError) -> Diagnostic:
    if not text.strip():
        return Diagnostic(c.NOT_JSON, "The file is empty; it must hold a JSON object.", place=Place(1, 1))
    place = Place(error.lineno, error.colno)
    reason = next((words for start, words in _REASONS.items() if error.msg.startswith(start)), error.msg)
    found = _found(text, error.pos)
    message = f"{reason[0].upper()}{reason[1:]}, but {found} stands there."
    return Diagnostic(c.NOT_JSON, message, hint=_advice(text, error.pos), place=place)


def _found(text: str, at: int) -> str:
    rest = text[at : at + 40]
    if not rest.strip():
        return "the end of the file" if not text[at:].strip() else "white space"
    word = re.match(r"[\w.+-]+|.", rest.strip(), re.DOTALL)
    return f"`{word[0] if word else rest[:1]}`"


def _advice(text: str, at: int) -> str | None:
    rest = text[at : at + 12]
    if rest.startswith(("}", "]")) and text[:at].rstrip().endswith(","):
        return "JSON has no comma behind the last element: remove it."
    if rest.startswith("'"):
        return "JSON quotes text with double quotes."
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments."
    if rest.startswith(("True", "False", "None", "undefined")):
        return "JSON writes true, false and null."
    return None


def _number(text: str, name: str) -> Diagnostic:
    """A constant that JSON does not have, or an integer of thousands of digits."""
    wanted = name if name in ("NaN", "Infinity", "-Infinity") else None
    at = next((m.start() for m in _TOKEN.finditer(text) if (m[0] == wanted if wanted else m[0].isdigit())), None)
    place = None if at is None else _place(text, at)
    found = f"`{wanted}` is no JSON" if wanted else "A number has thousands of digits"
    return Diagnostic(c.NOT_JSON, f"{found}; write a finite number or null.", place=place)


def _deep_place(text: str) -> Place | None:
    """Where the first value stands that is nested too deeply."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > DEPTH:
                return _place(text, match.start())
        elif match[0] in "]}":
            depth -= 1
    return None


def _place(text: str, at: int) -> Place:
    line_start = text.rfind("\n", 0, at) + 1
    return Place(text.count("\n", 0, at) + 1, at - line_start + 1)
