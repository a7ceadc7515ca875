"""A run as it is shown, and what it came to; the events are those of the local runtime."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from stepwell.cli import outcome
from stepwell.cli.live import LiveView
from stepwell.cli.steps import StepTable
from stepwell.cli.words import duration, skipped
from stepwell.local import events as e

MAIN = e.Place("order", "i1", 0)
CHILD = e.Place("mail", "i2", 0)
DAY = 86_400_000


def _lines(*events: e.RunEvent, real_time: bool = False, terminal: bool = False) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, color_system=None, width=200)
    with LiveView(console, real_time) as view:
        for event in events:
            view(event)
    return out.getvalue().splitlines()


def test_a_step_that_is_retried() -> None:
    assert _lines(
        e.StepStarted(MAIN, "Charge", 1),
        e.Requested("POST", "https://pay.test/", 503, True, None),
        e.StepRetrying(MAIN, "Charge", 1, e.Failure("Error", "503"), 10_000),
        e.StepStarted(MAIN, "Charge", 2),
        e.StepCompleted(MAIN, "Charge", 2, {"id": 1}, 12),
    ) == [
        "⋯ Charge",
        "⇄ POST https://pay.test/  503 (mock)",
        "↻ Charge  attempt 1 failed: Error: 503; again after 10 seconds",
        "⋯ Charge (attempt 2)",
        '✓ Charge  at attempt 2 {"id": 1}',
    ]


def test_sleeps_are_skipped_or_slept() -> None:
    events = (e.SleepStarted(MAIN, "Nap", DAY), e.SleepEnded(MAIN, "Nap"))
    assert _lines(*events) == ["⋯ Nap sleeps for 1 day", "⏩ Nap  1 day skipped"]
    assert _lines(*events, real_time=True)[-1] == "✓ Nap  slept 1 day"


def test_an_event_that_is_waited_for() -> None:
    assert _lines(
        e.WaitStarted(MAIN, "Approval", "approval"),
        e.EventDelivered(MAIN, "approval", {"by": "Ada"}),
        e.WaitEnded(MAIN, "Approval", "approval"),
        e.WaitTimedOut(MAIN, "Second", "other"),
    ) == [
        "⋯ Approval waits for an event approval",
        '→ event approval  {"by": "Ada"}',
        "✓ Approval  got approval",
        "✗ Second  no event other came in time",
    ]


def test_what_a_child_does_stands_under_its_name() -> None:
    assert _lines(
        e.StepStarted(MAIN, "Call", 1),
        e.StepStarted(CHILD, "Send", 1),
        e.StepFailed(CHILD, "Send", 1, e.Failure("Error", "no")),
        e.RunEnded(CHILD, "errored", None, e.Failure("Error", "no")),
        e.RunEnded(MAIN, "complete", 1, None),
    ) == ["⋯ Call", "⋯ mail › Send", "✗ mail › Send  Error: no", "✗ workflow mail  Error: no"]


def test_names_and_results_cannot_steer_the_terminal() -> None:
    text = "\n".join(
        _lines(e.StepStarted(MAIN, "\x1b[2J[red]", 1), e.StepCompleted(MAIN, "\x1b[2J[red]", 1, "x" * 999, 1))
    )
    assert "\x1b" not in text
    assert "[red]" in text
    assert len(text) < 300


def test_a_terminal_shows_what_is_going_on_and_keeps_what_is_done() -> None:
    shown = "\n".join(_lines(e.StepStarted(MAIN, "A", 1), e.StepCompleted(MAIN, "A", 1, None, 1), terminal=True))
    assert "✓ A" in shown
    assert "⋯" not in shown


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (250, "0.25 seconds"),
        (1000, "1 second"),
        (90_000, "1 minute 30 seconds"),
        (DAY - 40, "1 day"),
        (9 * DAY, "9 days"),
    ],
)
def test_durations(milliseconds: int, words: str) -> None:
    assert duration(milliseconds) == words


HINT = "no mock answers GET https://x.test/: add --mock 'GET https://x.test/=JSON', or --allow-network"
FAILED = e.StepRecord("Fetch", "do", 1, "failed", None, e.Failure("NonRetryableError", HINT), 0, 5)
DONE = e.StepRecord("Price", "do", 1, "completed", {"total": 3}, None, 0, 1)
ERRORED = e.Outcome("errored", None, e.Failure("WorkflowFatalError", "a step threw"), (DONE, FAILED), 40, 2 * DAY)
REPORT = outcome.Report(
    ERRORED,
    (e.Requested("GET", "https://x.test/", None, False, HINT),),
    StepTable(
        {
            "steps": [{"name": "Fetch", "node": "fetch-1"}, {"name": "Price", "node": "Price"}],
            "nodes": [{"id": "fetch-1", "name": "Fetch"}, {"id": "Price", "name": "Price"}],
        }
    ),
)


@pytest.mark.parametrize(
    ("step", "node"),
    [
        ("Charge", "c"),
        ("Charge [3][0]", "c"),
        ("First: winner", "f"),
        ("Call: status [4]", "s"),
        ("Call: status [4] [1][2]", "s"),
        ("Call: part 2 [1]", "s"),
        ("Odd: value", "o"),
        ("Odd: value: value [2]", "o"),
        ("List [1]", "l"),
        ("List [1] [7]", "l"),
        ("Elsewhere", None),
    ],
)
def test_the_node_of_a_step(step: str, node: str | None) -> None:
    names = {"c": "Charge", "f": "First", "s": "Call", "o": "Odd: value", "l": "List [1]"}
    table = StepTable({"steps": [{"name": name, "node": id_} for id_, name in names.items()]})
    found = table.node(step)
    assert (found.id if found else None) == node


def _shown(report: outcome.Report) -> list[str]:
    out = io.StringIO()
    outcome.show(report, Console(file=out, width=200, highlight=False, markup=False))
    return out.getvalue().strip().splitlines()


def test_an_error_is_shown_with_its_node_and_its_hint() -> None:
    assert _shown(REPORT) == [
        "errored in 0.04 seconds, 2 days skipped",
        "WorkflowFatalError: a step threw",
        "  because of NonRetryableError: no mock answers GET https://x.test/",
        '  node fetch-1 "Fetch"',
        "  hint: add --mock 'GET https://x.test/=JSON', or --allow-network",
    ]


def test_a_request_without_an_answer_is_told_once() -> None:
    failed = e.Failure("NonRetryableError", f"{HINT} (GET https://x.test/)")
    assert _lines(e.Requested("GET", "https://x.test/", None, False, HINT), e.StepFailed(MAIN, "Fetch", 1, failed)) == [
        "⇄ GET https://x.test/  no answer",
        "✗ Fetch  NonRetryableError: no mock answers GET https://x.test/",
    ]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("POST https://x.test/ answered 503: ", "Error: POST https://x.test/ answered 503"),
        ("Execution timed out after 172800000ms", "Error: Execution timed out after 2 days"),
        ("took 5ms", "Error: took 5ms"),
    ],
)
def test_an_error_in_words(message: str, words: str) -> None:
    assert _lines(e.StepFailed(MAIN, "A", 1, e.Failure("Error", message))) == [f"✗ A  {words}"]


def test_a_step_without_a_value_says_so() -> None:
    assert _lines(e.StepCompleted(MAIN, "A", 2, None, 1)) == ["✓ A  at attempt 2 no value"]


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(4_990, "5 seconds"), (9_994, "10 seconds"), (1_460, "1.5 seconds")]
)
def test_what_was_skipped_is_what_was_asked_for(milliseconds: int, words: str) -> None:
    assert skipped(milliseconds) == words


def test_an_event_that_did_not_come_says_how_to_give_it() -> None:
    wait = e.StepRecord("Approval", "wait", 1, "failed", None, e.Failure("WorkflowTimeoutError", "late"), 0, 5)
    ended = replace(ERRORED, steps=(wait,), error=e.Failure("Error", "late"))
    report = replace(REPORT, outcome=ended, events=(e.WaitTimedOut(MAIN, "Approval", "approval"),))
    assert _shown(report)[-1] == "  hint: --event 'approval=JSON' delivers the event"


def test_a_result_is_shown() -> None:
    done = replace(ERRORED, status="complete", error=None, output={"ok": True}, http_status=200)
    assert _shown(replace(REPORT, outcome=done)) == [
        "complete (HTTP 200) in 0.04 seconds, 2 days skipped",
        "{",
        '  "ok": true',
        "}",
    ]
    assert _shown(replace(REPORT, outcome=replace(done, output=None)))[-1] == "no result"


def test_the_json_document() -> None:
    document = json.loads(outcome.as_json(REPORT))
    assert document["status"] == "errored"
    assert document["error"] == {
        "name": "WorkflowFatalError",
        "message": "a step threw",
        "cause": {"name": "NonRetryableError", "message": HINT, "place": None},
        "step": "Fetch",
        "nodeId": "fetch-1",
        "place": None,
        "hint": HINT,
    }
    assert [(step["name"], step["nodeId"], step["outcome"]) for step in document["steps"]] == [
        ("Price", "Price", "completed"),
        ("Fetch", "fetch-1", "failed"),
    ]
    assert document["requests"][0]["url"] == "https://x.test/"
    assert document["notes"] == []
