"""`stepwell takedown`: removes a Worker and everything that belongs to it."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option, worker_argument
from stepwell.cli.faults import Failed


@click.command("takedown")
@worker_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@environment_option
@account_option
def command(worker: str, yes: bool, environment: str | None, account_id: str | None) -> int:
    """Remove a Worker from the account: its instances and workflows, queue consumers, routes, domains, and itself.

    Shows first what would go. Resources that it was bound to (KV, D1, R2, queues) stay.
    """
    from stepwell.cli.account import is_terminal, named_worker, speaking
    from stepwell.deploy.progress import Event
    from stepwell.deploy.takedown import going, read_takedown, takedown

    def listen(event: Event) -> None:
        click.echo(f"{event.worker}: {event.message}", err=True)

    with speaking(worker, environment, account_id) as api:
        name = named_worker(worker, environment)
        live = read_takedown(api, name)
        goes = going(live)
        if not goes:
            click.echo(f"There is nothing of {name} in the account.")
            return 0
        for one in goes:
            click.echo(f"  - {one.what:<9} {one.name}  {one.note}".rstrip())
        if not yes:
            if not is_terminal():
                raise Failed("nobody can be asked here: say --yes to remove all of this")
            click.confirm("Remove all of this?", abort=True, err=True)
        takedown(api, live, listen)
        click.echo(f"{name} is gone.")
    return 0
