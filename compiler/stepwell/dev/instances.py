"""Instances of workflows: created, listed, described, steered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from stepwell.local.runtime import ControlError

from .cloud import Cloud, body, fields
from .envelope import Page, Refusal, ok, page
from .models import Workflow, now
from .workflows import STATUSES, hosted, iso, place, retention

ID: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}")
_RESERVED: Final = re.compile(r"cf_[0-9a-f]{64}")
EVENT_TYPE: Final = ID
_MAX_PAYLOAD: Final = 1024 * 1024
_MAX_BATCH: Final = 100
_ENDED: Final = ("complete", "errored", "terminated")
_ALLOWED: Final = {
    "pause": ("queued", "running", "waiting"),
    "resume": ("paused", "waitingForPause"),
    "terminate": ("queued", "running", "waiting", "paused", "waitingForPause"),
    "restart": STATUSES,
}
"""In which statuses an instance can be told what."""
_SHORT: Final = {"do": "do", "step": "do", "sleep": "sleep", "waitForEvent": "waitForEvent"}


def _workflow(cloud: Cloud, request: Request) -> Workflow:
    workflow = cloud.workflow(request.path_params["workflow_name"])
    if not hosted(cloud, workflow):
        where = f"the Worker {workflow.script_name}"
        raise Refusal(
            400, 10001, f"workflows.api.error.internal_server: {where} does not run its class {workflow.class_name}"
        )
    return workflow


# Created


async def create(cloud: Cloud, request: Request) -> Response:
    """`POST …/instances`."""
    workflow = _workflow(cloud, request)
    raw = await request.body()
    given = await fields(request) if raw.strip() else {}
    return ok(await _create(cloud, workflow, given))


async def create_batch(cloud: Cloud, request: Request) -> Response:
    """`POST …/instances/batch`: up to 100; those whose id is taken are skipped."""
    workflow = _workflow(cloud, request)
    given = await body(request)
    if (
        not isinstance(given, list)
        or not 1 <= len(given) <= _MAX_BATCH
        or not all(isinstance(one, dict) for one in given)
    ):
        raise Refusal(400, 10002, f"the body must be a list of 1 to {_MAX_BATCH} instances")
    starts = [_start(one) for one in given]
    made = []
    for start in starts:
        try:
            made.append(await _make(cloud, workflow, start))
        except Refusal as refusal:
            if refusal.status != 409:
                raise
    return ok(made)


async def _create(cloud: Cloud, workflow: Workflow, given: dict[str, Any]) -> dict[str, Any]:
    return await _make(cloud, workflow, _start(given))


def _start(given: dict[str, Any]) -> dict[str, Any]:
    """What an instance is created with. Raises `Refusal`."""
    id, params = given.get("instance_id"), given.get("params", {})
    if id is not None and (not isinstance(id, str) or not ID.fullmatch(id) or _RESERVED.fullmatch(id)):
        raise Refusal(400, 10002, "instance_id: 1 to 100 letters, digits, - and _, not starting with -")
    if isinstance(params, str):
        params = _decoded(params)
    if len(json.dumps(params).encode()) > _MAX_PAYLOAD:
        raise Refusal(400, 10002, "params are larger than 1 MiB")
    kept = retention(given.get("instance_retention"))
    start: dict[str, Any] = {"params": {} if params is None else params}
    if id is not None:
        start["id"] = id
    if kept:
        start["retention"] = {name.removesuffix("_retention"): value for name, value in kept.items()}
    return start


def _decoded(params: str) -> Any:
    """The specification has JSON in a text, the official CLI sends the value: both are taken."""
    try:
        return json.loads(params)
    except ValueError:
        return params


async def _make(cloud: Cloud, workflow: Workflow, start: dict[str, Any]) -> dict[str, Any]:
    try:
        made = await cloud.fleet.call("create", {**place(workflow), **start})
    except ControlError as error:
        if "already_exists" in str(error):
            raise Refusal(409, 10002, f"instance.already_exists: {start['id']}") from None
        raise Refusal(400, 10002, str(error)) from None
    return {
        "id": made["id"],
        "status": "queued",
        "version_id": workflow.version_id,
        "workflow_id": workflow.id,
        "trigger_source": "api",
    }


# Listed


async def listed(cloud: Cloud, request: Request) -> Response:
    """`GET …/instances`, the newest first."""
    workflow = _workflow(cloud, request)
    query = request.query_params
    asked = page(query, 50, 100)
    status = query.get("status") or None
    if status is not None and status not in STATUSES:
        raise Refusal(400, 10002, f"status must be one of {', '.join(STATUSES)}")
    cursor = query.get("cursor")
    if cursor is not None and not cursor.isdigit():
        raise Refusal(400, 10002, "cursor is not one of ours")
    told = await cloud.fleet.call(
        "list",
        {
            **place(workflow),
            "query": {
                "status": status,
                "from": _time(query, "date_start"),
                "to": _time(query, "date_end"),
                "ascending": query.get("direction") == "asc",
                "cursor": None if cursor is None else int(cursor),
                "offset": 0 if cursor is not None else (asked.number - 1) * asked.size,
                "limit": asked.size,
            },
        },
    )
    rows = told["rows"]
    return ok([_row(workflow, row) for row in rows], _info(asked, rows, told["total"]))


def _info(asked: Page, rows: list[dict[str, Any]], total: int) -> dict[str, Any]:
    info: dict[str, Any] = asked.info(len(rows), total)
    return {**info, "cursor": str(rows[-1]["seq"])} if rows else info


def _time(query: Mapping[str, str], name: str) -> float | None:
    given = query.get(name)
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).timestamp() * 1000
    except ValueError:
        raise Refusal(400, 10002, f"{name} must be a time such as 2026-01-31T12:00:00Z") from None


def _row(workflow: Workflow, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        "version_id": row["version"] or workflow.version_id,
        "workflow_id": workflow.id,
        "created_on": iso(row["created"]),
        "modified_on": iso(row["modified"] or row["created"]),
        "started_on": iso(row["started"]),
        "ended_on": iso(row["ended"]),
        "trigger_source": row["source"],
    }


# Described


async def _describe(cloud: Cloud, workflow: Workflow, id: str) -> dict[str, Any]:
    found: dict[str, Any] | None = None
    if len(id) <= 271:
        found = await cloud.fleet.call("describe", {**place(workflow), "id": id})
    if found is None:
        raise Refusal(404, 10400, "instance_not_found")
    return found


async def get(cloud: Cloud, request: Request) -> Response:
    """`GET …/instances/{id}`: all there is to say, with each step (`simple=true`: without)."""
    workflow = _workflow(cloud, request)
    found = await _describe(cloud, workflow, request.path_params["instance_id"])
    query = request.query_params
    steps = Steps(found).all()
    if query.get("order") == "desc":
        steps.reverse()
    told = {
        **_instance(workflow, found),
        "step_count": sum(step["type"] == "step" for step in steps),
        "steps": [] if query.get("simple") == "true" else steps,
    }
    return ok(told)


def _instance(workflow: Workflow, found: dict[str, Any]) -> dict[str, Any]:
    origin, status = found["origin"], found["status"]
    times = {event["type"]: event["timestamp"] for event in found["events"]}  # the last of each: of the last restart
    ended = found["events"][-1]["timestamp"] if status in _ENDED else None
    told = {
        "status": status,
        "params": found["params"],
        "trigger": {"source": origin.get("source", "unknown")},
        "versionId": origin.get("version") or workflow.version_id,
        "queued": iso(times.get("workflow_queued")),
        "start": iso(times.get("workflow_started")),
        "end": iso(ended),
        "success": {"complete": True, "errored": False, "terminated": False}.get(status),
        "output": found["output"],
        "error": _error(found.get("error")),
        "rollback": _rollback(found["events"]),
    }
    return told | ({"schedule": origin["schedule"]} if "schedule" in origin else {})


def _error(error: dict[str, Any] | None) -> dict[str, str] | None:
    """An error as the API tells it, and beside that its `stack`, which Cloudflare keeps to itself."""
    if error is None:
        return None
    stack = {"stack": error["stack"]} if "stack" in error else {}
    return {"name": str(error.get("name", "Error")), "message": str(error.get("message", "")), **stack}


def _rollback(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    for event in reversed(events):
        if event["type"] in ("rollback_completed", "rollback_errored"):
            failed = event["type"] == "rollback_errored"
            return {"outcome": "failed" if failed else "complete", "error": _error(event.get("error"))}
    return None


class Steps:
    """The steps of an instance as the API tells them, from the engine's history, in the order they began."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found
        self._steps: dict[tuple[str, str], dict[str, Any]] = {}

    def all(self) -> list[dict[str, Any]]:
        """Every step so far."""
        for event in self._found["events"]:
            handler = getattr(self, f"_{event['type']}", None)
            if handler is not None:
                handler(event)
        kept = {(_SHORT[kind], name) for kind, name in self._found["records"]}  # a restart forgets some
        steps = [one for key, one in self._steps.items() if key[0] == "rollback" or (_SHORT[key[0]], key[1]) in kept]
        if self._found["status"] == "terminated":
            steps.append({"type": "termination", "trigger": {"source": "api"}})
        return steps

    def _begin(self, kind: str, event: dict[str, Any], more: dict[str, Any]) -> None:
        name = event["stepName"]
        self._steps[kind, name] = {"type": kind, "name": name, "start": iso(event["timestamp"]), "end": None, **more}

    def _of(self, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        if (kind, event["stepName"]) not in self._steps:
            begun: dict[str, Any] = {"success": None, "output": None, "config": event.get("config"), "attempts": []}
            self._begin(kind, event, begun)
        return self._steps[kind, event["stepName"]]

    def _step_started(self, event: dict[str, Any], kind: str = "step") -> None:
        self._steps.pop((kind, event["stepName"]), None)  # a restart from here
        self._of(kind, event)

    def _attempt_started(self, event: dict[str, Any], kind: str = "step") -> None:
        attempts = self._of(kind, event)["attempts"]
        attempts.append({"start": iso(event["timestamp"]), "end": None, "success": None, "error": None})

    def _attempt_completed(self, event: dict[str, Any], kind: str = "step") -> None:
        self._end_attempt(event, kind, True)

    def _attempt_errored(self, event: dict[str, Any], kind: str = "step") -> None:
        self._end_attempt(event, kind, False)

    def _end_attempt(self, event: dict[str, Any], kind: str, success: bool) -> None:
        attempts = self._of(kind, event)["attempts"]
        if attempts:
            attempts[-1] |= {"end": iso(event["timestamp"]), "success": success, "error": _error(event.get("error"))}

    def _step_completed(self, event: dict[str, Any], kind: str = "step") -> None:
        ended = {"end": iso(event["timestamp"]), "success": True, "output": event.get("output")}
        self._of(kind, event).update(ended)

    def _step_errored(self, event: dict[str, Any], kind: str = "step") -> None:
        self._of(kind, event).update({"end": iso(event["timestamp"]), "success": False})

    def _rollback_step_started(self, event: dict[str, Any]) -> None:
        self._step_started(event, "rollback")

    def _rollback_attempt_started(self, event: dict[str, Any]) -> None:
        self._attempt_started(event, "rollback")

    def _rollback_attempt_completed(self, event: dict[str, Any]) -> None:
        self._attempt_completed(event, "rollback")

    def _rollback_attempt_errored(self, event: dict[str, Any]) -> None:
        self._attempt_errored(event, "rollback")

    def _rollback_step_completed(self, event: dict[str, Any]) -> None:
        self._step_completed(event, "rollback")

    def _rollback_step_errored(self, event: dict[str, Any]) -> None:
        self._step_errored(event, "rollback")

    def _sleep_started(self, event: dict[str, Any]) -> None:
        until = iso(event["timestamp"] + event.get("durationMs", 0))
        self._begin("sleep", event, {"end": until, "finished": False, "error": None})

    def _sleep_completed(self, event: dict[str, Any]) -> None:
        self._finish("sleep", event)

    def _wait_started(self, event: dict[str, Any]) -> None:
        wait = self._found["waits"].get(event["stepName"]) or {}
        until = iso(wait.get("deadline") or event["timestamp"])
        begun = {"end": until, "finished": False, "error": None, "event_type": event.get("eventType")}
        self._begin("waitForEvent", event, begun)

    def _wait_completed(self, event: dict[str, Any]) -> None:
        self._finish("waitForEvent", event)
        wait = self._found["waits"].get(event["stepName"]) or {}
        self._steps["waitForEvent", event["stepName"]]["output"] = wait.get("value")

    def _wait_timed_out(self, event: dict[str, Any]) -> None:
        self._finish("waitForEvent", event)
        error = {"name": "WorkflowTimeoutError", "message": "the event did not come in time"}
        self._steps["waitForEvent", event["stepName"]]["error"] = _error(event.get("error")) or error

    def _finish(self, kind: str, event: dict[str, Any]) -> None:
        step = self._steps.get((kind, event["stepName"]))
        if step is not None:
            step |= {"end": iso(event["timestamp"]), "finished": True}


async def get_step(cloud: Cloud, request: Request) -> Response:
    """`GET …/instances/{id}/step?name=…&type=…`: one step with all of its output."""
    workflow = _workflow(cloud, request)
    id, query = request.path_params["instance_id"], request.query_params
    kind, name = _SHORT.get(query.get("type", "")), query.get("name", "")
    if kind not in ("do", "waitForEvent") or not name:
        raise Refusal(400, 10002, "name and type (step or waitForEvent) are required")
    found = await _describe(cloud, workflow, id)
    step = next(
        (one for one in Steps(found).all() if one.get("name") == name and _SHORT.get(one["type"]) == kind), None
    )
    record = await cloud.fleet.call("record", {**place(workflow), "id": id, "type": kind, "step": name})
    if step is None or record is None:
        raise Refusal(404, 10400, "step_not_found")
    hidden = (step.get("config") or {}).get("sensitive") == "output" and record.get("done")
    status = "complete" if record.get("done") else "errored" if record.get("error") else "running"
    told = {
        "status": status,
        "output": "[REDACTED]" if hidden else record["value"],
        "error": _error(record.get("error")),
        **({"event_type": step["event_type"]} if kind == "waitForEvent" else {}),
    }
    return ok(told)


# Steered


async def patch_status(cloud: Cloud, request: Request) -> Response:
    """`PATCH …/instances/{id}/status`."""
    workflow = _workflow(cloud, request)
    id, given = request.path_params["instance_id"], await fields(request)
    action = given.get("status")
    if not isinstance(action, str) or action not in _ALLOWED:
        raise Refusal(400, 10002, f"status must be one of {', '.join(_ALLOWED)}")
    found = await _describe(cloud, workflow, id)
    if found["status"] not in _ALLOWED[action]:
        raise Refusal(
            400, 10401, f"instance status change not allowed: cannot {action} an instance that is {found['status']}"
        )
    await _act(cloud, workflow, id, action, _options(action, given))
    after = (await cloud.fleet.call("refresh", {**place(workflow), "ids": [id]}))[0]
    return ok({"status": "queued" if action == "restart" else after["status"], "timestamp": now()})


def _options(action: str, given: dict[str, Any]) -> Any:
    if action == "terminate" and given.get("rollback"):
        return {"rollback": True}
    if action == "restart" and given.get("from") is not None:
        step = given["from"]
        if not isinstance(step, dict) or not isinstance(step.get("name"), str):
            raise Refusal(400, 10002, "from is {name, count?, type?}")
        return {"from": step}
    return None


async def _act(cloud: Cloud, workflow: Workflow, id: str, action: str, options: Any = None) -> None:
    more = {} if options is None else {"options": options}
    try:
        await cloud.fleet.call("act", {**place(workflow), "id": id, "action": action, **more})
    except ControlError as error:
        raise Refusal(400, 10401, str(error)) from None


async def send_event(cloud: Cloud, request: Request) -> Response:
    """`POST …/instances/{id}/events/{type}`: the body is the payload."""
    workflow = _workflow(cloud, request)
    id, event_type = request.path_params["instance_id"], request.path_params["event_type"]
    if not EVENT_TYPE.fullmatch(event_type):
        raise Refusal(400, 10002, "the type of an event has 1 to 100 letters, digits, - and _")
    raw = await request.body()
    if len(raw) > _MAX_PAYLOAD:
        raise Refusal(400, 10002, "the payload is larger than 1 MiB")
    payload = await body(request) if raw.strip() else None
    await _describe(cloud, workflow, id)
    await cloud.fleet.call("event", {**place(workflow), "id": id, "type": event_type, "payload": payload})
    return ok({"instanceId": id, "timestamp": now()})


async def delete(cloud: Cloud, request: Request) -> Response:
    """`DELETE …/instances/{id}`."""
    workflow = _workflow(cloud, request)
    id = request.path_params["instance_id"]
    await _describe(cloud, workflow, id)
    await cloud.fleet.call("remove", {**place(workflow), "ids": [id]})
    return ok({"instanceId": id, "timestamp": now()})


def _ids(given: Any) -> list[str]:
    if (
        not isinstance(given, list)
        or not 1 <= len(given) <= _MAX_BATCH
        or not all(isinstance(one, str) for one in given)
    ):
        raise Refusal(400, 10002, f"1 to {_MAX_BATCH} instance ids are required")
    return given


async def delete_batch(cloud: Cloud, request: Request) -> Response:
    """`POST …/instances/batch/delete`."""
    workflow = _workflow(cloud, request)
    deleted, errors = [], []
    for id in _ids((await fields(request)).get("instances")):
        try:
            await _describe(cloud, workflow, id)
        except Refusal as refusal:
            errors.append({"id": id, "code": refusal.code, "message": refusal.message})
            continue
        await cloud.fleet.call("remove", {**place(workflow), "ids": [id]})
        deleted.append({"id": id})
    return ok({"deleted": deleted, "errors": errors})


async def terminate_batch(cloud: Cloud, request: Request) -> Response:
    """`POST …/instances/batch/terminate`."""
    workflow = _workflow(cloud, request)
    return ok({"status": "ok", "instancesTerminated": await _terminate(cloud, workflow, _ids(await body(request)))})


async def terminate_all(cloud: Cloud, request: Request) -> Response:
    """`PUT …/instances/terminate?status=…`: all that have not ended, or those of a status."""
    workflow = _workflow(cloud, request)
    status = request.query_params.get("status")
    if status is not None and status not in STATUSES:
        raise Refusal(400, 10002, f"status must be one of {', '.join(STATUSES)}")
    ids = await cloud.fleet.call("ids", {**place(workflow), "status": status})
    await _terminate(cloud, workflow, ids)
    return ok({"status": "ok"})


async def terminating(cloud: Cloud, request: Request) -> Response:
    """`GET …/instances/terminate`: whether such a job runs; here it has ended when it was answered."""
    _workflow(cloud, request)
    return ok({"status": "not_running"})


async def _terminate(cloud: Cloud, workflow: Workflow, ids: list[str]) -> int:
    count = 0
    for id in ids:
        try:
            found = await _describe(cloud, workflow, id)
        except Refusal:
            continue
        if found["status"] in _ALLOWED["terminate"]:
            await _act(cloud, workflow, id, "terminate")
            count += 1
    return count
