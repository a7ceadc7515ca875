"""`stepwell run`: a graph on the real runtime, on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepwell.cli.custom import nodes_option
from stepwell.cli.faults import NotRun, say
from stepwell.cli.options import locked_option, off_option

if TYPE_CHECKING:
    from stepwell.cli.inputs import Input
    from stepwell.cli.live import LiveView
    from stepwell.cli.notes import Given
    from stepwell.cli.outcome import Report
    from stepwell.compiler import Compiled
    from stepwell.local.config import WorkerSpec
    from stepwell.local.run import RunOptions


@dataclass(frozen=True)
class _Job:
    """A graph compiled, with the graphs it calls and how to run it."""

    compiled: Compiled
    worker: WorkerSpec
    children: tuple[WorkerSpec, ...]
    given: Given
    source: Input

    @property
    def options(self) -> RunOptions:
        return self.given.options


@click.command("run")
@click.argument("path", metavar="PATH")
@click.option("--params", metavar="JSON|@FILE", help="What the run is started with.")
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="TYPE=JSON",
    help="An event, delivered once a step waits for its type. Repeatable.",
)
@click.option(
    "--mock",
    "mocks",
    multiple=True,
    metavar="PATTERN=JSON|@FILE",
    help="The answer to requests, like 'POST https://host/path*={\"ok\":true}'; "
    "@FILE alone is an object of them. Repeatable.",
)
@click.option("--child", "children", multiple=True, metavar="PATH", help="A graph that this one calls. Repeatable.")
@click.option("--env", "env", multiple=True, metavar="NAME=VALUE", help="A variable or secret. Repeatable.")
@click.option("--env-file", "env_files", multiple=True, metavar="FILE", help="A file of variables. Repeatable.")
@click.option("--allow-network", is_flag=True, help="Let out requests that no mock answers.")
@click.option("--real-time", is_flag=True, help="Wait for sleeps; without it they are skipped.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Give the run up after so long.  [default: 300, with --real-time none]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
@locked_option
@nodes_option
@off_option
def command(
    path: str,
    params: str | None,
    events: tuple[str, ...],
    mocks: tuple[str, ...],
    children: tuple[str, ...],
    env: tuple[str, ...],
    env_files: tuple[str, ...],
    allow_network: bool,
    real_time: bool,
    timeout: float | None,
    as_json: bool,
    locked: bool,
    nodes: tuple[Path, ...],
    off: frozenset[str],
) -> int:
    """Run a graph on this machine, on the real Workers runtime.

    A workflow is started and driven to its end, a script gets one POST. Requests are answered by mocks,
    events are delivered when they are waited for, sleeps are skipped once nothing else can happen.

    Exits with 0 when the run completes, 1 when it ends in an error, 3 when it could not be run.
    """
    from stepwell.cli import arguments, inputs
    from stepwell.cli.notes import Given
    from stepwell.local.run import RunOptions

    limit = timeout if timeout is not None or real_time else 300.0
    options = RunOptions(
        params=None if params is None else arguments.json_value(params, "--params"),
        events=arguments.events(events),
        mocks=arguments.mocks(mocks),
        real_time=real_time,
        allow_network=allow_network,
        timeout=limit,
    )
    variables = arguments.variables(env, env_files)
    own_mocks = arguments.mocks(text for text in mocks if not text.startswith("@"))
    try:
        sources = [inputs.read(one) for one in (path, *children)]
        graphs = [_compile(one, nodes, off, locked) for one in sources]
        given = Given(graphs, options, params is not None, own_mocks, arguments.variables(env, ()), variables)
        job = _prepare(given, sources[0])
        if events and _is_script(job):
            raise click.UsageError("a script waits for no events, so --event has no meaning for it.")
        return _run(job, as_json)
    except NotRun as failure:
        if as_json:
            _print_not_run(failure)
        raise


def _prepare(given: Given, source: Input) -> _Job:
    workers = [_worker(graph, given.variables) for graph in given.graphs]
    return _Job(given.graphs[0], workers[0], tuple(workers[1:]), given, source)


def _compile(source: Input, nodes: Sequence[Path], off: frozenset[str], locked: bool) -> Compiled:
    from stepwell.cli.build import compile_source

    compiled = compile_source(source, "ts", off, NotRun, nodes, locked=locked)
    if not compiled.ok:
        raise NotRun(f"{source.name} has errors, so it was not run")
    return compiled


def _worker(compiled: Compiled, variables: Mapping[str, str]) -> WorkerSpec:
    """The Worker with the variables, also in place of what has no counterpart on this machine."""
    from stepwell.local import worker_spec

    spec = worker_spec(compiled)
    real = {*spec.kv, *spec.d1, *spec.r2, *spec.queues, *spec.services, *spec.foreign}
    for name in sorted(real & variables.keys()):
        raise click.UsageError(f"{name} is a binding of this machine's own; --env cannot stand in for it.")
    missing = {name: why for name, why in spec.missing.items() if name not in variables}
    return replace(spec, vars={**spec.vars, **variables}, missing=missing)


def _run(job: _Job, as_json: bool) -> int:
    from rich.console import Console

    from stepwell.cli import notes, outcome
    from stepwell.cli.live import LiveView

    console = Console(highlight=False, markup=False, emoji=False)
    before = notes.at_the_start(job.given)
    if as_json:
        report = _drive(job, None)
        report = replace(report, notes=[*before, *notes.at_the_end(job.given, report.events)])
        click.echo(outcome.as_json(report))
    else:
        _say(before)
        with LiveView(console, job.options.real_time) as view:
            report = _drive(job, view)
        if not view.is_empty:
            console.print()
        outcome.show(report, console)
        _say(notes.at_the_end(job.given, report.events))
    return 0 if report.outcome.status == "complete" else 1


def _say(notes: Sequence[str]) -> None:
    for note in notes:
        say(f"note: {note}")


def _drive(job: _Job, view: LiveView | None) -> Report:
    from stepwell.cli.outcome import Report
    from stepwell.cli.steps import StepTable
    from stepwell.cli.tools import toolchain
    from stepwell.emit.sourcemap import SourcePlaces
    from stepwell.local.events import RunEvent
    from stepwell.local.run import RunFailed, run_script, run_workflow
    from stepwell.local.runtime import RuntimeFailed

    seen: list[RunEvent] = []

    def on_event(event: RunEvent) -> None:
        seen.append(event)
        if view is not None:
            view(event)

    start = run_script if _is_script(job) else run_workflow
    try:
        ended = start(toolchain(NotRun), job.worker, job.options, on_event=on_event, children=job.children)
    except (RunFailed, RuntimeFailed) as failure:
        raise NotRun(str(failure)) from failure
    places = SourcePlaces(job.compiled.source_map or "{}")
    return Report(ended, seen, StepTable(job.compiled.manifest or {}), places=places, source=job.source)


def _is_script(job: _Job) -> bool:
    return (job.compiled.manifest or {}).get("kind") == "script"


def _print_not_run(failure: NotRun) -> None:
    from stepwell.cli.outcome import not_run

    click.echo(not_run(failure.message))
