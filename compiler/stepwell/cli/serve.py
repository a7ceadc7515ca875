"""`stepwell serve`: the HTTP API."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepwell.cli.custom import nodes_option
from stepwell.cli.faults import Failed, Unreadable

if TYPE_CHECKING:
    from stepwell.server.start import Settings

KEY_FILE = "stepwell.key"


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="0.0.0.0 for all networks.")
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True)
@click.option(
    "--database",
    default="stepwell.sqlite",
    show_default=True,
    metavar="FILE|URL",
    envvar="STEPWELL_DATABASE",
    help="A SQLite file, or postgresql://user:password@host/name.",
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"The secret keys, where STEPWELL_SECRET_KEYS is not set.  [default: {KEY_FILE} beside the database]",
)
@click.option("--rate", default="1200/minute", show_default=True, metavar="N/UNIT", help="Calls of each key.")
@click.option("--deploy-rate", default="30/minute", show_default=True, metavar="N/UNIT", help="Deploys of each key.")
@click.option(
    "--cors", "origins", multiple=True, metavar="ORIGIN", help="A web page's origin that may call. Repeatable."
)
@nodes_option
@click.option("--init", is_flag=True, help="Make tables, secret key, a project and its first key; then end.")
@click.option("--project", default="default", show_default=True, metavar="NAME", help="The project that --init makes.")
@click.option("--rotate", is_flag=True, help="Make a new secret key, encrypt all secrets with it; then end.")
@click.option("--verbose", is_flag=True, help="Log every request.")
def command(
    host: str,
    port: int,
    database: str,
    key_file: Path | None,
    rate: str,
    deploy_rate: str,
    origins: tuple[str, ...],
    nodes: tuple[Path, ...],
    init: bool,
    project: str,
    rotate: bool,
    verbose: bool,
) -> int:
    """Serve the HTTP API: workflows, deploys, runs (/docs describes it).

    The first time: `stepwell serve --init` makes what is needed and prints the first API key, once.

    Several servers may share one PostgreSQL database. CLOUDFLARE_API_BASE_URL leads to another API than Cloudflare's,
    such as that of `stepwell dev`.
    """
    if init and rotate:
        raise click.UsageError("--init and --rotate exclude each other.")
    try:
        from stepwell.server import start
        from stepwell.server.database import WrongDatabase
        from stepwell.server.rates import WrongRate
        from stepwell.server.vault import WrongKeys
    except ModuleNotFoundError as error:
        raise Failed(f"stepwell serve needs the package {error.name}: pip install 'stepwell[server]'") from error
    for path in nodes:
        if not path.exists():
            raise Unreadable(f"--nodes {path}: there is no such folder or file")
    try:
        settings = start.Settings(
            database,
            key_file or _key_file(database),
            _base_url(),
            rate,
            deploy_rate,
            origins,
            nodes,
        )
        if init:
            return _init(settings, project)
        if rotate:
            count = start.rotate(settings)
            click.echo(f"{count} secrets are encrypted with the first key; drop the others once all servers have it.")
            return 0
        return _serve(settings, host, port, verbose)
    except (WrongDatabase, WrongKeys) as error:
        raise Failed(str(error)) from None
    except WrongRate as error:
        raise Failed(f"--rate, --deploy-rate: {error}") from None


def _key_file(database: str) -> Path:
    """Beside a database that is a file, else here."""
    from stepwell.server.database import folder_of

    return (folder_of(database) or Path()) / KEY_FILE


def _base_url() -> str:
    from stepwell.cloudflare import DEFAULT_BASE_URL

    base = os.environ.get("CLOUDFLARE_API_BASE_URL") or DEFAULT_BASE_URL
    if not base.startswith(("https://", "http://")):
        raise Failed(f"CLOUDFLARE_API_BASE_URL is {base!r}: it is a URL like {DEFAULT_BASE_URL}")
    return base


def _init(settings: Settings, name: str) -> int:
    from stepwell.server import start

    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100].rstrip("-")
    if not slug:
        raise Failed(f"--project: {name!r} holds no letter or digit")
    made = start.init(settings, name, slug)
    click.echo(f"The project {name} ({made.project}). Its first API key, which is not shown again:", err=True)
    click.echo(made.key)
    if settings.key_file.exists():
        click.echo(f"{settings.key_file} holds the secret key: keep a copy elsewhere than the database's.", err=True)
    return 0


def _serve(settings: Settings, host: str, port: int, verbose: bool) -> int:
    from stepwell.cli.tools import toolchain
    from stepwell.server import start

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO if verbose else logging.WARNING)
    for noisy in ("httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        start.serve(settings, toolchain(), host, port, _listening)
    except start.Busy as error:
        raise Failed(str(error)) from None
    return 0


def _listening(url: str) -> None:
    click.echo(f"stepwell serves at {url} (its API: {url}/docs), Ctrl-C ends it.")
