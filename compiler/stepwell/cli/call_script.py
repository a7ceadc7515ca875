"""`stepwell call`: calls a deployed script at its own URL."""

from __future__ import annotations

import click

from stepwell.cli.account import account_option, environment_option
from stepwell.cli.faults import Failed


@click.command("call")
@click.argument("worker", metavar="WORKER|PATH")
@click.option("--params", default="null", metavar="JSON|@FILE", help="The body of the request.")
@click.option("--path", default="/", show_default=True, help="The path of the URL.")
@click.option("--method", default="POST", show_default=True, help="The method of the request.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header. Repeatable.")
@environment_option
@account_option
def command(
    worker: str,
    params: str,
    path: str,
    method: str,
    headers: tuple[str, ...],
    environment: str | None,
    account_id: str | None,
) -> int:
    """Call a deployed script at its own URL and print what it answers.

    Exits with 0 for an answer below 400, 1 otherwise.
    """
    import httpx

    from stepwell.cli import arguments
    from stepwell.cli.account import named_worker, speaking, worker_url
    from stepwell.cli.words import plain

    given = arguments.json_value(params, "--params")
    sent = arguments.headers(headers)
    name = named_worker(worker, environment)
    with speaking(worker, environment, account_id) as api:
        url = worker_url(api, name).rstrip("/") + "/" + path.lstrip("/")
    body = {"json": given} if given is not None else {}
    try:
        answer = httpx.request(method.upper(), url, headers=sent, timeout=120, **body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Failed(f"{plain(url)}: {error}") from None
    click.echo(f"HTTP {answer.status_code}", err=True)
    click.echo(answer.text)
    return 0 if answer.status_code < 400 else 1
