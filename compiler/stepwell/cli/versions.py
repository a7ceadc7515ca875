"""`stepwell versions`: the versions of a deployed Worker."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option, json_option, worker_argument


@click.command("versions")
@worker_argument
@environment_option
@account_option
@json_option
def command(worker: str, environment: str | None, account_id: str | None, as_json: bool) -> int:
    """List the versions of a Worker, the newest first.

    WORKER is its name in the account, or the graph that it was deployed from.
    """
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from stepwell.cli.account import named_worker, print_json, speaking
    from stepwell.cli.words import plain
    from stepwell.deploy.versions import versions

    with speaking(worker, environment, account_id) as api:
        name = named_worker(worker, environment)
        rows = versions(api, name)
    if as_json:
        print_json([asdict(row) for row in rows])
        return 0
    table = Table(box=None, pad_edge=False)
    for column in ("Version", "Number", "Created", "By", "Answers", "Message"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        share = f"{row.percentage:g} %" if row.percentage else ""
        table.add_row(row.id, str(row.number), row.created[:19], row.source, share, plain(row.message or ""))
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 200  # a pipe has no width; nothing is cut
    console.print(table)
    return 0
