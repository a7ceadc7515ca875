"""Runs: triggered, polled, steered (the seed of this project)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy import Select, select

from .. import lookup, running
from ..door import needs
from ..paging import Cursor, Limit, page
from ..shapes import (
    ListedRun,
    Page,
    RestartAsk,
    RunWithSteps,
    Status,
    SteeredTell,
    TriggerAsk,
    TriggerTell,
)
from ..tables import RunRow
from .common import Hall, IdempotencyKey, Who, make_router
from .telling import LISTED, listed_run, run_fields

router = make_router("runs", provider=True)

StatusFilter = Annotated[Status | None, Query(description="only runs with this status")]


@router.post(
    "/workflows/{workflow_id}/trigger",
    status_code=201,
    responses={
        200: {"model": TriggerTell, "description": "The run of an earlier request, or the one the event went to"}
    },
)
@needs("deploy")
def trigger(
    house: Hall, who: Who, workflow_id: str, ask: TriggerAsk, response: Response, key: IdempotencyKey = None
) -> TriggerTell:
    """Starts a run of the deployed workflow; `params` become `event.payload`, at most 100 KB.

    With `params` = `{instanceId, eventType, payload}` for a workflow that waits for events: the event goes to that
    instance, and no run is started (404 when there is none, 409 when it has ended).

    Repeated with the same `Idempotency-Key` header, or the same `instanceId` beside `params`, it gives the same run.
    """
    done = running.trigger(house, who, workflow_id, ask, key)
    response.status_code = 201 if done.created else 200
    return TriggerTell.model_validate(run_fields(done.run) | {"event_type": done.event_type})


@router.get("/workflows/{workflow_id}/runs")
@needs("read")
def list_runs_of_workflow(
    house: Hall, who: Who, workflow_id: str, cursor: Cursor = None, limit: Limit = 50, status: StatusFilter = None
) -> Page[ListedRun]:
    """The runs of a workflow, with the status that was last seen."""
    with house.database.read() as session:
        row = lookup.workflow(session, who, workflow_id)
        chosen = _listed(select(RunRow).where(RunRow.workflow_id == row.id), status)
        return page(session, chosen, RunRow, cursor, limit, listed_run)


@router.get("/runs")
@needs("read")
def list_runs(
    house: Hall, who: Who, cursor: Cursor = None, limit: Limit = 50, status: StatusFilter = None
) -> Page[ListedRun]:
    """The runs of the project, with the status that was last seen."""
    chosen = _listed(select(RunRow).where(RunRow.project_id == who.project), status)
    with house.database.read() as session:
        return page(session, chosen, RunRow, cursor, limit, listed_run)


def _listed(chosen: Select[RunRow], status: Status | None) -> Select[RunRow]:
    chosen = chosen.options(*LISTED)
    return chosen if status is None else chosen.where(RunRow.status == status)


@router.get("/workflows/{workflow_id}/runs/{run_id}")
@needs("read")
def get_run(
    house: Hall,
    who: Who,
    workflow_id: str,
    run_id: str,
    steps: Annotated[bool, Query(description="tell the steps, too")] = False,
) -> RunWithSteps:
    """A run as it is now, by its id or its instance's.

    `status` is one of six words: a run that waits for an event is `paused`. `error` is a text.
    """
    row = running.find(house, who, workflow_id, run_id)
    return RunWithSteps.model_validate(run_fields(row) | {"steps": running.steps(house, row) if steps else None})


@router.post("/workflows/{workflow_id}/runs/{run_id}/pause")
@needs("deploy")
def pause(house: Hall, who: Who, workflow_id: str, run_id: str) -> SteeredTell:
    """Pauses a run after the step that is under way."""
    row = running.steer(house, who, workflow_id, run_id, lambda runs, run: runs.pause(run.workflow, run.instance_id))
    return SteeredTell.model_validate(run_fields(row))


@router.post("/workflows/{workflow_id}/runs/{run_id}/resume")
@needs("deploy")
def resume(house: Hall, who: Who, workflow_id: str, run_id: str) -> SteeredTell:
    """Has a paused run go on."""
    row = running.steer(house, who, workflow_id, run_id, lambda runs, run: runs.resume(run.workflow, run.instance_id))
    return SteeredTell.model_validate(run_fields(row))


@router.post("/workflows/{workflow_id}/runs/{run_id}/terminate")
@needs("deploy")
def terminate(house: Hall, who: Who, workflow_id: str, run_id: str) -> SteeredTell:
    """Ends a run."""
    row = running.steer(
        house, who, workflow_id, run_id, lambda runs, run: runs.terminate(run.workflow, run.instance_id)
    )
    return SteeredTell.model_validate(run_fields(row))


@router.post("/workflows/{workflow_id}/runs/{run_id}/restart")
@needs("deploy")
def restart(house: Hall, who: Who, workflow_id: str, run_id: str, ask: RestartAsk | None = None) -> SteeredTell:
    """Begins a run again, at a node (`fromNode`) where one is named. What the steps before it gave is kept."""
    node = ask.from_node if ask is not None else None
    row = running.steer(
        house, who, workflow_id, run_id, lambda runs, run: runs.restart(run.workflow, run.instance_id, node)
    )
    return SteeredTell.model_validate(run_fields(row))
