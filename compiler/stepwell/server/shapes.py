"""What comes in and what goes out, in the words of AwaitStep's API (camelCase). Unknown fields are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from .keys import Scope
from .texts import clean

MASK: Final = "••••••••"
"""Stands where a secret is."""

INSTANCE: Final = r"^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}$"
"""Ids of instances (Cloudflare's limits)."""
EVENT: Final = r"^[a-zA-Z0-9_-]{1,100}$"
_SLUG: Final = r"^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$"
_VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,254}$"

Status = Literal["queued", "running", "paused", "complete", "errored", "terminated"]
Kind = Literal["workflow", "script"]
T = TypeVar("T")


def _printable(text: str) -> str:
    """PostgreSQL keeps no U+0000, and UTF-8 no lone surrogates."""
    if "\0" in text or any("\ud800" <= ch <= "\udfff" for ch in text):
        raise ValueError("holds U+0000 or half a character")
    return text


def _moment(value: Any) -> Any:
    return datetime.fromtimestamp(value / 1_000_000, UTC) if isinstance(value, int) else value


def _bare(ir: dict[str, Any]) -> dict[str, Any]:
    if isinstance(ir.get("ir"), dict) and "nodes" not in ir:
        raise ValueError("is a source file: send what stands under its `ir`")
    return ir


Artifact = Annotated[dict[str, Any], AfterValidator(_bare)]
Words = Annotated[str, AfterValidator(_printable)]
Said = Annotated[str, AfterValidator(clean)]
"""What the compiler says of a flow's file, which may hold anything."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
Description = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_printable)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class Ask(_Shape):
    """A body that comes in."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Tell(_Shape):
    """A value that goes out."""

    model_config = ConfigDict(from_attributes=True)


class Page(Tell, Generic[T]):
    """A page of a list, the newest first; `nextCursor` leads to the next one."""

    data: list[T]
    next_cursor: str | None


class Ok(Tell):
    """It is done."""

    ok: Literal[True] = True


class Health(Tell):
    """How the server is."""

    status: Literal["ok", "unavailable"]
    version: str
    database: str


# Projects and keys


class ProjectAsk(Ask):
    """A new project."""

    name: Name
    slug: Annotated[str, StringConstraints(pattern=_SLUG)]
    description: Description | None = None


class ProjectPatch(Ask):
    """Changes of a project."""

    name: Name | None = None
    slug: Annotated[str, StringConstraints(pattern=_SLUG)] | None = None
    description: Description | None = None


class ProjectTell(Tell):
    """A project."""

    id: str
    name: str
    slug: str
    description: str | None
    created_at: Moment
    updated_at: Moment


class KeyAsk(Ask):
    """A new key. It can do no more than the key that asks for it."""

    name: Name
    scopes: list[Scope]
    expires_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    project_id: str | None = None


class KeyTell(Tell):
    """A key, without itself."""

    id: str
    project_id: str
    name: str
    prefix: str
    scopes: list[Scope]
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None
    created_at: Moment


class NewKeyTell(KeyTell):
    """A key that was just made: `key` is never shown again."""

    key: str


class NewProjectTell(ProjectTell):
    """A project that was just made, with its first key."""

    api_key: NewKeyTell


# Connections and variables


class Credentials(Ask):
    """What Cloudflare asks for."""

    api_token: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    account_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ConnectionAsk(Ask):
    """A new connection."""

    name: Name
    provider: Literal["cloudflare"] = "cloudflare"
    credentials: Credentials


class ConnectionPatch(Ask):
    """Changes of a connection."""

    name: Name | None = None
    credentials: Credentials | None = None


class ShownCredentials(Tell):
    """Credentials as they are shown."""

    api_token: Literal["••••••••"] = MASK
    account_id: str


class ConnectionTell(Tell):
    """A connection; its token is never told."""

    id: str
    project_id: str
    name: str
    provider: str
    credentials: ShownCredentials
    created_at: Moment
    updated_at: Moment


class TokenCredentials(Ask):
    """A token to try."""

    api_token: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    account_id: str | None = None


class VerifyAsk(Ask):
    """Credentials to try."""

    provider: Literal["cloudflare"] = "cloudflare"
    credentials: TokenCredentials


class Account(Tell):
    """An account that a token reaches."""

    id: str
    name: str


class VerifyTell(Tell):
    """Whether a token is good, and for which accounts."""

    valid: bool
    accounts: list[Account]
    error: str | None = None


class VariableAsk(Ask):
    """A new variable or secret, of the project or (`workflowId`) of one workflow."""

    name: Annotated[str, StringConstraints(pattern=_VARIABLE)]
    value: Annotated[Words, StringConstraints(min_length=1, max_length=10_000)]
    is_secret: bool = False
    workflow_id: str | None = None


class VariablePatch(Ask):
    """Changes of a variable."""

    value: Annotated[Words, StringConstraints(min_length=1, max_length=10_000)] | None = None
    is_secret: bool | None = None


class VariableTell(Tell):
    """A variable; the value of a secret is masked."""

    id: str
    name: str
    value: str
    is_secret: bool
    workflow_id: str | None
    created_at: Moment
    updated_at: Moment


class WorkflowVariable(Ask):
    """A variable of a workflow; a masked value stands for the one it has."""

    name: Annotated[str, StringConstraints(pattern=_VARIABLE)]
    value: Annotated[Words, StringConstraints(min_length=1, max_length=10_000)]
    is_secret: bool = False


# Workflows and versions


class WorkflowAsk(Ask):
    """A new workflow or function."""

    name: Name
    description: Description | None = None
    kind: Kind = "workflow"


class WorkflowPatch(Ask):
    """Changes of a workflow; `envVars` replaces all it has."""

    name: Name | None = None
    description: Description | None = None
    trigger_code: Annotated[Words, StringConstraints(max_length=50_000)] | None = None
    dependencies: dict[str, str] | None = None
    env_vars: list[WorkflowVariable] | None = None


class WorkflowTell(Tell):
    """A workflow."""

    id: str
    project_id: str
    name: str
    description: str | None
    kind: Kind
    trigger_code: str | None
    dependencies: dict[str, str]
    current_version_id: str | None
    created_at: Moment
    updated_at: Moment


class ListedWorkflow(WorkflowTell):
    """A workflow in a list, with how it is."""

    deploy_status: Literal["running", "success", "failed"] | None
    deploy_version_id: str | None
    last_run_status: Status | None
    last_run_at: Moment | None


class Spot(Tell):
    """A place in a text, both counted from 1."""

    line: int
    column: int


class Finding(Tell):
    """A finding of the compiler, as `stepwell check --format json` tells it. `pointer` leads through the document that
    was posted (RFC 6901); `line` and `column` say where that stands in the body, as it was sent.
    """

    severity: Literal["error", "warning", "note"]
    code: str
    slug: str
    message: Said
    hint: Said | None
    pointer: Said
    node_id: Said | None
    node_name: Said | None
    """The node's display name, where it says more than its id."""
    line: int | None
    column: int | None
    snippet: Spot | None
    """In the user's code, where the finding is in code; in the custom node's `template`, where that is named."""
    template: str | None = None


class VersionAsk(Ask):
    """A new version: the artifact as an editor keeps it."""

    ir: Artifact


class VersionPatch(Ask):
    """Changes of a version."""

    locked: bool


class VersionRef(Tell):
    """A version in a list."""

    id: str
    workflow_id: str
    version: int
    locked: bool
    created_at: Moment


class VersionTell(VersionRef):
    """A version with what the compiler said of it."""

    ir: dict[str, Any]
    findings: list[Finding]


class DeploymentTell(Tell):
    """A deploy. `removedAt` is set once it was taken down."""

    id: str
    workflow_id: str
    version_id: str
    connection_id: str
    service_name: str | None
    service_url: str | None
    dashboard_url: str | None
    workflow_name: str | None
    status: Literal["running", "success", "failed"]
    error: str | None
    steps: list[str]
    config_snapshot: dict[str, Any]
    created_at: Moment
    finished_at: Moment | None
    removed_at: Moment | None


class FullWorkflow(Tell):
    """A workflow with a version and where it is deployed."""

    workflow: WorkflowTell
    version: VersionTell | None
    versions: list[VersionRef]
    active_deployment: DeploymentTell | None


class CheckAsk(Ask):
    """A document to look at, without keeping it."""

    ir: Artifact
    trigger_code: Annotated[Words, StringConstraints(max_length=50_000)] | None = None
    dependencies: dict[str, str] | None = None


class CheckTell(Tell):
    """What the compiler says."""

    ok: bool
    findings: list[Finding]


class CompileTell(CheckTell):
    """A compiled Worker: what people read, and what is uploaded."""

    source: str | None
    language: Literal["ts", "js"]
    worker: str | None
    source_map: str | None
    manifest: dict[str, Any] | None


# Workflows in Python


class FlowRead(Ask):
    """A flow's file; `files` are the files of code that it names, by their paths there."""

    text: Annotated[str, StringConstraints(max_length=250_000)]
    files: dict[str, str] | None = None


class FlowWrite(Ask):
    """A graph: the artifact, or the source file around it."""

    document: dict[str, Any]


class FlowApply(FlowRead):
    """Edits of a flow's file, made one after the other; docs/python.md has what they hold."""

    edits: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=50)]


class FlowTell(Tell):
    """What a flow's file says. `layout` has a position for each node, for those that say none."""

    ok: bool
    document: dict[str, Any] | None
    layout: list[dict[str, int]] | None
    findings: list[Finding]


class FlowApplied(FlowTell):
    """The changed file, and what it says."""

    text: str


class FlowWritten(Tell):
    """A flow's file."""

    text: str
    findings: list[Finding]


# Deploys


class RouteAsk(Ask):
    """A route of a zone."""

    pattern: Annotated[Words, StringConstraints(min_length=1)]
    zone_name: Annotated[Words, StringConstraints(min_length=1)]


class LimitsAsk(Ask):
    """Limits of the Worker and of its workflow."""

    cpu_ms: Annotated[int, Field(ge=1)] | None = None
    steps: Annotated[int, Field(ge=1, le=25_000)] | None = None


class ObservabilityAsk(Ask):
    """Logs."""

    enabled: bool
    head_sampling_rate: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None


class ConsumerAsk(Ask):
    """How a queue is consumed; the waiting time in seconds."""

    queue: Annotated[Words, StringConstraints(min_length=1)]
    max_batch_size: Annotated[int, Field(ge=1, le=100)] | None = None
    max_batch_timeout: Annotated[int, Field(ge=0, le=60)] | None = None
    max_retries: Annotated[int, Field(ge=0, le=100)] | None = None
    dead_letter_queue: Words | None = None
    max_concurrency: Annotated[int, Field(ge=1, le=20)] | None = None


class ConfigAsk(Ask):
    """Settings of a deploy; what is left out is as it is by default."""

    routes: list[RouteAsk] | None = None
    custom_domains: list[Words] | None = None
    workers_dev: bool | None = None
    compatibility_date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    compatibility_flags: list[Words] | None = None
    cron_triggers: list[Words] | None = None
    placement: Annotated[bool | dict[Literal["mode"], Literal["smart", "off"]], Field()] | None = None
    limits: LimitsAsk | None = None
    observability: bool | ObservabilityAsk | None = None
    queue_consumers: list[ConsumerAsk] | None = None
    bindings: dict[str, Words] | None = None
    """What a binding leads to: an id, or a name, by the binding's name."""


class DeployAsk(Ask):
    """A deploy. `provision` makes resources that are bound and not there; `replace` writes over a Worker of that name
    which was not deployed from this workflow.
    """

    connection_id: str
    version_id: str | None = None
    config: ConfigAsk | None = None
    provision: bool = False
    replace: bool = False


class DeployTell(Tell):
    """How a deploy ended."""

    success: bool
    deployment_id: str
    version_id: str
    service_name: str | None
    workflow_name: str | None
    url: str | None
    dashboard_url: str | None
    changed: bool
    steps: list[str]
    findings: list[Finding]
    warnings: list[str]


class TakedownAsk(Ask):
    """From which account."""

    connection_id: str


class TakedownTell(Tell):
    """What went."""

    success: Literal[True] = True
    removed: list[str]


# Runs


class TriggerAsk(Ask):
    """A run to start, or (`params` = `{instanceId, eventType, payload}`) an event for a run that waits."""

    connection_id: str
    params: Any = None
    instance_id: Annotated[str, StringConstraints(pattern=INSTANCE)] | None = None


class RunTell(Tell):
    """A run. `status` is one of six words; the provider's own stands beside it."""

    id: str
    workflow_id: str
    version_id: str
    deployment_id: str
    connection_id: str
    instance_id: str
    status: Status
    provider_status: str
    output: Any
    error: str | None
    created_at: Moment
    updated_at: Moment


class ListedRun(RunTell):
    """A run in a list. An output of more than 10 KB is left out there: `output` is null, `outputLeftOut` true."""

    output_left_out: bool


class TriggerTell(RunTell):
    """What a trigger did: it started a run, or found the one that the same request started, or sent an event."""

    event_type: str | None = None


class SteeredTell(RunTell):
    """A run after something was done to it."""

    ok: Literal[True] = True


class StepTell(Tell):
    """A step of a run."""

    name: str
    kind: str
    node_id: str | None
    status: Literal["running", "complete", "errored"]
    start: datetime | None
    end: datetime | None
    attempts: int
    output: Any
    error: str | None


class RunWithSteps(RunTell):
    """A run with its steps, where they were asked for."""

    steps: list[StepTell] | None = None


class RestartAsk(Ask):
    """Where to begin again: at a node of the graph, else at the start."""

    from_node: Words | None = None


# Nodes


class NodeTell(BaseModel):
    """The definition of a node type."""

    model_config = ConfigDict(extra="allow")
    id: str


# Editors


class ScopeAsk(CheckAsk):
    """A node of a document."""

    node_id: Name


class ScopeTell(BaseModel):
    """What can be referenced at a node, and the findings about the document."""

    model_config = ConfigDict(extra="allow")
    nodeId: str
    roots: list[dict[str, Any]]
    findings: list[dict[str, Any]]


class RenameAsk(Ask):
    """Another id, another display name, or both."""

    kind: Literal["rename"]
    node_id: Name
    id: Words | None = None
    name: Words | None = None


class InsertAsk(Ask):
    """A node on an edge."""

    kind: Literal["insert"]
    edge_id: Name
    node: dict[str, Any]


class DeleteAsk(Ask):
    """A node taken out; of a container the arms named by `keep` stay (`*`: all)."""

    kind: Literal["delete"]
    node_id: Name
    keep: Annotated[list[Words], Field(max_length=1000)] = []


class ExtractAsk(Ask):
    """Nodes that become a workflow of their own, with this name."""

    kind: Literal["extract"]
    node_ids: Annotated[list[Name], Field(min_length=1, max_length=50_000)]
    name: Name
    worker: Name | None = None
    id: Name | None = None


class EditAsk(CheckAsk):
    """A document and what is to be done to it."""

    edit: Annotated[RenameAsk | InsertAsk | DeleteAsk | ExtractAsk, Field(discriminator="kind")]


class EditTell(Tell):
    """The new artifact and what changed, or why not. `extracted` is the artifact of a new workflow."""

    ok: bool
    ir: dict[str, Any] | None
    extracted: dict[str, Any] | None
    changes: list[dict[str, Any]]
    findings: list[Finding]


class Refusal(BaseModel):
    """Why a request is refused."""

    model_config = ConfigDict(extra="allow")
    error: str
