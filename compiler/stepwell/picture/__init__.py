"""Pictures of a graph as it stands, also of a broken one: Mermaid, DOT, SVG, lines of text. Nothing is checked here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from stepwell.picture.drawing import Mark, State, drawing_of
from stepwell.picture.render import dot, mermaid, svg, text

Style = Literal["mermaid", "dot", "svg", "text"]
STYLES: tuple[str, ...] = get_args(Style)

__all__ = ["STYLES", "Mark", "State", "Style", "draw"]


def draw(document: Any, style: Style, marks: Mapping[str, Mark] | None = None) -> str:
    """The picture of a parsed document (an artifact or a source file around one), whatever state it is in.

    With `marks`, by the nodes' ids, it shows a run of it.
    """
    return {"mermaid": mermaid, "dot": dot, "svg": svg, "text": text}[style](drawing_of(document, marks))
