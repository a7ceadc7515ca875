"""`stepwell send-event`: sends an event to a run."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option
from stepwell.cli.runs import workflow_option


@click.command("send-event")
@click.argument("id")
@click.argument("event_type", metavar="TYPE")
@click.option("--payload", default="null", metavar="JSON|@FILE", help="What the event holds.")
@workflow_option
@environment_option
@account_option
def command(
    id: str, event_type: str, payload: str, workflow: str | None, environment: str | None, account_id: str | None
) -> int:
    """Send an event to a run. It is kept until a step waits for its type."""
    from stepwell.cli import arguments
    from stepwell.cli.runs import find_run, speaking_of_runs

    given = arguments.json_value(payload, "--payload")
    with speaking_of_runs(environment, account_id) as runs:
        run = find_run(runs, id, workflow)
        runs.send_event(run.workflow, id, event_type, given)
    click.echo(f"sent {event_type} to {id}")
    return 0
