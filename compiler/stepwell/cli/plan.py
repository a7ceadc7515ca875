"""`stepwell plan`: what a deploy would change."""

from __future__ import annotations

from pathlib import Path

import click

from stepwell.cli.account import account_option, environment_option, json_option, secrets_option
from stepwell.cli.custom import nodes_option
from stepwell.cli.faults import Failed

CHANGES = 4


@click.command("plan")
@click.argument("paths", metavar="[PATH]…", nargs=-1)
@environment_option
@account_option
@secrets_option
@nodes_option
@click.option("--provision", is_flag=True, help="Plan to make resources that are bound and not there.")
@click.option("--keep-vars", is_flag=True, help="Leave variables alone that were set elsewhere.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 4 when there are changes.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@json_option
def command(
    paths: tuple[str, ...],
    environment: str | None,
    account_id: str | None,
    secrets_file: str | None,
    nodes: tuple[Path, ...],
    provision: bool,
    keep_vars: bool,
    detailed_exitcode: bool,
    markdown: bool,
    as_json: bool,
) -> int:
    """Show what a deploy would change, node by node. Nothing is written.

    Without PATH the graphs of the project (stepwell.toml) are meant. Exits with 0, with 1 when something forbids the
    deploy, and with 4 under --detailed-exitcode when there are changes.
    """
    if markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other.")
    from stepwell.cli import plan_output
    from stepwell.cli.account import choose, connect, environ, failure, print_json, read_secrets
    from stepwell.cloudflare import ApiError
    from stepwell.deploy.prepare import prepare, wanted
    from stepwell.deploy.project import ProjectError

    chosen = choose(paths, environment, nodes)
    given = read_secrets(secrets_file)
    try:
        wishes = wanted(chosen.project, chosen.sources, chosen.environment, environ(), given)
        secrets = [text for wish in wishes for text in wish.secrets.values()]
        with connect(chosen.project, chosen.environment, account_id, secrets) as api:
            prepared = prepare(api, wishes, provision=provision, keep_vars=keep_vars)
    except ApiError as error:
        raise failure(error) from None
    except ProjectError as error:
        raise Failed(str(error)) from None
    if as_json:
        print_json(plan_output.as_json(prepared.plan))
    elif markdown:
        click.echo(plan_output.as_markdown(prepared.plan))
    else:
        plan_output.show(prepared.plan)
    if prepared.plan.problems:
        return 1
    return CHANGES if detailed_exitcode and not prepared.plan.nothing else 0
