"""What a picture shows: boxes and arrows, read from the raw JSON so that a broken graph has a picture too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from stepwell.graph.catalogue import BUILTIN

# The outline of a box by what the node does; every other type is a plain box.
_OUTLINES = {
    "branch": "hexagon",
    "try_catch": "hexagon",
    "loop": "stack",
    "parallel": "bar",
    "race": "bar",
    "sleep": "pill",
    "sleep_until": "pill",
    "wait_for_event": "pill",
    "break": "pill",
    "sub_workflow": "double",
    "sub_script": "double",
}

_DETAIL_ROOM = 120

State = Literal["done", "failed", "active", "idle"]
"""What a run has made of a node; `idle`: it did not run."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A node in a run: its state, and what is to be said of it."""

    state: State
    said: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A node. `outline` is its shape, `detail` what its data says in a few words."""

    id: str
    name: str
    type: str
    title: str
    outline: str
    detail: str
    reached: bool = True
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge, by the positions of its boxes."""

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes in file order, the trigger's first where there is one; arrows in file order."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def drawing_of(document: Any, marks: Mapping[str, Mark] | None = None) -> Drawing:
    """Reads what can be read; edges that lead nowhere are left out. `marks` are those of a run, by the nodes' ids."""
    graph = _mapping(document)
    graph = _mapping(graph["ir"]) if isinstance(graph.get("ir"), dict) else graph
    nodes = [node for node in _items(graph.get("nodes")) if isinstance(node, dict) and "id" in node]
    boxes = [_start(graph), *(_box(node) for node in nodes)]
    where: dict[str, int] = {}
    for index, box in enumerate(boxes[1:], 1):
        where.setdefault(box.id, index)
    arrows = [*_entry(graph, where), *_arrows(graph, where)]
    reached = _reached(len(boxes), arrows)
    marked = [replace(box, mark=(marks or {}).get(box.id)) for box in boxes]
    shown = tuple(box if index in reached else replace(box, reached=False) for index, box in enumerate(marked))
    return Drawing(_text(_mapping(graph.get("metadata")).get("name")), shown, tuple(arrows))


def _start(graph: dict[str, Any]) -> Box:
    return Box("", _trigger(graph), "start", "Start", "start", "")


def _trigger(graph: dict[str, Any]) -> str:
    trigger = _mapping(graph.get("trigger"))
    match trigger.get("type"):
        case "cron":
            return f"cron {_text(trigger.get('expression'))}"
        case "event":
            return f"event {_text(trigger.get('eventType'))}"
        case "manual":
            return "manual"
        case _:
            return f"{_text(trigger.get('method')) or 'POST'} {_text(trigger.get('path')) or '/'}"


def _box(node: dict[str, Any]) -> Box:
    kind = _text(node.get("type"))
    identifier = _text(node["id"])
    title = BUILTIN[kind].title if kind in BUILTIN else kind
    name = _text(node.get("name")) or identifier
    detail = _detail(kind, _mapping(node.get("data")))
    return Box(identifier, name, kind, title, _OUTLINES.get(kind, "box"), detail[:_DETAIL_ROOM])


def _detail(kind: str, data: dict[str, Any]) -> str:
    """What distinguishes this node from others of its type."""
    match kind:
        case "http_request" | "sub_script":
            method = _text(data.get("method")) or ("GET" if kind == "http_request" else "POST")
            return f"{method} {_text(data.get('url')) or _text(data.get('workerName'))}"
        case "sleep":
            return _text(data.get("duration"))
        case "sleep_until":
            return _text(data.get("timestamp"))
        case "wait_for_event":
            return _text(data.get("eventType"))
        case "loop":
            return _turns(data)
        case "break":
            return _text(data.get("condition"))
        case "sub_workflow":
            return _text(data.get("workflowId"))
        case "parallel" if data.get("mode") == "settled":
            return "settled"
    return ""


def _turns(data: dict[str, Any]) -> str:
    match data.get("loopType"):
        case "forEach":
            return f"for each {_text(data.get('itemVar')) or 'item'} of {_text(data.get('collection'))}"
        case "while":
            return f"while {_text(data.get('condition'))}"
        case "times":
            return f"{_text(data.get('count', 5))} times"
        case _:
            return ""


def _entry(graph: dict[str, Any], where: dict[str, int]) -> Iterator[Arrow]:
    entry = _text(graph.get("entryNodeId"))
    if entry in where:
        yield Arrow(0, where[entry])


def _arrows(graph: dict[str, Any], where: dict[str, int]) -> Iterator[Arrow]:
    for edge in _items(graph.get("edges")):
        known = _mapping(edge)
        source, target = where.get(_text(known.get("source"))), where.get(_text(known.get("target")))
        if source is not None and target is not None:
            yield Arrow(source, target, _text(known.get("label")))


def _reached(count: int, arrows: list[Arrow]) -> set[int]:
    """Boxes that can be reached from the start; all of them when the start leads nowhere."""
    after: dict[int, list[int]] = {}
    for arrow in arrows:
        after.setdefault(arrow.source, []).append(arrow.target)
    if 0 not in after:
        return set(range(count))
    found, waiting = {0}, [0]
    while waiting:
        fresh = [target for target in after.get(waiting.pop(), ()) if target not in found]
        found.update(fresh)
        waiting.extend(fresh)
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """A value of the document as text; what should have been text and is not is shown as it is."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:g}" if isinstance(value, float) else str(value)
