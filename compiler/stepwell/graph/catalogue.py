"""The node catalogue: one row a type. A new kind of node is a row here, a lowering and a template partial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from stepwell.graph import data as d

if TYPE_CHECKING:
    from stepwell.graph.nodes import CustomNode

Shape = Literal["plain", "branch", "parallel", "race", "loop", "try"]
Setting = Literal["retries", "timeout"]
DataModel = type[d.Data]

_BOTH: frozenset[Setting] = frozenset({"retries", "timeout"})
_TIMEOUT: frozenset[Setting] = frozenset({"timeout"})


@dataclass(frozen=True, slots=True)
class NodeKind:
    """A node type: its data, how edges leave it, whether other nodes can read a value of it.

    `labels` are the fixed labels of its arms (a branch's come from its data; every edge but `then` is an arm
    of a parallel or a race); `required` are those without which it means nothing. `settings` are the run
    settings that have an effect on it, wherever they stand (`retries` covers limit, delay and backoff).
    `category` is where an editor lists it. `keys` are those that its data may have. `custom` is the node that
    somebody else defined.
    """

    type: str
    title: str
    data: DataModel
    shape: Shape = "plain"
    value: bool = True
    durable: bool = False
    labels: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    settings: frozenset[Setting] = frozenset()
    category: str = "Control Flow"
    custom: CustomNode | None = field(default=None, repr=False, compare=False)
    keys: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        own = self.custom.definition.configSchema.keys() if self.custom else self.data.model_fields
        object.__setattr__(self, "keys", frozenset(own))

    @property
    def is_container(self) -> bool:
        return self.shape != "plain"


BUILTIN: dict[str, NodeKind] = {
    kind.type: kind
    for kind in (
        NodeKind("step", "Step", d.StepData, settings=_BOTH),
        NodeKind("http_request", "HTTP request", d.RequestData, settings=_BOTH, category="HTTP"),
        NodeKind("sleep", "Sleep", d.SleepData, value=False, durable=True, category="Scheduling"),
        NodeKind("sleep_until", "Sleep until", d.SleepUntilData, value=False, durable=True, category="Scheduling"),
        NodeKind(
            "wait_for_event", "Wait for event", d.WaitData, durable=True, settings=_TIMEOUT, category="Scheduling"
        ),
        NodeKind("branch", "Branch", d.BranchData, shape="branch", value=False),
        NodeKind("parallel", "Parallel", d.ParallelData, shape="parallel"),
        NodeKind("race", "Race", d.NoData, shape="race"),
        NodeKind("loop", "Loop", d.LoopData, shape="loop", labels=("body",), required=("body",)),
        NodeKind(
            "try_catch",
            "Try/catch",
            d.NoData,
            shape="try",
            value=False,
            labels=("try", "catch", "finally"),
            required=("try", "catch"),
        ),
        NodeKind("break", "Exit", d.ExitData, value=False),
        NodeKind("sub_workflow", "Sub-workflow", d.SubWorkflowData, settings=_TIMEOUT),
        NodeKind("sub_script", "Call script", d.SubScriptData, settings=_BOTH),
    )
}

_OTHER_NAMES: dict[str, str] = {
    "step": "action code function javascript script task",
    "http_request": "api fetch http request rest webhook",
    "sleep": "delay pause timer",
    "wait_for_event": "event signal wait waitevent",
    "branch": "choice condition decision if ifelse router switch",
    "parallel": "all fanout fork",
    "loop": "each for foreach iterate map repeat while",
    "try_catch": "catch errorhandler try",
    "break": "end exit return stop",
    "sub_workflow": "child subflow workflow",
}
ALIASES: dict[str, str] = {name: kind for kind, names in _OTHER_NAMES.items() for name in names.split()}
"""What other editors call the types, in small letters alone: better guesses than words that look alike."""
