"""`stepwell deploy`: plan, confirm, apply, verify."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.account import account_option, environment_option, secrets_option
from stepwell.cli.custom import nodes_option
from stepwell.cli.faults import INTERRUPTED, Failed
from stepwell.cli.options import locked_option

if TYPE_CHECKING:
    from rich.progress import Progress

    from stepwell.cloudflare import Cloudflare
    from stepwell.deploy.apply import Done, Stopped
    from stepwell.deploy.plan import Plan
    from stepwell.deploy.prepare import Prepared
    from stepwell.deploy.progress import Event


@click.command("deploy")
@click.argument("paths", metavar="[PATH]…", nargs=-1)
@environment_option
@account_option
@secrets_option
@nodes_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--provision", is_flag=True, help="Make resources that are bound and not there.")
@click.option("--keep-vars", is_flag=True, help="Leave variables alone that were set elsewhere.")
@click.option(
    "--percentage",
    type=click.FloatRange(0, 100, min_open=True),
    default=100,
    show_default=True,
    help="The part of the requests that the new version answers.",
)
@click.option("--message", metavar="TEXT", help="What the version is for, at most 1,000 bytes.")
@locked_option
@click.option("--json", "as_json", is_flag=True, help="Print an event a line as JSON, nothing else.")
def command(
    paths: tuple[str, ...],
    environment: str | None,
    account_id: str | None,
    secrets_file: str | None,
    nodes: tuple[Path, ...],
    yes: bool,
    provision: bool,
    keep_vars: bool,
    percentage: float,
    message: str | None,
    locked: bool,
    as_json: bool,
) -> int:
    """Deploy graphs to a Cloudflare account.

    Without PATH the graphs of the project (stepwell.toml) are deployed. Shows the plan, asks (--yes does not), uploads,
    sets what belongs to it, and looks whether it is so. Running it again always goes on where it stopped.

    CLOUDFLARE_API_TOKEN holds the token. Secrets that the graphs read are taken from the environment.
    """
    from stepwell.cli.account import choose, connect, environ, failure, is_terminal, read_secrets
    from stepwell.cloudflare import ApiError
    from stepwell.deploy.apply import Interrupted, Options, Stopped, apply
    from stepwell.deploy.prepare import prepare, wanted
    from stepwell.deploy.progress import Event, Stage
    from stepwell.deploy.project import ProjectError

    started = time.monotonic()
    view = _View(as_json)
    view(Event(Stage.INITIALIZING, "reading the project"))
    view(Event(Stage.GENERATING_CODE, "compiling"))
    chosen = choose(paths, environment, nodes, locked=locked)
    given = read_secrets(secrets_file)
    view(Event(Stage.CODE_READY, f"{len(chosen.sources)} compiled"))
    try:
        wishes = wanted(chosen.project, chosen.sources, chosen.environment, environ(), given)
        secrets = [text for wish in wishes for text in wish.secrets.values()]
        with connect(chosen.project, chosen.environment, account_id, secrets) as api:
            view(Event(Stage.DETECTING_BINDINGS, "reading what is live"))
            prepared = prepare(api, wishes, provision=provision, keep_vars=keep_vars)
            view(Event(Stage.BINDINGS_READY, "planned"))
            _refuse(prepared.plan, percentage, as_json)
            if prepared.plan.nothing:
                view.nothing(prepared.plan, api.calls)
                return 0
            if not yes:
                if as_json or not is_terminal():
                    raise Failed("nobody can be asked here: look at `stepwell plan`, then deploy with --yes")
                view.pause()
                click.confirm("Deploy?", abort=True, err=True)
            options = Options(provision, keep_vars, percentage, message)
            with view:
                done = apply(api, prepared.plan, prepared.zones, options, view)
            view.end(api, prepared, done, time.monotonic() - started)
    except Stopped as stopped:
        view.failed(stopped)
        return INTERRUPTED if any(isinstance(one, Interrupted) for one in stopped.failures.values()) else 1
    except ApiError as error:
        view(Event(Stage.FAILED, str(error)))
        raise failure(error) from None
    except ProjectError as error:
        raise Failed(str(error)) from None
    return 0


def _refuse(plan: Plan, percentage: float, as_json: bool) -> None:
    """Raises `Failed` for a plan that cannot be carried out, after showing it."""
    from stepwell.cli import plan_output

    for worker in plan.workers:
        if percentage == 100 or not worker.uploads:
            continue
        if not worker.live.exists:
            worker.problems.append(f"{worker.desired.name}: a first version answers everything; leave out --percentage")
        elif worker.whole:
            worker.problems.append(
                f"{worker.desired.name}: limits and placement change the whole Worker; deploy those first, "
                "without --percentage"
            )
        elif worker.desired.workflow is not None and (
            worker.live.carried is None or worker.live.carried.steps != worker.desired.carried.steps
        ):
            worker.problems.append(
                f"{worker.desired.name}: the two versions of the workflow have different steps, and each time an "
                "instance goes on it may meet either: leave out --percentage"
            )
    if not as_json:
        plan_output.show(plan, err=True)
    if plan.problems:
        if as_json:
            for problem in plan.problems:
                click.echo(json.dumps({"stage": "FAILED", "message": problem}, ensure_ascii=False))
        raise Failed("nothing was changed")


class _View:
    """What is seen of a deploy: a bar on a terminal, plain lines elsewhere, or JSON lines."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._bar: Progress | None = None
        self._task: Any = None

    def __call__(self, event: Event) -> None:
        """Shows one event. May be called from several threads."""
        if self._json:
            told = {"stage": event.stage.value, "worker": event.worker, "message": event.message}
            click.echo(json.dumps(told, ensure_ascii=False))
        elif self._bar is not None:
            self._bar.update(self._task, description=f"{event.stage.value}  {event.worker or ''}  {event.message}")
        else:
            where = f"{event.worker}: " if event.worker else ""
            click.echo(f"{event.stage.value:<18} {where}{event.message}", err=True)

    def __enter__(self) -> _View:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        if console.is_terminal and not self._json:
            columns = (BarColumn(bar_width=20), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
            self._bar = Progress(*columns, console=console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def pause(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def nothing(self, plan: Plan, calls: int) -> None:
        """The end where nothing was to be done."""
        if self._json:
            workers = [{"name": one.desired.name, "version": one.live.version} for one in plan.workers]
            told = {"stage": "COMPLETED", "changed": False, "calls": calls, "workers": workers}
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            click.echo(f"Everything is as it shall be; nothing was changed ({calls} calls, all of them reads).")

    def end(self, api: Cloudflare, prepared: Prepared, done: Sequence[Done], seconds: float) -> None:
        """The end of a deploy that succeeded."""
        workers = [_told(api, prepared, one) for one in done]
        if self._json:
            told = {"stage": "COMPLETED", "changed": True, "seconds": round(seconds, 2), "calls": api.calls}
            click.echo(json.dumps({**told, "workers": workers}, ensure_ascii=False))
            return
        for worker in workers:
            click.echo(f"{worker['name']}")
            for step in worker["steps"]:
                click.echo(f"  ✓ {step}")
            for url in worker["urls"]:
                click.echo(f"  {url}")
            if worker["dashboard"]:
                click.echo(f"  {worker['dashboard']}")
        click.echo(f"Deployed in {seconds:.1f} seconds, {api.calls} calls.")

    def failed(self, stopped: Stopped) -> None:
        """The end of a deploy that stopped: what was done, what was not, how to go on."""
        from stepwell.cli.faults import say
        from stepwell.cloudflare import ApiError

        self.pause()
        advice = {
            name: error.advice if isinstance(error, ApiError) else None for name, error in stopped.failures.items()
        }
        if self._json:
            told: dict[str, Any] = {
                "stage": "FAILED",
                "failures": {name: str(error) for name, error in stopped.failures.items()},
                "advice": {name: words for name, words in advice.items() if words},
                "done": {one.worker: one.steps for one in stopped.done},
                "left": stopped.left,
            }
            click.echo(json.dumps(told, ensure_ascii=False))
            return
        for name, error in stopped.failures.items():
            say(f"{name}: {error}{f' — {advice[name]}' if advice[name] else ''}")
        for one in stopped.done:
            for step in one.steps:
                click.echo(f"  {one.worker}: done: {step}", err=True)
        for name in stopped.left:
            click.echo(f"  {name}: not begun", err=True)
        refused = any(
            isinstance(error, ApiError) and 400 <= error.status < 500 and error.status != 429
            for error in stopped.failures.values()
        )
        first = "Mend that and run" if refused else "Run"
        click.echo(f"{first} the same command again: it goes on where this stopped.", err=True)


def _told(api: Cloudflare, prepared: Prepared, done: Done) -> dict[str, Any]:
    from stepwell.deploy.reached import dashboard, urls

    worker = next(one for one in prepared.plan.workers if one.desired.name == done.worker)
    return {
        "name": done.worker,
        "version": done.version or worker.live.version,
        "steps": done.steps,
        "urls": urls(api, worker.desired, prepared.subdomain),
        "dashboard": dashboard(api, done.worker),
    }
