"""`stepwell edit`: changes a graph in its file, and nothing else in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.cli.custom import NodesOf, nodes_option
from stepwell.cli.faults import Failed, say
from stepwell.cli.words import count

if TYPE_CHECKING:
    from stepwell.cli.inputs import Input
    from stepwell.edit import Edited, Refused
    from stepwell.graph.nodes import Nodes

F = TypeVar("F", bound=Callable[..., Any])


@click.group("edit")
def command() -> None:
    """Change a graph in its file: `rename`, `insert`, `delete`, `extract`.

    References go along, also in code; everything else stays as it was written. An edit that would break the
    graph is refused, with what is wrong.
    """


def _common(function: F) -> F:
    function = click.option(
        "--json", "as_json", is_flag=True, help="Print the result as JSON: what changed, findings."
    )(function)
    function = nodes_option(function)
    return click.option("--stdout", is_flag=True, help="Print the new graph; the file stays as it is.")(function)


@command.command("rename")
@click.argument("path", metavar="PATH")
@click.argument("node", metavar="NODE")
@click.option("--id", "id_", metavar="ID", help="The new id.")
@click.option("--name", metavar="NAME", help="The new display name.")
@_common
def rename(
    path: str, node: str, id_: str | None, name: str | None, stdout: bool, as_json: bool, nodes: tuple[Path, ...]
) -> int:
    """Give the node with the id NODE another id, another display name, or both."""
    from stepwell import edit

    if id_ is None and name is None:
        raise click.UsageError("say what is new: --id, --name, or both.")
    return _edit(
        path, stdout, as_json, nodes, lambda text, known: edit.rename(text, node, id=id_, name=name, nodes=known)
    )


@command.command("insert")
@click.argument("path", metavar="PATH")
@click.argument("edge", metavar="EDGE")
@click.option("--node", required=True, metavar="JSON", help="The node, JSON or @FILE; at least its type and data.")
@_common
def insert(path: str, edge: str, node: str, stdout: bool, as_json: bool, nodes: tuple[Path, ...]) -> int:
    """Put a node on the edge with the id EDGE."""
    from stepwell import edit
    from stepwell.cli.arguments import json_value

    given = json_value(node, "--node")
    if not isinstance(given, dict):
        raise click.BadParameter("a node is an object.", param_hint="--node")
    return _edit(path, stdout, as_json, nodes, lambda text, known: edit.insert(text, edge, given, nodes=known))


@command.command("delete")
@click.argument("path", metavar="PATH")
@click.argument("node", metavar="NODE")
@click.option("--keep", multiple=True, metavar="LABEL", help="An arm of the container to keep; * for all. Repeatable.")
@_common
def delete(path: str, node: str, keep: tuple[str, ...], stdout: bool, as_json: bool, nodes: tuple[Path, ...]) -> int:
    """Take the node with the id NODE out, and join what it stood between.

    A container goes with all that it holds, but for the arms that --keep names.
    """
    from stepwell import edit

    return _edit(path, stdout, as_json, nodes, lambda text, known: edit.delete(text, node, keep=keep, nodes=known))


@command.command("extract")
@click.argument("path", metavar="PATH")
@click.argument("ids", metavar="NODE...", nargs=-1, required=True)
@click.option(
    "--name", required=True, metavar="NAME", help="The name of the new workflow and of the node that calls it."
)
@click.option("--worker", metavar="WORKER", help="The deployed Worker that will hold it.  [default: from the name]")
@click.option("--id", "id_", metavar="ID", help="The id of the new node.  [default: from the name]")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="Where to write the new workflow: as JSON or as Python, by its ending.")  # fmt: skip
@_common
def extract(
    path: str,
    ids: tuple[str, ...],
    name: str,
    worker: str | None,
    id_: str | None,
    output: Path,
    stdout: bool,
    as_json: bool,
    nodes: tuple[Path, ...],
) -> int:
    """Move the nodes with the ids NODE into a workflow of their own, which the graph starts and waits for."""
    from stepwell import edit
    from stepwell.cli.inputs import SUFFIXES

    if not output.name.endswith(SUFFIXES):
        raise click.UsageError("FILE ends with .json or .py.")
    if output.exists():
        raise Failed(f"{output} is there already; nothing was written")
    if not output.parent.is_dir():
        raise Failed(f"{output.parent} is no folder; nothing was written")

    def made(text: str, known: Nodes) -> Edited | Refused:
        return edit.extract(text, ids, name=name, worker=worker, id=id_, nodes=known)

    return _edit(path, stdout, as_json, nodes, made, output)


def _edit(
    path: str,
    stdout: bool,
    as_json: bool,
    nodes: tuple[Path, ...],
    make: Callable[[str, Nodes], Edited | Refused],
    output: Path | None = None,
) -> int:
    """Makes an edit and writes what came of it."""
    from stepwell.cli.inputs import STDIN, read
    from stepwell.edit import Edited, UnknownNode

    source = read(path)
    try:
        done = make(source.json, NodesOf(nodes)(source))
    except UnknownNode as error:
        raise Failed(f"{source.name}: {error}") from error
    if as_json:
        click.echo(json.dumps(done.to_json(), indent=2, ensure_ascii=False))
    if not isinstance(done, Edited):
        if not as_json:
            _tell(source, done)
        return 1
    text = done.document if source.flow is None else _in_python(source, done.document)
    if output is not None:
        output.write_text(_in_form_of(output, done.extracted), encoding="utf-8")
    if path != STDIN and not stdout:
        _replace(Path(path), text)
        if not as_json:
            also = f", {output} is new" if output is not None else ""
            click.echo(f"{source.name}: {count(len(done.changes), 'change')}{also}")
    elif not as_json:
        click.echo(text, nl=False)
        if output is not None:
            say(f"{output} is new; {source.name} stays as it is, and the graph that starts it is what was printed")
    return 0


def _in_form_of(output: Path, document: str) -> str:
    """The new workflow as its file says it, by the file's ending."""
    from stepwell.cli.inputs import PYTHON
    from stepwell.flow import write

    if not output.name.endswith(PYTHON):
        return document
    written = write(document)
    if written.text is None:
        raise Failed(f"{output} cannot be written in Python: {written.diagnostics[0].message}")
    return written.text


def _in_python(source: Input, document: str) -> str:
    """The edited document in the file that said the old one; what did not change stays there as it is."""
    from stepwell.flow.edits import rewritten

    assert source.flow is not None
    done = rewritten(source.flow, json.loads(document))
    if done.text is None:
        raise Failed(f"{source.name} was not changed: {done.diagnostics[0].message}")
    return done.text


def _tell(source: Input, done: Refused) -> None:
    from stepwell.cli.words import plain

    say(f"{source.name} was not changed")
    found = done.findings if source.flow is None else source.flow.with_places(done.findings)
    for one in found:
        where = f" at {one.pointer}" if one.pointer else ""
        if source.flow is not None and one.pointer and one.place is not None:
            where = f" at {source.name}:{one.place}"
        hint = f" ({one.hint})" if one.hint else ""
        click.echo(plain(f"error[{one.code.id} {one.slug}]{where}: {one.message}{hint}"), err=True)


def _replace(path: Path, text: str) -> None:
    """Writes beside the file first, so that a full disk leaves the one that was there."""
    import os
    import tempfile

    path = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=".stepwell-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(name).chmod(path.stat().st_mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
