"""A run as it goes: a line for each thing that happens, and below them on a terminal what goes on now."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import singledispatchmethod
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from stepwell.cli.said import failure
from stepwell.cli.words import duration, plain
from stepwell.local import events as e

_ROOM = 72


class LiveView:
    """Call it with the events of a run. Not a terminal: lines alone, also one for each start."""

    def __init__(self, console: Console, real_time: bool) -> None:
        self._console = console
        self._real_time = real_time
        self._main: str | None = None
        self._now: dict[tuple[str, str], str] = {}
        self._slept: dict[tuple[str, str], int] = {}
        self._hints: list[str] = []
        self.is_empty = True
        self._live = Live(console=console, transient=True, refresh_per_second=12) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: e.RunEvent) -> None:
        """Shows one event."""
        self._show(event)
        if self._live is not None:
            spinners = [Spinner("dots", Text(words), style="cyan") for words in self._now.values()]
            self._live.update(Group(*spinners))

    @singledispatchmethod
    def _show(self, event: Any) -> None:
        """What has no line of its own is not shown."""

    @_show.register
    def _(self, event: e.StepStarted) -> None:
        again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
        self._begin(event.place, event.name, f"{self._called(event.place, event.name)}{again}")

    @_show.register
    def _(self, event: e.StepRetrying) -> None:
        said = f"attempt {event.attempt} failed: {self._error(event.error)}; again after {duration(event.delay_ms)}"
        self._line("↻", "yellow", event.place, event.name, said)

    @_show.register
    def _(self, event: e.StepCompleted) -> None:
        tries = f"at attempt {event.attempts} " if event.attempts > 1 else ""
        self._line("✓", "green", event.place, event.name, tries + (_short(event.output) or "no value"))

    @_show.register
    def _(self, event: e.StepFailed) -> None:
        self._line("✗", "red", event.place, event.name, self._error(event.error))

    @_show.register
    def _(self, event: e.SleepStarted) -> None:
        self._slept[_key(event.place, event.name)] = event.duration_ms
        self._begin(
            event.place,
            event.name,
            f"{self._called(event.place, event.name)} sleeps for {duration(event.duration_ms)}",
        )

    @_show.register
    def _(self, event: e.SleepEnded) -> None:
        how_long = duration(self._slept.pop(_key(event.place, event.name), 0))
        mark, said = ("✓", f"slept {how_long}") if self._real_time else ("⏩", f"{how_long} skipped")
        self._line(mark, "blue", event.place, event.name, said)

    @_show.register
    def _(self, event: e.WaitStarted) -> None:
        words = f"{self._called(event.place, event.name)} waits for an event {plain(event.event_type)}"
        self._begin(event.place, event.name, words)

    @_show.register
    def _(self, event: e.EventDelivered) -> None:
        self._print("→", "magenta", f"event {plain(event.event_type)}", _short(event.payload))

    @_show.register
    def _(self, event: e.WaitEnded) -> None:
        self._line("✓", "green", event.place, event.name, f"got {plain(event.event_type)}")

    @_show.register
    def _(self, event: e.WaitTimedOut) -> None:
        self._line("✗", "red", event.place, event.name, f"no event {plain(event.event_type)} came in time")

    @_show.register
    def _(self, event: e.RunEnded) -> None:
        if self._is_child(event.place):
            said = self._error(event.error) if event.error else _short(event.output)
            mark, style = ("✓", "green") if event.status == "complete" else ("✗", "red")
            self._print(mark, style, f"workflow {plain(event.place.workflow)}", said)

    @_show.register
    def _(self, event: e.Requested) -> None:
        status = "no answer" if event.status is None else str(event.status)
        source = " (mock)" if event.mocked else ""
        self._hints += [event.hint] if event.hint else []
        self._print("⇄", "dim", f"{plain(event.method)} {plain(event.url)}", f"{status}{source}")

    @_show.register
    def _(self, event: e.Logged) -> None:
        self._print("│", "dim", f"console.{plain(event.level)}", plain(event.text))

    def _begin(self, place: e.Place, name: str, words: str) -> None:
        self._main = self._main or place.instance
        self._now[_key(place, name)] = words
        if self._live is None:
            self._print("⋯", "dim", words, "")

    def _line(self, mark: str, style: str, place: e.Place, name: str, said: str) -> None:
        self._now.pop(_key(place, name), None)
        self._print(mark, style, self._called(place, name), said)

    def _print(self, mark: str, style: str, name: str, said: str) -> None:
        self.is_empty = False
        line = Text(f"{mark} ", style)
        line.append(name, "bold" if style != "dim" else "dim")
        if said:
            line.append(f"  {said}", "dim" if style in ("green", "dim") else style)
        self._console.print(line, soft_wrap=True, highlight=False)

    def _error(self, error: e.Failure) -> str:
        return failure(error, self._hints)

    def _called(self, place: e.Place, name: str) -> str:
        return f"{plain(place.workflow)} › {plain(name)}" if self._is_child(place) else plain(name)

    def _is_child(self, place: e.Place) -> bool:
        return self._main is not None and place.instance != self._main


def silent(_event: e.RunEvent) -> None:
    """The view of a run whose outcome alone is wanted."""


View = Callable[[e.RunEvent], None]


def _key(place: e.Place, name: str) -> tuple[str, str]:
    return place.instance, name


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and value.keys() == {"status", "headers", "body"}:
        return f"{value['status']} {_short(value['body'])}".rstrip()  # a request's headers are noise here
    text = plain(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}…"
