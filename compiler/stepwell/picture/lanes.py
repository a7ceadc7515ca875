"""A drawing as lines of text: a row for each box, beside lanes for the arrows that pass it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stepwell.picture.drawing import Arrow, Drawing

_PASSING: Final = "│"


def rows(drawing: Drawing) -> Iterator[tuple[str, int | None, str]]:
    """Each line as its lanes before the box, the box (by its position) or None, and the lanes behind it.

    Boxes stand in an order in which no arrow goes up, but for those that close a cycle: these have no lane.
    """
    order = _order(len(drawing.boxes), drawing.arrows)
    rank = {box: place for place, box in enumerate(order)}
    after: dict[int, list[int]] = {}
    for arrow in drawing.arrows:
        if rank[arrow.source] < rank[arrow.target]:
            after.setdefault(arrow.source, []).append(arrow.target)
    lanes: list[int | None] = []
    for box in order:
        lane = _come_in(lanes, box)
        if (joined := _join(lanes, lane, box)) is not None:
            yield joined, None, ""
        yield _passing(lanes[:lane]), box, _passing(lanes[lane + 1 :])
        if (forked := _fork(lanes, lane, list(dict.fromkeys(after.get(box, []))))) is not None:
            yield forked, None, ""


def _order(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """Topological, the boxes of an arm together; in a cycle the box that stands first in the file goes first."""
    after: dict[int, list[int]] = {box: [] for box in range(count)}
    open_: list[int] = [0] * count
    for arrow in arrows:
        if arrow.source != arrow.target:
            after[arrow.source].append(arrow.target)
            open_[arrow.target] += 1
    ready = [box for box in reversed(range(count)) if open_[box] == 0]
    left = dict.fromkeys(range(count))
    found: list[int] = []
    while left:
        box = ready.pop() if ready else next(iter(left))
        if box not in left:
            continue
        del left[box]
        found.append(box)
        for target in reversed(after[box]):
            open_[target] -= 1
            if open_[target] == 0:
                ready.append(target)
    return found


def _come_in(lanes: list[int | None], box: int) -> int:
    """The lane of a box: the leftmost that leads to it, else a free one."""
    if box in lanes:
        return lanes.index(box)
    return _free(lanes, 0, box)


def _free(lanes: list[int | None], start: int, box: int) -> int:
    """Takes the first free lane from `start` on for what leads to a box."""
    for lane in range(start, len(lanes)):
        if lanes[lane] is None:
            lanes[lane] = box
            return lane
    lanes.append(box)
    return len(lanes) - 1


def _join(lanes: list[int | None], lane: int, box: int) -> str | None:
    """Leads the other lanes of a box into its own; the line that shows it."""
    others = [other for other in range(lane + 1, len(lanes)) if lanes[other] == box]
    if not others:
        return None
    line = _line(lanes, lane, others, "╯", "┴")
    for other in others:
        lanes[other] = None
    _trim(lanes)
    return line


def _fork(lanes: list[int | None], lane: int, targets: list[int]) -> str | None:
    """Gives each arrow that leaves a box a lane; the line that shows it, where there are several."""
    lanes[lane] = targets[0] if targets else None
    others = [_free(lanes, lane + 1, target) for target in targets[1:]]
    if others:
        return _line(lanes, lane, others, "╮", "┬")
    _trim(lanes)
    return None


def _line(lanes: Sequence[int | None], lane: int, others: Sequence[int], last: str, between: str) -> str:
    """A line from a lane to others on its right."""
    end, cells = max(others), []
    for place, target in enumerate(lanes):
        if place == lane:
            cells.append("├─")
        elif place in others:
            cells.append(f"{last} " if place == end else f"{between}─")
        elif lane < place < end:
            cells.append("──" if target is None else "┼─")
        else:
            cells.append("  " if target is None else f"{_PASSING} ")
    return "".join(cells).rstrip()


def _passing(lanes: Sequence[int | None]) -> str:
    return "".join("  " if target is None else f"{_PASSING} " for target in lanes)


def _trim(lanes: list[int | None]) -> None:
    while lanes and lanes[-1] is None:
        lanes.pop()
