"""`stepwell convert`: a graph in its other form, JSON or Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepwell.cli.faults import Failed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepwell.cli.inputs import Input
    from stepwell.diagnostics import Diagnostic


@click.command("convert")
@click.argument("path", metavar="PATH")
@click.argument("target", metavar="[TARGET]", required=False)
@click.option("--layout", is_flag=True, help="To JSON: give nodes that have no position one.")
@click.option("--force", is_flag=True, help="Write TARGET anew, whatever stands there.")
def command(path: str, target: str | None, layout: bool, force: bool) -> int:
    """Write a graph in another form: JSON as Python, Python as JSON.

    TARGET ends with .json or .py; without one the other form than that of PATH is printed. Nothing that a graph says
    is lost on the way, but JSON has no place for comments, constants and files of code: where TARGET is Python and is
    there already, only what differs in it is changed, and all else stays as it is.
    """
    from stepwell.cli.inputs import PYTHON, SUFFIXES, read

    if target is not None and not target.endswith(SUFFIXES):
        raise click.UsageError("TARGET ends with .json or .py.")
    source = read(path)
    python = target.endswith(PYTHON) if target is not None else source.flow is None
    text = _python(source, target, force) if python else _json(source, layout)
    if text is None:
        return 1
    if target is None:
        click.echo(text, nl=False)
        return 0
    if not force:
        _spare(Path(target))
    Path(target).write_bytes(text.encode("utf-8"))
    click.echo(f"{source.name} → {target}")
    return 0


def _json(source: Input, layout: bool) -> str | None:
    """The document as JSON text; None, with the findings printed, where it cannot be read."""
    from stepwell.flow.placing import with_positions
    from stepwell.flow.writer import readable

    if source.flow is not None and not source.flow.ok:
        _say(source, source.flow.diagnostics)
        return None
    document, found = readable(source.text if source.flow is None else source.flow.document)
    _say(source, found if source.flow is None else source.flow.with_places(found))
    if document is None:
        return None
    document = with_positions(document) if layout else document
    text = json.dumps(document, indent=2, ensure_ascii=False)
    is_storable = not any("\ud800" <= ch <= "\udfff" for ch in text)
    return (text if is_storable else json.dumps(document, indent=2)) + "\n"


def _python(source: Input, target: str | None, force: bool) -> str | None:
    """The graph as Python; over Python that is there, with as few changes as possible."""
    from stepwell.cli.inputs import read
    from stepwell.flow import write

    if source.flow is not None and not source.flow.ok:
        _say(source, source.flow.diagnostics)
        return None
    written = write(source.text if source.flow is None else source.flow.document)
    _say(source, written.diagnostics if source.flow is None else source.flow.with_places(written.diagnostics))
    if written.text is None or target is None or force or not Path(target).exists():
        return written.text
    return _updated(read(target), source)


def _updated(there: Input, source: Input) -> str:
    from stepwell.flow.rewrite import update
    from stepwell.flow.writer import cleaned

    assert there.flow is not None
    done = update(there.flow, cleaned(source.document))
    if done.text is None:
        why = "; ".join(one.message for one in done.diagnostics[:3])
        raise Failed(f"{there.name} is there already and cannot be changed in place ({why}); --force writes it anew")
    return done.text


def _say(source: Input, found: Iterable[Diagnostic]) -> None:
    from stepwell.cli import formats
    from stepwell.cli.findings import Checked

    diagnostics = tuple(found)
    if diagnostics:
        formats.write("text", [Checked(source, diagnostics)], sys.stderr)


def _spare(target: Path) -> None:
    """JSON that is there and is no graph is not written over."""
    from stepwell.cli.inputs import looks_like_a_graph, read

    if target.exists() and target.suffix == ".json" and not looks_like_a_graph(read(str(target))):
        raise Failed(f"{target} is there already and is no graph; --force writes over it")
