"""`stepwell setup`: installs the Workers runtime and the compilers, once a machine."""

from __future__ import annotations

import click

from stepwell.cli.tools import toolchain


@click.command("setup")
def command() -> None:
    """Install the Workers runtime into the user's cache.

    Other commands do so when they need it; this one is for images and for CI. STEPWELL_CACHE names another
    folder.
    """
    click.echo(f"The Workers runtime is installed in {toolchain().types}.")
