"""What stands before every route: the key, its scope, its rate, and a strict reading of JSON. In this order."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from . import keys
from .errors import Problem
from .house import House
from .keys import Caller, Scope

F = TypeVar("F", bound=Callable[..., Any])

BODY_BYTES: Final = 1024 * 1024
VERSION_BYTES: Final = 8 * 1024 * 1024
_SCOPE: Final = "stepwell_scope"
_HEAVY: Final = "stepwell_heavy"


def needs(scope: Scope, *, heavy: bool = False) -> Callable[[F], F]:
    """What a key must be allowed for this route; `heavy` ones are counted by the rate of deploys as well."""

    def mark(function: F) -> F:
        setattr(function, _SCOPE, scope)
        setattr(function, _HEAVY, heavy)
        return function

    return mark


def scope_of(route: APIRoute) -> Scope:
    """The scope of a route. A route that forgot it is a fault of ours, found when the server starts."""
    scope: Scope | None = getattr(route.endpoint, _SCOPE, None)
    assert scope is not None, f"{route.path} does not say which scope it needs"
    return scope


class Door(APIRoute):
    """A route that lets nobody in unseen. The key is looked at before a byte of the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inside = super().get_route_handler()
        scope, heavy = scope_of(self), bool(getattr(self.endpoint, _HEAVY, False))

        async def handle(request: Request) -> Response:
            house: House = request.app.state.house
            caller = await run_in_threadpool(keys.admit, house.database, request.headers.get("authorization"))
            if scope not in caller.scopes:
                raise Problem(403, f"API key missing required scope: {scope}")
            house.rates.count(caller.key, heavy)
            request.state.caller = caller
            return await inside(_Strict(request.scope, request.receive))

        return handle


def caller(request: Request) -> Caller:
    """Who asks."""
    found: Caller = request.state.caller
    return found


class _Strict(Request):
    """A request whose JSON is JSON: no NaN, no bytes that are no UTF-8, no nesting that ends the reader."""

    async def json(self) -> Any:
        try:
            return json.loads((await self.body()).decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            words = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise Problem(400, f"the body is no JSON: {words}") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON value")


class BodyLimit:
    """Refuses bodies that are too long, while they come in: nothing is parsed, and little is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = (
            VERSION_BYTES if scope["path"].endswith(("/versions", "/check", "/edit", "/scope", "/flow")) else BODY_BYTES
        )
        length = dict(scope["headers"]).get(b"content-length", b"0")
        seen = int(length) if length.isdigit() else 0
        words = f"the body is longer than {limit:,} bytes"
        if seen > limit:
            await _too_large(words)(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > limit:
                raise HTTPException(413, words)
            return message

        await self._app(scope, counted, send)


def _too_large(words: str) -> Response:
    return Response(json.dumps({"error": words}), 413, media_type="application/json", headers={"Connection": "close"})
