"""`stepwell catalogue`: the node types."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stepwell.cli.custom import nodes_near, nodes_option


@click.command("catalogue")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: definitions with the fields of their forms.")
@nodes_option
def command(as_json: bool, nodes: tuple[Path, ...]) -> None:
    """List the node types, with the fields of their data and the edges that leave them; also those of nodes/.

    A field that must be given is marked with *.
    """
    from stepwell.editor.catalogue import catalogue

    found = catalogue(nodes=nodes_near(Path.cwd(), nodes))
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        fields = (f"{key}{'*' if field['required'] else ''}" for key, field in one.config_schema.items())
        click.echo(f"{one.id:16}{one.category:16}{one.description}")
        click.echo(f"{'':16}data: {', '.join(fields) or 'none'}")
        labels = [port.label or port.title.lower() for port in one.ports]
        click.echo(f"{'':16}edges: {', '.join(labels)}")
