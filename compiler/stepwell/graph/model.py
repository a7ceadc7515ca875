"""The artifact as pydantic models: what a document says, nothing of what it means (design.md, section 2).

Unknown keys are dropped here and reported by `stepwell.graph.read`. Field names are those of the JSON. A
field's description is what an editor shows of it, and what a diagnostic says a missing field is for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, WithJsonSchema
from typing_extensions import TypedDict

from stepwell.graph.faults import shortened
from stepwell.graph.fields import Backoff, Duration, Method

# pydantic's own check of a text's length refuses lone surrogates, which names and ids may hold. The other one is
# written in Python, and some six names a node are no place for that.
Name = Annotated[
    Annotated[str, Field(min_length=1)] | Annotated[InstanceOf[str], Field(min_length=1)],
    Field(union_mode="left_to_right"),
    WithJsonSchema({"minLength": 1, "type": "string"}),
]

ENV_NAME = r"^[A-Z][A-Z0-9_]*$"
EVENT_TYPE = r"^[A-Za-z0-9_-]+$"
EVENT_TYPE_LENGTH = 100


class Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Metadata(Model):
    """What is known about the graph as a whole."""

    name: Name = Field(description="the graph's name; the Worker and its class are named after it")
    description: str | None = Field(default=None, description="what the graph is for")
    version: int = Field(default=1, ge=1, description="the graph's version, counted from 1")
    createdAt: str | None = Field(default=None, description="when the graph was made (ISO 8601)")
    updatedAt: str | None = Field(default=None, description="when the graph was changed last (ISO 8601)")


class Position(TypedDict, total=False):
    """Where an editor draws the node; it means nothing. A plain dict, for there is one for every node."""

    x: float
    y: float


class Retries(Model):
    """How a node is tried again when it fails."""

    limit: int = Field(ge=0, description="how many times a failed node is tried again")
    delay: Duration = Field(description='how long to wait before it is tried again: "10 seconds", or milliseconds')
    backoff: Backoff | None = Field(default=None, description="how the delay grows: constant, linear or exponential")


class StepConfig(Model):
    """Settings of a node's run; they win over the same settings in `data`."""

    retries: Retries | None = Field(default=None, description="how the node is tried again when it fails")
    timeout: Duration | None = Field(
        default=None, description='how long one attempt may take: "10 minutes", or milliseconds'
    )


class Node(Model):
    """A node of the graph: something that is done."""

    id: Name = Field(description="the node's id, by which edges and expressions name it")
    type: Name = Field(description="the node's type, such as `step` or `http_request`")
    name: Name = Field(description="the node's display name, also the name of its step")
    position: Position | None = Field(default=None, description="where an editor draws the node")
    version: str | None = Field(default=None, description="the version of the node's type")
    provider: str = Field(default="cloudflare", description="always `cloudflare`")
    data: dict[str, Any] = Field(default_factory=dict, description="what the node's type needs to know")
    config: StepConfig | None = Field(default=None, description="retries and timeout; they win over those in `data`")

    @property
    def label(self) -> str:
        """How a message names the node: `` `n1` ``, or `` `n1` (Charge card) `` where the name differs."""
        named = f"`{shortened(self.id)}`"
        return named if self.name == self.id else f"{named} ({shortened(self.name)})"


class Edge(Model):
    """A way from one node to another."""

    id: Name = Field(description="the edge's id")
    source: Name = Field(description="the id of the node it leaves")
    target: Name = Field(description="the id of the node it leads to")
    label: str | None = Field(
        default=None, description="which way out of a container it is: an arm's label, `body`, `try`, `then` …"
    )


class HttpTrigger(Model):
    """Started by an HTTP request."""

    type: Literal["http"]
    path: str | None = Field(default=None, pattern="^/", description="the path that starts it; any, when absent")
    method: Method | None = Field(default=None, description="the method that starts it; POST, when absent")


class CronTrigger(Model):
    """Started by the clock."""

    type: Literal["cron"]
    expression: Name = Field(
        description="minute hour day month weekday, in UTC; weekdays are 1 (Sunday) to 7, or SUN to SAT"
    )


class EventTrigger(Model):
    """Started by an event of one type."""

    type: Literal["event"]
    eventType: str = Field(
        # The check stage asks for the pattern, so that what is wrong with nodes' event types is told with it.
        json_schema_extra={"minLength": 1, "maxLength": EVENT_TYPE_LENGTH, "pattern": EVENT_TYPE},
        description="the type of the event that starts it: 1 to 100 characters of A-Z a-z 0-9 _ -",
    )


class ManualTrigger(Model):
    """Started through the API only."""

    type: Literal["manual"]


Trigger = Annotated[HttpTrigger | CronTrigger | EventTrigger | ManualTrigger, Field(discriminator="type")]


class Artifact(Model):
    """A graph: nodes, the edges between them, and where it starts."""

    kind: Literal["workflow", "script"] = Field(
        default="workflow", description="`workflow` (durable, the default) or `script` (runs once per request)"
    )
    metadata: Metadata = Field(description="the graph's name and version")
    nodes: list[Node] = Field(min_length=1, description="the graph's nodes")
    edges: list[Edge] = Field(description="the edges between the nodes; `[]` when there are none")
    entryNodeId: Name = Field(description="the id of the node that the graph starts with")
    trigger: Trigger | None = Field(
        default=None, description="what starts it; a workflow may have none: an HTTP POST on any path"
    )


class EnvVar(Model):
    """A variable or secret of the Worker."""

    name: str = Field(pattern=ENV_NAME, description="the variable's name, upper case: `API_KEY`")
    value: str = Field(description="its value, or `{{global.env.NAME}}` for one of the project's")
    isSecret: bool = Field(default=False, description="whether it is stored as a secret")


class Source(Model):
    """A source file: the artifact and what may stand around it."""

    ir: Artifact = Field(description="the artifact")
    triggerCode: str | None = Field(
        default=None, description="code of the Worker's own handlers; a default one is made when it is absent or empty"
    )
    dependencies: dict[str, str] = Field(
        default_factory=dict, description='npm packages and their version ranges: {"zod": "^3"}'
    )
    envVars: list[EnvVar] = Field(default_factory=list, description="variables and secrets of the Worker")
    deployConfig: dict[str, Any] = Field(default_factory=dict, description="settings of the deployment")
