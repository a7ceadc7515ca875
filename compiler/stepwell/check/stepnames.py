"""What steps are called: unique over all kinds of call, static, stable when nodes are moved about."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from stepwell.check.regions import Regions
from stepwell.javascript.js import utf16

LIMIT = 256
"""Cloudflare's limit for a step's name, in UTF-16 code units."""

INDEX_ROOM = 8
"""Room for one ` [index]`… of a loop: an instance has 10,000 steps at most, `[99999]` is seven."""

DEEP_ROOM = 4
"""The same for every loop beyond ten: all their turns together make those steps, so their indices are short."""

EXTRA_ROOM = 20
"""Room for the longest extra, `: status [9999]`."""

EXTRAS = ("winner", "id", "create", "status", "remaining", "part", "value")
"""A node's extra steps are `<name>: winner` and so on; the last ones may carry a number."""

_EXTRA = re.compile(rf"(?:{'|'.join(EXTRAS)})(?: [0-9]+)?(?: ?(?:\[[0-9]+\])+)?", re.ASCII)


def step_names(regions: Regions, stored: Collection[int]) -> list[str]:
    """The static name of each node's step; `stored` are the nodes that have fields evaluated in steps of their own."""
    flow = regions.flow
    extra = {v for v, n in enumerate(flow.nodes) if n.type in ("race", "sub_workflow", "sleep_until")} | set(stored)
    return StepNames([(n.id, n.name, len(regions.loop_bodies(v)), v in extra) for v, n in enumerate(flow.nodes)]).names


def clean(name: str) -> str:
    """Control characters as spaces: the runtime refuses them in a name."""
    return name if name.isprintable() else "".join(" " if ch < " " or ch == "\x7f" else ch for ch in name)


def cut(name: str, room: int) -> str:
    """The longest beginning of `name` that has at most `room` UTF-16 units."""
    if utf16(name) <= room:
        return name
    kept = name[:room]
    while utf16(kept) > room:
        kept = kept[:-1]
    return kept


class StepNames:
    """Gives each node its static name. `nodes` are (id, display name, number of loops around, whether it has
    extra steps), in file order."""

    def __init__(self, nodes: Sequence[tuple[str, str, int, bool]]) -> None:
        self._taken: set[str] = set()
        self._indexed: set[str] = set()
        self._looped: set[str] = set()
        self.names = [self._name(*node) for node in nodes]

    def _name(self, node_id: str, display: str, loops: int, extras: bool) -> str:
        indices = min(loops * INDEX_ROOM, 10 * (INDEX_ROOM - DEEP_ROOM) + loops * DEEP_ROOM) if loops else 0
        room = LIMIT - (EXTRA_ROOM if extras else 0) - indices
        base = clean(display)
        name = cut(base, room)
        number = 1
        while self._collides(name, loops > 0):
            # The number stays whole, so that every further name is another one.
            last = ")" if number == 1 else f" {number})"
            suffix = (
                cut(f" ({clean(node_id)}", room - 1 - len(last) if number == 1 else min(102, room - 1 - len(last)))
                + last
            )
            name = cut(base, room - utf16(suffix)) + suffix
            number += 1
        self._take(name, loops > 0)
        return name

    def _collides(self, name: str, looped: bool) -> bool:
        """Whether a call of this node could ever have the name of a call of another one."""
        plain = _without_extra(name)
        bare = _without_index(plain)
        return plain in self._taken or (bare != plain and bare in self._looped) or (looped and plain in self._indexed)

    def _take(self, name: str, looped: bool) -> None:
        plain = _without_extra(name)
        self._taken.add(plain)
        self._indexed.add(_without_index(plain))
        if looped:
            self._looped.add(plain)


def _without_extra(name: str) -> str:
    """`name` without `: winner`, `: status [3]` … at its end, as often as they stand there."""
    while ": " in name:
        head, _, tail = name.rpartition(": ")
        if not (head and _EXTRA.fullmatch(tail)):
            return name
        name = head
    return name


def _without_index(name: str) -> str:
    """`name` without ` [3][0]` at its end."""
    while name.endswith("]"):
        head, _, digits = name[:-1].rpartition("[")
        if not (digits.isdigit() and head):
            break
        name = head.rstrip()
    return name
