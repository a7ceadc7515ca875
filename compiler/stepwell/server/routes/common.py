"""What the routes share: the house, the caller, refusals that the OpenAPI document names."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request

from ..door import Door, caller
from ..house import House
from ..keys import Caller
from ..shapes import Refusal


async def _house(request: Request) -> House:
    # A plain function would be sent to a thread, for each request.
    found: House = request.app.state.house
    return found


async def _body(request: Request) -> str:
    return (await request.body()).decode()


Hall = Annotated[House, Depends(_house)]
Who = Annotated[Caller, Depends(caller)]
Body = Annotated[str, Depends(_body)]
"""The body as it was sent, for places in it."""
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="Repeating a request with the same key does nothing a second time and gives the same run.",
    ),
]

_REFUSALS: Final[dict[int, str]] = {
    400: "The body is no JSON, or the request makes no sense",
    401: "No key, or one that is not valid",
    403: "The key lacks the scope",
    404: "Not there, or not of the key's project",
    409: "The state of things forbids it",
    413: "The body is too long",
    415: "The body is not said to be JSON",
    422: "A field is wrong; `details` say which",
    429: "Too many calls of this key",
    503: "The database or Cloudflare is not reached or busy; try again",
}
_PROVIDER: Final = {502: "Cloudflare failed; `provider` has its code and text"}


def make_router(tag: str, *, provider: bool = False) -> APIRouter:
    """A router whose every route has the door before it."""
    told = _REFUSALS | (_PROVIDER if provider else {})
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": Refusal, "description": words} for status, words in told.items()
    }
    return APIRouter(
        prefix="/api",
        tags=[tag],
        route_class=Door,
        responses=responses,
        generate_unique_id_function=lambda route: route.name,
    )
