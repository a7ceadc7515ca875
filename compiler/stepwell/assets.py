"""Where the templates are."""

from __future__ import annotations

from pathlib import Path


def templates() -> Path:
    """The folder of the templates: inside the package of a wheel, at the top of a checkout."""
    package = Path(__file__).parent
    packed = package / "_templates"
    return packed if packed.is_dir() else package.parents[1] / "templates"


def shipped_nodes() -> Path:
    """The folder of the custom nodes that come with stepwell; beside the templates."""
    package = Path(__file__).parent
    packed = package / "_nodes"
    return packed if packed.is_dir() else package.parents[1] / "nodes"
