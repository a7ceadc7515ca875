"""`stepwell schema`: the JSON Schema of graphs."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of graphs, for editors.

    Name it in a graph's editor settings, or validate with it in any language.
    """
    from stepwell.graph.schema import artifact_schema

    click.echo(json.dumps(artifact_schema(), indent=2, ensure_ascii=False))
