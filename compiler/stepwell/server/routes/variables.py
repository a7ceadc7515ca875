"""Variables and secrets, of the project and of its workflows. Secrets come in and never go out."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .. import lookup, variables
from ..database import lock, now
from ..door import needs
from ..errors import Problem
from ..paging import Cursor, Limit, page
from ..shapes import Ok, Page, VariableAsk, VariablePatch, VariableTell
from ..tables import VariableRow
from .common import Hall, Who, make_router

router = make_router("env-vars")


@router.get("/env-vars")
@needs("read")
def list_variables(
    house: Hall, who: Who, cursor: Cursor = None, limit: Limit = 50, workflowId: str | None = None
) -> Page[VariableTell]:
    """The variables of the project, or of one of its workflows. Values of secrets are masked."""
    with house.database.read() as session:
        owner = lookup.workflow(session, who, workflowId).id if workflowId is not None else ""
        chosen = select(VariableRow).where(VariableRow.project_id == who.project, VariableRow.workflow_id == owner)
        return page(session, chosen, VariableRow, cursor, limit, lambda row: variables.tell(house.vault, row))


@router.post("/env-vars", status_code=201)
@needs("write")
def create_variable(house: Hall, who: Who, ask: VariableAsk) -> VariableTell:
    """Makes a variable or a secret. It reaches Workers with their next deploy."""
    try:
        with house.database.write() as session:
            owner = lookup.workflow(session, who, ask.workflow_id).id if ask.workflow_id is not None else ""
            lock(session, f"variables of {owner or who.project}")
            row = variables.made(house.vault, who.project, owner, ask.name, ask.value, ask.is_secret)
            session.add(row)
    except IntegrityError:
        raise Problem(409, f"there is a variable {ask.name} already") from None
    return variables.tell(house.vault, row)


@router.get("/env-vars/{variable_id}")
@needs("read")
def get_variable(house: Hall, who: Who, variable_id: str) -> VariableTell:
    """A variable."""
    with house.database.read() as session:
        return variables.tell(house.vault, lookup.variable(session, who, variable_id))


@router.patch("/env-vars/{variable_id}")
@needs("write")
def update_variable(house: Hall, who: Who, variable_id: str, ask: VariablePatch) -> VariableTell:
    """Changes a variable. A secret becomes a plain variable only together with a new value."""
    with house.database.write() as session:
        row = lookup.variable(session, who, variable_id)
        if row.is_secret and ask.is_secret is False and ask.value is None:
            raise Problem(409, "a secret is never shown again: give a new value with isSecret: false")
        if ask.value is not None:
            row.value = house.vault.seal(ask.value)
        if ask.is_secret is not None:
            row.is_secret = ask.is_secret
        row.updated_at = now()
    return variables.tell(house.vault, row)


@router.delete("/env-vars/{variable_id}")
@needs("write")
def delete_variable(house: Hall, who: Who, variable_id: str) -> Ok:
    """Removes a variable. Workers lose it with their next deploy."""
    with house.database.write() as session:
        session.delete(lookup.variable(session, who, variable_id))
    return Ok()
