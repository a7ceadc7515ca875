"""Rows as they are told."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import case, func
from sqlalchemy.orm import defer, load_only, with_expression

from ..shapes import DeploymentTell, Finding, ListedRun, VersionRef, VersionTell, WorkflowTell
from ..tables import DeploymentRow, RunRow, VersionRow, WorkflowRow
from ..texts import told


def workflow(row: WorkflowRow) -> WorkflowTell:
    """A workflow."""
    return WorkflowTell.model_validate(
        {
            "id": row.id,
            "project_id": row.project_id,
            "name": row.name,
            "description": row.description,
            "kind": row.kind,
            "trigger_code": row.trigger_code,
            "dependencies": json.loads(row.dependencies),
            "current_version_id": row.current_version_id,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


REFERENCE: Final = load_only(
    VersionRow.id, VersionRow.workflow_id, VersionRow.number, VersionRow.locked, VersionRow.created_at
)
"""What `version_ref` needs of a row: a hundred artifacts are a lot."""


def version_ref(row: VersionRow) -> VersionRef:
    """A version in a list."""
    return VersionRef.model_validate(
        {
            "id": row.id,
            "workflow_id": row.workflow_id,
            "version": row.number,
            "locked": row.locked,
            "created_at": row.created_at,
        }
    )


def version(row: VersionRow) -> VersionTell:
    """A version with its artifact and findings."""
    return VersionTell.model_validate(
        {
            **version_ref(row).model_dump(by_alias=False),
            "ir": json.loads(row.artifact),
            "findings": [Finding.model_validate(one) for one in json.loads(row.findings)],
        }
    )


def deployment(row: DeploymentRow) -> DeploymentTell:
    """A deploy."""
    return DeploymentTell.model_validate(
        {
            "id": row.id,
            "workflow_id": row.workflow_id,
            "version_id": row.version_id,
            "connection_id": row.connection_id,
            "service_name": row.worker,
            "service_url": row.url,
            "dashboard_url": row.dashboard_url,
            "workflow_name": row.workflow,
            "status": row.status,
            "error": row.error,
            "steps": json.loads(row.steps),
            "config_snapshot": json.loads(row.config),
            "created_at": row.created_at,
            "finished_at": row.finished_at,
            "removed_at": row.removed_at,
        }
    )


_LISTED_OUTPUT: Final = 10 * 1024
_IS_LONG: Final = func.length(RunRow.output) > _LISTED_OUTPUT
LISTED: Final = (
    defer(RunRow.output),
    with_expression(RunRow.is_output_long, _IS_LONG),
    with_expression(RunRow.short_output, case((~_IS_LONG, RunRow.output))),
)
"""What `listed_run` needs of a row: a hundred outputs are a lot."""


def listed_run(row: RunRow) -> ListedRun:
    """A run in a list."""
    output = {"output": told(row.short_output), "output_left_out": bool(row.is_output_long)}
    return ListedRun.model_validate(_common(row) | output)


def run_fields(row: RunRow) -> dict[str, Any]:
    """What is told of a run."""
    return _common(row) | {"output": told(row.output)}


def _common(row: RunRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "workflow_id": row.workflow_id,
        "version_id": row.version_id,
        "deployment_id": row.deployment_id,
        "connection_id": row.connection_id,
        "instance_id": row.instance_id,
        "status": row.status,
        "provider_status": row.provider_status,
        "error": row.error,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
