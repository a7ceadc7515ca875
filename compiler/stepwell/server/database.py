"""The database: SQLite in a file, or PostgreSQL by its URL. The same code speaks to both."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

_LOCK: Final = 7_310_052
"""The advisory lock under which PostgreSQL is migrated, so that two servers may start at once."""
_PATIENCE_SECONDS: Final = 30


class WrongDatabase(Exception):
    """The database cannot be used; the message says what to do."""


class Database:
    """Sessions for reading and for writing.

    `url` is SQLAlchemy's (`sqlite:///stepwell.sqlite`, `postgresql://user@host/name`), or the path of a SQLite file.
    Raises `WrongDatabase`.
    """

    def __init__(self, url: str) -> None:
        self.url = _url(url)
        self.engine = _engine(self.url)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        # A transaction of SQLite's that first reads and then writes may find itself too late; this one waits first.
        self._writing = sessionmaker(self.engine.execution_options(stepwell_writes=True), expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed when the block ends, undone when it raises."""
        with self._writing.begin() as session:
            yield session

    def migrate(self, revision: str = "head") -> None:
        """Brings the tables to what this version needs. Safe when several servers start at once.

        Raises `WrongDatabase` for tables that a newer version has made.
        """
        with self._alone() as connection:
            config = migrations()
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, revision)
            except CommandError as error:
                raise WrongDatabase(f"the tables were made by another version of stepwell: {error}") from None

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A transaction in which nobody else changes tables."""
        with self.engine.connect().execution_options(stepwell_writes=True) as connection:
            raw = connection.connection.driver_connection
            if isinstance(raw, sqlite3.Connection):
                # SQLite changes a table by making it anew; the rows that refer to it must not go with the old one.
                raw.execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    if self.engine.dialect.name == "postgresql":
                        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                    yield connection
            finally:
                if isinstance(raw, sqlite3.Connection):
                    raw.execute("PRAGMA foreign_keys=ON")

    def close(self) -> None:
        """Ends its connections."""
        self.engine.dispose()


def folder_of(given: str) -> Path | None:
    """The folder of a database that is a file, None for another one. `given` is what `Database` takes; raises alike."""
    url = _url(given)
    is_file = url.get_backend_name() == "sqlite" and not str(url.database or "file:").startswith("file:")
    return Path(str(url.database)).parent if is_file else None


def _url(given: str) -> URL:
    if "://" not in given:
        return URL.create("sqlite", database=str(Path(given).resolve()))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # what they say may hold the password
        raise WrongDatabase("the database's URL is wrong: it is like postgresql://user:password@host/name") from None
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return url
    raise WrongDatabase(f"the database is {backend}; SQLite and PostgreSQL are supported")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=16, max_overflow=32, pool_pre_ping=True, hide_parameters=True)
    if url.database in (None, "", ":memory:"):
        raise WrongDatabase("the database must be a file: what is in memory is lost when the server stops")
    if not str(url.database).startswith("file:"):
        _make_private(Path(str(url.database)))
    engine = create_engine(
        url, pool_size=16, max_overflow=32, hide_parameters=True, connect_args={"timeout": _PATIENCE_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver thinks they do
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("stepwell_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_private(file: Path) -> None:
    """Makes a database's file such that its owner alone may read what runs were started with."""
    with suppress(FileExistsError, OSError):  # what is wrong with the place is told when it is used
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))


def lock(session: Session, what: str) -> None:
    """Lets one transaction at a time go on with `what`, until it ends. Writers of SQLite are alone as it is."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"), {"what": what})


def migrations() -> Config:
    """Alembic's settings, but for the connection, which `attributes` takes."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def new_id(kind: str) -> str:
    """An id that nobody can guess, with what it is of in front: `wf_…`."""
    return f"{kind}_{secrets.token_urlsafe(18)}"


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
