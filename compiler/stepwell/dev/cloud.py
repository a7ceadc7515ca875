"""The account with its runtime: what all parts of the API share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import upload
from .envelope import Refusal
from .fleet import Fleet
from .models import Account, Deployment, Script, Version, Workflow
from .store import Store
from .wanted import live_versions

Handler = Callable[["Cloud", Request], Awaitable[Response]]


@dataclass
class Cloud:
    """One account. ``lock`` is held by whoever changes what is deployed; ``moves`` are folders to rename (from, to)
    and to remove (from, None) when nothing runs.
    """

    store: Store
    fleet: Fleet
    workerd: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def account(self) -> Account:
        """The account."""
        account = self.store.get(Account, "account")
        assert account is not None
        return account

    def script(self, name: str) -> Script:
        """A Worker. Raises `Refusal` 10007."""
        script = self.store.get(Script, name)
        if script is None:
            raise no_script()
        return script

    def live(self, script: str) -> Version:
        """The version of a Worker that answers most requests. Raises `Refusal` 10007."""
        versions = live_versions(self.store).get(script)
        if not versions:
            raise no_script()
        return versions[0]

    def versions(self, script: str) -> list[Version]:
        """The versions of a Worker, the newest first."""
        return [version for version in reversed(self.store.all(Version)) if version.script == script]

    def deployments(self, script: str) -> list[Deployment]:
        """The deployments of a Worker, the newest first."""
        return [deployment for deployment in reversed(self.store.all(Deployment)) if deployment.script == script]

    def workflow(self, name: str) -> Workflow:
        """A workflow. Raises `Refusal` 10200."""
        workflow = self.store.get(Workflow, name)
        if workflow is None:
            raise Refusal(404, 10200, "workflow_not_found")
        return workflow


def no_script() -> Refusal:
    """The refusal for a Worker that is not there."""
    return Refusal(404, 10007, "workers.api.error.script_not_found")


async def body(request: Request) -> Any:
    """The JSON that a request carries. Raises `Refusal` 10002."""
    raw = await request.body()
    try:
        return json.loads(raw)
    except ValueError:
        raise Refusal(400, 10002, "the body is not JSON") from None


async def fields(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries. Raises `Refusal` 10002."""
    value = await body(request)
    if not isinstance(value, dict):
        raise Refusal(400, 10002, "the body must be a JSON object")
    return value


def text(given: dict[str, Any], name: str, code: int = 10002) -> str:
    """A text that must be among the fields. Raises `Refusal`."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, code, f"{name} is required and must be a text")
    return value


def source(request: Request) -> str:
    """Who asks, as versions record it."""
    return "wrangler" if request.headers.get("user-agent", "").startswith("wrangler/") else "api"


def script_name(request: Request) -> str:
    """The name in the path. Raises `Refusal` for one that no Worker can have."""
    name: str = request.path_params["script_name"]
    if not upload.SCRIPT_NAME.fullmatch(name):
        if request.method == "GET":
            raise no_script()
        raise upload.invalid(f"script name {name!r}: lower case letters, digits, - and _, at most 63")
    return name
