"""What calls a Worker: crons, and its name below workers.dev."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from stepwell.graph.cron import fault as cron_fault

from .cloud import Cloud, body, fields, script_name
from .envelope import Refusal, ok
from .models import (
    now,
)


async def put_schedules(cloud: Cloud, request: Request) -> Response:
    """`PUT …/schedules`: all crons of a Worker."""
    given = await body(request)
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and isinstance(one.get("cron"), str) for one in given
    ):
        raise Refusal(400, 10002, 'the body must be a list of {"cron": …}')
    for one in given:
        check_cron(one["cron"])
    async with cloud.lock:
        script = cloud.script(script_name(request))
        before = {one["cron"]: one["created_on"] for one in script.crons}
        time = now()
        script.crons = [
            {"cron": one["cron"], "created_on": before.get(one["cron"], time), "modified_on": time} for one in given
        ]
        with cloud.store.transaction():
            cloud.store.change(script)
    cloud.fleet.changed()
    return ok({"schedules": script.crons})


def check_cron(cron: str) -> None:
    """Raises `Refusal` for an expression that is none."""
    wrong = cron_fault(cron)
    if wrong is not None:
        raise Refusal(400, 10021, f"invalid cron string `{cron}`: {wrong}")


async def get_schedules(cloud: Cloud, request: Request) -> Response:
    """`GET …/schedules`."""
    return ok({"schedules": cloud.script(script_name(request)).crons})


async def run_cron(cloud: Cloud, script: str, cron: str) -> dict[str, Any]:
    """Calls the `scheduled` handler of a Worker. Raises `Refusal` when it has none."""
    if "scheduled" not in cloud.live(script).handlers:
        raise Refusal(400, 10002, f"the Worker {script} has no scheduled handler")
    told = await cloud.fleet.call("scheduled", {"worker": script, "cron": cron, "time": time.time() * 1000})
    return dict(told)


async def get_subdomain(cloud: Cloud, request: Request) -> Response:
    """`GET …/scripts/{name}/subdomain`."""
    script = cloud.script(script_name(request))
    return ok({"enabled": script.workers_dev, "previews_enabled": script.previews})


async def post_subdomain(cloud: Cloud, request: Request) -> Response:
    """`POST …/scripts/{name}/subdomain`."""
    given = await fields(request)
    if not isinstance(given.get("enabled"), bool):
        raise Refusal(400, 10002, "enabled is required and must be true or false")
    return await _switch(cloud, request, given["enabled"], bool(given.get("previews_enabled", given["enabled"])))


async def delete_subdomain(cloud: Cloud, request: Request) -> Response:
    """`DELETE …/scripts/{name}/subdomain`."""
    return await _switch(cloud, request, False, False)


async def _switch(cloud: Cloud, request: Request, enabled: bool, previews: bool) -> Response:
    async with cloud.lock:
        script = cloud.script(script_name(request))
        script.workers_dev, script.previews = enabled, previews
        with cloud.store.transaction():
            cloud.store.change(script)
    return ok({"enabled": enabled, "previews_enabled": previews})
