"""Rows of the caller's project. What belongs to others is not there: the same words, the same status."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from .errors import missing
from .keys import Caller
from .tables import ConnectionRow, DeploymentRow, ProjectRow, RunRow, VariableRow, VersionRow, WorkflowRow

Held = Literal["kept", "removed"]
"""What becomes of a row before the transaction ends: nobody removes what is kept, nobody keeps what is removed."""

_LOCKS: Final[Mapping[Held, Any]] = MappingProxyType({"kept": {"read": True}, "removed": True})


def known(id: str) -> bool:
    """Whether it can be an id at all: a database is not asked for what it cannot hold."""
    return len(id) <= 100 and id.isascii() and id.replace("_", "").replace("-", "").isalnum()


def project(session: Session, caller: Caller, id: str, held: Held | None = None) -> ProjectRow:
    """The caller's own project."""
    lock = held and _LOCKS[held]
    found = session.get(ProjectRow, caller.project, with_for_update=lock) if id == caller.project else None
    if found is None:
        raise missing("Project")
    return found


def workflow(session: Session, caller: Caller, id: str, held: Held | None = None) -> WorkflowRow:
    """A workflow."""
    found = session.get(WorkflowRow, id, with_for_update=held and _LOCKS[held]) if known(id) else None
    if found is None or found.project_id != caller.project:
        raise missing("Workflow")
    return found


def version(session: Session, workflow: WorkflowRow, id: str) -> VersionRow:
    """A version of a workflow."""
    found = session.get(VersionRow, id) if known(id) else None
    if found is None or found.workflow_id != workflow.id:
        raise missing("Version")
    return found


def connection(session: Session, caller: Caller, id: str, held: Held | None = None) -> ConnectionRow:
    """A connection that was not removed."""
    found = session.get(ConnectionRow, id, with_for_update=held and _LOCKS[held]) if known(id) else None
    if found is None or found.project_id != caller.project or found.removed_at is not None:
        raise missing("Connection")
    return found


def variable(session: Session, caller: Caller, id: str) -> VariableRow:
    """A variable of the project or of one of its workflows."""
    found = session.get(VariableRow, id) if known(id) else None
    if found is None or found.project_id != caller.project:
        raise missing("Variable")
    return found


def run(session: Session, workflow: WorkflowRow, id: str) -> RunRow | None:
    """A run of a workflow, by its own id or its instance's."""
    if not known(id):
        return None
    chosen = select(RunRow).where(RunRow.workflow_id == workflow.id)
    return session.scalar(chosen.where(RunRow.id == id)) or session.scalar(
        chosen.where(RunRow.instance_id == id).order_by(RunRow.created_at.desc()).limit(1)
    )


def live(session: Session, workflow: str, connection: str) -> DeploymentRow | None:
    """The deploy that answers now."""
    return session.scalar(
        select(DeploymentRow)
        .where(
            DeploymentRow.workflow_id == workflow,
            DeploymentRow.connection_id == connection,
            DeploymentRow.status == "success",
            DeploymentRow.removed_at.is_(None),
        )
        .order_by(DeploymentRow.created_at.desc(), DeploymentRow.id.desc())
        .limit(1)
    )


def all_live(session: Session, workflow: str) -> list[DeploymentRow]:
    """The deploys of a workflow that answer now, the newest first; one for each connection."""
    connections = session.scalars(
        select(DeploymentRow.connection_id)
        .where(
            DeploymentRow.workflow_id == workflow,
            DeploymentRow.status == "success",
            DeploymentRow.removed_at.is_(None),
        )
        .distinct()
    ).all()
    found = [live(session, workflow, connection) for connection in connections]
    return sorted((row for row in found if row is not None), key=lambda row: (row.created_at, row.id), reverse=True)
