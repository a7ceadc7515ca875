"""What each built-in node type holds in `data`, as typed models.

A field that may hold an expression is `Any`-typed text: it is parsed by `stepwell.graph.expressions` and its
value is checked in `stepwell.check`. Numbers given as text ("5") are accepted where AwaitStep writes them so;
what is absent, null or blank is dropped before a model sees it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stepwell.graph.fields import Backoff, Duration, Form, Method, NumberOrText, RetryCount, Turns
from stepwell.graph.model import EVENT_TYPE_LENGTH


class Data(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Retrying(Data):
    """The retry settings that AwaitStep keeps in `data`; a node's `config` wins over them."""

    retryLimit: RetryCount | None = Field(default=None, description="how many times a failed node is tried again")
    retryDelay: Duration | None = Field(default=None, description='how long to wait before that: "10 seconds"')
    backoff: Backoff | None = Field(default=None, description="how the delay grows: constant, linear or exponential")
    timeout: Duration | None = Field(default=None, description='how long one attempt may take: "10 minutes"')


class StepData(Retrying):
    """A body of code, run as a durable step."""

    code: Annotated[str, Form("code")] = Field(
        description="the body of a function, TypeScript or JavaScript; what it returns is the value"
    )
    inline: bool = Field(default=False, description="run between the steps, on every replay, without retries")


class RequestData(Retrying):
    """An HTTP request."""

    method: Method = Field(default="GET", description="the request's method")
    url: Annotated[str, Form("string", format="url")] = Field(
        description="the address, beginning with http:// or https://; may hold expressions"
    )
    headers: Annotated[dict[str, Any] | str | None, Form("json")] = Field(
        default=None, description="the headers, an object or JSON text"
    )
    queryParams: Annotated[dict[str, Any] | str | None, Form("json")] = Field(
        default=None, description="parameters added to the address, an object or JSON text"
    )
    body: Annotated[Any, Form("code")] = Field(
        default=None, description="the body: an object, JSON text with expressions, or one expression"
    )
    throwOnError: bool = Field(default=True, description="whether a status that is not ok is an error")
    idempotencyKey: bool = Field(
        default=False, description="send an `Idempotency-Key` header that is the same on every attempt"
    )


class SubScriptData(RequestData):
    """A request to another Worker through a service binding."""

    workerName: Annotated[str, Form("string")] = Field(
        min_length=1, description="the name of the deployed Worker that is called"
    )
    method: Method = Field(default="POST", description="the request's method")
    url: Annotated[str, Form("string", format="url")] = Field(
        default="https://invoke/", description="the address that the called Worker sees"
    )


class SleepData(Data):
    """A pause."""

    duration: Duration = Field(
        description='how long to sleep, at most 365 days: "3 days", milliseconds, or an expression'
    )


class SleepUntilData(Data):
    """A pause up to a point in time."""

    timestamp: Annotated[str | int | float, Form("string", format="date-time")] = Field(
        description="when to go on: ISO 8601, milliseconds since 1970, or an expression"
    )


class WaitData(Data):
    """Waits for an event that is sent to the running instance."""

    eventType: Annotated[str, Form("string")] = Field(
        description=f"the type of the event: 1 to {EVENT_TYPE_LENGTH} characters of A-Z a-z 0-9 _ -"
    )
    timeout: Duration | None = Field(
        default=None, description='how long to wait, at most 365 days; "24 hours" when absent'
    )


class Arm(Data):
    """One arm of a branch."""

    label: Annotated[str, Form("string")] = Field(
        description="the arm's label; the edge that leads into the arm has the same one"
    )
    condition: Annotated[str, Form("expression")] = Field(
        default="", description="when the arm is taken; empty for the else arm, which stands last"
    )


class BranchData(Data):
    """Takes the first arm whose condition is true."""

    branches: Annotated[list[Arm], Form("json")] = Field(
        min_length=1, description="the arms: a label and a condition each"
    )


class ParallelData(Data):
    """Runs its arms at once."""

    mode: Literal["all", "settled"] = Field(
        default="all",
        description="`all`: the first error is thrown when every arm is done; `settled`: nothing is thrown",
    )


class NoData(Data):
    """Nothing."""


class LoopData(Data):
    """Repeats its body."""

    loopType: Literal["forEach", "while", "times"] = Field(
        description="`forEach` item of a collection, `while` a condition holds, or a number of `times`"
    )
    collection: Annotated[Any, Form("expression", when=("loopType", "forEach"), needed=True)] = Field(
        default=None, description="forEach: what to go through, an expression or an array"
    )
    itemVar: Annotated[str, Form("string", when=("loopType", "forEach"))] = Field(
        default="item", description="forEach: the name of the current item in the body"
    )
    indexVar: Annotated[str, Form("string")] = Field(
        default="i", description="the name of the current index, from 0, in the body"
    )
    condition: Annotated[str | None, Form("expression", when=("loopType", "while"), needed=True)] = Field(
        default=None, description="while: what must be true for another turn"
    )
    count: Annotated[NumberOrText, Form("expression", when=("loopType", "times"))] = Field(
        default=5, description="times: how many turns, a number or an expression"
    )
    concurrency: Turns = Field(default=1, description="how many turns may run at once")


class ExitData(Data):
    """Leaves the innermost loop; outside of loops it ends the run."""

    condition: Annotated[str | None, Form("expression")] = Field(
        default=None, description="leave only when this is true; always, when absent"
    )


class SubWorkflowData(Data):
    """Starts another workflow, and waits for it."""

    workflowId: Annotated[str, Form("string")] = Field(
        min_length=1, description="the name of the deployed Worker that holds the workflow"
    )
    workflowName: Annotated[str, Form("string")] = Field(
        min_length=1, description="the name of the workflow's class in that Worker"
    )
    input: Annotated[Any, Form("code")] = Field(
        default=None, description="the child's payload: an object, JSON text with expressions, or an expression"
    )
    waitForCompletion: bool = Field(default=True, description="whether to wait for the child's result")
    timeout: Duration = Field(default="5 minutes", description="how long to wait for the child")


class CustomData(Retrying):
    """What a custom node is configured with: `config` by its definition, `inputs` what else is handed in."""

    config: dict[str, Any] = Field(default_factory=dict, description="the values of the definition's fields")
    inputs: dict[str, Any] = Field(default_factory=dict, description="`input_x` of the data, as `x`")
