"""Runs: started, looked at, steered, sent events.

A run is written down before Cloudflare is asked to start it, under an id chosen here. Whatever is lost on the way (an
answer, this process), the row says what to look for: a started run is never lost, and one request never starts two.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from stepwell.cloudflare import ApiError, Cloudflare, Unsure
from stepwell.runs import Runs

from . import lookup, shapes
from .claims import Claim, used
from .database import new_id, now
from .errors import Problem, missing, of_provider
from .house import House
from .keys import Caller
from .shapes import StepTell, TriggerAsk
from .tables import ConnectionRow, DeploymentRow, EventRow, RunRow, WorkflowRow
from .texts import clean, kept, told

PARAMS_BYTES: Final = 100 * 1024
ENDED: Final = frozenset({"complete", "errored", "terminated"})
_STATUS: Final = {"waiting": "paused", "waitingForPause": "running"}
_KNOWN: Final = frozenset({"queued", "running", "paused", *ENDED})
_FRESH: Final = 1_000_000
"""A status is that old at most, in microseconds: many who poll one run ask Cloudflare once a second."""
_GIVEN_UP: Final = 10 * 60 * 1_000_000
"""After so long a run that Cloudflare does not know was never started, in microseconds."""
_TRIES: Final = 5
NEVER_STARTED: Final = "the run was never started: the server stopped, or Cloudflare did not take it; trigger it again"
_INSTANCE: Final = re.compile(shapes.INSTANCE)
_EVENT: Final = re.compile(shapes.EVENT)


@dataclass(frozen=True)
class Triggered:
    """What a trigger did: `created` a run, found the one of an earlier request, or sent an event."""

    run: RunRow
    created: bool
    event_type: str | None = None


@dataclass(frozen=True)
class _Target:
    """What a trigger is for."""

    workflow: WorkflowRow
    connection: ConnectionRow
    deployment: DeploymentRow


# Triggered


def trigger(house: House, caller: Caller, workflow_id: str, ask: TriggerAsk, key: str | None) -> Triggered:
    """Starts a run, or sends an event to one. Raises `Problem`."""
    with house.database.read() as session:
        workflow = lookup.workflow(session, caller, workflow_id)
        if workflow.kind == "script":
            up = lookup.live(session, workflow.id, ask.connection_id)
            where = f" at {up.url}" if up is not None and up.url else ""
            raise Problem(400, f"This is a function: it has no runs. Call its Worker{where}")
        connection = lookup.connection(session, caller, ask.connection_id)
        deployment = lookup.live(session, workflow.id, connection.id)
        text = _params(ask.params)
        if deployment is None or deployment.workflow is None:
            raise Problem(409, "The workflow is not deployed with this connection: deploy it first")
        target = _Target(workflow, connection, deployment)
        instance = _instance_of_event(ask.params)
        known = lookup.run(session, workflow, instance) if instance is not None else None
    if instance is not None:
        return _send(house, target, ask.params, instance, known, key)
    return _start(house, target, ask, text, key)


def _params(params: Any) -> str:
    """The params as text. Raises `Problem` 413 for too much."""
    size = len(json.dumps(params, ensure_ascii=False, separators=(",", ":")).encode())
    if size > PARAMS_BYTES:
        raise Problem(
            413, f"params: {size:,} bytes as JSON; {PARAMS_BYTES:,} are allowed. Put the data where the run finds it"
        )
    return json.dumps(params)


def _instance_of_event(params: Any) -> str | None:
    """The instance that an event is for; None when these are plain params."""
    if not isinstance(params, dict) or not isinstance(params.get("eventType"), str):
        return None
    instance = params.get("instanceId")
    return instance if isinstance(instance, str) else None


def _request(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _start(house: House, target: _Target, ask: TriggerAsk, text: str, key: str | None) -> Triggered:
    """Writes a run down and has it started, or finds the one that the same request has started."""
    _refuse_used(house, EventRow, target.workflow, key)
    runs = Runs(house.accounts.of(target.connection))  # a token that cannot be opened leaves no row behind
    for _ in range(_TRIES):
        row = _row(target, ask, text, key)
        try:
            with house.database.write() as session:
                session.add(row)
        except IntegrityError:
            found = _again(house, runs, row, ask)
            if found is not None:
                return found
            continue  # the first request could not start it and has taken its row back
        return Triggered(_begin(house, runs, row, ask), True)
    raise Problem(409, "others ask for the same run at the same time; try again")


def _refuse_used(house: House, table: type[EventRow] | type[RunRow], workflow: WorkflowRow, key: str | None) -> None:
    """Raises `Problem` 422 where a key was used for something of another kind."""
    if key is None:
        return
    chosen = select(table.id).where(table.workflow_id == workflow.id, table.idempotency_key == key)
    with house.database.read() as session:
        if session.scalar(chosen) is not None:
            raise used("Idempotency-Key", 422)


def _row(target: _Target, ask: TriggerAsk, text: str, key: str | None) -> RunRow:
    moment = now()
    return RunRow(
        id=new_id("run"),
        project_id=target.workflow.project_id,
        workflow_id=target.workflow.id,
        version_id=target.deployment.version_id,
        deployment_id=target.deployment.id,
        connection_id=target.connection.id,
        workflow=target.deployment.workflow,
        instance_id=ask.instance_id or str(uuid.uuid4()),
        idempotency_key=key,
        request=_request(target.connection.id, ask.instance_id, ask.params),
        params=text,
        started=False,
        tries=1,
        status="queued",
        provider_status="queued",
        seen_at=moment,
        created_at=moment,
        updated_at=moment,
    )


def _again(house: House, runs: Runs, wish: RunRow, ask: TriggerAsk) -> Triggered | None:
    """The run that the same key or the same wished id has started already; None where it is gone again."""
    row, by_key = _earlier(house, wish)
    if row is None:
        return None
    if row.request != wish.request:
        raise used("Idempotency-Key", 422) if by_key else used("instanceId", 409)
    if row.started:
        return Triggered(row, False)
    if not _tried(house, row):
        return None
    return Triggered(_begin(house, runs, row, ask), False)


def _earlier(house: House, wish: RunRow) -> tuple[RunRow | None, bool]:
    """The run that was written down before this one, and whether it has the same key."""
    chosen: Select[RunRow] = select(RunRow).where(RunRow.workflow_id == wish.workflow_id)
    by_key = chosen.where(RunRow.idempotency_key == wish.idempotency_key)
    by_id = chosen.where(
        RunRow.connection_id == wish.connection_id,
        RunRow.workflow == wish.workflow,
        RunRow.instance_id == wish.instance_id,
    )
    with house.database.read() as session:
        found = session.scalar(by_key) if wish.idempotency_key is not None else None
        return found or session.scalar(by_id), found is not None


def _tried(house: House, row: RunRow) -> bool:
    """Notes that one more request begins to start a run; False where it is gone."""
    with house.database.write() as session:
        counted = update(RunRow).where(RunRow.id == row.id).values(tries=RunRow.tries + 1).returning(RunRow.id)
        return session.scalar(counted) is not None


def _begin(house: House, runs: Runs, row: RunRow, ask: TriggerAsk) -> RunRow:
    """Has Cloudflare start a run that is written down. Raises `Problem`."""
    try:
        runs.trigger(row.workflow, ask.params, row.instance_id)
    except ApiError as error:
        there = 400 <= error.status < 500 and _find(runs.api, row) is not None
        if not there or not _ours(house, row, ask):
            if not isinstance(error, Unsure):
                _forget(house, row)
            raise _not_started(error, row, there) from None
    return _started(house, row)


def _ours(house: House, row: RunRow, ask: TriggerAsk) -> bool:
    """Whether an instance that is there was started for this row: nobody guesses an id that was chosen here, and a
    wished one is ours when another request for this row may have started it.
    """
    if ask.instance_id is None:
        return True
    with house.database.read() as session:
        tries = session.scalar(select(RunRow.tries).where(RunRow.id == row.id))
    return tries is not None and tries > 1


def _started(house: House, row: RunRow) -> RunRow:
    """Writes down that the provider has it. Somebody who looked meanwhile may know more, and that stays."""
    moment = now()
    values: dict[str, Any] = {"started": True, "status": "queued", "provider_status": "queued", "error": None}
    values |= {"seen_at": moment, "updated_at": moment}
    with house.database.write() as session:
        session.execute(update(RunRow).where(RunRow.id == row.id, RunRow.started.is_(False)).values(**values))
        found = session.get(RunRow, row.id)
    return found if found is not None else row


def _forget(house: House, row: RunRow) -> None:
    """Takes back what certainly never started, unless another request is at it too."""
    alone = (RunRow.started.is_(False), RunRow.tries == 1)
    with house.database.write() as session:
        session.execute(delete(RunRow).where(RunRow.id == row.id, *alone))


def _not_started(error: ApiError, row: RunRow, there: bool) -> Problem:
    if there:
        return Problem(409, "Cloudflare has an instance of that id already, which was not started here")
    if error.missing:
        return Problem(409, "Cloudflare does not have the workflow any more: deploy it again")
    again = _again_with(row.idempotency_key) or f"before you start another, look at the run {row.instance_id}"
    return of_provider(error, "the run was not started", again)


def _again_with(key: str | None) -> str | None:
    return None if key is None else "repeat it with the same Idempotency-Key"


def _find(api: Cloudflare, row: RunRow) -> Any:
    try:
        return api.find(_path(row.workflow, row.instance_id), simple="true")
    except ApiError:
        return None


def _path(workflow: str, instance: str) -> str:
    return f"workflows/{quote(workflow, safe='')}/instances/{quote(instance, safe='')}"


# Events


def _send(
    house: House, target: _Target, params: dict[str, Any], instance: str, known: RunRow | None, key: str | None
) -> Triggered:
    """Sends an event to a run that is there; never starts one."""
    event_type, payload = str(params["eventType"]), params.get("payload")
    row = known or _adopted(house, target.workflow, instance, [target.deployment])
    if row is None:
        raise missing("Instance")
    if not _EVENT.fullmatch(event_type):
        raise Problem(422, "params.eventType: letters, digits, - and _, at most 100")
    _refuse_used(house, RunRow, target.workflow, key)
    connection = target.connection if row.connection_id == target.connection.id else _connection(house, row)
    runs = Runs(house.accounts.of(connection))  # before the claim, which a token that cannot be opened would keep
    claim = Claim(house, target.workflow, row, key, _request(instance, event_type, payload))
    if not claim.take():
        return Triggered(row, False, event_type)
    try:
        runs.send_event(row.workflow, row.instance_id, event_type, payload)
    except ApiError as error:
        claim.give_back()
        raise _refused(error, "the event was not sent", "Instance", _again_with(key)) from None
    claim.sent()
    return Triggered(row, False, event_type)


# Seen


def find(house: House, caller: Caller, workflow_id: str, run_id: str) -> RunRow:
    """A run as it is now, by its id or its instance's: also one that a schedule or the Worker's own URL has started.

    Raises `Problem`.
    """
    with house.database.read() as session:
        workflow = lookup.workflow(session, caller, workflow_id)
        row = lookup.run(session, workflow, run_id)
        deployments = lookup.all_live(session, workflow.id) if row is None else []
    if row is None:
        row = _adopted(house, workflow, run_id, deployments)
    if row is None:
        raise missing("Run")
    return look(house, row)


def _adopted(house: House, workflow: WorkflowRow, instance: str, deployments: list[DeploymentRow]) -> RunRow | None:
    """A run that was not started here, written down from now on."""
    if not _INSTANCE.fullmatch(instance):
        return None
    for deployment in deployments:
        if deployment.workflow is None:
            continue
        with house.database.read() as session:
            connection = session.get(ConnectionRow, deployment.connection_id)
        if connection is None or connection.removed_at is not None:
            continue
        api = house.accounts.of(connection)
        try:
            found = api.find(_path(deployment.workflow, instance), simple="true")
        except ApiError as error:
            raise of_provider(error, "the run was not found") from None
        if found is not None:
            ask = TriggerAsk(connection_id=connection.id, instance_id=instance)
            row = _row(_Target(workflow, connection, deployment), ask, "null", None)
            row.started, row.seen_at = True, 0
            return _kept(house, row)
    return None


def _kept(house: House, row: RunRow) -> RunRow:
    try:
        with house.database.write() as session:
            session.add(row)
    except IntegrityError:  # somebody else has adopted it at the same time
        found, _ = _earlier(house, row)
        return found if found is not None else row
    return row


def look(house: House, row: RunRow) -> RunRow:
    """A run with the status that Cloudflare tells now; one that has ended is not asked for again. Raises `Problem`."""
    asked = now()
    if row.started and (row.status in ENDED or asked - row.seen_at < _FRESH):
        return row
    with house.database.read() as session:
        connection = session.get(ConnectionRow, row.connection_id)
    if connection is None or connection.removed_at is not None:
        # Nobody can be asked any more; it could only be removed after all that it had deployed was taken down.
        gone = {"status": "terminated", "provider_status": "gone", "error": "the connection of the run was removed"}
        return _update(house, row, asked, gone)
    try:
        seen = house.accounts.of(connection).find(_path(row.workflow, row.instance_id), simple="true")
    except ApiError as error:
        raise of_provider(error, "the status is not known") from None
    values = _absent(row, asked) if seen is None else _told(seen)
    return _update(house, row, asked, values)


def _absent(row: RunRow, asked: int) -> dict[str, Any]:
    if row.started:  # removed at Cloudflare, with its workflow or because it ended long ago
        return {"status": "terminated", "provider_status": "gone", "error": "Cloudflare does not have the run any more"}
    if asked - row.created_at > _GIVEN_UP:
        return {"status": "errored", "provider_status": "unknown", "error": NEVER_STARTED}
    return {}


def _told(seen: dict[str, Any]) -> dict[str, Any]:
    word = str(seen["status"])
    status = _STATUS.get(word, word)
    values: dict[str, Any] = {"started": True, "provider_status": word[:40]}
    if status in _KNOWN:  # `unknown` leaves the last that was known
        values["status"] = status
    if status == "complete":
        values["output"] = kept(seen.get("output"))
    error = seen.get("error")
    if status == "errored":
        words = f"{error.get('name', 'Error')}: {error.get('message', '')}" if isinstance(error, dict) else "failed"
        values["error"] = clean(words)
    return values


def _update(house: House, row: RunRow, asked: int, values: dict[str, Any]) -> RunRow:
    """Writes what was told, unless somebody asked later and has written already."""
    changed = any(getattr(row, name) != value for name, value in values.items())
    values = {**values, "seen_at": asked, **({"updated_at": asked} if changed else {})}
    with house.database.write() as session:
        session.execute(update(RunRow).where(RunRow.id == row.id, RunRow.seen_at <= asked).values(**values))
        found = session.get(RunRow, row.id)
    if found is None:
        raise missing("Run")
    return found


def _connection(house: House, row: RunRow) -> ConnectionRow:
    with house.database.read() as session:
        found = session.get(ConnectionRow, row.connection_id)
    if found is None or found.removed_at is not None:
        raise Problem(409, "the connection of this run was removed")
    return found


def steps(house: House, row: RunRow) -> list[StepTell]:
    """The steps of a run, as Cloudflare tells them. Raises `Problem`."""
    runs = Runs(house.accounts.of(_connection(house, row)))
    try:
        found = runs.get(row.workflow, row.instance_id)
    except ApiError as error:
        raise _refused(error, "the steps are not known", "Run") from None
    return [
        StepTell(
            name=clean(step.name),
            kind=step.kind,
            node_id=step.node,
            status="running" if not step.done else "complete" if step.success else "errored",
            start=step.start,
            end=step.end,
            attempts=len(step.attempts),
            output=told(kept(step.output)),
            error=clean(f"{step.error.name}: {step.error.message}") if step.error is not None else None,
        )
        for step in found.steps
    ]


# Steered


def steer(house: House, caller: Caller, workflow_id: str, run_id: str, action: Callable[[Runs, RunRow], str]) -> RunRow:
    """Does something to a run and writes down the status after it. Raises `Problem`."""
    row = find(house, caller, workflow_id, run_id)
    runs = Runs(house.accounts.of(_connection(house, row)))
    try:
        word = action(runs, row)
    except ApiError as error:
        raise _refused(error, "nothing was done", "Run") from None
    except ValueError as error:
        raise Problem(422, str(error)) from None
    values: dict[str, Any] = {"status": _STATUS.get(word, word), "provider_status": word}
    if values["status"] not in _KNOWN:
        del values["status"]
    if row.status in ENDED and values.get("status") not in ENDED:  # begun again
        values |= {"output": None, "error": None}
    return _update(house, row, now(), values)


def _refused(error: ApiError, doing: str, what: str, unsure: str | None = None) -> Problem:
    """What Cloudflare refuses because of the state that the run is in is a conflict, not its fault."""
    if error.missing:
        return missing(what)
    if isinstance(error, Unsure) or error.status in (0, 401, 403, 429) or error.status >= 500:
        return of_provider(error, doing, unsure)
    return Problem(409, f"{doing}: {error.message}")


# Kept


def pending(house: House, before: int, limit: int) -> list[RunRow]:
    """Runs that were written down and of which it is not known whether they began."""
    with house.database.read() as session:
        chosen = select(RunRow).where(
            RunRow.started.is_(False), RunRow.created_at < before, RunRow.status.not_in(ENDED)
        )
        return list(session.scalars(chosen.order_by(RunRow.seen_at).limit(limit)))


def postpone(house: House, row: RunRow) -> None:
    """Lets others come first the next time."""
    with house.database.write() as session:
        session.execute(update(RunRow).where(RunRow.id == row.id).values(seen_at=now()))


def stale(house: House, before: int, limit: int) -> list[RunRow]:
    """Runs that go on and that nobody has asked for since then; those not seen longest first."""
    with house.database.read() as session:
        chosen = select(RunRow).where(RunRow.started.is_(True), RunRow.status.not_in(ENDED), RunRow.seen_at < before)
        return list(session.scalars(chosen.order_by(RunRow.seen_at).limit(limit)))
