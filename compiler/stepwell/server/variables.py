"""Variables and secrets: those of a workflow, and those of its project that it refers to or that its code reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from .database import lock, new_id, now
from .errors import Problem
from .shapes import MASK, VariableTell, WorkflowVariable
from .tables import VariableRow, WorkflowRow
from .vault import Vault

_GLOBAL: Final = re.compile(r"\{\{\s*global\.env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_ID: Final = "_BINDING_ID"


@dataclass(frozen=True)
class Value:
    """A value, opened."""

    text: str
    secret: bool


@dataclass(frozen=True)
class Variables:
    """What a workflow has: its own, with references to the project's resolved, and all of the project's."""

    own: Mapping[str, Value]
    project: Mapping[str, Value]

    def used(self, read: Collection[str]) -> dict[str, Value]:
        """What goes to the Worker: everything of its own, and of the project's what its code reads."""
        found = {name: value for name, value in self.project.items() if name in read} | dict(self.own)
        return {name: value for name, value in found.items() if not name.endswith(_ID)}

    def ids(self) -> dict[str, str]:
        """Ids of bindings, as the environment of a deploy has them."""
        both = {**self.project, **self.own}
        return {name: value.text for name, value in both.items() if name.endswith(_ID)}


def of_workflow(session: Session, vault: Vault, workflow: WorkflowRow) -> Variables:
    """The variables of a workflow. Raises `Problem` 422 for references to what the project does not have."""
    project = _opened(session, vault, workflow.project_id, "")
    own: dict[str, Value] = {}
    lacking: list[str] = []
    for name, value in _opened(session, vault, workflow.project_id, workflow.id).items():
        reference = _GLOBAL.fullmatch(value.text.strip())
        if reference is None:
            own[name] = value
        elif reference[1] in project:
            own[name] = project[reference[1]]
        else:
            lacking.append(f"{name} → global.env.{reference[1]}")
    if lacking:
        raise Problem(422, f"Missing or unresolved environment variables: {', '.join(lacking)}")
    return Variables(own, project)


def _opened(session: Session, vault: Vault, project: str, workflow: str) -> dict[str, Value]:
    rows = session.scalars(
        select(VariableRow).where(VariableRow.project_id == project, VariableRow.workflow_id == workflow)
    )
    return {row.name: Value(vault.open(row.value), row.is_secret) for row in rows}


def replace(session: Session, vault: Vault, workflow: WorkflowRow, wanted: Collection[WorkflowVariable]) -> None:
    """Gives a workflow these variables and no others. A mask stands for the value that is there."""
    lock(session, f"variables of {workflow.id}")
    names = [one.name for one in wanted]
    if len(set(names)) < len(names):
        raise Problem(422, "envVars: a name stands there twice")
    before = {
        row.name: row for row in session.scalars(select(VariableRow).where(VariableRow.workflow_id == workflow.id))
    }
    for one in wanted:
        row = before.pop(one.name, None)
        if one.value == MASK:
            if row is None:
                raise Problem(422, f"envVars: {one.name} has no value yet that the mask could stand for")
            row.is_secret = row.is_secret or one.is_secret
        elif row is None:
            session.add(made(vault, workflow.project_id, workflow.id, one.name, one.value, one.is_secret))
        else:
            row.value, row.is_secret, row.updated_at = vault.seal(one.value), one.is_secret, now()
    for row in before.values():
        session.delete(row)


def made(vault: Vault, project: str, workflow: str, name: str, value: str, secret: bool) -> VariableRow:
    """A row for a new variable."""
    moment = now()
    return VariableRow(
        id=new_id("env"),
        project_id=project,
        workflow_id=workflow,
        name=name,
        value=vault.seal(value),
        is_secret=secret,
        created_at=moment,
        updated_at=moment,
    )


def tell(vault: Vault, row: VariableRow) -> VariableTell:
    """A variable as it is shown; a secret is not opened for it."""
    return VariableTell.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "value": MASK if row.is_secret else vault.open(row.value),
            "is_secret": row.is_secret,
            "workflow_id": row.workflow_id or None,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )
