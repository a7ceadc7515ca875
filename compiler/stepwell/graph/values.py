"""Is a Python value a JSON value? Asked of what a caller hands in, without recursion and in bounded time."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

from stepwell.diagnostics import Diagnostic, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph.faults import shown
from stepwell.graph.jsontext import DEPTH, too_deep

_BUDGET = 3_000_000
_PLAIN = frozenset({str, int, bool, type(None)})
_TEXT = frozenset({str})

# A way to a value: its holder's way and its key; a pointer is made of it only when there is something to say.
Way = tuple[Any, str | int] | None


def fault(value: object) -> Diagnostic | None:
    """The first reason why `value` is no JSON value that can be compiled, or None.

    Reasons: nested more than `DEPTH` deep (also one that holds itself), a number that is not finite, a key
    that is not text, a Python value that JSON does not have, or more than 3 million values.
    """
    if _is_plain(value):
        return None
    budget = _BUDGET
    # One iterator for each level: children are never all on the stack, of which there may be 50,000.
    stack: list[tuple[Any, Any, Way]] = [(value, iter(_items(value)), None)]
    while stack:
        holder, members, way = stack[-1]
        for key, item in members:
            if isinstance(holder, dict) and not isinstance(key, str):
                return _alien_key(value, key, way)
            if isinstance(item, dict | list):
                budget -= len(item)
                if len(stack) >= DEPTH or budget < 0:
                    return _too_much(value, (way, key), budget)
                stack.append((item, iter(_items(item)), (way, key)))
                break
            if not _is_scalar(item):
                return _alien(value, item, (way, key))
        else:
            stack.pop()
    return None


def _is_plain(value: object) -> bool:
    """Whether all of it is dicts, lists and plain scalars, without a reason to look closer. Level by level: that way
    the loops are the interpreter's own, and nearly all documents need no other walk."""
    level: list[Any] = [value]
    budget = _BUDGET
    for _ in range(DEPTH):
        dicts = [holder for holder in level if type(holder) is dict]
        lists = [holder for holder in level if type(holder) is list]
        if len(dicts) + len(lists) < len(level) or not _TEXT.issuperset(map(type, chain.from_iterable(dicts))):
            return False
        budget -= sum(map(len, level))
        if budget < 0:
            return False
        items = chain(chain.from_iterable(map(dict.values, dicts)), chain.from_iterable(lists))
        other = [item for item in items if type(item) not in _PLAIN]
        level = [item for item in other if type(item) is not float or not math.isfinite(item)]
        if not level:
            return True
    return False


def _too_much(document: object, way: Way, budget: int) -> Diagnostic:
    if budget < 0:
        return Diagnostic(c.TOO_LARGE, f"The document holds more than {_BUDGET:,} values; split it into sub-workflows.")
    return too_deep(None, _pointer(way), node_id(document, _pointer(way)))


def find(value: object, holders: set[int]) -> dict[int, str]:
    """Pointers of the objects in `value` whose `id()` is in `holders`."""
    found: dict[int, str] = {}
    stack: list[tuple[Any, Way]] = [(value, None)]
    while stack:
        holder, way = stack.pop()
        if id(holder) in holders:
            found[id(holder)] = _pointer(way)
        stack.extend((item, (way, key)) for key, item in _items(holder) if isinstance(item, dict | list))
    return found


def in_order(value: object, found: list[Diagnostic]) -> list[Diagnostic]:
    """The findings in the order in which their places stand in `value`; equal places keep their order."""
    return sorted(found, key=lambda d: _position(value, d.pointer)) if len(found) > 1 else found


def node_id(document: Any, place: str) -> str | None:
    """The id of the node that a pointer leads into, if it does."""
    parts = place.split("/")[1:]
    artifact, parts = (document["ir"], parts[1:]) if parts[:2] == ["ir", "nodes"] else (document, parts)
    if len(parts) < 2 or parts[0] != "nodes" or not isinstance(artifact["nodes"], list):
        return None
    node = artifact["nodes"][int(parts[1])]
    identifier = node.get("id") if isinstance(node, dict) else None
    return identifier if isinstance(identifier, str) and identifier else None


def _position(value: Any, place: str) -> tuple[int, ...]:
    """Where a pointer leads, as places within lists and objects: in the document's order when compared."""
    position: list[int] = []
    for part in (part.replace("~1", "/").replace("~0", "~") for part in place.split("/")[1:]):
        if isinstance(value, dict) and part in value:
            position.append(list(value).index(part))
            value = value[part]
        elif isinstance(value, list) and part.isdigit():
            position.append(int(part))
            value = value[int(part)]
    return tuple(position)


def _items(holder: Any) -> Any:
    return holder.items() if isinstance(holder, dict) else enumerate(holder)


def _is_scalar(item: object) -> bool:
    return item is None or isinstance(item, str | int) or (isinstance(item, float) and math.isfinite(item))


def _alien(document: object, item: object, way: Way) -> Diagnostic:
    if isinstance(item, float):
        message = "A number here is not finite; JSON numbers reach to about 1.8e308."
    else:
        message = (
            f"Here stands {shown(item)}, which JSON does not have; hand in dicts, lists, text, "
            "numbers, booleans and None."
        )
    return Diagnostic(c.NOT_AN_ARTIFACT, message, _pointer(way), node_id(document, _pointer(way)))


def _alien_key(document: object, key: object, way: Way) -> Diagnostic:
    return Diagnostic(
        c.NOT_AN_ARTIFACT,
        f"A key of this object is {shown(key)}; keys are text.",
        _pointer(way),
        node_id(document, _pointer(way)),
    )


def _pointer(way: Way) -> str:
    parts: list[str | int] = []
    while way is not None:
        way, key = way
        parts.append(key)
    return pointer(*reversed(parts))
