"""`stepwell scope`: what can be referenced at a node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepwell.cli.custom import NodesOf, nodes_option
from stepwell.cli.faults import Failed

if TYPE_CHECKING:
    from stepwell.editor.scope import Field, Scope


@click.command("scope")
@click.argument("path", metavar="PATH")
@click.argument("node", metavar="NODE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@nodes_option
def command(path: str, node: str, as_json: bool, nodes: tuple[Path, ...]) -> None:
    """List what can be referenced at the node with the id NODE, in a graph in whatever state it is.

    Each line is an expression, its types, and what it is. A `?` says that the value may not be there.
    PATH may be - for standard input.
    """
    from stepwell.cli.inputs import read
    from stepwell.editor.draft import UnknownNode
    from stepwell.editor.scope import scope

    source = read(path)
    try:
        found = scope(source.json, node, nodes=NodesOf(nodes)(source))
    except UnknownNode as error:
        raise Failed(f"{source.name}: {error}") from error
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        return
    if not found.roots:
        raise Failed(f"{source.name} holds no graph; `stepwell check {source.name}` says more")
    _print(found)


def _print(found: Scope) -> None:
    from stepwell.cli.words import plain

    rows = [row for root in found.roots for row in _rows(root.value, root.title, root.presence == "possible")]
    width = min(max((len(text) for text, _, _ in rows), default=0), 48)
    for text, kinds, title in rows:
        click.echo(plain(f"{text:{width}}  {kinds:16}  {title}").rstrip())


def _rows(value: Field, title: str, possible: bool) -> Iterator[tuple[str, str, str]]:
    kinds = "|".join(value.types) or "any"
    yield value.insert or value.code or str(value.key), kinds + ("?" if possible or value.optional else ""), title
    for field in (*value.fields, *([value.items] if value.items is not None else [])):
        yield from _rows(field, field.description, False)
