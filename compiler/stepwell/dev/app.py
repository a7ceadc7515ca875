"""The server: Cloudflare's paths under `/client/v4`, the Workers at their own host names, and what is only local."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from stepwell.graph import durations
from stepwell.local.runtime import ControlError, RuntimeFailed

from . import instances, resources, scripts, settings, triggers, versions, worker_secrets, workflows, zones
from .cloud import Cloud, Handler, script_name
from .envelope import Refusal, ok, refused
from .front import Front, is_local, local_worker

API: Final = "/client/v4"
LOCAL: Final = "/local"
_log = logging.getLogger(__name__)

_A: Final = "/accounts/{account_id}"
_S: Final = f"{_A}/workers/scripts/{{script_name}}"
_W: Final = f"{_A}/workflows/{{workflow_name}}"
_I: Final = f"{_W}/instances/{{instance_id}}"
_K: Final = f"{_A}/storage/kv/namespaces"
_N: Final = f"{_K}/{{namespace_id}}"
_D: Final = f"{_A}/d1/database"
_Q: Final = f"{_A}/queues"
_Z: Final = "/zones/{zone_id}/workers/routes"

ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/user/tokens/verify", zones.verify),
    ("GET", "/user", zones.user),
    ("GET", "/memberships", zones.memberships),
    ("GET", "/accounts", zones.accounts),
    ("GET", _A, zones.account),
    ("GET", f"{_A}/tokens/verify", zones.verify),
    ("GET", "/zones", zones.zones),
    # Workers
    ("GET", f"{_A}/workers/scripts", scripts.list_scripts),
    ("PUT", _S, scripts.put_script),
    ("GET", _S, scripts.get_script),
    ("DELETE", _S, scripts.delete_script),
    ("PUT", f"{_S}/content", scripts.put_content),
    ("GET", f"{_S}/content/v2", scripts.get_script),
    ("GET", f"{_S}/versions", versions.list_versions),
    ("POST", f"{_S}/versions", versions.post_version),
    ("GET", f"{_S}/versions/{{version_id}}", versions.get_version),
    ("GET", f"{_S}/deployments", versions.list_deployments),
    ("POST", f"{_S}/deployments", versions.post_deployment),
    ("GET", f"{_S}/deployments/{{deployment_id}}", versions.get_deployment),
    ("DELETE", f"{_S}/deployments/{{deployment_id}}", versions.delete_deployment),
    ("GET", f"{_S}/settings", settings.get_settings),
    ("PATCH", f"{_S}/settings", settings.patch_settings),
    ("GET", f"{_S}/script-settings", settings.get_script_settings),
    ("PATCH", f"{_S}/script-settings", settings.patch_script_settings),
    ("GET", f"{_S}/secrets", worker_secrets.list_secrets),
    ("PUT", f"{_S}/secrets", worker_secrets.put_secret),
    ("PATCH", f"{_S}/secrets-bulk", worker_secrets.bulk_secrets),
    ("GET", f"{_S}/secrets/{{secret_name}}", worker_secrets.get_secret),
    ("DELETE", f"{_S}/secrets/{{secret_name}}", worker_secrets.delete_secret),
    ("GET", f"{_S}/schedules", triggers.get_schedules),
    ("PUT", f"{_S}/schedules", triggers.put_schedules),
    ("GET", f"{_S}/subdomain", triggers.get_subdomain),
    ("POST", f"{_S}/subdomain", triggers.post_subdomain),
    ("DELETE", f"{_S}/subdomain", triggers.delete_subdomain),
    ("GET", f"{_S}/references", scripts.references),
    ("PUT", f"{_S}/routes", zones.put_script_routes),
    ("POST", f"{_S}/domains/changeset", zones.domain_changes),
    ("PUT", f"{_S}/domains/records", zones.put_domain_records),
    ("GET", f"{_A}/workers/services/{{script_name}}", scripts.get_service),
    ("DELETE", f"{_A}/workers/services/{{script_name}}", scripts.delete_service),
    ("GET", f"{_A}/workers/workers/{{script_name}}", scripts.get_worker),
    ("PATCH", f"{_A}/workers/workers/{{script_name}}/versions/latest", versions.patch_latest),
    ("GET", f"{_A}/workers/tails/by-consumer/{{script_name}}", scripts.no_tails),
    ("GET", f"{_A}/workers/durable_objects/namespaces", scripts.no_objects),
    ("GET", f"{_A}/workers/subdomain", zones.get_subdomain),
    ("PUT", f"{_A}/workers/subdomain", zones.put_subdomain),
    ("GET", f"{_A}/workers/subdomains/{{subdomain}}", zones.subdomain_free),
    ("GET", f"{_A}/workers/domains", zones.list_domains),
    ("PUT", f"{_A}/workers/domains", zones.put_domain),
    ("GET", f"{_A}/workers/domains/{{domain_id}}", zones.get_domain),
    ("DELETE", f"{_A}/workers/domains/{{domain_id}}", zones.delete_domain),
    ("GET", _Z, zones.list_routes),
    ("POST", _Z, zones.create_route),
    ("GET", f"{_Z}/{{route_id}}", zones.get_route),
    ("PUT", f"{_Z}/{{route_id}}", zones.put_route),
    ("DELETE", f"{_Z}/{{route_id}}", zones.delete_route),
    # Workflows
    ("GET", f"{_A}/workflows", workflows.list_workflows),
    ("GET", f"{_A}/workflows/settings", workflows.get_settings),
    ("PATCH", f"{_A}/workflows/settings", workflows.patch_settings),
    ("PUT", _W, workflows.put_workflow),
    ("GET", _W, workflows.get_workflow),
    ("DELETE", _W, workflows.delete_workflow),
    ("GET", f"{_W}/versions", workflows.list_versions),
    ("GET", f"{_W}/versions/{{version_id}}", workflows.get_version),
    ("GET", f"{_W}/versions/{{version_id}}/graph", workflows.no_graph),
    ("GET", f"{_W}/versions/{{version_id}}/dag", workflows.no_graph),
    ("GET", f"{_W}/instances", instances.listed),
    ("POST", f"{_W}/instances", instances.create),
    ("POST", f"{_W}/instances/batch", instances.create_batch),
    ("POST", f"{_W}/instances/batch/delete", instances.delete_batch),
    ("POST", f"{_W}/instances/batch/terminate", instances.terminate_batch),
    ("GET", f"{_W}/instances/terminate", instances.terminating),
    ("PUT", f"{_W}/instances/terminate", instances.terminate_all),
    ("GET", _I, instances.get),
    ("DELETE", _I, instances.delete),
    ("GET", f"{_I}/step", instances.get_step),
    ("PATCH", f"{_I}/status", instances.patch_status),
    ("POST", f"{_I}/events/{{event_type}}", instances.send_event),
    *((method, f"{_A}/triggers/{{script_name}}", workflows.triggers) for method in ("GET", "PUT", "PATCH", "DELETE")),
    # Resources
    ("GET", _K, resources.list_namespaces),
    ("POST", _K, resources.create_namespace),
    ("GET", _N, resources.get_namespace),
    ("PUT", _N, resources.rename_namespace),
    ("DELETE", _N, resources.delete_namespace),
    ("GET", f"{_N}/keys", resources.list_keys),
    ("PUT", f"{_N}/bulk", resources.put_bulk),
    ("POST", f"{_N}/bulk/delete", resources.delete_bulk),
    ("GET", f"{_N}/values/{{key:path}}", resources.get_value),
    ("PUT", f"{_N}/values/{{key:path}}", resources.put_value),
    ("DELETE", f"{_N}/values/{{key:path}}", resources.delete_value),
    ("GET", f"{_N}/metadata/{{key:path}}", resources.get_metadata),
    ("GET", _D, resources.list_databases),
    ("POST", _D, resources.create_database),
    ("GET", f"{_D}/{{database_id}}", resources.get_database),
    ("DELETE", f"{_D}/{{database_id}}", resources.delete_database),
    ("POST", f"{_D}/{{database_id}}/query", resources.query_database),
    ("POST", f"{_D}/{{database_id}}/raw", resources.query_database),
    ("GET", f"{_A}/r2/buckets", resources.list_buckets),
    ("POST", f"{_A}/r2/buckets", resources.create_bucket),
    ("GET", f"{_A}/r2/buckets/{{bucket_name}}", resources.get_bucket),
    ("DELETE", f"{_A}/r2/buckets/{{bucket_name}}", resources.delete_bucket),
    ("GET", _Q, resources.list_queues),
    ("POST", _Q, resources.create_queue),
    ("GET", f"{_Q}/{{queue_id}}", resources.get_queue),
    ("PUT", f"{_Q}/{{queue_id}}", resources.change_queue),
    ("PATCH", f"{_Q}/{{queue_id}}", resources.change_queue),
    ("DELETE", f"{_Q}/{{queue_id}}", resources.delete_queue),
    ("GET", f"{_Q}/{{queue_id}}/consumers", resources.list_consumers),
    ("POST", f"{_Q}/{{queue_id}}/consumers", resources.create_consumer),
    ("GET", f"{_Q}/{{queue_id}}/consumers/{{consumer_id}}", resources.get_consumer),
    ("PUT", f"{_Q}/{{queue_id}}/consumers/{{consumer_id}}", resources.put_consumer),
    ("DELETE", f"{_Q}/{{queue_id}}/consumers/{{consumer_id}}", resources.delete_consumer),
    ("POST", f"{_Q}/{{queue_id}}/messages", resources.send_messages),
    ("POST", f"{_Q}/{{queue_id}}/messages/batch", resources.send_messages),
)
"""Every path of the API that is served, below `/client/v4`."""


def application(cloud: Cloud, port: int) -> ASGIApp:
    """The server of one account; `port` is the one it is reached at."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await cloud.fleet.close()
            cloud.store.close()

    async def missing(request: Request, error: Exception) -> Response:
        return refused(Refusal(404, 7000, "No route for that URI"))

    async def wrong_method(request: Request, error: Exception) -> Response:
        return refused(Refusal(405, 10405, f"{request.method} is not a method of this path"))

    routes = [
        *_routes(cloud),
        Route(f"{LOCAL}/clock", _endpoint(cloud, _clock), methods=["GET", "POST"]),
        Route(f"{LOCAL}/scheduled/{{script_name}}", _endpoint(cloud, _scheduled), methods=["POST"]),
        Route("/", _endpoint(cloud, _front_page, open_to_all=True), methods=["GET"]),
    ]
    api = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: missing, 405: wrong_method})
    return _Doors(cloud, api, Front(cloud, port))


def _routes(cloud: Cloud) -> list[Route]:
    """Routes of one path together: those in front of others win, so `/settings` is not taken for a name."""
    by_path: dict[str, list[tuple[str, Handler]]] = {}
    for method, path, handler in ROUTES:
        by_path.setdefault(path, []).append((method, handler))
    return [
        Route(API + path, _endpoint(cloud, _by_method(dict(handlers))), methods=list(dict(handlers)))
        for path, handlers in sorted(
            by_path.items(), key=lambda entry: [part.startswith("{") for part in entry[0].split("/")]
        )
    ]


def _by_method(handlers: dict[str, Handler]) -> Handler:
    async def handle(cloud: Cloud, request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](cloud, request)

    return handle


def _endpoint(cloud: Cloud, handler: Handler, open_to_all: bool = False) -> Any:
    async def endpoint(request: Request) -> Response:
        try:
            if not open_to_all:
                _authorise(cloud, request)
            return await handler(cloud, request)
        except Refusal as refusal:
            return refused(refusal)
        except (ControlError, RuntimeFailed, TimeoutError) as error:
            return refused(Refusal(500, 10001, f"workflows.api.error.internal_server: {error}"))
        except ValidationError as error:
            return refused(Refusal(400, 10002, f"the request cannot be kept: {_first(error)}"))
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            return refused(Refusal(500, 10001, "internal error of stepwell dev; the terminal it runs in says more"))

    return endpoint


def _first(error: ValidationError) -> str:
    """The first fault that a model finds with what was sent."""
    fault = error.errors()[0]
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"


def _authorise(cloud: Cloud, request: Request) -> None:
    """Raises `Refusal` without the token, or for another account."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if not given:
        raise Refusal(400, 9106, "Missing Authorization header: send `Authorization: Bearer <token>`")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), cloud.account.token.encode()):
        raise Refusal(401, 10000, "Authentication error")
    account = request.path_params.get("account_id")
    if account is not None and account != cloud.account.id:
        raise Refusal(404, 7003, f"Could not route to /accounts/{account}, perhaps your object identifier is invalid?")


class _Doors:
    """Decides by the host who answers: the API at `localhost` alone, a Worker at its own names."""

    def __init__(self, cloud: Cloud, api: ASGIApp, front: Front) -> None:
        self._cloud, self._api, self._front = cloud, api, front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._api(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003, "reason": "WebSockets are not served here"})
            return
        request = Request(scope, receive)
        host = request.headers.get("host", "")
        if is_local(host):
            worker = local_worker(request)
            app = self._api if worker is None else await self._front.at(worker, request)
        else:
            app = await self._front.by_host(host, request)
        await app(scope, receive, send)


# What is only here


async def _clock(cloud: Cloud, request: Request) -> Response:
    """`GET /local/clock`; `POST /local/clock?advance=2h`: moves the test clock."""
    if request.method == "POST":
        if not cloud.fleet.test:
            raise Refusal(400, 10002, "there is no test clock: start with --clock test")
        given = request.query_params.get("advance", "")
        length = durations.parse(int(given) if given.isdigit() else _spelled(given))
        if length is None or length.milliseconds <= 0:
            raise Refusal(400, 10002, "advance must be a duration such as 90s, 2h, 7d or `3 days`, or milliseconds")
        async with cloud.lock:
            await cloud.fleet.ready()  # a start puts the clock to what is kept: that must not be this move already
            account = cloud.account
            account.clock_ms += length.milliseconds
            with cloud.store.transaction():
                cloud.store.change(account)
            await cloud.fleet.forward(length.milliseconds)
    return ok({"test": cloud.fleet.test, "ahead_ms": cloud.account.clock_ms})


def _spelled(given: str) -> str:
    """`2h` as `2 hours`."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    if given[-1:] in units and given[:-1].isdigit():
        return f"{given[:-1]} {units[given[-1]]}"
    return given.replace("+", " ")


async def _scheduled(cloud: Cloud, request: Request) -> Response:
    """`POST /local/scheduled/{name}?cron=`: runs the Worker's `scheduled` handler now."""
    script = cloud.script(script_name(request))
    return JSONResponse(await triggers.run_cron(cloud, script.name, request.query_params.get("cron", "")))


async def _front_page(cloud: Cloud, request: Request) -> Response:
    names = sorted(script.name for script in scripts.all_scripts(cloud))
    port = request.url.port or 80
    lines = [
        "stepwell dev: a Cloudflare account on this machine",
        "",
        f"API: http://localhost:{port}{API}",
        "",
        "Workers:",
    ]
    lines += [f"  http://{name}.localhost:{port}/   or   http://localhost:{port}/worker/{name}/" for name in names] or [
        "  none yet"
    ]
    return PlainTextResponse("\n".join(lines) + "\n")
