"""Deploys: a version is compiled, planned, carried out, and remembered with its names.

A Worker and its workflow keep the names of the first deploy: renaming a workflow here loses neither.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from stepwell.cloudflare import ApiError, Cloudflare
from stepwell.compiler import Compiled
from stepwell.deploy.apply import Done, Options, Overtaken, Stopped, apply
from stepwell.deploy.desired import Advice, Desired
from stepwell.deploy.prepare import Prepared, Source, prepare, wanted
from stepwell.deploy.progress import Event, Stage
from stepwell.deploy.project import ProjectError, Settings, of_settings
from stepwell.deploy.reached import dashboard, urls
from stepwell.deploy.takedown import going, read_takedown, takedown

from . import compiling, lookup, packages, variables
from .database import lock, new_id, now
from .errors import Problem, of_provider
from .house import House
from .keys import Caller
from .shapes import ConfigAsk, DeployAsk, DeployTell, Finding, TakedownTell
from .tables import ConnectionRow, DeploymentRow, RunRow, VersionRow, WorkflowRow
from .variables import Variables

PROGRESS: Final = {
    Stage.INITIALIZING: 5,
    Stage.GENERATING_CODE: 15,
    Stage.CODE_READY: 25,
    Stage.DETECTING_BINDINGS: 35,
    Stage.BINDINGS_READY: 45,
    Stage.CREATING_WORKER: 55,
    Stage.DEPLOYING: 65,
    Stage.WORKER_DEPLOYED: 80,
    Stage.UPDATING_WORKFLOW: 90,
    Stage.COMPLETED: 100,
    Stage.FAILED: 0,
}
"""How far a deploy is at a stage, in per cent (AwaitStep's figures)."""

_ADVICE: Final = Advice(
    value="give it one (POST /api/env-vars), then deploy again",
    id="say it under config.bindings, make a variable {name}_BINDING_ID, or send provision: true",
    provision="send provision: true",
    workflow="rename the graph",
)
_LOG: Final = logging.getLogger("stepwell.server")
_HEARTBEAT_SECONDS: Final = 15
_ENDED: Final = ("complete", "errored", "terminated")
Listen = Callable[[Event], None]


@dataclass(frozen=True)
class Order:
    """A deploy that was accepted, with all that it needs from the database."""

    deployment: str
    workflow: WorkflowRow
    version: VersionRow
    connection: ConnectionRow
    variables: Variables
    config: ConfigAsk
    ask: DeployAsk
    names: tuple[str | None, str | None]
    """Names in the account that were given by an earlier deploy: of the Worker, and of the workflow."""


def accept(house: House, caller: Caller, workflow_id: str, ask: DeployAsk) -> Order:
    """Writes down that a deploy begins. Raises `Problem`."""
    with house.database.write() as session:
        workflow = lookup.workflow(session, caller, workflow_id, held="kept")
        connection = lookup.connection(session, caller, ask.connection_id, held="kept")
        chosen = ask.version_id or workflow.current_version_id
        if chosen is None:
            raise Problem(400, "No version to use: post one to …/versions first")
        version = lookup.version(session, workflow, chosen)
        before = (
            select(DeploymentRow)
            .where(DeploymentRow.workflow_id == workflow.id, DeploymentRow.connection_id == connection.id)
            .order_by(DeploymentRow.created_at.desc())
            .limit(1)
        )
        here = before.where(DeploymentRow.removed_at.is_(None))
        last = session.scalar(here)
        _refuse_locked(session.get(VersionRow, last.version_id) if last is not None else None, version)
        named = session.scalar(here.where(DeploymentRow.worker.is_not(None)))
        config = ask.config or _last_config(session.scalar(before.where(DeploymentRow.status == "success")))
        given = variables.of_workflow(session, house.vault, workflow)
        row = DeploymentRow(
            id=new_id("dep"),
            project_id=workflow.project_id,
            workflow_id=workflow.id,
            version_id=version.id,
            connection_id=connection.id,
            account=connection.account,
            status="running",
            config=config.model_dump_json(exclude_unset=True),
            steps="[]",
            created_at=now(),
        )
        session.add(row)
    names = (named.worker, named.workflow) if named is not None else (None, None)
    return Order(row.id, workflow, version, connection, given, config, ask, names)


def _refuse_locked(live: VersionRow | None, wanted: VersionRow) -> None:
    if live is not None and live.locked and live.id != wanted.id:
        raise Problem(409, "Currently deployed version is locked — unlock it before deploying")


def _last_config(last: DeploymentRow | None) -> ConfigAsk:
    """The settings of the last deploy that succeeded hold until others are given."""
    return ConfigAsk.model_validate_json(last.config) if last is not None else ConfigAsk()


def deploy(house: House, order: Order, listen: Listen) -> DeployTell:
    """Carries a deploy out. Raises `Problem`; what came of it is in the database either way."""
    try:
        told = _deployed(house, order, listen)
    except Problem as problem:
        _record(house, order, status="failed", error=str(problem), finished_at=now())
        listen(Event(Stage.FAILED, str(problem)))
        problem.body |= {"success": False, "deploymentId": order.deployment}
        raise
    except Exception:
        _record(house, order, status="failed", error="a fault of the server's", finished_at=now())
        raise
    listen(Event(Stage.COMPLETED, "deployed" if told.changed else "everything is as it shall be"))
    return told


def _deployed(house: House, order: Order, listen: Listen) -> DeployTell:
    listen(Event(Stage.INITIALIZING, "reading the workflow"))
    listen(Event(Stage.GENERATING_CODE, "compiling"))
    source = compiling.of_workflow(order.workflow, json.loads(order.version.artifact))
    installed = packages.of_version(house, order.version, source)
    compiled = compiling.compiled(source, house.toolchain, house.nodes, installed)
    listen(Event(Stage.CODE_READY, "compiled"))
    wish = _wish(order, source, compiled)
    with house.accounts.fresh(order.connection, [*wish.secrets.values()]) as api:
        try:
            return _carried_out(house, order, source.findings(compiled.diagnostics), wish, api, listen)
        except ApiError as error:
            raise of_provider(error, "the deploy stopped") from None
        except Stopped as stopped:
            raise _stopped(stopped) from None
        except (ProjectError, Overtaken) as error:
            raise Problem(409, str(error)) from None


def _carried_out(
    house: House, order: Order, findings: list[Finding], wish: Desired, api: Cloudflare, listen: Listen
) -> DeployTell:
    listen(Event(Stage.DETECTING_BINDINGS, "reading what is live"))
    prepared = prepare(api, [wish], provision=order.ask.provision, keep_vars=False)
    plan = prepared.plan
    _refuse_foreign(order, prepared)
    if plan.problems:
        details = [{"path": "", "message": problem} for problem in plan.problems]
        raise Problem(422, "; ".join(plan.problems), details)
    listen(Event(Stage.BINDINGS_READY, "planned"))
    flow = wish.workflow.name if wish.workflow is not None else None
    # Before anything is written there, the names are written here: a takedown finds what a crash left behind.
    _take_names(house, order, wish.name, flow)
    done: list[Done] = []
    if not plan.nothing:
        options = Options(order.ask.provision, False, 100, f"stepwell: version {order.version.number}")
        done = apply(api, plan, prepared.zones, options, listen)
    return _remembered(house, order, findings, prepared, wish, done, api)


def _remembered(
    house: House,
    order: Order,
    findings: list[Finding],
    prepared: Prepared,
    wish: Desired,
    done: list[Done],
    api: Cloudflare,
) -> DeployTell:
    found = urls(api, wish, prepared.subdomain)
    steps = [step for one in done for step in one.steps]
    told = DeployTell(
        success=True,
        deployment_id=order.deployment,
        version_id=order.version.id,
        service_name=wish.name,
        workflow_name=wish.workflow.name if wish.workflow is not None else None,
        url=found[0] if found else None,
        dashboard_url=dashboard(api, wish.name),
        changed=bool(done),
        steps=steps,
        findings=findings,
        warnings=[warning for worker in prepared.plan.workers for warning in worker.warnings],
    )
    _record(
        house,
        order,
        status="success",
        url=told.url,
        dashboard_url=told.dashboard_url,
        steps=json.dumps(steps),
        finished_at=now(),
    )
    return told


def _record(house: House, order: Order, **values: Any) -> None:
    with house.database.write() as session:
        _write(session, order, **values)


def _write(session: Session, order: Order, **values: Any) -> None:
    # A takedown that came meanwhile took down what it found; what this deploy leaves has to be found again.
    values["removed_at"] = None
    session.execute(update(DeploymentRow).where(DeploymentRow.id == order.deployment).values(**values))


def _take_names(house: House, order: Order, worker: str, flow: str | None) -> None:
    """Writes the names down. Raises `Problem` 409 where another workflow's Worker has one: it would be written over.

    The token was seen to reach the account, so this tells nobody what he could not see there.
    """
    account = order.connection.account
    with house.database.write() as session:
        lock(session, f"names in {account}")
        other = session.scalar(
            select(DeploymentRow.id).where(
                DeploymentRow.account == account,
                DeploymentRow.worker == worker,
                DeploymentRow.workflow_id != order.workflow.id,
                DeploymentRow.removed_at.is_(None),
            )
        )
        if other is not None:
            raise Problem(409, f"in this account the Worker {worker} belongs to another workflow: rename this graph")
        _write(session, order, worker=worker, workflow=flow)


def _wish(order: Order, source: compiling.Source, compiled: Compiled) -> Desired:
    """What shall be. Raises `Problem` 422."""
    assert compiled.manifest is not None
    read = {told["name"] for told in compiled.manifest["bindings"] if told["kind"] in ("string", "secret")}
    used = order.variables.used(read)
    vars_ = {name: value.text for name, value in used.items() if not value.secret}
    secrets = {name: value.text for name, value in used.items() if value.secret}
    try:
        project = of_settings("graph", settings(order, vars_))
        [wish] = wanted(project, [Source("graph", source.text, compiled)], None, order.variables.ids(), secrets)
    except ValidationError as error:
        raise Problem(422, "Invalid deployment config", list(_config_faults(error))) from None
    except (ProjectError, ValueError) as error:
        raise Problem(422, str(error)) from None
    wish.advice = _ADVICE
    return wish


def _config_faults(error: ValidationError) -> Iterator[dict[str, str]]:
    """Where and what, without what was given: it may be a value of a variable."""
    for one in error.errors(include_url=False, include_input=False):
        yield {"path": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}


def settings(order: Order, vars_: dict[str, str]) -> Settings:
    """The settings of a deploy, in the words of a project file."""
    config = order.config
    told: dict[str, Any] = {
        "name": order.names[0],
        "workflow": order.names[1],
        "vars": vars_,
        "bindings": config.bindings or {},
        "domains": config.custom_domains,
        "workers_dev": config.workers_dev,
        "crons": config.cron_triggers,
        "compatibility_date": config.compatibility_date,
        "compatibility_flags": config.compatibility_flags,
        "limits": config.limits.model_dump(by_alias=False, exclude_none=True) if config.limits else None,
        "placement": "smart" if config.placement in (True, {"mode": "smart"}) else None,
    }
    if config.routes is not None:
        told["routes"] = [one.model_dump(by_alias=False) for one in config.routes]
    if isinstance(config.observability, bool):
        told["observability"] = config.observability
    elif config.observability is not None:
        told["observability"] = config.observability.model_dump(by_alias=False, exclude_none=True)
    if config.queue_consumers is not None:
        told["consumers"] = {one.queue: _consumer(one.model_dump(by_alias=False)) for one in config.queue_consumers}
    return Settings.model_validate({name: value for name, value in told.items() if value is not None})


def _consumer(told: dict[str, Any]) -> dict[str, Any]:
    names = {
        "batch_size": "max_batch_size",
        "max_wait": "max_batch_timeout",
        "max_retries": "max_retries",
        "dead_letter_queue": "dead_letter_queue",
        "max_concurrency": "max_concurrency",
    }
    return {name: told[given] for name, given in names.items() if told[given] is not None}


def _refuse_foreign(order: Order, prepared: Prepared) -> None:
    """Raises `Problem` 409 where the first deploy would write over a Worker that somebody else has made."""
    for worker in prepared.plan.workers:
        if worker.live.exists and order.names[0] is None and not order.ask.replace:
            raise Problem(
                409,
                f"the account has a Worker {worker.desired.name} that was not deployed from this workflow: "
                "rename the graph, or send replace: true to write over it",
            )


def _stopped(stopped: Stopped) -> Problem:
    done = [step for one in stopped.done for step in one.steps]
    [error, *_] = stopped.failures.values()
    problem = _of(error)
    problem.body["steps"] = done
    return problem


def _of(error: Exception) -> Problem:
    return of_provider(error, "the deploy stopped") if isinstance(error, ApiError) else Problem(409, str(error))


# As a stream


async def stream(house: House, order: Order) -> AsyncIterator[dict[str, Any] | None]:
    """Events of a deploy as they come, the result last; None is a sign of life.

    The deploy goes on when nobody listens any more.
    """
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[dict[str, Any]]()

    def put(told: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(waiting.put_nowait, told)

    house.deploys.submit(_streamed, house, order, put)
    while True:
        try:
            told = await asyncio.wait_for(waiting.get(), _HEARTBEAT_SECONDS)
        except TimeoutError:
            yield None
            continue
        yield told
        if told["event"] == "result":
            return


def _streamed(house: House, order: Order, put: Callable[[dict[str, Any]], None]) -> None:
    def listen(event: Event) -> None:
        data = {"stage": event.stage.value, "message": event.message, "progress": PROGRESS[event.stage]}
        put({"event": "progress", "data": data})

    result: dict[str, Any] = {"success": False, "deploymentId": order.deployment, "error": "a fault of the server's"}
    try:
        result = deploy(house, order, listen).model_dump(mode="json")
    except Problem as problem:
        result = problem.body
    except Exception:
        _LOG.exception("the deploy %s", order.deployment)
    finally:
        put({"event": "result", "data": result})


# Takedown


def take_down(house: House, caller: Caller, workflow_id: str, connection_id: str) -> TakedownTell:
    """Removes the Worker of a workflow with all that belongs to it. Raises `Problem`."""
    with house.database.read() as session:
        workflow = lookup.workflow(session, caller, workflow_id)
        connection = lookup.connection(session, caller, connection_id)
        until = now()
        here = (
            DeploymentRow.workflow_id == workflow.id,
            DeploymentRow.connection_id == connection.id,
            DeploymentRow.removed_at.is_(None),
            DeploymentRow.created_at <= until,
        )
        names = session.scalars(select(DeploymentRow.worker).where(*here).distinct())
        workers = sorted(name for name in names if name is not None)
    if not workers:
        raise Problem(404, "The workflow is not deployed with this connection")
    api = house.accounts.of(connection)
    removed: list[str] = []
    try:
        for worker in workers:
            live = read_takedown(api, worker)
            removed += [f"{one.what} {one.name}" for one in going(live)]
            takedown(api, live, lambda event: None)
    except ApiError as error:
        raise of_provider(error, "the takedown stopped") from None
    moment = now()
    with house.database.write() as session:
        session.execute(update(DeploymentRow).where(*here).values(removed_at=moment))
        ended = update(RunRow).where(
            RunRow.workflow_id == workflow.id,
            RunRow.connection_id == connection.id,
            RunRow.status.not_in(_ENDED),
        )
        session.execute(ended.values(status="terminated", provider_status="terminated", updated_at=moment))
    return TakedownTell(removed=removed)
