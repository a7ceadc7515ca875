"""npm packages of versions: chosen once, kept in the database, the same on every server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text, update

from stepwell.bundle.toolchain import ensure
from stepwell.server.tables import VersionRow
from tests.bundle.registry import Registry
from tests.dev.account import Dev
from tests.server.door import Caller, Served, connect, served

IR = {
    "metadata": {"name": "Left"},
    "entryNodeId": "a",
    "nodes": [{"id": "a", "type": "step", "name": "A", "data": {"code": 'import left from "left";\nreturn left;'}}],
    "edges": [],
}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with Registry() as running:
        running.publish("left", "1.2.0", {"index.js": "module.exports = 'the old one';\n"})
        running.publish("right", "1.0.0", {"index.js": "module.exports = 1;\n"})
        monkeypatch.setenv("npm_config_registry", running.url)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
        yield running


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Goes on as if on another machine: with a cache of its own."""
    ensure()
    return lambda name: monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path / name))


def made(who: Caller, wanted: dict[str, str]) -> str:
    id = who.post("/workflows", {"name": "Left"})["id"]
    who.patch(f"/workflows/{id}", {"dependencies": wanted})
    return str(id)


def kept(server: Served) -> list[dict[str, str] | None]:
    """The versions of packages, by version."""
    with server.house.database.read() as session:
        rows = session.execute(text("SELECT packages FROM versions ORDER BY created_at")).scalars()
        trees = [json.loads(row) if row is not None else None for row in rows]
    return [tree and {place: one["version"] for place, one in tree["packages"].items()} for tree in trees]


OLD = {"node_modules/left": "1.2.0"}


def test_every_server_builds_a_version_of_the_same(
    new_database: Callable[[], str], account: Dev, registry: Registry, machine: Callable[[str], None]
) -> None:
    url, keys = new_database(), [Fernet.generate_key().decode()]
    with served(url, account.base, keys=keys) as first, served(url, account.base, keys=keys) as second:
        machine("first")
        who = first.caller()
        connection, id = connect(who, account), made(who, {"left": "^1"})
        version = who.post(f"/workflows/{id}/versions", {"ir": IR})
        registry.publish("left", "1.3.0", {"index.js": "module.exports = 'the new one';\n"})
        machine("second")
        there = Caller(second.http, who.key, who.project)
        assert there.post(f"/workflows/{id}/deploy", {"connectionId": connection})["success"]
        run = there.post(f"/workflows/{id}/trigger", {"connectionId": connection})
        account.ends("Left", run["instanceId"])
        assert there.get(f"/workflows/{id}/runs/{run['id']}?steps=true")["steps"][0]["output"] == "the old one"
        assert kept(first) == [OLD]

        # What is asked for besides leaves the rest as it is, in a new version and in one that is there.
        who.patch(f"/workflows/{id}", {"dependencies": {"left": "^1", "right": "*"}})
        assert there.post(f"/workflows/{id}/versions", {"ir": {**IR, "metadata": {"name": "Right"}}})["version"] == 2
        assert kept(first) == [OLD, {**OLD, "node_modules/right": "1.0.0"}]
        assert who.post(f"/workflows/{id}/versions/{version['id']}/revert")["version"] == 3
        assert kept(first)[2] == OLD
        assert there.post(f"/workflows/{id}/deploy", {"connectionId": connection})["success"]
        assert kept(first)[2] == {**OLD, "node_modules/right": "1.0.0"}


def test_a_version_from_before_is_chosen_for_at_its_deploy(
    new_database: Callable[[], str], account: Dev, registry: Registry, machine: Callable[[str], None]
) -> None:
    with served(new_database(), account.base) as server:
        machine("one")
        who = server.caller()
        connection, id = connect(who, account), made(who, {"left": "^1"})
        who.post(f"/workflows/{id}/versions", {"ir": {**IR, "metadata": {"name": "Before"}}})
        with server.house.database.write() as session:
            session.execute(update(VersionRow).values(packages=None))
        assert kept(server) == [None]
        assert who.post(f"/workflows/{id}/deploy", {"connectionId": connection})["success"]
        assert kept(server) == [OLD]
        registry.publish("left", "1.3.0", {})
        assert who.post(f"/workflows/{id}/deploy", {"connectionId": connection})["changed"] is False


def test_packages_that_cannot_be_had(
    new_database: Callable[[], str], registry: Registry, machine: Callable[[str], None]
) -> None:
    with served(new_database()) as server:
        machine("one")
        who = server.caller()
        id = made(who, {"left": "^2"})
        answer = who.call("POST", f"/workflows/{id}/versions", {"ir": IR})
        words = "npm could not install the packages: No matching version found for left@^2"
        told: dict[str, Any] = {"error": words, "details": [{"path": "dependencies", "message": words}]}
        assert (answer.status_code, answer.json()) == (422, told)
