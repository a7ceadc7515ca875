"""The tables. Times are microseconds since 1970 in UTC: the same order and the same value in every database.

JSON values are kept as ASCII text: it holds what PostgreSQL's own text cannot (U+0000, lone surrogates).
"""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, query_expression

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[str, mapped_column(String(40), primary_key=True)]
Word = Annotated[str, mapped_column(String(255))]
Moment = Annotated[int, mapped_column(BigInteger)]
Json = Annotated[str, mapped_column(Text)]
Sealed = Annotated[str, mapped_column(Text)]
"""What the vault has sealed."""


class Base(DeclarativeBase):
    """All tables; names of constraints are fixed, for migrations name them."""

    metadata = MetaData(naming_convention=_NAMES)


def _project() -> Mapped[str]:
    return mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)


def _workflow() -> Mapped[str]:
    return mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))


class ProjectRow(Base):
    """A project: everything else belongs to one."""

    __tablename__ = "projects"
    id: Mapped[Id]
    name: Mapped[Word]
    slug: Mapped[str] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class KeyRow(Base):
    """An API key: only its hash is here. `scopes` are words with spaces between them."""

    __tablename__ = "api_keys"
    id: Mapped[Id]
    project_id: Mapped[str] = _project()
    name: Mapped[Word]
    prefix: Mapped[str] = mapped_column(String(12))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(50))
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    used_at: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[Moment]


class ConnectionRow(Base):
    """An account of a provider. One that was removed stays without its credentials: runs name it."""

    __tablename__ = "connections"
    id: Mapped[Id]
    project_id: Mapped[str] = _project()
    name: Mapped[Word]
    provider: Mapped[str] = mapped_column(String(100))
    account: Mapped[Word]
    credentials: Mapped[Sealed]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    removed_at: Mapped[int | None] = mapped_column(BigInteger)


class VariableRow(Base):
    """A variable or secret of a project (`workflow_id` empty text) or of one workflow."""

    __tablename__ = "env_vars"
    __table_args__ = (UniqueConstraint("project_id", "workflow_id", "name"),)
    id: Mapped[Id]
    project_id: Mapped[str] = _project()
    workflow_id: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[Word]
    value: Mapped[Sealed]
    is_secret: Mapped[bool]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class WorkflowRow(Base):
    """A workflow or a function."""

    __tablename__ = "workflows"
    __table_args__ = (Index(None, "project_id", "created_at", "id"),)
    id: Mapped[Id]
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[Word]
    description: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    trigger_code: Mapped[str | None] = mapped_column(Text)
    dependencies: Mapped[Json]
    current_version_id: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class VersionRow(Base):
    """A version: the artifact as it was posted, with the findings of its compile. These are never written over."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("workflow_id", "number"),)
    id: Mapped[Id]
    workflow_id: Mapped[str] = _workflow()
    number: Mapped[int]
    artifact: Mapped[Json]
    hash: Mapped[str] = mapped_column(String(64))
    findings: Mapped[Json]
    packages: Mapped[Json | None] = mapped_column(Text)
    """The npm packages that it is built of (`bundle/lock.py`)."""
    locked: Mapped[bool]
    created_at: Mapped[Moment]


class DeploymentRow(Base):
    """A deploy of a version. `status` is running, success or failed; `removed_at` is set by a takedown."""

    __tablename__ = "deployments"
    __table_args__ = (
        Index(None, "workflow_id", "connection_id", "created_at"),
        Index(None, "project_id", "created_at", "id"),
    )
    id: Mapped[Id]
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    workflow_id: Mapped[str] = _workflow()
    version_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    account: Mapped[Word]
    status: Mapped[str] = mapped_column(String(20))
    worker: Mapped[str | None] = mapped_column(String(255))
    workflow: Mapped[str | None] = mapped_column(String(255))
    url: Mapped[str | None] = mapped_column(Text)
    dashboard_url: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    config: Mapped[Json]
    steps: Mapped[Json]
    created_at: Mapped[Moment]
    finished_at: Mapped[int | None] = mapped_column(BigInteger)
    removed_at: Mapped[int | None] = mapped_column(BigInteger)


class RunRow(Base):
    """A run. `started` False: the provider has not said yet that it has the instance."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("workflow_id", "connection_id", "workflow", "instance_id"),
        UniqueConstraint("workflow_id", "idempotency_key"),
        Index(None, "workflow_id", "created_at", "id"),
        Index(None, "project_id", "created_at", "id"),
        Index(None, "started", "created_at"),
    )
    id: Mapped[Id]
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    workflow_id: Mapped[str] = _workflow()
    version_id: Mapped[str] = mapped_column(String(40))
    deployment_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    workflow: Mapped[Word]
    instance_id: Mapped[str] = mapped_column(String(100), index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    request: Mapped[str] = mapped_column(String(64))
    """A hash of what was asked for."""
    params: Mapped[Json] = mapped_column(Text, deferred=True)
    """What it was started with; nothing that is told of a run needs to read it."""
    started: Mapped[bool]
    tries: Mapped[int]
    """How many requests have asked the provider to start it."""
    status: Mapped[str] = mapped_column(String(20))
    provider_status: Mapped[str] = mapped_column(String(40))
    output: Mapped[Json | None] = mapped_column(Text)
    short_output: Mapped[str | None] = query_expression()
    is_output_long: Mapped[bool | None] = query_expression()
    """Lists read these two instead of the output, which may have a megabyte (`telling.LISTED`)."""
    error: Mapped[str | None] = mapped_column(Text)
    seen_at: Mapped[Moment]
    """When the provider was asked last."""
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class EventRow(Base):
    """An event with an Idempotency-Key: it is sent once. `sent` False: some request sends it since `created_at`."""

    __tablename__ = "sent_events"
    __table_args__ = (UniqueConstraint("workflow_id", "idempotency_key"),)
    id: Mapped[Id]
    workflow_id: Mapped[str] = _workflow()
    idempotency_key: Mapped[str] = mapped_column(String(255))
    request: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str] = mapped_column(String(40))
    sent: Mapped[bool]
    created_at: Mapped[Moment]
