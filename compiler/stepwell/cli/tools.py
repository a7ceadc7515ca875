"""The toolchain as commands need it: there, or installed with a progress bar, or one clear line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.cli.faults import Failed

if TYPE_CHECKING:
    from stepwell.bundle.toolchain import Toolchain


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
