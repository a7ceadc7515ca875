"""`stepwell drift`: what in the account is no longer as it was deployed."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option, json_option, worker_argument
from stepwell.cli.faults import Failed


@click.command("drift")
@worker_argument
@environment_option
@account_option
@json_option
def command(worker: str, environment: str | None, account_id: str | None, as_json: bool) -> int:
    """Show what was changed in the account since the last deploy, by hand or by another tool.

    Exits with 1 when something was. Secrets cannot be read back and are not compared.
    """
    from stepwell.cli.account import named_worker, print_json, speaking
    from stepwell.cli.plan_output import changes, show_changes
    from stepwell.deploy.drift import drift
    from stepwell.deploy.live import Zones, read_live
    from stepwell.deploy.project import NoWorker

    with speaking(worker, environment, account_id) as api:
        name = named_worker(worker, environment)
        live = read_live(api, name, Zones(api), None)
        if not live.exists:
            raise NoWorker(name)
    if live.carried is None:
        raise Failed(f"{name} was not deployed by stepwell, so there is nothing to compare it with")
    found = drift(live)
    if as_json:
        print_json(changes(found))
    elif found:
        show_changes(found)
    else:
        click.echo(f"{name} is as it was deployed.")
    return 1 if found else 0
