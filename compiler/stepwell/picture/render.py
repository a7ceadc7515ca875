"""Drawings through the templates of `templates/picture/`, and as lines; what is the user's is escaped here."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from stepwell.assets import templates
from stepwell.picture.drawing import Arrow, Box, Drawing
from stepwell.picture.lanes import rows
from stepwell.picture.layout import Link, Point, Route, Size, lay_out

_MARGIN = 20.0
_HEIGHT = 44.0
_NAME_SIZE, _DETAIL_SIZE, _LABEL_SIZE = 13.0, 11.0, 11.0
_NAME_ROOM, _DETAIL_ROOM, _LABEL_ROOM = 34, 40, 28
_PADDING = {"hexagon": 52.0, "pill": 40.0, "double": 44.0, "start": 32.0}
_MARKS = {None: "●", "done": "✓", "failed": "✗", "active": "⋯", "idle": "·"}
_PLAIN = frozenset(" ,/()?!='_.-+")


@dataclass(frozen=True, slots=True)
class _SvgBox:
    box: Box
    name: str
    detail: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _SvgArrow:
    path: str
    backward: bool
    label: str
    x: float
    y: float
    width: float


def mermaid(drawing: Drawing) -> str:
    """A Mermaid flowchart."""
    return _render("mermaid", drawing=drawing, words=_mermaid_words)


def dot(drawing: Drawing) -> str:
    """A Graphviz digraph."""
    return _render("dot", drawing=drawing, words=_dot_words)


def svg(drawing: Drawing) -> str:
    """A picture of its own, with its own layout; light or dark as the reader's screen is."""
    sizes = [_size(box) for box in drawing.boxes]
    links = [Link(a.source, a.target, _label_size(a.label) if a.label else None) for a in drawing.arrows]
    layout = lay_out(sizes, links)
    return _render(
        "svg",
        title=_xml(drawing.title),
        boxes=[_svg_box(*one) for one in zip(drawing.boxes, sizes, layout.centres, strict=True)],
        arrows=[_svg_arrow(*one, sizes, drawing.boxes) for one in zip(drawing.arrows, layout.routes, strict=True)],
        width=round(layout.size.width + 2 * _MARGIN),
        height=round(layout.size.height + 2 * _MARGIN),
    )


def text(drawing: Drawing) -> str:
    """Lines for a terminal: a box a row, lanes for the arrows."""
    labels: dict[int, list[str]] = {}
    for arrow in drawing.arrows:
        if arrow.label:
            labels.setdefault(arrow.target, []).append(arrow.label)
    lines = []
    for before, index, behind in rows(drawing):
        line = before
        if index is not None:
            box = drawing.boxes[index]
            line = f"{before}{_MARKS[box.mark.state if box.mark else None]} {behind}{_row(box, labels.get(index, []))}"
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def _row(box: Box, labels: Sequence[str]) -> str:
    """What stands beside a box of text."""
    name = _short(box.name, _NAME_ROOM)
    id = "" if box.id in ("", box.name) else f"[{_short(box.id, _NAME_ROOM)}]"
    arms = ", ".join(_short(label, _LABEL_ROOM) for label in labels)
    said = _detail(box) if box.mark is None else _short(box.mark.said, _DETAIL_ROOM)
    return "  ".join(part for part in (name, id, f"({arms})" if arms else "", said) if part)


def _render(name: str, words: Callable[[str], str] | None = None, **values: Any) -> str:
    """Markup is escaped by Jinja; the other two quote by `words`, which every text goes through."""
    return _template(name, words or _xml).render(**values)


@cache
def _template(name: str, words: Callable[[str], str]) -> Template:
    environment = Environment(
        loader=FileSystemLoader(templates(), encoding="utf-8"),
        autoescape=name == "svg",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["words"] = words
    environment.filters["n"] = _number
    return environment.get_template(f"picture/{name}.jinja")


def _mermaid_words(text: str) -> str:
    """A text for a quoted label: what Mermaid or Markdown might read something into becomes `#<code>;`."""
    text = _xml(text).replace("\n", " ")
    lead = len(text) - len(text.lstrip("0123456789-+.# "))  # `1. x` and `- x` would be lists
    return "".join(_mermaid_character(ch, index < lead) for index, ch in enumerate(text))


def _mermaid_character(ch: str, is_leading: bool) -> str:
    if ch.isalnum() or ord(ch) > 0xFFFF or (ch in _PLAIN and not (is_leading and ch in ".-+")):
        return ch
    return f"#{ord(ch)};"


def _dot_words(text: str) -> str:
    """A text for a quoted string, where backslashes and ampersands mean something."""
    text = _xml(text).replace("\n", " ")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _xml(text: str) -> str:
    """Without what no XML document can hold, and without what would change the direction of what follows."""
    return "".join("\ufffd" if _is_unprintable(ch) else ch for ch in text)


def _is_unprintable(ch: str) -> bool:
    return (unicodedata.category(ch) in ("Cc", "Cs") and ch not in "\t\n\r") or ch in "\ufffe\uffff\u202d\u202e"


def _number(value: float) -> str:
    """A coordinate, short: `12`, `12.5`."""
    return f"{value:.1f}".removesuffix(".0")


def _short(text: str, room: int) -> str:
    text = " ".join(_xml(text).split())
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"


def _width(text: str, size: float) -> float:
    """An estimate for a sans-serif face, on the wide side."""
    return sum(_em(ch) for ch in text) * size


def _em(ch: str) -> float:
    if unicodedata.combining(ch):
        return 0.0
    if unicodedata.east_asian_width(ch) in "WF":
        return 1.05
    if ch in "iljtfrI.,:;|!' ()[]":
        return 0.36
    return 0.86 if ch in "mwMW@%" else 0.68 if ch.isupper() else 0.57


def _detail(box: Box) -> str:
    """The type's name and what its data says; a start has neither, and a request's method says what it is."""
    title = "" if box.outline == "start" or box.type == "http_request" else box.title
    return _short(" · ".join(part for part in (title, box.detail) if part), _DETAIL_ROOM)


def _size(box: Box) -> Size:
    widest = max(_width(_short(box.name, _NAME_ROOM), _NAME_SIZE), _width(_detail(box), _DETAIL_SIZE))
    padding = _PADDING.get(box.outline, 32.0)
    return Size(max(64.0, widest + padding), 28.0 if box.outline == "start" else _HEIGHT)


def _label_size(label: str) -> Size:
    return Size(_width(_short(label, _LABEL_ROOM), _LABEL_SIZE) + 12, 18)


def _svg_box(box: Box, size: Size, centre: Point) -> _SvgBox:
    x, y = centre[0] + _MARGIN, centre[1] + _MARGIN
    return _SvgBox(box, _short(box.name, _NAME_ROOM), _detail(box), x, y, size.width, size.height)


def _svg_arrow(arrow: Arrow, route: Route, sizes: Sequence[Size], boxes: Sequence[Box]) -> _SvgArrow:
    is_stack = boxes[arrow.target].outline == "stack" and not route.backward
    points = [(x + _MARGIN, y + _MARGIN) for x, y in route.points]
    if arrow.source == arrow.target:
        path = _loop(points[0], sizes[arrow.source])
    else:
        heights = sizes[arrow.source].height, sizes[arrow.target].height + (8 if is_stack else 0)
        path = _curve(_from_edge_to_edge(points, *heights, route.backward))
    label = _short(arrow.label, _LABEL_ROOM) if route.label else ""
    x, y = route.label or (0.0, 0.0)
    return _SvgArrow(path, route.backward, label, x + _MARGIN, y + _MARGIN, _label_size(arrow.label).width)


def _from_edge_to_edge(points: list[Point], source: float, target: float, backward: bool) -> list[Point]:
    """Down out of the source's lower edge into the target's upper one; the other way when it goes up."""
    down = -1.0 if backward else 1.0
    (x0, y0), (x1, y1) = points[0], points[-1]
    return [(x0, y0 + down * source / 2), *points[1:-1], (x1, y1 - down * (target / 2 + 2))]


def _curve(points: list[Point]) -> str:
    """A curve that is upright in every point."""
    parts = [f"M{_pair(points[0])}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        straight = abs(x1 - x0) < 0.05
        parts.append(
            f"L{_pair((x1, y1))}" if straight else f"C{_pair((x0, middle))} {_pair((x1, middle))} {_pair((x1, y1))}"
        )
    return "".join(parts)


def _loop(centre: Point, size: Size) -> str:
    """A node that leads to itself: an ear on its right."""
    x, y = centre[0] + size.width / 2, centre[1]
    return f"M{_pair((x, y - 8))}C{_pair((x + 18, y - 16))} {_pair((x + 18, y + 16))} {_pair((x + 2, y + 8))}"


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"
