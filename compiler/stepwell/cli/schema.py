"""`stepwell schema`: the JSON Schema of graphs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stepwell.cli.custom import nodes_near, nodes_option


@click.command("schema")
@nodes_option
def command(nodes: tuple[Path, ...]) -> None:
    """Print the JSON Schema of graphs, for editors, with the custom nodes that a graph here can use.

    Name it in a graph's editor settings, or validate with it in any language.
    """
    from stepwell.graph.schema import artifact_schema

    click.echo(json.dumps(artifact_schema(nodes_near(Path(), nodes)), indent=2, ensure_ascii=False))
