"""Which parameter of which method is which field of a node: one table for the builder and both directions.

Part of the importable builder: it imports the standard library alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Style = Literal["value", "code", "condition"]


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter, the key of `data` that it sets, and how that is written: a value, code, or a condition."""

    name: str
    key: str
    style: Style = "value"
    positional: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A method of `Flow`: the node type that it makes, data that it implies, and its parameters in order."""

    method: str
    type: str
    params: tuple[Param, ...] = ()
    implied: tuple[tuple[str, str], ...] = ()
    container: bool = False

    def key_of(self, name: str) -> str | None:
        """The key of `data` that a parameter sets."""
        return next((param.key for param in self.params if param.name == name), None)


def _at(name: str, key: str, style: Style = "value") -> Param:
    return Param(name, key, style, positional=True)


_REQUEST: Final = (
    Param("headers", "headers"),
    Param("query", "queryParams"),
    Param("body", "body", "code"),
    Param("throw_on_error", "throwOnError"),
    Param("idempotency_key", "idempotencyKey"),
)
_TURNS: Final = (Param("index", "indexVar"), Param("concurrency", "concurrency"))

FORMS: Final[dict[str, Form]] = {
    form.method: form
    for form in (
        Form("step", "step", (_at("code", "code", "code"), Param("inline", "inline"))),
        Form("http", "http_request", (_at("url", "url"), Param("method", "method"), *_REQUEST)),
        Form("sleep", "sleep", (_at("duration", "duration"),)),
        Form("sleep_until", "sleep_until", (_at("timestamp", "timestamp"),)),
        Form("wait_for_event", "wait_for_event", (_at("event_type", "eventType"), Param("timeout", "timeout"))),
        Form("exit", "break", (_at("condition", "condition", "condition"),)),
        Form(
            "sub_workflow",
            "sub_workflow",
            (
                _at("worker", "workflowId"),
                _at("workflow", "workflowName"),
                Param("input", "input", "code"),
                Param("wait", "waitForCompletion"),
                Param("timeout", "timeout"),
            ),
        ),
        Form(
            "sub_script",
            "sub_script",
            (_at("worker", "workerName"), Param("url", "url"), Param("method", "method"), *_REQUEST),
        ),
        Form("branch", "branch", (Param("branches", "branches"),), container=True),
        Form("parallel", "parallel", (Param("mode", "mode"),), container=True),
        Form("race", "race", container=True),
        Form(
            "for_each",
            "loop",
            (_at("items", "collection", "code"), Param("item", "itemVar"), *_TURNS),
            (("loopType", "forEach"),),
            container=True,
        ),
        Form("times", "loop", (_at("count", "count", "code"), *_TURNS), (("loopType", "times"),), container=True),
        Form(
            "while_",
            "loop",
            (_at("condition", "condition", "condition"), *_TURNS),
            (("loopType", "while"),),
            container=True,
        ),
        Form("try_", "try_catch", container=True),
        Form("node", "", container=True),
    )
}

COMMON: Final = ("id", "retries", "timeout", "config", "data", "after", "at", "version", "provider")
"""What every method takes besides, in the order in which it is written."""

DELAY: Final = "10 seconds"
"""The delay that `retries=3` stands for."""

HEAD: Final = (
    ("description", "description"),
    ("version", "version"),
    ("created_at", "createdAt"),
    ("updated_at", "updatedAt"),
)
"""Parameters of `workflow` and `script`, and the keys of `metadata` that they set."""

_ROOTS: Final = frozenset({"event", "env", "trigger"})


def id_from(name: str, type: str) -> str:
    """The id of a node that is given none: its name in small letters, `_` for what no identifier has."""
    word = re.sub(r"\W+", "_", name.lower()).strip("_") or type
    word = f"_{word}" if word[0].isdigit() else word
    return f"{word}_" if word in _ROOTS else word


def edge_id(source: str, target: str, label: str | None, taken: set[str]) -> str:
    """The id of an edge that is given none. `taken` are those of the others; the new one is added."""
    first = f"{source}->{target}" if label is None else f"{source}:{label}->{target}"
    made, number = first, 1
    while made in taken:
        number += 1
        made = f"{first} {number}"
    taken.add(made)
    return made
