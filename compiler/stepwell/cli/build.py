"""`stepwell build`: a graph in, a folder with its Worker out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from stepwell.cli.custom import nodes_option
from stepwell.cli.faults import Failed, Unreadable
from stepwell.cli.options import locked_option, off_option

if TYPE_CHECKING:
    from stepwell.cli.inputs import Input
    from stepwell.compiler import Compiled

Language = Literal["ts", "js"]


@click.command("build")
@click.argument("path", metavar="PATH")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write.  [default: dist/<name of the file>]",
)
@click.option(
    "--language",
    type=click.Choice(["ts", "js"]),
    default="ts",
    show_default=True,
    help="The language of the form that people read.",
)
@click.option("--force", is_flag=True, help="Replace files in DIR also where stepwell did not write them.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with 1 when DIR is stale.")
@click.option("--watch", is_flag=True, help="Build again whenever the file is saved, until Ctrl-C.")
@locked_option
@nodes_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document about the build, nothing else.")
@off_option
def command(
    path: str,
    output: Path | None,
    language: Language,
    force: bool,
    only_check: bool,
    watch: bool,
    locked: bool,
    nodes: tuple[Path, ...],
    as_json: bool,
    off: frozenset[str],
) -> int:
    """Compile a graph into a Worker.

    \b
    Writes into DIR
      worker.js       what is uploaded, and worker.js.map, which leads back to nodes and code
      worker.ts       what people read (worker.source.js with --language js), with the modules
                      of custom nodes in nodes/
      manifest.json   kind, names, bindings, triggers, steps and the nodes they come from
      wrangler.json   for deploying with Cloudflare's own command line

    The same graph gives the same bytes; ids that you have filled into wrangler.json stay there. With errors
    nothing is written. PATH may be - for standard input.

    npm packages that the graph depends on are installed first, as stepwell.lock beside it says, and become part of
    worker.js.
    """
    if only_check and watch:
        raise click.UsageError("--check and --watch exclude each other.")
    if as_json and (only_check or watch):
        raise click.UsageError("--json is of a build: leave out --check and --watch.")
    job = _Job(path, output or _default_folder(path), language, off, force, locked or only_check, as_json, nodes)
    if watch:
        return _watch(job)
    return _check(job) if only_check else _build(job)


def _default_folder(path: str) -> Path:
    if path == "-":
        raise click.UsageError("a graph from standard input needs --output DIR.")
    return Path("dist", Path(path).stem)


@dataclass(frozen=True)
class _Job:
    """What is built, and where to."""

    path: str
    folder: Path
    language: Language
    off: frozenset[str]
    force: bool = False
    locked: bool = False
    as_json: bool = False
    nodes: tuple[Path, ...] = ()

    def compiled(self) -> Compiled:
        from stepwell.cli.inputs import read

        return compile_source(read(self.path), self.language, self.off, nodes=self.nodes, locked=self.locked)


def _build(job: _Job) -> int:
    from stepwell.cli import output, size

    compiled = job.compiled()
    if not compiled.ok:
        if job.as_json:
            click.echo(_json({"ok": False}), nl=False)
        return 1
    files = _files(compiled, job.language, job.folder)
    output.write(job.folder, files, force=job.force)
    if job.as_json:
        click.echo(_json({"ok": True, "folder": str(job.folder), "files": [*files], **size.told(compiled)}), nl=False)
        return 0
    click.echo(f"{'<stdin>' if job.path == '-' else job.path} → {job.folder}: {', '.join(files)}")
    for line in size.lines(compiled):
        click.echo(line)
    return 0


def _check(job: _Job) -> int:
    from stepwell.cli import output

    compiled = job.compiled()
    files = _files(compiled, job.language, job.folder) if compiled.ok else None
    wrong = [] if files is None else output.stale(job.folder, files)
    for line in wrong:
        click.echo(line, err=True)
    return 1 if wrong or files is None else 0


def compile_source(
    source: Input,
    language: Language,
    off: frozenset[str],
    fault: type[Failed] = Failed,
    nodes: Sequence[Path] = (),
    *,
    locked: bool = False,
) -> Compiled:
    """Installs the packages, compiles, and prints the findings on stderr.

    `nodes` are places of custom nodes beside those that are found.
    """
    from stepwell.cli import formats
    from stepwell.cli.custom import NodesOf
    from stepwell.cli.findings import Checked
    from stepwell.cli.tools import packages, toolchain
    from stepwell.compiler import compile_artifact

    custom = NodesOf(nodes)(source)
    tools, installed = toolchain(fault), packages(source, custom, locked=locked, fault=fault)
    compiled = compile_artifact(
        source.source, language=language, toolchain=tools, packages=installed, nodes=custom, off=off
    )
    if compiled.diagnostics:
        formats.write("text", [Checked(source, compiled.diagnostics)], sys.stderr)
    return compiled


def _files(compiled: Compiled, language: Language, folder: Path) -> dict[str, str]:
    """The files of a build by name, with the ids that the folder knows."""
    from stepwell.cli.output import MANIFEST, READABLE, WRANGLER, with_known_ids

    return {
        "worker.js": _text(compiled.js),
        READABLE[language]: _text(compiled.source),
        **compiled.modules,
        "worker.js.map": _text(compiled.source_map),
        MANIFEST: _json(compiled.manifest),
        WRANGLER: _json(with_known_ids(compiled.wrangler, folder)),
    }


def _text(part: str | None) -> str:
    if part is None:
        raise Failed("the compiler gave no Worker and no reason")
    return part


def _json(part: object) -> str:
    """JSON that people can read; half a surrogate pair, which UTF-8 cannot hold, stays an escape."""
    import json

    text = json.dumps(part, indent=2, ensure_ascii=False)
    is_storable = not any("\ud800" <= ch <= "\udfff" for ch in text)
    return (text if is_storable else json.dumps(part, indent=2)) + "\n"


def _watch(job: _Job) -> int:
    """Watches the file's folder, for editors save by putting a new file in the old one's place."""
    if job.path == "-":
        raise click.UsageError("--watch needs a file.")
    from watchfiles import watch

    from stepwell.nodes import watched

    file = Path(job.path).resolve()
    if not file.is_file():
        raise Unreadable(f"{job.path}: no such file")
    click.echo(f"Watching {job.path}; Ctrl-C ends.", err=True)
    with suppress(KeyboardInterrupt):
        _try_build(job)
        folders = watched(file.parent, job.nodes)
        for changes in watch(file.parent, *folders, recursive=False):
            if any(Path(changed) == file or Path(changed).parent in folders for _, changed in changes):
                _try_build(job)
    return 0


def _try_build(job: _Job) -> None:
    """A build that fails is said and waited out."""
    from stepwell.cli.faults import reason, say

    try:
        _build(job)
    except click.ClickException as error:
        error.show()
    except OSError as error:
        say(reason(error))
