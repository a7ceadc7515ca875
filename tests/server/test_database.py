"""The database: its migrations, and several servers that share one."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from stepwell.server import keys, lookup
from stepwell.server.database import Database, WrongDatabase, folder_of, migrations, new_id, now
from stepwell.server.routes.projects import new_project
from stepwell.server.tables import Base
from tests.deploy.graphs import graph
from tests.server.door import Caller, served

Make = Callable[[], str]


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def downgrade(database: Database, revision: str) -> None:
    """As an operator goes back before he installs an older version."""
    with database._alone() as connection:
        config = migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


@pytest.fixture
def database(new_database: Make) -> Any:
    made = Database(new_database())
    yield made
    made.close()


# Migrations


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert tables(database) == {*Base.metadata.tables, "alembic_version"}
    database.migrate()  # again, there is nothing to do


def test_every_step_can_be_gone_from_the_one_before(database: Database) -> None:
    revisions = [one.revision for one in ScriptDirectory.from_config(migrations()).walk_revisions()][::-1]
    assert len(revisions) > 1
    for revision in revisions:
        database.migrate(revision)
    for revision in [*revisions[-2::-1], "base"]:
        downgrade(database, revision)
    assert tables(database) == {"alembic_version"}
    database.migrate()


OLD = [
    "INSERT INTO projects (id, name, slug, created_at, updated_at) VALUES ('prj_a', 'A', 'a', 1, 1)",
    "INSERT INTO connections (id, project_id, name, provider, account, credentials, created_at, updated_at)"
    " VALUES ('conn_a', 'prj_a', 'c', 'cloudflare', 'acc', 'sealed', 1, 1)",
    "INSERT INTO workflows (id, project_id, name, kind, dependencies, created_at, updated_at)"
    " VALUES ('wf_a', 'prj_a', 'W', 'workflow', '{}', 1, 1)",
    "INSERT INTO deployments (id, project_id, workflow_id, version_id, connection_id, account, status, waits,"
    " config, steps, created_at) VALUES ('dep_a', 'prj_a', 'wf_a', 'ver_a', 'conn_a', 'acc', 'success', true,"
    " '{}', '[]', 1)",
    "INSERT INTO runs (id, project_id, workflow_id, version_id, deployment_id, connection_id, workflow, instance_id,"
    " idempotency_key, request, params, started, status, provider_status, seen_at, created_at, updated_at) VALUES"
    " ('run_a', 'prj_a', 'wf_a', 'ver_a', 'dep_a', 'conn_a', 'W', 'i', 'k', 'h', 'null', true, 'running', 'running',"
    " 1, 1, 1)",
    "INSERT INTO sent_events (id, workflow_id, idempotency_key, request, run_id, created_at)"
    " VALUES ('evt_a', 'wf_a', 'k', 'h', 'run_a', 1)",
]


def test_what_is_there_stays(database: Database) -> None:
    """From the first tables to those of now: no row is lost, and the new columns say what was true."""
    database.migrate("0001")
    with database.write() as session:
        for statement in OLD:
            session.execute(text(statement))
    database.migrate()
    with database.read() as session:
        for name in ("projects", "connections", "workflows", "deployments", "runs", "sent_events"):
            assert session.execute(text(f"SELECT count(*) FROM {name}")).scalar() == 1, name
        assert tuple(session.execute(text("SELECT tries, instance_id, started FROM runs")).one()) == (1, "i", True)
        assert session.execute(text("SELECT sent FROM sent_events")).scalar()
    with database.write() as session:  # and the rows belong together still
        session.execute(text("DELETE FROM projects"))
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM runs")).scalar() == 0


def test_findings_of_versions_change_their_shape(database: Database) -> None:
    """There and back: what was said of the code stays, and what says nothing is not touched."""
    old = {"code": "SW301", "message": "m", "pointer": "/ir/nodes/0", "nodeId": "a", "line": 2, "column": 7}
    beside = {**old, "line": None, "column": None}
    database.migrate("0002")
    with database.write() as session:
        for statement in OLD[:1] + OLD[2:3]:
            session.execute(text(statement))
        for number, findings in enumerate(([old, beside], [])):
            session.execute(
                text(
                    "INSERT INTO versions (id, workflow_id, number, artifact, hash, findings, locked, created_at)"
                    " VALUES (:id, 'wf_a', :number, '{}', 'h', :findings, false, 1)"
                ),
                {"id": f"ver_{number}", "number": number, "findings": json.dumps(findings)},
            )
    database.migrate("0003")
    assert _findings(database) == [
        [
            {**old, "nodeName": None, "line": None, "column": None, "snippet": {"line": 2, "column": 7}},
            {**beside, "nodeName": None, "snippet": None},
        ],
        [],
    ]
    downgrade(database, "0002")
    assert _findings(database) == [[old, beside], []]


def _findings(database: Database) -> list[Any]:
    with database.read() as session:
        return [json.loads(one) for one in session.execute(text("SELECT findings FROM versions ORDER BY id")).scalars()]


def test_tables_of_a_newer_version(database: Database) -> None:
    database.migrate()
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongDatabase, match=r"another version of stepwell.*9999"):
        database.migrate()


def test_many_servers_may_start_at_once(new_database: Make) -> None:
    url = new_database()

    def start(_: int) -> None:
        database = Database(url)
        database.migrate()
        database.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
    database = Database(url)
    assert tables(database) == {*Base.metadata.tables, "alembic_version"}
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a@b/c",
        "postgresql://u:p4ssw0rd@host:port/db",
        "nonsense://",
        "sqlite://",
        "sqlite:///:memory:",
        "://",
    ],
)
def test_urls_that_are_wrong(url: str) -> None:
    with pytest.raises(WrongDatabase) as caught:
        Database(url)
    assert "p4ss" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ("kept/stepwell.sqlite", Path("kept").resolve()),
        ("sqlite:///kept/stepwell.sqlite", Path("kept")),
        ("sqlite:////kept/stepwell.sqlite", Path("/kept")),
        ("postgresql://user@host/name", None),
    ],
)
def test_the_folder_of_a_database(given: str, folder: Path | None) -> None:
    assert folder_of(given) == folder


def test_a_transaction_is_whole_or_not_at_all(database: Database) -> None:
    database.migrate()
    with pytest.raises(ZeroDivisionError), database.write() as session:
        keys.make(session, new_project(session, "A", "a", None).id, "k", ["read"])
        1 / 0  # noqa: B018
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM projects")).scalar() == 0


def test_times_and_ids() -> None:
    assert len({new_id("x") for _ in range(1000)}) == 1000 and new_id("wf").startswith("wf_")
    assert now() <= now()


# Shared


def test_two_servers_share_a_database(new_database: Make) -> None:
    """What one has done the other sees; what both do at once is done by one after the other."""
    url = new_database()
    with served(url) as first, served(url) as second:
        who = first.caller()
        there = Caller(second.http, who.key, who.project)
        id = who.post("/workflows", {"name": "Shared"})["id"]
        assert there.get(f"/workflows/{id}")["name"] == "Shared"

        def post(number: int) -> int:
            one = who if number % 2 else there
            version = one.post(f"/workflows/{id}/versions", {"ir": graph(code=f"return {number};")})
            return int(version["version"])

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(post, range(16))) == list(range(1, 17))

        def name(number: int) -> int:
            one = who if number % 2 else there
            return one.call("POST", "/env-vars", {"name": f"A{number // 4}", "value": "x"}).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(name, range(16))) == [201] * 4 + [409] * 12
        key = who.post("/api-keys", {"name": "x", "scopes": ["read"]})
        who.delete(f"/api-keys/{key['id']}")
        assert Caller(second.http, key["key"]).refused("GET", "/projects")[0] == 401


def test_a_project_that_goes_while_it_is_used(new_database: Make) -> None:
    """Whatever is under way ends with an answer."""
    url = new_database()
    with served(url) as first, served(url) as second:
        who = first.caller()
        there = Caller(second.http, who.key, who.project)

        def use(number: int) -> int:
            if number == 20:
                return who.call("DELETE", f"/projects/{who.project}").status_code
            return (who if number % 2 else there).call("POST", "/workflows", {"name": f"W{number}"}).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(use, range(40))) <= {200, 201, 401, 404, 409}
        assert who.refused("GET", "/workflows")[0] == 401


def test_what_is_used_is_not_removed_meanwhile(new_database: Make) -> None:
    """A deploy that begins looks at its workflow and connection first; until it is written down they stay."""
    with served(new_database()) as server, ThreadPoolExecutor(1) as pool:
        who = server.caller()
        workflow = who.post("/workflows", {"name": "Held"})["id"]
        caller = keys.Caller("a key", who.project, frozenset({"write"}))
        with server.house.database.write() as session:
            lookup.workflow(session, caller, workflow, held="kept")
            gone = pool.submit(who.call, "DELETE", f"/workflows/{workflow}")
            with pytest.raises(TimeoutError):
                gone.result(0.5)
        assert gone.result(30).status_code == 200
