"""`stepwell build`: a graph in, a folder with its Worker out."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from stepwell.cli.faults import Failed, Unreadable
from stepwell.cli.options import off_option

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
@off_option
def command(
    path: str,
    output: Path | None,
    language: Language,
    force: bool,
    only_check: bool,
    watch: bool,
    off: frozenset[str],
) -> int:
    """Compile a graph into a Worker.

    \b
    Writes into DIR
      worker.js       what is uploaded, and worker.js.map, which leads back to nodes and code
      worker.ts       what people read (worker.source.js with --language js)
      manifest.json   kind, names, bindings, triggers, steps and the nodes they come from
      wrangler.json   for deploying with Cloudflare's own command line

    The same graph gives the same bytes; ids that you have filled into wrangler.json stay there. With errors
    nothing is written. PATH may be - for standard input.
    """
    if only_check and watch:
        raise click.UsageError("--check and --watch exclude each other.")
    job = _Job(path, output or _default_folder(path), language, off, force)
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

    def files(self) -> dict[str, str] | None:
        """The files of the build by name, None when there are errors."""
        from stepwell.cli.inputs import read

        compiled = compile_source(read(self.path), self.language, self.off)
        return _files(compiled, self.language, self.folder) if compiled.ok else None


def _build(job: _Job) -> int:
    from stepwell.cli import output

    files = job.files()
    if files is None:
        return 1
    output.write(job.folder, files, force=job.force)
    click.echo(f"{'<stdin>' if job.path == '-' else job.path} → {job.folder}: {', '.join(files)}")
    return 0


def _check(job: _Job) -> int:
    from stepwell.cli import output

    files = job.files()
    wrong = [] if files is None else output.stale(job.folder, files)
    for line in wrong:
        click.echo(line, err=True)
    return 1 if wrong or files is None else 0


def compile_source(source: Input, language: Language, off: frozenset[str], fault: type[Failed] = Failed) -> Compiled:
    """Compiles and prints the findings on stderr."""
    from stepwell.cli import formats
    from stepwell.cli.findings import Checked
    from stepwell.cli.tools import toolchain
    from stepwell.compiler import compile_artifact

    compiled = compile_artifact(source.text, language=language, toolchain=toolchain(fault), off=off)
    if compiled.diagnostics:
        formats.write("text", [Checked(source, compiled.diagnostics)], sys.stderr)
    return compiled


def _files(compiled: Compiled, language: Language, folder: Path) -> dict[str, str]:
    """The files of a build by name, with the ids that the folder knows."""
    from stepwell.cli.output import MANIFEST, READABLE, WRANGLER, with_known_ids

    return {
        "worker.js": _text(compiled.js),
        READABLE[language]: _text(compiled.source),
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

    file = Path(job.path).resolve()
    if not file.is_file():
        raise Unreadable(f"{job.path}: no such file")
    click.echo(f"Watching {job.path}; Ctrl-C ends.", err=True)
    with suppress(KeyboardInterrupt):
        _try_build(job)
        for changes in watch(file.parent, recursive=False):
            if any(Path(changed).name == file.name for _, changed in changes):
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
