"""What a Cloudflare account holds, as kept on disk. Times are ISO 8601 in UTC with microseconds and a `Z`."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel, Field

Binding = dict[str, Any]


def now() -> str:
    """The time, as Cloudflare writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_uuid() -> str:
    """A random id with hyphens."""
    return str(uuid.uuid4())


def new_id() -> str:
    """A random id of 32 hexadecimal digits."""
    return secrets.token_hex(16)


class Kept(BaseModel):
    """Something kept on disk under its kind and key."""

    kind: ClassVar[str]
    created_on: str = Field(default_factory=now)
    modified_on: str = Field(default_factory=now)

    @property
    def key(self) -> str:
        """What tells it from the others of its kind."""
        raise NotImplementedError


class Account(Kept):
    """The one account there is."""

    kind = "account"
    id: str
    name: str
    token: str
    subdomain: str | None
    retention: dict[str, Any] = {}
    clock_ms: float = 0
    """How far a test clock is ahead."""

    @property
    def key(self) -> str:
        """There is only one."""
        return "account"


class Script(Kept):
    """A Worker, without its code. `versions` are percentages of requests by version id, the live one first."""

    kind = "script"
    name: str
    tag: str = Field(default_factory=new_id)
    crons: list[dict[str, str]] = []
    workers_dev: bool = False
    previews: bool = False
    observability: dict[str, Any] | None = None
    tags: list[str] = []
    tail_consumers: list[dict[str, Any]] | None = None
    logpush: bool = False
    migration_tag: str | None = None
    domains: list[str] = []
    triggers: list[dict[str, Any]] = []

    @property
    def key(self) -> str:
        """Its name."""
        return self.name


class Version(Kept):
    """The code, bindings and settings of a Worker at one time; never changed. Its modules are kept beside it."""

    kind = "version"
    id: str = Field(default_factory=new_uuid)
    script: str
    number: int
    main: str
    bindings: list[Binding]
    compatibility_date: str
    compatibility_flags: list[str]
    handlers: list[str]
    named_handlers: list[dict[str, Any]]
    classes: dict[str, str] = {}
    """What the named exports extend: `WorkflowEntrypoint`, `DurableObject`, `WorkerEntrypoint`."""
    etag: str
    source: str
    startup_time_ms: int
    annotations: dict[str, str] = {}
    limits: dict[str, Any] | None = None
    placement: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class Deployment(Kept):
    """Which versions of a Worker answer, in percent."""

    kind = "deployment"
    id: str = Field(default_factory=new_uuid)
    script: str
    source: str
    versions: list[dict[str, Any]]
    annotations: dict[str, str] = {}

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class Workflow(Kept):
    """A registered workflow."""

    kind = "workflow"
    id: str = Field(default_factory=new_uuid)
    name: str
    script_name: str
    class_name: str
    version_id: str
    limits: dict[str, Any] | None = None
    schedules: list[dict[str, str]] = []
    default_retention: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """Its name, which is unique in an account."""
        return self.name


class WorkflowVersion(Kept):
    """A workflow as one `PUT` registered it."""

    kind = "workflow-version"
    id: str = Field(default_factory=new_uuid)
    workflow_id: str
    class_name: str
    limits: dict[str, Any] | None = None
    default_retention: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class Namespace(Kept):
    """A KV namespace."""

    kind = "kv"
    id: str = Field(default_factory=new_id)
    title: str

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class Database(Kept):
    """A D1 database."""

    kind = "d1"
    uuid: str = Field(default_factory=new_uuid)
    name: str

    @property
    def key(self) -> str:
        """Its id."""
        return self.uuid


class Bucket(Kept):
    """An R2 bucket."""

    kind = "r2"
    name: str
    location: str = "wnam"
    storage_class: str = "Standard"

    @property
    def key(self) -> str:
        """Its name."""
        return self.name


class Queue(Kept):
    """A queue."""

    kind = "queue"
    queue_id: str = Field(default_factory=new_id)
    queue_name: str
    settings: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """Its id."""
        return self.queue_id


class QueueConsumer(Kept):
    """Who receives the messages of a queue."""

    kind = "consumer"
    consumer_id: str = Field(default_factory=new_id)
    queue_id: str
    type: str
    script_name: str | None = None
    dead_letter_queue: str | None = None
    settings: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """Its id."""
        return self.consumer_id


class Zone(Kept):
    """A domain of the account."""

    kind = "zone"
    id: str
    name: str

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class Route(Kept):
    """Which Worker answers for URLs of a pattern; none: no Worker does."""

    kind = "route"
    id: str = Field(default_factory=new_id)
    zone_id: str
    pattern: str
    script: str | None = None

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class Domain(Kept):
    """A whole host name that a Worker answers for."""

    kind = "domain"
    id: str = Field(default_factory=new_id)
    cert_id: str = Field(default_factory=new_uuid)
    hostname: str
    service: str
    environment: str = "production"
    zone_id: str
    zone_name: str

    @property
    def key(self) -> str:
        """Its id."""
        return self.id
