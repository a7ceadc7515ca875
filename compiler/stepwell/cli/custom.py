"""Custom nodes as commands need them: found near a graph and where `--nodes` says, problems told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.cli.faults import Unreadable, say

if TYPE_CHECKING:
    from stepwell.cli.inputs import Input
    from stepwell.graph.nodes import Nodes

F = TypeVar("F", bound=Callable[..., Any])


def nodes_option(command: F) -> F:
    """`--nodes`."""
    return click.option(
        "--nodes",
        "nodes",
        multiple=True,
        metavar="DIR|FILE",
        type=click.Path(path_type=Path),
        envvar="STEPWELL_NODES",
        help="A folder of custom nodes, or a file of bundles; nodes/ beside the graph is found anyway. Repeatable.",
    )(command)


def nodes_near(folder: Path, named: Sequence[Path]) -> Nodes:
    """The custom nodes that a graph in `folder` may use. Raises Unreadable for a place that is named and not there."""
    from stepwell.nodes import find

    for path in named:
        if not path.exists():
            raise Unreadable(f"--nodes {path}: there is no such folder or file")
    found = find(folder, named)
    for problem in found.problems:
        say(problem)
    return found.nodes


class NodesOf:
    """The custom nodes of several sources; each folder is looked through once."""

    def __init__(self, named: Sequence[Path]) -> None:
        self._named = tuple(named)
        self._known: dict[Path, Nodes] = {}

    def __call__(self, source: Input) -> Nodes:
        """The nodes that a source may use; what came from standard input is taken to lie here."""
        folder = (Path() if source.name == "<stdin>" else Path(source.name).parent).resolve()
        if folder not in self._known:
            self._known[folder] = nodes_near(folder, self._named)
        return self._known[folder]
