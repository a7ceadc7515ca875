"""Starts the account of a folder: `Server` binds the port, runs the API and the Workers, and ends cleanly."""

from __future__ import annotations

import fcntl
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn

from stepwell.local.runtime import LogLine

from .app import API, application
from .cloud import Cloud
from .fleet import Fleet, Wanted
from .models import Account, Workflow, new_id
from .store import Store
from .wanted import wanted
from .workflows import tidy

HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """How to run. `state` is the folder all is kept in; `world` is "host:port" of a proxy that answers what Workers
    fetch (None: the world does); `account` and `token` None: those of the state, or new ones.
    """

    state: Path
    port: int
    test_clock: bool = False
    world: str | None = None
    account: str | None = None
    token: str | None = None
    world_token: str | None = None
    """What the proxy wants to see, which is then also what the runtime itself wants to see."""


class Busy(Exception):
    """The port or the state is in use; the message says which."""


class Server:
    """One account that is served. `on_log` hears every line of the runtime, with `log_mark` before what was added
    to it; `on_fault` of Workers that do not run. Both may be called from another thread.
    """

    def __init__(
        self,
        settings: Settings,
        workerd: Path,
        on_log: Callable[[LogLine], None],
        on_fault: Callable[[str, str], None],
        log_mark: str,
    ) -> None:
        self.settings = settings
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(settings.state)
        self._socket = _bind(settings.port)
        self.port: int = self._socket.getsockname()[1]
        store = Store(settings.state / "account.sqlite")
        _account(store, settings)
        self._names: dict[str, tuple[str, str]] = {}
        fleet = Fleet(
            workerd,
            settings.state / "runtime",
            self._wanted,
            log_mark,
            on_log,
            on_fault,
            lambda: tidy(self.cloud),
            settings.test_clock,
            lambda: self.cloud.account.clock_ms,
            settings.world,
            settings.world_token,
        )
        self._mark = log_mark
        self.cloud = Cloud(store, fleet, workerd)
        app = application(self.cloud, self.port)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, server_header=False, lifespan="on"
        )
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """Where the API is, as `CLOUDFLARE_API_BASE_URL` takes it."""
        return f"http://localhost:{self.port}{API}"

    def _wanted(self) -> Wanted:
        store = self.cloud.store
        self._names = {one.id: (one.name, one.script_name) for one in store.all(Workflow)}
        return wanted(store, self._mark)

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serves until it is told to stop (an interrupt, or `stop`); calls `started` once the Workers run."""
        await self.cloud.fleet.start()
        started()
        await self._server.serve([self._socket])

    def workflow_names(self) -> dict[str, tuple[str, str]]:
        """Name and Worker of each workflow by its id. May be called from another thread."""
        return dict(self._names)

    def stop(self) -> None:
        """Ends `run`. May be called from another thread."""
        self._server.should_exit = True


def _account(store: Store, settings: Settings) -> None:
    account = store.get(Account, "account")
    if account is None:
        account = Account(
            id=settings.account or new_id(),
            name="stepwell dev",
            token=settings.token or secrets.token_urlsafe(24),
            subdomain="localhost",
        )
    changed = {name: value for name, value in (("id", settings.account), ("token", settings.token)) if value}
    with store.transaction():
        store.put(account.model_copy(update=changed))


def _bind(port: int) -> socket.socket:
    # The protocol is named because asyncio switches Nagle's algorithm off only then: 40 ms a request.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        raise Busy(f"port {port} cannot be used: {error.strerror}; choose another one with --port") from error
    return bound


def _lock(state: Path) -> object:
    """Two servers on one folder would overwrite each other's state."""
    file = (state / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Busy(f"{state} is in use by another stepwell dev; choose another folder with --state") from error
    return file
