"""What the runtime writes, read: lines of Workers with where in their code they come from, events of instances."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stepwell.local.runtime import LogLine

_FRAME: Final = re.compile(r"\(?(?P<file>[^()\s]+):(?P<line>\d+):(?P<column>\d+)\)?$")


@dataclass(frozen=True)
class Frame:
    """A place in a module of a Worker; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class Written:
    """A line of `console.*`; without a Worker: of the runtime itself, or an error that nobody caught."""

    worker: str | None
    frame: Frame | None
    level: str
    text: str


@dataclass(frozen=True)
class Happened:
    """An entry of an instance's history; `workflow` is the workflow's id."""

    workflow: str
    instance: str
    entry: Mapping[str, Any]


class LogReader:
    """Reads the lines of one runtime. Lines with the mark come from what was put around the Workers."""

    def __init__(self, mark: str, told: Callable[[Written | Happened], None]) -> None:
        self._mark, self._told = mark, told
        self._next: tuple[str, Frame | None] | None = None
        self._lock = threading.Lock()

    def __call__(self, line: LogLine) -> None:
        """Reads one line."""
        with self._lock:
            if line.text.startswith(self._mark):
                self._marked(json.loads(line.text.removeprefix(self._mark)))
                return
            worker, frame = self._next or (None, None)
            self._next = None
        self._told(Written(worker, frame, line.level, line.text))

    def _marked(self, said: Mapping[str, Any]) -> None:
        if "worker" in said:
            found = _FRAME.search(said["at"])
            frame = Frame(found["file"], int(found["line"]), int(found["column"])) if found else None
            self._next = (said["worker"], frame)
        else:
            self._told(Happened(said["workflow"], said["instance"], said["event"]))
