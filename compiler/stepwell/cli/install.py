"""`stepwell install`: the npm packages of graphs, into the cache, as the lock file says."""

from __future__ import annotations

from pathlib import Path

import click

from stepwell.cli.custom import NodesOf, nodes_option
from stepwell.cli.faults import Failed, say
from stepwell.cli.options import locked_option
from stepwell.cli.words import count


@click.command("install")
@click.argument("paths", metavar="[PATH]…", nargs=-1)
@click.option("--upgrade", is_flag=True, help="Take the newest versions that fit, also where older ones are locked.")
@locked_option
@nodes_option
def command(paths: tuple[str, ...], upgrade: bool, locked: bool, nodes: tuple[Path, ...]) -> int:
    """Install the npm packages that graphs and their custom nodes depend on.

    Other commands do so when they need it; this one is for images, for CI, and for newer versions. Versions and hashes
    are kept in stepwell.lock beside the graph: commit it. Without PATH the graphs of the project (stepwell.toml) are
    meant. No script of a package is run.
    """
    from stepwell.cli.account import find_project
    from stepwell.cli.inputs import read
    from stepwell.cli.tools import packages
    from stepwell.compiler import dependencies

    if upgrade and locked:
        raise click.UsageError("--upgrade and --locked exclude each other.")
    failed, custom = False, NodesOf(nodes)
    for path in paths or [str(path) for path in find_project().artifacts.values()]:
        source = read(path)
        if dependencies(source.source, nodes=custom(source)) is None:
            say(f"{path} has errors: `stepwell check` says which")
            failed = True
            continue
        try:
            found = packages(source, custom(source), locked=locked, upgrade=upgrade)
        except Failed as error:
            say(error.message)
            failed = True
            continue
        click.echo(f"{path}: {'no packages' if found is None else count(len(found.versions), 'package')}")
    return int(failed)
