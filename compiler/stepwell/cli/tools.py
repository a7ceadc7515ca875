"""The toolchain and packages as commands need them: there, or installed, or one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepwell.cli.faults import Failed

if TYPE_CHECKING:
    from stepwell.bundle.packages import Packages
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.cli.inputs import Input
    from stepwell.graph.nodes import Nodes


def toolchain(fault: type[Failed] = Failed) -> Toolchain:
    """The installed toolchain. Raises `fault` when it cannot be had."""
    from stepwell.bundle.toolchain import ToolchainMissing, ensure, locate

    try:
        return locate()
    except ToolchainMissing:
        pass
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        console.print("Installing the Workers runtime (once)…", highlight=False)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=1.0)
        try:
            return ensure(lambda label, done: bar.update(task, description=label, completed=done))
        except ToolchainMissing as error:
            raise fault(str(error)) from error


def packages(
    source: Input,
    nodes: Nodes | None = None,
    *,
    locked: bool = False,
    upgrade: bool = False,
    fault: type[Failed] = Failed,
) -> Packages | None:
    """The npm packages of a graph and of its custom nodes, installed as the lock file beside it says.

    None when it asks for none.

    Of a graph that cannot be read nobody knows what it asks for: nothing is installed, and the lock stays.

    Raises `fault` when they cannot be had, or when they are `locked` and the lock file would have to change.
    """
    from stepwell.bundle.packages import PackagesFailed, install_for
    from stepwell.cli.inputs import STDIN_NAME
    from stepwell.compiler import dependencies

    wanted = dependencies(source.source, nodes=nodes)
    if wanted is None:
        return None
    if source.name == STDIN_NAME:
        if wanted:
            raise fault("a graph with packages needs a file: stepwell.lock lies beside it")
        return None
    try:
        return install_for(
            Path(source.name), wanted, frozen=locked, upgrade=upgrade, doing=lambda what: click.echo(what, err=True)
        )
    except PackagesFailed as error:
        raise fault(f"{source.name}: {error}") from error
