"""`stepwell check`: reads, checks, prints findings."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from stepwell.cli import formats
from stepwell.cli.custom import NodesOf, nodes_option
from stepwell.cli.faults import Unreadable, say
from stepwell.cli.options import off_option
from stepwell.cli.words import count


@click.command("check")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "style",
    type=click.Choice(formats.NAMES),
    default="text",
    show_default=True,
    help="How findings are printed.",
)
@nodes_option
@off_option
def command(paths: tuple[str, ...], style: str, nodes: tuple[Path, ...], off: frozenset[str]) -> int:
    """Check graphs and print what is found.

    A PATH is a file (JSON, or Python of stepwell.flow), a folder (every graph below it; other files are left out),
    or - for standard input.
    Exits with 0 when there are no errors, 1 when there is one, 2 when something could not be read.
    """
    from stepwell.cli.findings import Checked, tally
    from stepwell.cli.inputs import gather
    from stepwell.compiler import check

    found = gather(paths)
    for problem in found.problems:
        say(problem)
    if not found.inputs and not found.problems:
        raise Unreadable(f"there is no graph in {', '.join(paths)}")
    if found.skipped:
        say(f"{count(found.skipped, 'JSON file')} left out: not a graph")
    custom = NodesOf(nodes)
    checked = [Checked(source, tuple(check(source.source, nodes=custom(source), off=off))) for source in found.inputs]
    if checked or style != "text":
        formats.write(style, checked, sys.stdout)
    return 2 if found.problems else min(1, tally(checked).errors)
