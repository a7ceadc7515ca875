"""The application: routes, the handling of faults, and what runs beside them."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import stepwell

from .door import Door, scope_of
from .errors import Problem
from .house import House
from .keeper import Keeper
from .page import api_page
from .routes import ROUTERS
from .shapes import Health
from .vault import WrongKeys

_LOG: Final = logging.getLogger("stepwell.server")
_THREADS: Final = 48
_DESCRIPTION: Final = (
    "Deploys workflows to Cloudflare, triggers and steers their runs. Send a key: `Authorization: Bearer ask_…`."
)


def make_app(house: House, *, origins: Sequence[str] = (), keeper: bool = True) -> FastAPI:
    """The application over a house. `origins`: web pages that may call; `keeper` False: no thread beside it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        beside = Keeper(house) if keeper else None
        if beside is not None:
            beside.start()
        yield
        if beside is not None:
            await anyio.to_thread.run_sync(beside.stop)
        await anyio.to_thread.run_sync(house.close)

    app = FastAPI(
        title="stepwell",
        version=stepwell.__version__,
        description=_DESCRIPTION,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.house = house
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # one flat table: what walks it sees every route as it is
    _add_open_routes(app, house)
    _add_handlers(app)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["*"],
            allow_headers=["authorization", "content-type", "idempotency-key"],
        )
    app.add_middleware(_Told)
    _secure(app)
    return app


def _add_open_routes(app: FastAPI, house: House) -> None:
    """What needs no key: it says nothing about anybody."""

    @app.get("/health", tags=["health"], responses={503: {"model": Health, "description": "The database is not there"}})
    def health(response: Response) -> Health:
        """Whether the server and its database are well."""
        try:
            with house.database.read() as session:
                session.execute(text("SELECT 1"))
        except (OperationalError, InterfaceError, NoConnection):
            response.status_code = 503
            return Health(status="unavailable", version=stepwell.__version__, database="unreachable")
        return Health(status="ok", version=stepwell.__version__, database=house.database.engine.dialect.name)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        """The OpenAPI document as a page; it loads nothing from elsewhere."""
        return HTMLResponse(api_page(app.openapi()))


def _add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(WrongKeys, _sealed)  # type: ignore[arg-type]
    for away in (OperationalError, InterfaceError, NoConnection):
        app.add_exception_handler(away, _database)
    for changed in (IntegrityError, StaleDataError):
        app.add_exception_handler(changed, _changed)


async def _problem(request: Request, problem: Problem) -> Response:
    return JSONResponse(problem.body, problem.status, problem.headers)


async def _http(request: Request, error: HTTPException) -> Response:
    told = {404: "There is no such route: /docs describes all", 405: f"{request.method} is not for this route"}
    return JSONResponse({"error": told.get(error.status_code, str(error.detail))}, error.status_code, error.headers)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    # What was sent is not repeated: it may hold a token.
    details = [
        {"path": ".".join(str(part) for part in one["loc"][1:]), "message": one["msg"]} for one in error.errors()
    ]
    return JSONResponse({"error": "Validation failed", "details": details}, 422)


async def _sealed(request: Request, error: WrongKeys) -> Response:
    _LOG.error("%s", error)
    return JSONResponse({"error": "a secret of the project cannot be opened; tell whoever runs the server"}, 500)


async def _database(request: Request, error: Exception) -> Response:
    _LOG.error("the database: %s", getattr(error, "orig", None) or type(error).__name__)
    return JSONResponse({"error": "the database is busy or away; try again"}, 503, {"Retry-After": "1"})


async def _changed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "somebody else changed this at the same time; look at it and try again"}, 409)


class _Told:
    """A line for each request, without what it held; and an answer also to what nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id, begun, status = secrets.token_hex(8), time.perf_counter(), 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception:
            _LOG.exception("request %s: %s %r", id, scope["method"], scope["path"])
            if status:
                raise  # half an answer is out: the connection has to be cut
            await JSONResponse({"error": "Internal server error", "requestId": id}, 500)(scope, receive, named)
        route, took = getattr(scope.get("route"), "path", "-"), (time.perf_counter() - begun) * 1000
        _LOG.info("%s %s %s %d %.0fms", id, scope["method"], route, status, took)


def _secure(app: FastAPI) -> None:
    """Has the OpenAPI document say which routes need a key."""
    made = app.openapi

    def document() -> dict[str, Any]:
        found = made()
        found.setdefault("components", {})["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "an API key, ask_…"}
        }
        scopes = {route.name: scope_of(route) for route in app.routes if isinstance(route, Door)}
        for methods in found["paths"].values():
            for operation in methods.values():
                if operation["operationId"] in scopes:
                    operation["security"] = [{"key": []}]
                    operation["x-scope"] = scopes[operation["operationId"]]
        return found

    app.openapi = document  # type: ignore[method-assign]
