"""Workflows: registered, listed, removed; their versions and event triggers."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cronsim import CronSim, CronSimError
from starlette.requests import Request
from starlette.responses import Response

from stepwell.graph import durations
from stepwell.local.config import instances_folder
from stepwell.local.runtime import ControlError

from .cloud import Cloud, fields, no_script, text
from .cloud import body as json_body
from .envelope import Refusal, ok, page, paged
from .models import Account, Script, Workflow, WorkflowVersion
from .triggers import check_cron
from .wanted import is_workflow

NAME: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,63}")
STATUSES: Final = (
    "complete", "errored", "paused", "queued", "rollingBack", "running", "terminated", "waiting", "waitingForPause",
)  # fmt: skip
_MAX_SCHEDULES: Final = 100
_MAX_STEPS: Final = 25_000


async def put_workflow(cloud: Cloud, request: Request) -> Response:
    """`PUT /workflows/{name}`: registers it, or gives it a new version; silently takes one over from another Worker."""
    given = await fields(request)
    name = request.path_params["workflow_name"]
    if not NAME.fullmatch(name):
        raise Refusal(400, 10002, "the name of a workflow has 1 to 64 letters, digits, - and _")
    async with cloud.lock:
        workflow = register(cloud, name, text(given, "script_name"), text(given, "class_name"), given)
    counts = dict.fromkeys(STATUSES, 0)
    return ok(
        {
            **_told(workflow, None),
            "version_id": workflow.version_id,
            "is_deleted": 0,
            "terminator_running": 0,
            "instances": counts,
        }
    )


def register(cloud: Cloud, name: str, script: str, class_name: str, given: dict[str, Any]) -> Workflow:
    """A workflow of a deployed class. Raises `Refusal`. Needs the lock."""
    if cloud.store.get(Script, script) is None:
        raise no_script()
    if not is_workflow(cloud.live(script), class_name):
        raise Refusal(400, 10021, f"the Worker {script} exports no class {class_name} that extends WorkflowEntrypoint")
    limits, schedules, kept = _limits(given), _schedules(given), retention(given.get("default_retention"))
    workflow = cloud.store.get(Workflow, name) or Workflow(
        name=name, script_name=script, class_name=class_name, version_id=""
    )
    version = WorkflowVersion(workflow_id=workflow.id, class_name=class_name, limits=limits, default_retention=kept)
    workflow.script_name, workflow.class_name, workflow.version_id = script, class_name, version.id
    workflow.limits, workflow.schedules, workflow.default_retention = limits, schedules, kept
    with cloud.store.transaction():
        cloud.store.put(version)
        cloud.store.change(workflow)
    cloud.fleet.changed()
    return workflow


def _limits(given: dict[str, Any]) -> dict[str, Any] | None:
    limits = given.get("limits")
    if limits is None:
        return None
    steps = limits.get("steps") if isinstance(limits, dict) else None
    if steps is not None and (not isinstance(steps, int) or not 1 <= steps <= _MAX_STEPS):
        raise Refusal(400, 10002, f"limits.steps must be a whole number from 1 to {_MAX_STEPS}")
    return {"steps": steps} if steps is not None else None


def _schedules(given: dict[str, Any]) -> list[dict[str, str]]:
    schedules = given.get("schedules") or []
    if not isinstance(schedules, list) or len(schedules) > _MAX_SCHEDULES:
        raise Refusal(400, 10002, f"schedules must be a list of at most {_MAX_SCHEDULES}")
    for one in schedules:
        if not isinstance(one, dict) or not isinstance(one.get("cron"), str):
            raise Refusal(400, 10002, 'schedules is a list of {"cron": …}')
        check_cron(one["cron"])
    return [{"cron": one["cron"]} for one in schedules]


def retention(given: Any) -> dict[str, Any] | None:
    """How long instances are kept that ended well or not; raises `Refusal` for what is no duration."""
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) - {"success_retention", "error_retention"}:
        raise Refusal(400, 10002, "a retention is {success_retention, error_retention}")
    for name, value in given.items():
        if isinstance(value, bool) or not (
            isinstance(value, int) or (isinstance(value, str) and durations.parse(value) is not None)
        ):
            raise Refusal(400, 10002, f"{name} must be milliseconds or a duration such as `3 days`")
    return given


def _told(workflow: Workflow, triggered: float | None) -> dict[str, Any]:
    told = {
        "id": workflow.id,
        "name": workflow.name,
        "script_name": workflow.script_name,
        "class_name": workflow.class_name,
        "created_on": workflow.created_on,
        "modified_on": workflow.modified_on,
        "triggered_on": iso(triggered),
    }
    planned = [
        {"cron": one["cron"], "next_instance": when} for one in workflow.schedules if (when := _next(one["cron"]))
    ]
    return {**told, **({"schedules": planned} if planned else {})}


def _next(cron: str) -> str | None:
    """When a cron is due next. Cloudflare counts weekdays from 1, the library from 0."""
    *rest, weekday = cron.split()
    shifted = re.sub(r"(?<![#/\d])[1-7](?!\d)", lambda found: str(int(found[0]) - 1), weekday)
    try:
        return iso(next(CronSim(" ".join([*rest, shifted]), datetime.now(UTC))).timestamp() * 1000)
    except (CronSimError, StopIteration):
        return None


def iso(ms: float | None) -> str | None:
    """Milliseconds since 1970 as the API writes times."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def place(workflow: Workflow) -> dict[str, Any]:
    """Where the control Worker finds a workflow."""
    return {"worker": workflow.script_name, "workflow": workflow.name, "key": workflow.id}


def hosted(cloud: Cloud, workflow: Workflow) -> bool:
    """Whether the Worker of a workflow is there and has its class."""
    script = cloud.store.get(Script, workflow.script_name)
    return (
        script is not None
        and workflow.script_name not in cloud.fleet.faults
        and is_workflow(cloud.live(script.name), workflow.class_name)
    )


async def _with_counts(cloud: Cloud, workflow: Workflow) -> dict[str, Any]:
    counts, latest = dict.fromkeys(STATUSES, 0), None
    if hosted(cloud, workflow):
        with suppress(ControlError):
            for row in await cloud.fleet.glance("counts", place(workflow)):
                counts[row["status"]] = row["n"]
                latest = max(latest or 0, row["latest"])
    return {**_told(workflow, latest), "instances": counts}


async def get_workflow(cloud: Cloud, request: Request) -> Response:
    """`GET /workflows/{name}`."""
    workflow = cloud.workflow(request.path_params["workflow_name"])
    return ok({**await _with_counts(cloud, workflow), "version_id": workflow.version_id})


async def list_workflows(cloud: Cloud, request: Request) -> Response:
    """`GET /workflows`."""
    search = request.query_params.get("search", "")
    found = sorted((one for one in cloud.store.all(Workflow) if search in one.name), key=lambda one: one.name)
    asked = page(request.query_params, 10, 100)
    shown = [await _with_counts(cloud, workflow) for workflow in asked.of(found)]
    return ok(shown, asked.info(len(shown), len(found)))


async def delete_workflow(cloud: Cloud, request: Request) -> Response:
    """`DELETE /workflows/{name}`: with its instances; the Worker stays."""
    async with cloud.lock:
        workflow = cloud.workflow(request.path_params["workflow_name"])
        with cloud.store.transaction():
            for version in _versions(cloud, workflow):
                cloud.store.remove(version)
            cloud.store.remove(workflow)
    cloud.fleet.changed()
    return ok({"status": "ok", "success": True})


def tidy(cloud: Cloud) -> None:
    """Puts the folders of instances where their workflow's Worker is now, and removes those of workflows removed.

    Only while nothing runs.
    """
    owners = {workflow.id: workflow.script_name for workflow in cloud.store.all(Workflow)}
    root = cloud.fleet.state / "workflows"
    for folder in list(root.glob("*/miniflare-workflows-*")):
        key = folder.name.removeprefix("miniflare-workflows-")
        if key not in owners:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        target = instances_folder(cloud.fleet.state, owners[key], key)
        if folder != target:
            target.parent.mkdir(parents=True, exist_ok=True)
            _move(folder, target)


def _move(folder: Path, target: Path) -> None:
    if target.exists():  # left by a Worker that never ran one
        shutil.rmtree(target)
    folder.rename(target)


# Versions


def _versions(cloud: Cloud, workflow: Workflow) -> list[WorkflowVersion]:
    return [one for one in reversed(cloud.store.all(WorkflowVersion)) if one.workflow_id == workflow.id]


def _version(version: WorkflowVersion) -> dict[str, Any]:
    told = {
        "id": version.id,
        "workflow_id": version.workflow_id,
        "class_name": version.class_name,
        "created_on": version.created_on,
        "modified_on": version.modified_on,
        "has_dag": False,
        "language": "javascript",
    }
    kept = version.default_retention
    more = {"limits": version.limits, "default_retention": kept and {name: _ms(value) for name, value in kept.items()}}
    return told | {name: value for name, value in more.items() if value is not None}


def _ms(value: int | str) -> int:
    """Versions tell in milliseconds what was given in words."""
    length = durations.parse(value)
    return round(length.milliseconds) if length is not None else 0


async def list_versions(cloud: Cloud, request: Request) -> Response:
    """`GET /workflows/{name}/versions`."""
    workflow = cloud.workflow(request.path_params["workflow_name"])
    return paged([_version(version) for version in _versions(cloud, workflow)], request.query_params, 10, 100)


async def get_version(cloud: Cloud, request: Request) -> Response:
    """`GET /workflows/{name}/versions/{id}`."""
    workflow = cloud.workflow(request.path_params["workflow_name"])
    version = cloud.store.get(WorkflowVersion, request.path_params["version_id"])
    if version is None or version.workflow_id != workflow.id:
        raise Refusal(404, 10300, "version_not_found")
    return ok(_version(version))


async def no_graph(cloud: Cloud, request: Request) -> Response:
    """`GET …/versions/{id}/graph` and `/dag`: Cloudflare's own reading of the code, which is not here."""
    await get_version(cloud, request)
    raise Refusal(404, 10300, "no graph: this machine does not read the code of workflows")


# The account's settings; event triggers, which are kept but nothing fires them here


async def get_settings(cloud: Cloud, request: Request) -> Response:
    """`GET /workflows/settings`."""
    return ok({"default_retention": cloud.account.retention})


async def patch_settings(cloud: Cloud, request: Request) -> Response:
    """`PATCH /workflows/settings`."""
    given = retention((await fields(request)).get("default_retention")) or {}
    async with cloud.lock:
        account: Account = cloud.account
        account.retention = {**account.retention, **given}
        with cloud.store.transaction():
            cloud.store.change(account)
    cloud.fleet.changed()
    return ok({"default_retention": account.retention})


async def triggers(cloud: Cloud, request: Request) -> Response:
    """`GET|PUT|PATCH|DELETE /triggers/{script}`."""
    async with cloud.lock:
        script = cloud.script(request.path_params["script_name"])
        if request.method == "GET":
            return ok({"script_name": script.name, "triggers": script.triggers})
        if request.method == "DELETE":
            removed, script.triggers = len(script.triggers), []
        else:
            given = await json_body(request)
            if not isinstance(given, list) or not all(isinstance(one, dict) and "type" in one for one in given):
                raise Refusal(400, 10002, "the body must be a list of triggers")
            script.triggers = [*(script.triggers if request.method == "PATCH" else []), *given]
        with cloud.store.transaction():
            cloud.store.change(script)
    if request.method == "DELETE":
        return ok({"deleted": removed})
    return ok({"script_name": script.name, "triggers": script.triggers})
