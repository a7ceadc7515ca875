"""The database: SQLite in a file, or PostgreSQL by its URL. The same code speaks to both."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, create_engine, event, make_url
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

    def migrate(self) -> None:
        """Brings the tables to what this version needs. Safe when several servers start at once."""
        with self.engine.connect().execution_options(stepwell_writes=True) as connection, connection.begin():
            if self.engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def check(self) -> None:
        """Raises `WrongDatabase` when it cannot be reached or its tables are not those of this version."""
        with self.engine.connect() as connection:
            now = MigrationContext.configure(connection).get_current_revision()
        head = ScriptDirectory.from_config(_config()).get_current_head()
        if now != head:
            raise WrongDatabase(f"the tables are of revision {now}, this server needs {head}")

    def close(self) -> None:
        """Ends its connections."""
        self.engine.dispose()


def _url(text: str) -> URL:
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).resolve()))
    try:
        url = make_url(text)
    except ArgumentError:
        raise WrongDatabase("the database's URL is wrong: it is like postgresql://user:password@host/name") from None
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return url
    raise WrongDatabase(f"the database is {backend}; SQLite and PostgreSQL are supported")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=16, max_overflow=16, pool_pre_ping=True)
    if url.database in (None, "", ":memory:"):
        raise WrongDatabase("the database must be a file: what is in memory is lost when the server stops")
    engine = create_engine(url, pool_size=16, max_overflow=32, connect_args={"timeout": _PATIENCE_SECONDS})

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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def new_id(kind: str) -> str:
    """An id that nobody can guess, with what it is of in front: `wf_…`."""
    return f"{kind}_{secrets.token_urlsafe(18)}"


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
