"""A test case: a graph in the words of the generator, and what it is as an artifact.

Every step tells in its value where it ran (`tag`, with the indices of the loops around it) and what it read (`r`).
What happens in a run (which arm, how many turns, which failures) is asked of `event.payload`, the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

CONTAINERS: Final = frozenset({"branch", "parallel", "race", "loop", "try_catch"})
VALUED: Final = frozenset({"step", "http_request", "wait_for_event", "sub_workflow", "sub_script"})
"""Node types that have a value of their own, containers aside."""

EPOCH: Final = 1_767_225_600_000
"""When runs begin, in milliseconds since 1970."""
WAIT_MS: Final = 60_000
HANG_MS: Final = 5_000
CHILD_SECONDS: Final = 20
STATES: Final = 3
"""A scenario has so many answers for each question; the innermost loop's index chooses."""


@dataclass(frozen=True)
class Read:
    """A node reads `part` of another's value; without `node`, a variable: `item`, `err`, an index, the payload."""

    node: str
    part: str
    default: bool = False
    by_name: bool = False


@dataclass(frozen=True)
class Node:
    id: str
    type: str
    name: str = ""
    reads: tuple[Read, ...] = ()
    inline: bool = False
    nothing: bool = False
    """A step that returns nothing."""
    writes: str = ""
    """How a step writes `_output`: `assign` or `append`."""
    spoils: tuple[str, ...] = ()
    """Whose values the body changes: nodes, `event`, `item`."""
    retries: int | None = None
    throws: bool = True
    method: str = "GET"
    arms: tuple[str, ...] = ()
    has_else: bool = False
    asks: str = ""
    """The node whose having run is the condition, instead of the scenario's word."""
    impure: bool = False
    """The condition, count, collection or duration is not provably deterministic."""
    settled: bool = False
    kind: str = "times"
    concurrency: int = 1
    source: str = ""
    """The step whose list a forEach goes through."""
    bare: bool = False
    waits: bool = True

    @property
    def always_exits(self) -> bool:
        return self.type == "break" and self.bare

    @property
    def number(self) -> int:
        return int(self.id[1:])


@dataclass(frozen=True)
class Edge:
    source: str
    target: str
    label: str | None = None


@dataclass(frozen=True)
class Case:
    """A graph; `entry` is the place of the node that it starts with."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    entry: int = 0
    script: bool = False
    watched: bool = False
    """Bodies tell the world that they run, and take their time."""

    def step_name(self, node: Node) -> str:
        """Of equal display names all but the first carry their id."""
        first = next(other for other in self.nodes if other.name == node.name)
        return node.name if first.id == node.id else f"{node.name} ({node.id})"


def timeout_of(node: Node) -> int:
    """The milliseconds after which a wait or a step gives up: another number for each node, so that messages tell."""
    return (WAIT_MS if node.type == "wait_for_event" else HANG_MS) + node.number
