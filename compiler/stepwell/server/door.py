"""What stands before every route: the key, its scope, its rate, the length of the body, and a strict reading of JSON.

In this order: of a request that is refused, nothing further is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from . import keys
from .errors import Problem
from .house import House
from .keys import Caller, Scope
from .texts import deep

F = TypeVar("F", bound=Callable[..., Any])

BODY_BYTES: Final = 1024 * 1024
GRAPH_BYTES: Final = 8 * 1024 * 1024
_SHORT: Final = 16 * 1024
"""A body that short is parsed in less time than it takes to hand it to a thread."""
_DEPTH: Final = 200
"""A body may be nested that deep: an answer that repeats it can be written still."""
_SCOPE: Final = "stepwell_scope"
_HEAVY: Final = "stepwell_heavy"
_LIMIT: Final = "stepwell_limit"


def needs(scope: Scope, *, heavy: bool = False, graph: bool = False) -> Callable[[F], F]:
    """What a key must be allowed for this route. `heavy` ones are counted by the rate of deploys as well; the body
    of a `graph` one may be longer.
    """

    def mark(function: F) -> F:
        setattr(function, _SCOPE, scope)
        setattr(function, _HEAVY, heavy)
        setattr(function, _LIMIT, GRAPH_BYTES if graph else BODY_BYTES)
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
        limit: int = getattr(self.endpoint, _LIMIT, BODY_BYTES)

        async def handle(request: Request) -> Response:
            house: House = request.app.state.house
            caller = await run_in_threadpool(keys.admit, house.database, request.headers.get("authorization"))
            if scope not in caller.scopes:
                raise Problem(403, f"API key missing required scope: {scope}")
            house.rates.count(caller.key, heavy)
            request.state.caller = caller
            return await inside(await _read(request, limit) if self.body_field is not None else request)

        return handle


async def caller(request: Request) -> Caller:
    """Who asks. A coroutine, for a plain function would be sent to a thread."""
    found: Caller = request.state.caller
    return found


class _Whole(Request):
    """A request whose body was read and parsed."""

    def __init__(self, request: Request, content: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._content, self._value = content, value

    async def body(self) -> bytes:
        return self._content

    async def json(self) -> Any:
        return self._value


async def _read(request: Request, limit: int) -> Request:
    """The request with its body. Raises `Problem` for one that is too long or no JSON."""
    content = await _content(request, limit)
    if content and not _is_json(request.headers.get("content-type", "")):
        raise Problem(415, "the body must be JSON: Content-Type: application/json")
    if len(content) <= _SHORT:
        return _Whole(request, content, _parsed(content) if content else None)
    return _Whole(request, content, await run_in_threadpool(_parsed, content))


async def _content(request: Request, limit: int) -> bytes:
    """The bytes of the body, refused while they come in: little more than the limit is ever kept."""
    told = request.headers.get("content-length", "")
    found = bytearray()
    if told.isdecimal() and int(told[:20]) > limit:
        raise _too_long(limit)
    try:
        async for part in request.stream():
            found += part
            if len(found) > limit:
                raise _too_long(limit)
    except ClientDisconnect:
        raise Problem(400, "the body was cut off") from None
    return bytes(found)


def _too_long(limit: int) -> Problem:
    # What still comes is read and thrown away: a connection that is cut may take this answer with it.
    return Problem(413, f"the body is longer than {limit:,} bytes")


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _parsed(content: bytes) -> Any:
    """The value of a body. JSON is JSON: no NaN, no bytes that are no UTF-8. Raises `Problem`."""
    try:
        text = content.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse, parse_float=_number)
    except _Unfit as unfit:
        raise Problem(422, f"the body holds {unfit}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Problem(400, f"the body is no JSON: {error}") from None
    if deep(value, _DEPTH):
        raise _too_deep()
    if "\\u" in text and not _whole(value):
        raise Problem(422, "the body holds half a character (a lone surrogate)")
    return value


class _Unfit(Exception):
    """What JSON can say and nobody can keep."""


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON value")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Unfit("a number that is too large")
    return value


def _whole(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_deep() -> Problem:
    return Problem(422, f"the body is nested deeper than {_DEPTH} levels")
