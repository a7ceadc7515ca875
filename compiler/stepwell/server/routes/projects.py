"""Projects. A key sees its own."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from .. import keys, lookup
from ..database import new_id, now
from ..door import needs
from ..errors import Problem
from ..shapes import NewProjectTell, Ok, Page, ProjectAsk, ProjectPatch, ProjectTell
from ..tables import DeploymentRow, ProjectRow
from . import keys as key_routes
from .common import Hall, Who, make_router

router = make_router("projects")


@router.get("/projects")
@needs("read")
def list_projects(house: Hall, who: Who) -> Page[ProjectTell]:
    """The projects that the key reaches: its own."""
    with house.database.read() as session:
        return Page(data=[_tell(lookup.project(session, who, who.project))], next_cursor=None)


@router.post("/projects", status_code=201)
@needs("write")
def create_project(house: Hall, who: Who, ask: ProjectAsk) -> NewProjectTell:
    """Makes a project. `apiKey` is its first key, with the scopes of the caller's; it is shown only here."""
    with house.database.write() as session:
        row = new_project(session, ask.name, ask.slug, ask.description)
        key, text = keys.make(session, row.id, "first key", who.scopes)
    return NewProjectTell(**_tell(row).model_dump(by_alias=False), api_key=key_routes.tell_new(key, text))


@router.get("/projects/{project_id}")
@needs("read")
def get_project(house: Hall, who: Who, project_id: str) -> ProjectTell:
    """A project."""
    with house.database.read() as session:
        return _tell(lookup.project(session, who, project_id))


@router.patch("/projects/{project_id}")
@needs("write")
def update_project(house: Hall, who: Who, project_id: str, ask: ProjectPatch) -> ProjectTell:
    """Changes a project."""
    with house.database.write() as session:
        row = lookup.project(session, who, project_id)
        for name in ask.model_fields_set:
            if name != "description" and getattr(ask, name) is None:
                raise Problem(422, f"{name} cannot be null")
            setattr(row, name, getattr(ask, name))
        row.updated_at = now()
    return _tell(row)


@router.delete("/projects/{project_id}")
@needs("write")
def delete_project(house: Hall, who: Who, project_id: str) -> Ok:
    """Removes a project with its workflows, runs and keys. Refused while something of it is deployed."""
    with house.database.write() as session:
        row = lookup.project(session, who, project_id, held="removed")
        refuse_deployed(session, DeploymentRow.project_id == row.id, "the project")
        session.delete(row)
    return Ok()


def refuse_deployed(session: Session, chosen: object, what: str) -> None:
    """Raises `Problem` 409 while a Worker of it is deployed: nobody could take it down afterwards."""
    under_way = DeploymentRow.worker.is_not(None) | (DeploymentRow.status == "running")
    up = DeploymentRow.removed_at.is_(None) & under_way
    if session.scalar(select(exists().where(chosen, up))):  # type: ignore[arg-type]
        raise Problem(409, f"{what} is deployed: take it down first")


def new_project(session: Session, name: str, slug: str, description: str | None) -> ProjectRow:
    """A new row."""
    moment = now()
    row = ProjectRow(
        id=new_id("prj"), name=name, slug=slug, description=description, created_at=moment, updated_at=moment
    )
    session.add(row)
    session.flush()
    return row


def _tell(row: ProjectRow) -> ProjectTell:
    return ProjectTell.model_validate(row)
