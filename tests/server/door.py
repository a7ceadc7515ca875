"""A server in this process over a database of its own, beside a real local account; and who calls it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from cryptography.fernet import Fernet
from fastapi import FastAPI

from stepwell.bundle.toolchain import locate
from stepwell.graph.nodes import Nodes
from stepwell.server import keys
from stepwell.server.accounts import Accounts
from stepwell.server.app import make_app
from stepwell.server.database import Database
from stepwell.server.house import House
from stepwell.server.keys import SCOPES
from stepwell.server.rates import Rates
from stepwell.server.routes.projects import new_project
from stepwell.server.start import listen
from stepwell.server.vault import Vault
from tests.dev.account import Dev

NOWHERE: Final = "http://127.0.0.1:9/client/v4"
"""Nothing listens there."""


class Caller:
    """Calls a server with a key."""

    def __init__(self, http: httpx.Client, key: str | None, project: str = "") -> None:
        self.http, self.key, self.project = http, key, project

    def call(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """A request; `json` None sends no body."""
        headers = {**({"authorization": f"Bearer {self.key}"} if self.key else {}), **more.pop("headers", {})}
        body = {"json": json} if json is not None else {}
        return self.http.request(method, f"/api{path}", headers=headers, **body, **more)

    def get(self, path: str, **more: Any) -> Any:
        """The answer of a GET that must succeed."""
        return self._good(self.call("GET", path, **more))

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        """The answer of a POST that must succeed."""
        return self._good(self.call("POST", path, {} if json is None else json, **more))

    def patch(self, path: str, json: Any) -> Any:
        """The answer of a PATCH that must succeed."""
        return self._good(self.call("PATCH", path, json))

    def delete(self, path: str) -> Any:
        """The answer of a DELETE that must succeed."""
        return self._good(self.call("DELETE", path))

    def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str]:
        """Status and words of a call that must fail."""
        answer = self.call(method, path, json, **more)
        told = answer.json()
        assert answer.status_code >= 400, (method, path, told)
        return answer.status_code, told["error"]

    @staticmethod
    def _good(answer: httpx.Response) -> Any:
        assert answer.status_code in (200, 201), (answer.request.method, answer.request.url, answer.text)
        return answer.json()


class Served:
    """A server: `house` is what it works with, `caller()` makes projects and keys in it."""

    def __init__(self, app: FastAPI, house: House, http: httpx.Client) -> None:
        self.app, self.house, self.http = app, house, http
        self._count = 0

    def caller(self, scopes: Any = SCOPES, project: str | None = None, expires: int | None = None) -> Caller:
        """Somebody with a new key: of a new project where none is named."""
        self._count += 1
        with self.house.database.write() as session:
            if project is None:
                project = new_project(session, f"Project {self._count}", f"project-{self._count}", None).id
            _, key = keys.make(session, project, f"key {self._count}", scopes, expires)
        return Caller(self.http, key, project)

    def stranger(self) -> Caller:
        """Somebody without a key."""
        return Caller(self.http, None)


@contextmanager
def served(url: str, cloudflare: str = NOWHERE, **more: Any) -> Iterator[Served]:
    """A server on a database; nothing of it outlives the block but the database."""
    vault = Vault(more.pop("keys", None) or [Fernet.generate_key().decode()])
    database = Database(url)
    database.migrate()
    rates = Rates(more.pop("calls", "1000000/minute"), more.pop("deploys", "1000000/minute"))
    nodes = more.pop("nodes", Nodes())
    accounts = Accounts(cloudflare, vault, more.pop("attempts", 1 if cloudflare == NOWHERE else 3))
    house = House(database, vault, rates, accounts, locate(), nodes)
    app = make_app(house, keeper=False, **more)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    with listen("127.0.0.1", 0) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([door],))
        thread.start()
        try:
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
                yield Served(app, house, http)
        finally:
            server.should_exit = True
            thread.join()


def connect(who: Caller, account: Dev) -> str:
    """A connection to the local account; its id."""
    credentials = {"apiToken": account.env["CLOUDFLARE_API_TOKEN"], "accountId": account.env["CLOUDFLARE_ACCOUNT_ID"]}
    return str(who.post("/connections", {"name": "local", "credentials": credentials})["id"])


def workflow(who: Caller, ir: Any, name: str | None = None) -> str:
    """A workflow with a version; its id."""
    named = {"name": name or ir["metadata"]["name"], "kind": ir.get("kind", "workflow")}
    id = str(who.post("/workflows", named)["id"])
    who.post(f"/workflows/{id}/versions", {"ir": ir})
    return id


def events(text: str) -> list[tuple[str, Any]]:
    """Server-sent events as names and data."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def sqlite(folder: Path) -> str:
    """The URL of a database of its own."""
    return f"sqlite:///{folder / 'server.sqlite'}"
