"""Pictures of a graph as it stands, also of a broken one: Mermaid, DOT and SVG. Nothing is checked here."""

from __future__ import annotations

from typing import Any, Literal, get_args

from stepwell.picture.drawing import drawing_of
from stepwell.picture.render import dot, mermaid, svg

Style = Literal["mermaid", "dot", "svg"]
STYLES: tuple[str, ...] = get_args(Style)

__all__ = ["STYLES", "Style", "draw"]


def draw(document: Any, style: Style) -> str:
    """The picture of a parsed document (an artifact or a source file around one), whatever state it is in."""
    drawing = drawing_of(document)
    return {"mermaid": mermaid, "dot": dot, "svg": svg}[style](drawing)
