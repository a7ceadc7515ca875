"""Puts what a run tells into the order it happened."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from .events import Logged, Requested, RunEvent, StepCompleted, StepFailed, StepRetrying, StepStarted
from .mock import Exchange
from .runtime import LogLine

_GRACE_MS = 50
"""How long a line may take from a Worker to here; younger events wait for what may belong before them."""

_ENDS = StepCompleted | StepFailed | StepRetrying


class Sink:
    """Hands events on in the order they happened.

    The engine tells steps in their order, but only when it is asked; console lines come through a pipe, requests
    at once. So all of them wait here for a moment. ``live``: there is no engine to wait for.
    """

    def __init__(self, on_event: Callable[[RunEvent], None] | None, *, live: bool) -> None:
        self._on_event = on_event
        self._live = live
        self._told: list[tuple[int, RunEvent]] = []
        self._held: list[tuple[int, RunEvent]] = []
        self._running: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def log(self, line: LogLine) -> None:
        self._hold(line.at, Logged(line.level, line.text))

    def exchange(self, made: Exchange) -> None:
        event = Requested(made.method, made.url, made.status, made.mocked, made.hint)
        self._hold(time.time() * 1000, event)

    def _hold(self, at: float, event: RunEvent) -> None:
        with self._lock:
            self._held.append((math.floor(at), event))
        if self._live:
            self.flush()

    def tell(self, told: Sequence[tuple[float, RunEvent]] = ()) -> None:
        """Takes what the engine tells, in its order, each with its real time in milliseconds."""
        self._pass_on(told, time.time() * 1000 - _GRACE_MS)

    def flush(self) -> None:
        """Hands on all there is."""
        self._pass_on((), math.inf)

    def settle(self) -> None:
        """Waits until nothing can come before what is there, and hands it on: before a long silence."""
        if self._told or self._held:
            time.sleep(_GRACE_MS / 1000)
            self.flush()

    def _pass_on(self, told: Sequence[tuple[float, RunEvent]], until: float) -> None:
        with self._lock:
            self._told += [(math.floor(at), event) for at, event in told]
            ready, self._told = _split(self._told, until)
            between, self._held = _split(self._held, until)
            for event in self._merged(ready, between):
                if self._on_event is not None:
                    self._on_event(event)

    def _merged(self, told: Sequence[tuple[int, RunEvent]], held: Sequence[tuple[int, RunEvent]]) -> Iterator[RunEvent]:
        """Millisecond by millisecond: the engine's own order, and what a step did inside of the step."""
        for at in sorted({at for at, _ in (*told, *held)}):
            group = [event for when, event in told if when == at]
            mine = [event for when, event in held if when == at]
            places = list(self._places(group))
            # A request that is answered belongs to a step that is about to end, a line rather to one that begins.
            where = [places[0] if isinstance(event, Requested) else places[-1] for event in mine]
            for place, event in enumerate([*group, None]):
                yield from (one for one, its in zip(mine, where, strict=True) if its == place)
                if event is not None:
                    yield event

    def _places(self, group: Sequence[RunEvent]) -> Iterator[int]:
        """Where among events of one millisecond a step's doings can stand: before an end, or last of all."""
        found = False
        for place, event in enumerate(group):
            if isinstance(event, _ENDS) and self._running:
                found = True
                yield place
            self._note(event)
        if self._running or not found:
            yield len(group)

    def _note(self, event: RunEvent) -> None:
        if isinstance(event, StepStarted):
            self._running.add((event.place.instance, event.name))
        elif isinstance(event, _ENDS):
            self._running.discard((event.place.instance, event.name))


def _split(
    timed: list[tuple[int, RunEvent]], until: float
) -> tuple[list[tuple[int, RunEvent]], list[tuple[int, RunEvent]]]:
    """What is not younger than ``until``, by time, and the rest."""
    ordered = sorted(timed, key=lambda pair: pair[0])
    count = sum(at <= until for at, _ in ordered)
    return ordered[:count], ordered[count:]
