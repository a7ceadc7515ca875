"""Versions of a workflow, checked and compiled when they are posted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from fastapi import Response
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from .. import compiling, lookup, packages
from ..database import lock, new_id, now
from ..door import needs
from ..errors import Problem
from ..house import House
from ..keys import Caller
from ..paging import Cursor, Limit, page
from ..shapes import Finding, Ok, Page, VersionAsk, VersionPatch, VersionRef, VersionTell
from ..tables import DeploymentRow, VersionRow, WorkflowRow
from .common import Body, Hall, Who, make_router
from .telling import REFERENCE, version, version_ref

router = make_router("versions")


@router.get("/workflows/{workflow_id}/versions")
@needs("read")
def list_versions(
    house: Hall, who: Who, workflow_id: str, cursor: Cursor = None, limit: Limit = 50
) -> Page[VersionRef]:
    """The versions of a workflow."""
    with house.database.read() as session:
        row = lookup.workflow(session, who, workflow_id)
        chosen = select(VersionRow).where(VersionRow.workflow_id == row.id).options(REFERENCE)
        return page(session, chosen, VersionRow, cursor, limit, version_ref)


@router.post(
    "/workflows/{workflow_id}/versions",
    status_code=201,
    responses={200: {"model": VersionTell, "description": "The current version is the same already"}},
)
@needs("write", graph=True)
def create_version(
    house: Hall, who: Who, workflow_id: str, ask: VersionAsk, body: Body, response: Response
) -> VersionTell:
    """Posts a new version. It is checked and compiled: one that has errors is refused (422), with a finding for each
    and a pointer to its place. Warnings come with the version.
    """
    with house.database.read() as session:
        row = lookup.workflow(session, who, workflow_id)
        current = session.get(VersionRow, row.current_version_id) if row.current_version_id else None
    compiling.check_kind(row, ask.ir)
    source = compiling.of_workflow(row, ask.ir, body)
    tree = packages.choose(source, house.nodes, current.packages if current is not None else None)
    made = compiling.compiled(source, house.toolchain, house.nodes, packages.install(tree))
    created, kept = _keep(house, who, workflow_id, _Content.of(ask.ir, source.findings(made.diagnostics), tree))
    response.status_code = 201 if created else 200
    return version(kept)


@dataclass(frozen=True)
class _Content:
    """What a version says, as it is kept."""

    artifact: str
    hash: str
    findings: str
    packages: str | None

    @classmethod
    def of(cls, ir: dict[str, Any], found: list[Finding], tree: str | None) -> Self:
        artifact = json.dumps(ir)
        return cls(artifact, compiling.content_hash(artifact), json.dumps(compiling.told(found)), tree)


def _keep(house: House, who: Caller, workflow_id: str, content: _Content) -> tuple[bool, VersionRow]:
    """Adds a version, unless the current one says the same."""
    with house.database.write() as session:
        row = lookup.workflow(session, who, workflow_id)
        lock(session, row.id)
        session.refresh(row)  # the same posted twice at once is one version
        current = session.get(VersionRow, row.current_version_id) if row.current_version_id else None
        if current is not None and current.hash == content.hash:
            return False, current
        return True, _added(session, row, content)


def _added(session: Session, workflow: WorkflowRow, content: _Content) -> VersionRow:
    """A new version, from now on the current one. Two at once get a number each."""
    lock(session, workflow.id)
    highest = session.scalar(select(func.max(VersionRow.number)).where(VersionRow.workflow_id == workflow.id))
    made = VersionRow(
        id=new_id("ver"),
        workflow_id=workflow.id,
        number=(highest or 0) + 1,
        **asdict(content),
        locked=False,
        created_at=now(),
    )
    session.add(made)
    session.flush()
    workflow.current_version_id, workflow.updated_at = made.id, made.created_at
    return made


@router.get("/workflows/{workflow_id}/versions/{version_id}")
@needs("read")
def get_version(house: Hall, who: Who, workflow_id: str, version_id: str) -> VersionTell:
    """A version with its artifact."""
    with house.database.read() as session:
        return version(lookup.version(session, lookup.workflow(session, who, workflow_id), version_id))


@router.patch("/workflows/{workflow_id}/versions/{version_id}")
@needs("write")
def update_version(house: Hall, who: Who, workflow_id: str, version_id: str, ask: VersionPatch) -> VersionTell:
    """Locks a version or unlocks it. A locked one cannot be removed, and not replaced where it is deployed."""
    with house.database.write() as session:
        row = lookup.version(session, lookup.workflow(session, who, workflow_id), version_id)
        row.locked = ask.locked
    return version(row)


@router.post("/workflows/{workflow_id}/versions/{version_id}/revert", status_code=201)
@needs("write")
def revert_version(house: Hall, who: Who, workflow_id: str, version_id: str) -> VersionTell:
    """Makes a new version that says what this one says, and makes it the current one."""
    with house.database.write() as session:
        workflow = lookup.workflow(session, who, workflow_id)
        old = lookup.version(session, workflow, version_id)
        made = _added(session, workflow, _Content(old.artifact, old.hash, old.findings, old.packages))
    return version(made)


@router.delete("/workflows/{workflow_id}/versions/{version_id}")
@needs("write")
def delete_version(house: Hall, who: Who, workflow_id: str, version_id: str) -> Ok:
    """Removes a version that is neither current nor locked nor deployed."""
    with house.database.write() as session:
        workflow = lookup.workflow(session, who, workflow_id)
        row = lookup.version(session, workflow, version_id)
        up = (DeploymentRow.version_id == row.id) & DeploymentRow.removed_at.is_(None)
        reasons = {
            "locked": row.locked,
            "the current one": workflow.current_version_id == row.id,
            "deployed": bool(session.scalar(select(exists().where(up)))),
        }
        for reason, holds in reasons.items():
            if holds:
                raise Problem(409, f"the version is {reason}")
        session.delete(row)
    return Ok()
