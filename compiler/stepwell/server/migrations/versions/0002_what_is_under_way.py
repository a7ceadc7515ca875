"""what is under way: tries of runs, events that are being sent"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("projects") as batch_op:
        batch_op.drop_constraint("uq_projects_slug", type_="unique")
    with op.batch_alter_table("deployments") as batch_op:
        batch_op.drop_column("waits")
    with op.batch_alter_table("runs") as batch_op:
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="1"))
        batch_op.drop_constraint("uq_runs_connection_id_workflow_instance_id", type_="unique")
        batch_op.create_unique_constraint(
            "uq_runs_workflow_id_connection_id_workflow_instance_id",
            ["workflow_id", "connection_id", "workflow", "instance_id"],
        )
    with op.batch_alter_table("sent_events") as batch_op:
        batch_op.add_column(sa.Column("sent", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("runs") as batch_op:
        batch_op.alter_column("tries", server_default=None)
    with op.batch_alter_table("sent_events") as batch_op:
        batch_op.alter_column("sent", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("sent_events") as batch_op:
        batch_op.drop_column("sent")
    with op.batch_alter_table("runs") as batch_op:
        batch_op.drop_constraint("uq_runs_workflow_id_connection_id_workflow_instance_id", type_="unique")
        batch_op.create_unique_constraint(
            "uq_runs_connection_id_workflow_instance_id", ["connection_id", "workflow", "instance_id"]
        )
        batch_op.drop_column("tries")
    with op.batch_alter_table("deployments") as batch_op:
        batch_op.add_column(sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("projects") as batch_op:
        batch_op.create_unique_constraint("uq_projects_slug", ["slug"])
