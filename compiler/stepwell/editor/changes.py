"""What differs between two JSON values: their lists aligned, so that an item that moved on is still the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from stepwell.diagnostics import pointer

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A value that an edit added, removed or changed. `pointer` leads into the new document, of what was removed into
    the old one."""

    action: Literal["added", "removed", "changed"]
    pointer: str
    before: Any = None
    after: Any = None


def changes(before: Any, after: Any) -> Iterator[Change]:
    """What differs between two JSON values, innermost, in the order of the new one."""
    stack: list[tuple[Path, Path, Any, Any]] = [((), (), before, after)]
    while stack:
        was_at, now_at, was, now = stack.pop()
        if same(was, now):
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            yield from (Change("removed", pointer(*was_at, k), v) for k, v in was.items() if k not in now)
            yield from (Change("added", pointer(*now_at, k), None, v) for k, v in now.items() if k not in was)
            stack += [((*was_at, k), (*now_at, k), was[k], v) for k, v in reversed(now.items()) if k in was]
        elif isinstance(was, list) and isinstance(now, list):
            for one, other in aligned(was, now):
                if one is None or other is None:
                    yield _only_one(was, now, one, other, was_at, now_at)
            both = [(one, other) for one, other in aligned(was, now) if one is not None and other is not None]
            stack += [((*was_at, i), (*now_at, j), was[i], now[j]) for i, j in reversed(both)]
        else:
            yield Change("changed", pointer(*now_at), was, now)


def _only_one(was: Any, now: Any, one: int | None, other: int | None, was_at: Path, now_at: Path) -> Change:
    if one is not None:
        return Change("removed", pointer(*was_at, one), was[one])
    assert other is not None
    return Change("added", pointer(*now_at, other), None, now[other])


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, 1 and true not taken for each other."""
    return one is other or (one == other and repr(one) == repr(other))


def aligned(was: list[Any], now: list[Any]) -> list[tuple[int | None, int | None]]:
    """Which items of two lists are the same one: by id where they have one; None beside what only one list has."""
    matcher = SequenceMatcher(None, list(map(_key, was)), list(map(_key, now)), autojunk=False)
    pairs: list[tuple[int | None, int | None]] = []
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal" or (kind == "replace" and i_end - i == j_end - j):
            pairs += zip(range(i, i_end), range(j, j_end), strict=True)
        else:
            pairs += [(number, None) for number in range(i, i_end)]
            pairs += [(None, number) for number in range(j, j_end)]
    return pairs


def _key(item: Any) -> str:
    return f"id {item['id']}" if isinstance(item, dict) and isinstance(item.get("id"), str) else repr(item)[:200]
