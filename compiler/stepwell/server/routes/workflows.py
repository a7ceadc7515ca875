"""Workflows and functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import ScalarSelect, Select, select
from sqlalchemy.orm import Session

from .. import compiling, lookup, variables
from ..database import new_id, now
from ..door import needs
from ..errors import Problem
from ..house import House
from ..keys import Caller
from ..paging import Cursor, Limit, page
from ..shapes import FullWorkflow, ListedWorkflow, Ok, Page, WorkflowAsk, WorkflowPatch, WorkflowTell
from ..tables import DeploymentRow, RunRow, VariableRow, VersionRow, WorkflowRow
from .common import Body, Hall, Who, make_router
from .projects import refuse_deployed
from .telling import REFERENCE, deployment, version, version_ref, workflow

router = make_router("workflows")

_DEPENDENCIES = 15


@router.get("/workflows")
@needs("read")
def list_workflows(house: Hall, who: Who, cursor: Cursor = None, limit: Limit = 50) -> Page[ListedWorkflow]:
    """The workflows of the project, with how they are."""
    chosen = select(WorkflowRow).where(WorkflowRow.project_id == who.project)
    with house.database.read() as session:
        rows = page(session, chosen, WorkflowRow, cursor, limit, lambda row: row)
        states = _states(session, [row.id for row in rows.data])
    told = [
        ListedWorkflow.model_validate(workflow(row).model_dump(by_alias=False) | states[row.id]) for row in rows.data
    ]
    return Page[ListedWorkflow].model_construct(data=told, next_cursor=rows.next_cursor)


@router.post("/workflows", status_code=201)
@needs("write")
def create_workflow(house: Hall, who: Who, ask: WorkflowAsk) -> WorkflowTell:
    """Makes a workflow (durable, with runs) or a function (`kind` script)."""
    moment = now()
    row = WorkflowRow(
        id=new_id("wf"),
        project_id=who.project,
        name=ask.name,
        description=ask.description,
        kind=ask.kind,
        dependencies="{}",
        created_at=moment,
        updated_at=moment,
    )
    with house.database.write() as session:
        session.add(row)
    return workflow(row)


@router.get("/workflows/{workflow_id}")
@needs("read")
def get_workflow(house: Hall, who: Who, workflow_id: str) -> WorkflowTell:
    """A workflow."""
    with house.database.read() as session:
        return workflow(lookup.workflow(session, who, workflow_id))


@router.get("/workflows/{workflow_id}/full")
@needs("read")
def get_full_workflow(
    house: Hall,
    who: Who,
    workflow_id: str,
    version_id: Annotated[
        str | None, Query(alias="version", description="a version's id; the current one by default")
    ] = None,
) -> FullWorkflow:
    """A workflow with one of its versions, the list of its last 100, and the deploy that answers now."""
    with house.database.read() as session:
        row = lookup.workflow(session, who, workflow_id)
        chosen = version_id or row.current_version_id
        shown = lookup.version(session, row, chosen) if chosen is not None else None
        listed = select(VersionRow).where(VersionRow.workflow_id == row.id).options(REFERENCE)
        refs = session.scalars(listed.order_by(VersionRow.number.desc()).limit(100))
        live = lookup.all_live(session, row.id)
        return FullWorkflow(
            workflow=workflow(row),
            version=version(shown) if shown is not None else None,
            versions=[version_ref(one) for one in refs],
            active_deployment=deployment(live[0]) if live else None,
        )


@router.patch("/workflows/{workflow_id}")
@needs("write")
def update_workflow(house: Hall, who: Who, workflow_id: str, ask: WorkflowPatch, body: Body) -> WorkflowTell:
    """Changes a workflow; takes effect with the next deploy. A new name keeps its runs and its Worker.

    Trigger code and dependencies are checked together with the current version: 422 with findings.
    """
    given = ask.model_fields_set
    if given & {"trigger_code", "dependencies"}:
        _check(house, who, workflow_id, ask, body)
    with house.database.write() as session:
        row = lookup.workflow(session, who, workflow_id)
        if "name" in given:
            if ask.name is None:
                raise Problem(422, "name cannot be null")
            row.name = ask.name
        if "description" in given:
            row.description = ask.description
        if "trigger_code" in given:
            row.trigger_code = ask.trigger_code
        if "dependencies" in given:
            row.dependencies = _dependencies(ask.dependencies or {})
        if ask.env_vars is not None:
            variables.replace(session, house.vault, row, ask.env_vars)
        row.updated_at = now()
    return workflow(row)


def _dependencies(given: dict[str, str]) -> str:
    if len(given) > _DEPENDENCIES:
        raise Problem(422, f"dependencies: at most {_DEPENDENCIES}")
    return json.dumps(given)


def _check(house: House, who: Caller, workflow_id: str, ask: WorkflowPatch, body: str) -> None:
    """Raises `Problem` 422 where the current version would not compile with what is asked for. Nobody waits for it:
    a large graph takes its time, and a transaction that writes would keep all others out of SQLite for so long.
    """
    with house.database.read() as session:
        row = lookup.workflow(session, who, workflow_id)
        current = session.get(VersionRow, row.current_version_id) if row.current_version_id is not None else None
    if "trigger_code" in ask.model_fields_set:
        row.trigger_code = ask.trigger_code
    if "dependencies" in ask.model_fields_set:
        row.dependencies = _dependencies(ask.dependencies or {})
    if current is None:
        return
    ok, found = compiling.checked(compiling.of_workflow(row, json.loads(current.artifact), body), house.nodes)
    if not ok:
        raise Problem(422, "the current version does not compile with this", compiling.told(found))


@router.delete("/workflows/{workflow_id}")
@needs("write")
def delete_workflow(house: Hall, who: Who, workflow_id: str) -> Ok:
    """Removes a workflow with its versions and runs. Refused while it is deployed."""
    with house.database.write() as session:
        row = lookup.workflow(session, who, workflow_id, held="removed")
        refuse_deployed(session, DeploymentRow.workflow_id == row.id, "the workflow")
        for variable in session.scalars(select(VariableRow).where(VariableRow.workflow_id == row.id)):
            session.delete(variable)
        session.delete(row)
    return Ok()


def _states(session: Session, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How workflows are: their last deploys and runs, in one query however many they are."""
    deploy = select(DeploymentRow.id).where(
        DeploymentRow.workflow_id == WorkflowRow.id, DeploymentRow.removed_at.is_(None)
    )
    run = select(RunRow.id).where(RunRow.workflow_id == WorkflowRow.id)
    found = session.execute(
        select(
            WorkflowRow.id,
            DeploymentRow.status.label("deploy_status"),
            DeploymentRow.version_id.label("deploy_version_id"),
            RunRow.status.label("last_run_status"),
            RunRow.created_at.label("last_run_at"),
        )
        .outerjoin(DeploymentRow, DeploymentRow.id == _newest(deploy, DeploymentRow))
        .outerjoin(RunRow, RunRow.id == _newest(run, RunRow))
        .where(WorkflowRow.id.in_(ids))
    )
    return {row.id: dict(row._mapping) for row in found}


def _newest(chosen: Select[str], table: type[DeploymentRow] | type[RunRow]) -> ScalarSelect[str]:
    """The id of the newest of a workflow's rows."""
    newest = chosen.order_by(table.created_at.desc(), table.id.desc()).limit(1)
    return newest.correlate(WorkflowRow).scalar_subquery()
