"""Servers over SQLite; over PostgreSQL where STEPWELL_TEST_POSTGRES names one (`make test-postgres`)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from tests.dev.account import Dev, dev
from tests.server.door import Served, served, sqlite


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes empty databases and gives their URLs."""
    server = os.environ.get("STEPWELL_TEST_POSTGRES")

    def make() -> str:
        if server is None:
            return sqlite(tmp_path_factory.mktemp("database"))
        name = f"stepwell_{secrets.token_hex(6)}"
        engine = sqlalchemy.create_engine(
            sqlalchemy.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A local account of the module's own."""
    with dev(tmp_path_factory.mktemp("dev") / "state") as running:
        yield running


@pytest.fixture(scope="module")
def server(new_database: Callable[[], str], account: Dev) -> Iterator[Served]:
    """A server that speaks to the local account."""
    with served(new_database(), account.base) as running:
        yield running


@pytest.fixture(scope="module")
def alone(new_database: Callable[[], str]) -> Iterator[Served]:
    """A server that reaches no account."""
    with served(new_database()) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    return tmp_path
