"""`stepwell pause`: pauses a run."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option, json_option
from stepwell.cli.runs import workflow_option


@click.command("pause")
@click.argument("id")
@workflow_option
@environment_option
@account_option
@json_option
def command(id: str, workflow: str | None, environment: str | None, account_id: str | None, as_json: bool) -> int:
    """Pause a run. A step that runs just now is let end."""
    from stepwell.cli.runs import steer

    return steer(id, workflow, environment, account_id, as_json, lambda runs, run: runs.pause(run.workflow, id))
