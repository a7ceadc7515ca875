"""Workflows written in Python.

A flow's file builds a graph with what this package exports. The file can be imported, which needs the standard
library alone; and it can be read without being run:

- `read(text)` gives the graph of a flow's file with the places of everything in it;
- `write(document)` gives a flow's file for a graph;
- `apply(text, edits)` changes a flow's file and leaves everything else in it as it is.

These three are loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepwell.flow.builder import (
    Flow,
    cron,
    env_var,
    http,
    manual,
    on_event,
    ref,
    retry,
    script,
    workflow,
)
from stepwell.flow.nodes import After, Arm, Branch, End, Loop, Node, Parallel, Race, Try
from stepwell.flow.values import (
    Condition,
    Expr,
    FlowError,
    Js,
    all_of,
    any_of,
    env,
    event,
    from_json,
    js,
    name,
    not_,
    or_,
    trigger,
)

if TYPE_CHECKING:
    from stepwell.flow.edits import Applied, apply
    from stepwell.flow.reader import Reading, read
    from stepwell.flow.writer import Written, write

__all__ = [
    "After",
    "Applied",
    "Arm",
    "Branch",
    "Condition",
    "End",
    "Expr",
    "Flow",
    "FlowError",
    "Js",
    "Loop",
    "Node",
    "Parallel",
    "Race",
    "Reading",
    "Try",
    "Written",
    "all_of",
    "any_of",
    "apply",
    "cron",
    "env",
    "env_var",
    "event",
    "from_json",
    "http",
    "js",
    "manual",
    "name",
    "not_",
    "on_event",
    "or_",
    "read",
    "ref",
    "retry",
    "script",
    "trigger",
    "workflow",
    "write",
]

_LATE = {
    "read": "reader",
    "Reading": "reader",
    "write": "writer",
    "Written": "writer",
    "apply": "edits",
    "Applied": "edits",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'stepwell.flow' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"stepwell.flow.{_LATE[name]}"), name)
