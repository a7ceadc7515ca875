"""What a run tells comes out in the order it happened."""

from __future__ import annotations

import time

from stepwell.local import events as e
from stepwell.local.mock import Exchange
from stepwell.local.runtime import LogLine
from stepwell.local.sink import Sink

MAIN = e.Place("order", "i1", 0)
AT = 1_000_000.0


def _start(name: str) -> e.RunEvent:
    return e.StepStarted(MAIN, name, 1)


def _end(name: str) -> e.RunEvent:
    return e.StepCompleted(MAIN, name, 1, None, 0)


def _words(event: e.RunEvent) -> str:
    if isinstance(event, e.Logged):
        return event.text
    kinds = {e.StepStarted: "+", e.StepCompleted: "-", e.StepRetrying: "-", e.EventDelivered: "event"}
    return kinds[type(event)] + getattr(event, "name", "")


def _told(told: list[tuple[float, e.RunEvent]], *lines: tuple[float, str]) -> list[str]:
    seen: list[str] = []
    sink = Sink(lambda event: seen.append(_words(event)), live=False)
    for at, text in lines:
        sink.log(LogLine("log", text, at))
    sink.tell(told)
    sink.flush()
    return seen


def test_steps_of_one_millisecond_keep_the_engines_order() -> None:
    steps = [(AT, _start("a")), (AT, _end("a")), (AT, _start("b")), (AT + 1, _end("b"))]
    assert _told(steps) == ["+a", "-a", "+b", "-b"]


def test_a_line_stands_inside_its_step() -> None:
    steps = [(AT, _start("a")), (AT + 2, _end("a")), (AT + 9, _start("b")), (AT + 9, _end("b"))]
    assert _told(steps, (AT + 2.7, "of a"), (AT + 9.9, "of b")) == ["+a", "of a", "-a", "+b", "of b", "-b"]


def test_a_line_between_two_steps_stays_there() -> None:
    steps = [(AT, _start("a")), (AT + 2, _end("a")), (AT + 9, _start("b")), (AT + 9, _end("b"))]
    assert _told(steps, (AT + 5, "between")) == ["+a", "-a", "between", "+b", "-b"]


def test_a_line_that_comes_late_stands_before_the_failure_of_its_attempt() -> None:
    seen: list[str] = []
    sink = Sink(lambda event: seen.append(_words(event)), live=False)
    now = time.time() * 1000
    failed = e.StepRetrying(MAIN, "a", 2, e.Failure("Error", "no"), 0)
    sink.tell([(now, _start("a")), (now + 1, failed)])
    sink.log(LogLine("log", "attempt 2", now + 1))
    assert seen == []
    sink.settle()
    assert seen == ["+a", "attempt 2", "-a"]


def test_without_an_engine_nothing_waits() -> None:
    seen: list[e.RunEvent] = []
    sink = Sink(seen.append, live=True)
    sink.exchange(Exchange("w", "GET", "https://a.test/", 200, True, None))
    assert seen == [e.Requested("GET", "https://a.test/", 200, True, None)]
