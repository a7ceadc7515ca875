"""`stepwell init`: a first project that checks, builds and runs."""

from __future__ import annotations

from pathlib import Path

import click

from stepwell.assets import templates
from stepwell.cli.faults import Failed

_PARAMS = """--params '{"items": [{"price": 20, "quantity": 3}]}'"""
_FILES = ("order.json", "README.md", ".gitignore")


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Start a first project in DIR (the current folder if none is given).

    Writes a small workflow and a README that says how to check, build and run it. Files that are there
    already are never overwritten.
    """
    there = [name for name in _FILES if (folder / name).exists()]
    if there:
        raise Failed(f"{folder / there[0]} is there already; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        text = (templates() / "init" / name.removeprefix(".")).read_text(encoding="utf-8")
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)
        click.echo(f"wrote {folder / name}")
    click.echo(f"Next: stepwell run {folder / 'order.json'} {_PARAMS}")
