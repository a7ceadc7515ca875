"""`stepwell restart`: starts a run again."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option, json_option
from stepwell.cli.runs import workflow_option


@click.command("restart")
@click.argument("id")
@click.option("--from-node", metavar="NODE", help="Keep what was done before this node.  [default: from the start]")
@workflow_option
@environment_option
@account_option
@json_option
def command(
    id: str,
    from_node: str | None,
    workflow: str | None,
    environment: str | None,
    account_id: str | None,
    as_json: bool,
) -> int:
    """Start a run again, from the start or from a node."""
    from stepwell.cli.runs import steer

    return steer(
        id, workflow, environment, account_id, as_json, lambda runs, run: runs.restart(run.workflow, id, from_node)
    )
