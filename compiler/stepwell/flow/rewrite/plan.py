"""What a change is asked for besides the graph that it leads to, and how it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str | None]
Json = dict[str, Any]


class Refused(Exception):
    """The change cannot be written into the file; the message says why."""

    def __init__(self, message: str, node: Any = None) -> None:
        super().__init__(message)
        self.message, self.node = message, node


@dataclass(frozen=True)
class Move:
    """A statement of a node that goes elsewhere: behind or before another one's, or first into an arm."""

    node: str
    where: str
    anchor: str
    label: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is known about a change besides where it leads: ids that become others, a statement that moves.

    `exact`: the order of nodes and of edges is a part of the graph; else it is what the statements make of it.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    move: Move | None = None
    exact: bool = True
