"""`stepwell dev`: a Cloudflare account on this machine, with the given graphs deployed and watched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from stepwell.cli.custom import nodes_option
from stepwell.cli.faults import Failed

if TYPE_CHECKING:
    from stepwell.cli.dev_session import Session
    from stepwell.local.mock import Mock, World

STATE = Path(".stepwell/dev")


@click.command("dev")
@click.argument("paths", metavar="[PATH]…", nargs=-1)
@click.option("--port", type=click.IntRange(0, 65535), default=8788, show_default=True, help="0 takes a free one.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=STATE,
    show_default=True,
    metavar="DIR",
    help="Where everything is kept.",
)
@click.option("--fresh", is_flag=True, help="Start empty: remove what DIR holds.")
@click.option(
    "--clock",
    type=click.Choice(["real", "test"]),
    default="real",
    show_default=True,
    help="test: time is moved by POST /local/clock?advance=2h.",
)
@click.option(
    "--mock",
    "mocks",
    multiple=True,
    metavar="PATTERN=JSON|@FILE",
    help="The answer to requests, as for run; others go out. Repeatable.",
)
@nodes_option
@click.option("--env", "env", multiple=True, metavar="NAME=VALUE", help="A variable or secret. Repeatable.")
@click.option("--env-file", "env_files", multiple=True, metavar="FILE", help="A file of variables. Repeatable.")
def command(
    paths: tuple[str, ...],
    port: int,
    state: Path,
    fresh: bool,
    clock: Literal["real", "test"],
    mocks: tuple[str, ...],
    nodes: tuple[Path, ...],
    env: tuple[str, ...],
    env_files: tuple[str, ...],
) -> int:
    """A Cloudflare account on this machine.

    Serves Cloudflare's REST API and runs what is deployed to it, on the real Workers runtime: with stepwell, with
    Cloudflare's own command line, or by giving graphs as PATH, which are deployed again whenever they are saved.
    Each Worker answers at http://NAME.localhost:PORT/. Everything is kept in DIR and goes on after a restart.

    The account and the token are CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN where these are set.
    """
    from stepwell.cli import arguments
    from stepwell.cli.tools import toolchain

    answers = arguments.mocks(mocks)
    variables = arguments.variables(env, env_files)
    for path in paths:
        if not Path(path).is_file():
            raise click.UsageError(f"{path} is not a file.")
    try:
        from stepwell.cli.dev_session import Session
        from stepwell.dev.serve import Busy, Server, Settings
    except ModuleNotFoundError as error:
        raise Failed(f"stepwell dev needs the package {error.name}: pip install 'stepwell[server]'") from error
    if fresh:
        _remove(state)
    tools = toolchain()
    _keep_out_of_version_control(state)
    with ExitStack() as stack:
        session = Session(paths, variables, nodes)
        world = _world(answers, session, stack) if answers else None
        settings = Settings(
            state.resolve(),
            port,
            clock == "test",
            world.address if world is not None else None,
            os.environ.get("CLOUDFLARE_ACCOUNT_ID") or None,
            os.environ.get("CLOUDFLARE_API_TOKEN") or None,
            world.token if world is not None else None,
        )
        try:
            server = Server(settings, tools.workerd, session.log, session.fault, session.mark)
        except Busy as error:
            raise Failed(str(error)) from error
        return session.run(server, tools)


def _remove(state: Path) -> None:
    """Only what looks like a state of ours is removed."""
    if state.exists():
        if any(state.iterdir()) and not (state / "account.sqlite").exists() and not (state / "lock").exists():
            raise Failed(f"{state} holds something else; --fresh removes only what stepwell dev has written")
        shutil.rmtree(state)


def _keep_out_of_version_control(state: Path) -> None:
    """The state holds secrets."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def _world(answers: Sequence[Mock], session: Session, stack: ExitStack) -> World:
    """A proxy that answers for the world, and asks it where no mock fits."""
    from stepwell.local.mock import Desk, World

    desk = Desk(answers, allow_network=True, on_exchange=session.exchange)
    stack.callback(desk.close)
    return stack.enter_context(World({}, desk))
