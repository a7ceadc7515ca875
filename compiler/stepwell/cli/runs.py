"""`stepwell runs`: a list of runs, one run, one run live."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.account import F, account_option, environment_option, json_option
from stepwell.cli.faults import Failed, say

if TYPE_CHECKING:
    from stepwell.runs import Run, Runs, RunSummary


class _List(click.Command):
    """The command that a word is taken for which is no other: more words than one were meant for one of those."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        word = next((arg for arg in args if not arg.startswith("-")), "")
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if type(error) is not click.UsageError:  # those that have a type are about options
                raise
            listed = "`stepwell runs WORKFLOW` lists the runs of one workflow"
            raise click.UsageError(f"there is no `stepwell runs {word}`.{_near(word)} {listed}.", ctx.parent) from None


def _near(word: str) -> str:
    from stepwell.cli.words import did_you_mean

    return did_you_mean(word, command.commands)


class _Listing(click.Group):
    """A group whose first word may also be a workflow: then its runs are listed."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args or args[0] not in self.commands:
            return "list", self.commands["list"], args
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("runs", cls=_Listing)
def command() -> None:
    """List runs (`stepwell runs [WORKFLOW]`), show one (`runs show ID`), watch one (`runs watch ID`)."""


@contextmanager
def speaking_of_runs(environment: str | None, account: str | None) -> Iterator[Runs]:
    """The client for runs; errors become one line."""
    from stepwell.cli.account import speaking
    from stepwell.runs import Runs

    with speaking("", environment, account) as api:
        yield Runs(api)


def find_run(runs: Runs, id: str, workflow: str | None) -> Run:
    """A run by its id, of any workflow where none is named."""
    from stepwell.cli.unknown import of_workflow, unknown_run
    from stepwell.cloudflare import ApiError

    if workflow is None:
        found = runs.find(id)
    else:
        try:
            with of_workflow(runs, workflow):
                found = runs.get(workflow, id)
        except ApiError as error:
            if not error.missing:
                raise
            found = None
    if found is None:
        raise unknown_run(runs, id, workflow)
    return found


def newest(runs: Runs, workflows: Sequence[str], **filters: Any) -> Iterator[RunSummary]:
    """Runs of several workflows, the newest first."""
    return merge(*(runs.list(name, **filters) for name in workflows), key=_created, reverse=True)


def workflow_option(function: F) -> F:
    """`--workflow`."""
    return click.option("--workflow", metavar="NAME", help="Its workflow.  [default: look through all]")(function)


@command.command("list", cls=_List)
@click.argument("workflow", required=False)
@click.option("--status", metavar="STATUS", help="Only those with this status.")
@click.option("--since", type=click.DateTime(), help="Only those created since then (local time).")
@click.option("--until", type=click.DateTime(), help="Only those created until then (local time).")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@environment_option
@account_option
@json_option
def list_command(
    workflow: str | None,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    environment: str | None,
    account_id: str | None,
    as_json: bool,
) -> int:
    """List runs, the newest first: those of WORKFLOW (a name or a graph's file), or of all."""
    from stepwell.cli import run_output
    from stepwell.cli.account import named_workflow, print_json
    from stepwell.cli.unknown import of_workflow

    with speaking_of_runs(environment, account_id) as runs:
        names = [named_workflow(workflow, environment)] if workflow is not None else runs.workflows()
        with of_workflow(runs, workflow and names[0], _near(workflow or "")):
            found = list(islice(newest(runs, names, status=status, since=since, until=until), limit))
    if as_json:
        print_json([run_output.as_json(run) for run in found])
    elif found:
        run_output.console().print(run_output.table(found))
    else:
        click.echo("There are no runs.")
    return 0


def _created(run: RunSummary) -> float:
    return run.created.timestamp() if run.created is not None else 0.0


@command.command("show")
@click.argument("id")
@workflow_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the graph with the run's states there (.svg, .dot, .mmd, .txt).",
)
@environment_option
@account_option
@json_option
def show_command(
    id: str,
    workflow: str | None,
    output: Path | None,
    environment: str | None,
    account_id: str | None,
    as_json: bool,
) -> int:
    """Show a run: each step with its node, attempts, time and output; the graph with what ran; where it failed."""
    from stepwell.cli import run_output
    from stepwell.cli.account import print_json

    with speaking_of_runs(environment, account_id) as runs:
        run = find_run(runs, id, workflow)
        graph = runs.graph(run.workflow)
    if output is not None:
        _draw(run, graph, output)
    if as_json:
        print_json(run_output.as_json(run))
    else:
        run_output.show(run, graph, run_output.console())
    return 0


def _draw(run: Run, graph: Mapping[str, Any] | None, output: Path) -> None:
    """The picture of a run in a file."""
    from stepwell.cli.graph import style_of
    from stepwell.cli.run_output import marks
    from stepwell.picture import draw

    if graph is None:
        raise Failed(f"the graph of {run.workflow} did not travel with its deploy; deploy it again from its file")
    if not output.parent.is_dir():
        raise Failed(f"{output.parent} is no folder; nothing was written")
    output.write_text(draw(graph, style_of(output), marks(run, graph)), encoding="utf-8")


@command.command("watch")
@click.argument("id")
@workflow_option
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Give up after so long."
)
@environment_option
@account_option
@json_option
def watch_command(
    id: str,
    workflow: str | None,
    timeout: float | None,
    environment: str | None,
    account_id: str | None,
    as_json: bool,
) -> int:
    """Watch a run until it ends. Exits with 0 when it completes, 1 otherwise."""
    with speaking_of_runs(environment, account_id) as runs:
        run = find_run(runs, id, workflow)
        return watch(runs, run.workflow, id, timeout, as_json)


def watch(runs: Runs, workflow: str, id: str, timeout: float | None, as_json: bool) -> int:
    """Follows a run to its end; the exit code."""
    from stepwell.cli import run_output
    from stepwell.runs import WaitTimeout

    out = run_output.console()
    told: set[tuple[str, bool, int]] = set()

    def changed(run: Run) -> None:
        if as_json:
            click.echo(json.dumps(run_output.as_json(run), ensure_ascii=False))
            return
        for step in run.steps:
            failures = sum(attempt.success is False for attempt in step.attempts)
            if (step.name, step.done, failures) not in told:
                told.add((step.name, step.done, failures))
                out.print(run_output.step_line(step), soft_wrap=True)

    try:
        run = runs.wait(workflow, id, timeout=timeout, changed=changed)
    except WaitTimeout as late:
        raise Failed(f"{late}; `stepwell runs watch {id}` goes on") from None
    except KeyboardInterrupt:
        say(f"the run goes on: `stepwell runs watch {id}` watches it, `stepwell terminate {id}` ends it")
        raise
    if not as_json:
        run_output.show_end(run, out)
    return 0 if run.status == "complete" else 1


def steer(
    id: str,
    workflow: str | None,
    environment: str | None,
    account: str | None,
    as_json: bool,
    action: Callable[[Runs, Run], str],
) -> int:
    """Does something to a run and says its status after it."""
    from stepwell.cli.account import print_json

    with speaking_of_runs(environment, account) as runs:
        run = find_run(runs, id, workflow)
        try:
            status = action(runs, run)
        except ValueError as error:
            raise Failed(str(error)) from None
    if as_json:
        print_json({"workflow": run.workflow, "id": id, "status": status})
    else:
        click.echo(f"{run.workflow} {id}: {status}")
    return 0
