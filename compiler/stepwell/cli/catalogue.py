"""`stepwell catalogue`: the node types."""

from __future__ import annotations

import json

import click


@click.command("catalogue")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: definitions with the fields of their forms.")
def command(as_json: bool) -> None:
    """List the node types, with the fields of their data and the edges that leave them.

    A field that must be given is marked with *.
    """
    from stepwell.editor.catalogue import catalogue

    found = catalogue()
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        fields = (f"{key}{'*' if field['required'] else ''}" for key, field in one.config_schema.items())
        click.echo(f"{one.id:16}{one.category:16}{one.description}")
        click.echo(f"{'':16}data: {', '.join(fields) or 'none'}")
        labels = [port.label or port.title.lower() for port in one.ports]
        click.echo(f"{'':16}edges: {', '.join(labels)}")
