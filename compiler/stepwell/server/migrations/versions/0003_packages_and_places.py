"""the packages that a version is built of; findings in the words of the command line"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Finding = dict[str, Any]


def upgrade() -> None:
    with op.batch_alter_table("versions") as batch_op:
        batch_op.add_column(sa.Column("packages", sa.Text()))
    _each_finding(_with_snippet)


def downgrade() -> None:
    _each_finding(_without_snippet)
    with op.batch_alter_table("versions") as batch_op:
        batch_op.drop_column("packages")


def _each_finding(change: Callable[[Finding], Finding]) -> None:
    versions = sa.table("versions", sa.column("id", sa.String), sa.column("findings", sa.Text))
    connection = op.get_bind()
    for id, findings in connection.execute(sa.select(versions).where(versions.c.findings != "[]")).all():
        changed = json.dumps([change(one) for one in json.loads(findings)])
        connection.execute(versions.update().where(versions.c.id == id).values(findings=changed))


def _with_snippet(old: Finding) -> Finding:
    """Line and column were those in the code; where the finding stood in the body was not kept."""
    line, column = old["line"], old["column"]
    snippet = None if line is None else {"line": line, "column": column}
    return {**old, "nodeName": None, "line": None, "column": None, "snippet": snippet}


def _without_snippet(new: Finding) -> Finding:
    left = {name: value for name, value in new.items() if name not in ("nodeName", "snippet")}
    return {**left, **(new["snippet"] or {"line": None, "column": None})}
