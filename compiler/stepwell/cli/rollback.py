"""`stepwell rollback`: an older version answers again, with what belongs to it."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option, worker_argument
from stepwell.cli.faults import Failed


@click.command("rollback")
@worker_argument
@click.option("--to", "version", metavar="VERSION", help="Its id or number.  [default: the one before]")
@click.option("--message", metavar="TEXT", help="Why.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@environment_option
@account_option
def command(
    worker: str,
    version: str | None,
    message: str | None,
    yes: bool,
    environment: str | None,
    account_id: str | None,
) -> int:
    """Have an older version of a Worker answer again.

    A version carries code, bindings and secrets as they were. What it does not carry (workflow, crons, routes, domains,
    queue consumers) is restored from what travelled with it. Instances that are alive go on with the older code.
    """
    from stepwell.cli.account import is_terminal, named_worker, speaking
    from stepwell.deploy.progress import Event
    from stepwell.deploy.versions import named_version, rollback, version_before

    def listen(event: Event) -> None:
        click.echo(f"{event.stage.value:<18} {event.worker}: {event.message}", err=True)

    with speaking(worker, environment, account_id) as api:
        name = named_worker(worker, environment)
        chosen = named_version(api, name, version) if version is not None else version_before(api, name)
        if not yes:
            if not is_terminal():
                raise Failed(f"nobody can be asked here: {name} would go back to {chosen}; say --yes")
            click.confirm(f"{name} back to version {chosen}?", abort=True, err=True)
        for step in rollback(api, name, chosen, message, listen):
            click.echo(f"  ✓ {step}")
    return 0
