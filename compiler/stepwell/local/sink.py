"""Puts what a run tells into the order it happened."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

from .events import Logged, Requested, RunEvent, StepStarted
from .mock import Exchange
from .runtime import LogLine


class Sink:
    """Hands events on in the order they happened.

    Console lines and requests are heard of at once, steps only when the engine is asked; so those wait here
    for what the engine tells of the same time. ``live``: there is no engine to wait for.
    """

    def __init__(self, on_event: Callable[[RunEvent], None] | None, *, live: bool) -> None:
        self._on_event = on_event
        self._live = live
        self._held: list[tuple[float, RunEvent]] = []
        self._lock = threading.Lock()

    def log(self, line: LogLine) -> None:
        self._hold(line.at, Logged(line.level, line.text))

    def exchange(self, made: Exchange) -> None:
        event = Requested(made.method, made.url, made.status, made.mocked, made.hint)
        self._hold(time.time() * 1000, event)

    def _hold(self, at: float, event: RunEvent) -> None:
        with self._lock:
            self._held.append((at, event))
        if self._live:
            self.flush()

    def flush(self, told: Sequence[tuple[float, RunEvent]] = ()) -> None:
        """Hands on what is held and what the engine tells, each with its real time in milliseconds."""
        with self._lock:
            held, self._held = self._held, []
            for _, event in sorted([*told, *held], key=_order):
                if self._on_event is not None:
                    self._on_event(event)


def _order(timed: tuple[float, RunEvent]) -> tuple[int, int]:
    """Within a millisecond, what a step did comes after its start and before its end."""
    at, event = timed
    rank = 0 if isinstance(event, StepStarted) else 1 if isinstance(event, Logged | Requested) else 2
    return math.floor(at), rank
