"""The Workers as the world sees them: at `<name>.localhost`, below `/worker/<name>/`, at routes and custom domains."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from stepwell.local.runtime import RuntimeFailed

from .cloud import Cloud
from .envelope import Refusal
from .models import Deployment, Domain, Route, Script
from .triggers import run_cron
from .wanted import secondary

PATH: Final = "/worker/"
CRON: Final = ("/cdn-cgi/handler/scheduled", "/cdn-cgi/local/scheduled")
_HOP: Final = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)
_LOCAL: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?", re.IGNORECASE)
_NAMED: Final = re.compile(r"([a-z0-9_][a-z0-9_-]*)\.localhost(?::\d+)?", re.IGNORECASE)


def is_local(host: str) -> bool:
    """Whether a request means the server itself; other names could be those of somebody else's page."""
    return _LOCAL.fullmatch(host) is not None


def local_worker(request: Request) -> str | None:
    """The Worker that a path below `/worker/` names."""
    path = request.url.path
    return path.removeprefix(PATH).split("/")[0] or None if path.startswith(PATH) else None


class Front:
    """Hands requests on to Workers."""

    def __init__(self, cloud: Cloud, port: int) -> None:
        self._cloud, self._port = cloud, port

    async def at(self, worker: str, request: Request) -> ASGIApp:
        """Whoever answers below `/worker/<name>/`; the Worker sees the path behind that."""
        raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
        path = "/" + raw.decode("latin-1").removeprefix(f"{PATH}{worker}").lstrip("/")
        return await self._to(worker, request, f"{worker}.localhost:{self._port}", path)

    async def by_host(self, host: str, request: Request) -> ASGIApp:
        """Whoever answers at a host name: `<name>.localhost`, a custom domain, a route."""
        raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
        path = raw.decode("latin-1")
        named = _NAMED.fullmatch(host)
        if named is not None:
            return await self._to(named[1].lower(), request, host, path)
        worker = self._routed(host, path)
        if worker is None:
            return PlainTextResponse(
                f"Nothing is deployed for {host}{path}. The API is at localhost, a Worker at <name>.localhost, "
                "or at its routes and custom domains.\n",
                status_code=421,
            )
        return await self._to(worker, request, host, path)

    def _routed(self, host: str, path: str) -> str | None:
        """The Worker of a custom domain, or of the most specific route."""
        name = host.partition(":")[0].lower()
        for domain in self._cloud.store.all(Domain):
            if domain.hostname == name:
                return domain.service
        matching = [route for route in self._cloud.store.all(Route) if matches(route.pattern, name, path)]
        best = max(matching, key=lambda route: len(route.pattern.replace("*", "")), default=None)
        return best.script if best is not None else None

    async def _to(self, worker: str, request: Request, host: str, path: str) -> ASGIApp:
        cloud = self._cloud
        if cloud.store.get(Script, worker) is None:
            return PlainTextResponse(f"There is no Worker {worker}.\n", status_code=404)
        if path in CRON:
            return await self._cron(worker, request.query_params.get("cron", ""))
        await cloud.fleet.ready()
        if worker in cloud.fleet.faults:
            return PlainTextResponse(
                f"The Worker {worker} does not run: {cloud.fleet.faults[worker]}\n", status_code=503
            )
        query = request.scope["query_string"].decode("latin-1")
        url = f"http://{host}{path}" + (f"?{query}" if query else "")
        return _Forwarded(cloud, self._version(worker), url)

    async def _cron(self, worker: str, cron: str) -> Response:
        """Runs the `scheduled` handler, as the official development server does at these paths."""
        try:
            told = await run_cron(self._cloud, worker, cron)
        except Refusal as refusal:
            return PlainTextResponse(f"{refusal.message}\n", status_code=refusal.status)
        return PlainTextResponse(str(told.get("outcome", "ok")))

    def _version(self, worker: str) -> str:
        """The Worker, or its other version for its part of the requests."""
        deployments = [one for one in self._cloud.store.all(Deployment) if one.script == worker]
        parts = sorted(deployments[-1].versions, key=lambda part: -part["percentage"])
        if len(parts) < 2 or random.random() * 100 < parts[0]["percentage"]:
            return worker
        return secondary(worker, parts[1]["version_id"])


def matches(pattern: str, host: str, path: str) -> bool:
    """Whether a route's pattern covers a URL; `*` at the host's start and the path's end is anything."""
    rest = pattern.split("://")[-1]
    wanted_host, slash, wanted_path = rest.partition("/")
    if wanted_host.startswith("*"):
        if not host.endswith(wanted_host[1:].lower()):
            return False
    elif host != wanted_host.lower():
        return False
    wanted_path = slash + wanted_path
    if wanted_path.endswith("*"):
        return path.startswith(wanted_path[:-1])
    return path == (wanted_path or "/")


class _Forwarded:
    """One request on its way to a Worker and back, without being held in memory."""

    def __init__(self, cloud: Cloud, worker: str, url: str) -> None:
        self._cloud, self._worker, self._url = cloud, worker, url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if name not in _HOP and not name.startswith(b"x-stepwell-")
        ]
        length = request.headers.get("content-length")
        empty = length in (None, "0") and "transfer-encoding" not in request.headers
        body = None if empty else request.stream()
        fetch = self._cloud.fleet.fetch(self._worker, scope["method"], self._url, headers, body)
        try:
            async with fetch as answer:
                raw = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _HOP]
                response = StreamingResponse(_bytes(answer.aiter_raw()), status_code=answer.status_code)
                response.raw_headers = raw
                await response(scope, receive, send)
        except RuntimeFailed as error:
            await PlainTextResponse(f"{error}\n", status_code=502)(scope, receive, send)


async def _bytes(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for part in parts:
        yield part
