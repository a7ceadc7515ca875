"""`stepwell trigger`: starts a run of a deployed workflow."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option, json_option


@click.command("trigger")
@click.argument("workflow", metavar="WORKFLOW|PATH")
@click.option("--params", default="null", metavar="JSON|@FILE", help="What the run is started with.")
@click.option("--id", metavar="ID", help="The run's id.  [default: a random one]")
@click.option("--wait", is_flag=True, help="Watch the run until it ends.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Wait at most so long.")
@environment_option
@account_option
@json_option
def command(
    workflow: str,
    params: str,
    id: str | None,
    wait: bool,
    timeout: float | None,
    environment: str | None,
    account_id: str | None,
    as_json: bool,
) -> int:
    """Start a run of a deployed workflow, named as in the account or by the graph it was deployed from.

    Prints the run's id. With --wait exits with 0 when the run completes, 1 otherwise.
    """
    from stepwell.cli import arguments
    from stepwell.cli.account import named_workflow, print_json
    from stepwell.cli.runs import speaking_of_runs, watch
    from stepwell.cli.unknown import of_workflow

    if timeout is not None and not wait:
        raise click.UsageError("--timeout says how long --wait waits: give both.")
    given = arguments.json_value(params, "--params")
    name = named_workflow(workflow, environment)
    with speaking_of_runs(environment, account_id) as runs:
        with of_workflow(runs, name):
            started = runs.trigger(name, given, id)
        if not wait:
            if as_json:
                print_json({"workflow": name, "id": started})
            else:
                click.echo(started)
            return 0
        if not as_json:
            click.echo(started)
        return watch(runs, name, started, timeout, as_json)
