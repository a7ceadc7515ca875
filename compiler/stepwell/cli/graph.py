"""`stepwell graph`: a picture of a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepwell.cli.faults import Failed

if TYPE_CHECKING:
    from stepwell.picture import Style


_STYLES: dict[str, Style] = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".txt": "text"}


def style_of(file: Path | None) -> Style:
    """What a file of this name is drawn as."""
    return _STYLES.get(file.suffix.lower() if file else "", "mermaid")


@click.command("graph")
@click.argument("path", metavar="PATH")
@click.option(
    "--format",
    "style",
    type=click.Choice(["mermaid", "dot", "svg", "text"]),
    help="SVG and text (for a terminal) are drawn here; the other two are for Mermaid and Graphviz.  "
    "[default: what FILE ends with (.svg, .dot, .gv, .txt), else mermaid]",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write.  [default: standard output]",
)
def command(path: str, style: Style | None, output: Path | None) -> None:
    """Draw a graph, whatever state it is in: edges that lead nowhere are left out.

    What cannot be reached from the entry has a dashed outline, an edge that closes a cycle is dashed.
    PATH may be - for standard input.
    """
    from stepwell.cli.inputs import read
    from stepwell.picture import draw

    if output is not None and not output.parent.is_dir():
        raise Failed(f"{output.parent} is no folder; nothing was written")
    source = read(path)
    if not isinstance(source.graph.get("nodes"), list):
        raise Failed(f"{source.name} holds no graph; `stepwell check {source.name}` says more")
    chosen = style or style_of(output)
    picture = draw(source.document, chosen)
    if output is None:
        click.echo(picture, nl=False)
        return
    output.write_text(picture, encoding="utf-8")
    click.echo(f"{source.name} → {output} ({chosen})")
