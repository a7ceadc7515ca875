"""A server from its settings: the house is built, the tables are brought up to date, uvicorn serves."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn
from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from stepwell.nodes import find

from . import keys, vault
from .accounts import Accounts
from .app import make_app
from .database import Database, WrongDatabase, lock
from .house import House
from .keys import SCOPES
from .rates import Rates
from .routes.projects import new_project
from .tables import ProjectRow

if TYPE_CHECKING:
    from fastapi import FastAPI

    from stepwell.bundle.toolchain import Toolchain


_BACKLOG: Final = 512


@dataclass(frozen=True)
class Settings:
    """How to serve. `database` is a file or a URL; `key_file` holds the secret keys where the environment does not;
    `cloudflare` is the base URL of Cloudflare's API; rates are for each key.
    """

    database: str
    key_file: Path
    cloudflare: str
    calls: str = "1200/minute"
    deploys: str = "30/minute"
    origins: Sequence[str] = ()
    nodes: Sequence[Path] = ()
    """Folders of custom nodes, and files of bundles, beside those of packages."""


def open_house(settings: Settings, toolchain: Toolchain | None) -> House:
    """What the server works with. Raises `WrongDatabase`, `WrongKeys`, `WrongRate`."""
    file = settings.key_file
    safe = vault.Vault(vault.keys(file), lambda: vault.keys(file))
    rates = Rates(settings.calls, settings.deploys)
    database = _database(settings)
    found = find(None, settings.nodes)
    for problem in found.problems:
        logging.getLogger(__name__).warning("%s", problem)
    return House(database, safe, rates, Accounts(settings.cloudflare, safe), toolchain, found.nodes)


def app(settings: Settings, toolchain: Toolchain | None) -> FastAPI:
    """The application, ready to be served."""
    return make_app(open_house(settings, toolchain), origins=settings.origins)


class Busy(Exception):
    """The address cannot be listened to."""


def serve(
    settings: Settings, toolchain: Toolchain | None, host: str, port: int, listening: Callable[[str], None]
) -> None:
    """Serves until a signal comes; requests under way end first. `listening` hears the URL. Raises `Busy`."""
    application = app(settings, toolchain)
    config = uvicorn.Config(
        application, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=30
    )
    with listen(host, port) as door:
        shown = f"[{host}]" if ":" in host else host
        listening(f"http://{shown}:{door.getsockname()[1]}")
        uvicorn.Server(config).run([door])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `Busy`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer waits 40 ms for an ACK.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(_BACKLOG)
    except OSError as error:
        door.close()
        raise Busy(f"{host}:{port} cannot be listened to: {error.strerror or error}") from None
    return door


@dataclass(frozen=True)
class Made:
    """What `init` has made: the project and its key, which is not seen again."""

    project: str
    key: str


def init(settings: Settings, name: str, slug: str) -> Made:
    """Makes the tables, a secret key where there is none, and a project with a key that may do everything.

    Raises `WrongDatabase`, `WrongKeys`.
    """
    try:
        vault.Vault(vault.keys(settings.key_file))
    except vault.WrongKeys:
        if settings.key_file.exists():
            raise
        vault.add_key(settings.key_file)
    database = _database(settings)
    try:
        with database.write() as session:
            lock(session, "init")
            if session.scalar(select(exists().where(ProjectRow.slug == slug))):
                raise WrongDatabase(f"there is a project {slug} already; --project NAME makes another one")
            project = new_project(session, name, slug, None)
            _, key = keys.make(session, project.id, "first key", SCOPES)
    finally:
        database.close()
    return Made(project.id, key)


def rotate(settings: Settings) -> int:
    """Seals all secrets anew with the first key, after making one where the keys are in a file. Gives how many."""
    if not os.environ.get(vault.VARIABLE):
        vault.add_key(settings.key_file)
    safe = vault.Vault(vault.keys(settings.key_file))
    database = _database(settings)
    try:
        with database.write() as session:
            return safe.rotate(session)
    finally:
        database.close()


def _database(settings: Settings) -> Database:
    database = Database(settings.database)
    try:
        database.migrate()
    except WrongDatabase:
        database.close()
        raise
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise WrongDatabase(f"the database cannot be used: {words[0] if words else type(error).__name__}") from None
    return database
