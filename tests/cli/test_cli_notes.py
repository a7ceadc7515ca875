"""What a run was given and did not use, or was not given and would have used."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell import Compiled, compile_artifact
from stepwell.cli.notes import Given, at_the_end, at_the_start
from stepwell.local import events as e
from stepwell.local.mock import Mock, make_mock
from stepwell.local.run import PendingEvent, RunOptions

MAIN = e.Place("order", "i1", 0)
WAITS = e.WaitStarted(MAIN, "Approval", "approval")


def _graph(code: str, **around: Any) -> Compiled:
    node = {"id": "a", "type": "step", "name": "A", "data": {"code": code}}
    graph = {"metadata": {"name": "A"}, "entryNodeId": "a", "nodes": [node], "edges": []}
    return compile_artifact({"ir": graph, **around})


def _given(
    code: str = "return 1;",
    *,
    has_params: bool = False,
    mocks: tuple[Mock, ...] = (),
    events: tuple[str, ...] = (),
    env: tuple[str, ...] = (),
    **around: Any,
) -> Given:
    options = RunOptions(mocks=mocks, events=tuple(PendingEvent(kind, None) for kind in events))
    return Given([_graph(code, **around)], options, has_params, mocks, env, dict.fromkeys(env, ""))


def test_a_run_that_uses_all_it_is_given_has_no_notes() -> None:
    mock = make_mock("GET https://a.test/", {})
    given = _given(
        "return [event.payload, env.KEY];", has_params=True, mocks=(mock,), events=("approval",), env=("KEY",)
    )
    seen = (WAITS, e.EventDelivered(MAIN, "approval", None), e.Requested("GET", "https://a.test/", 200, True, None))
    assert (at_the_start(given), at_the_end(given, seen)) == ([], [])


def test_params_that_are_read_and_not_given() -> None:
    assert at_the_start(_given("return event.payload.n;")) == ["without --params `event.payload` is null"]


def test_a_variable_that_is_read_and_not_given() -> None:
    variables = [
        {"name": "PLAIN", "value": "1", "isSecret": False},
        {"name": "SECRET", "value": "", "isSecret": True},
    ]
    assert at_the_start(_given("return [env.KEY, env.PLAIN, env.SECRET];", envVars=variables)) == [
        "`env.KEY` is not given and is undefined: add --env KEY=VALUE",
        "`env.SECRET` is not given and is undefined: add --env SECRET=VALUE",
    ]


def test_a_variable_that_nothing_reads() -> None:
    assert at_the_start(_given("return env.API_KEY;", env=("APIKEY", "API_KEY"))) == [
        "--env APIKEY is not used: no graph reads `env.APIKEY`. Did you mean 'API_KEY'?"
    ]
    assert at_the_start(_given("return Object.keys(env);", env=("APIKEY",))) == []


@pytest.mark.parametrize(
    ("events", "seen", "note"),
    [
        (("aproval",), (WAITS,), "--event aproval was not delivered: nothing waited for it. Did you mean 'approval'?"),
        (("x",), (WAITS,), "--event x was not delivered: nothing waited for it. The run waited for 'approval'."),
        (("x",), (), "--event x was not delivered: nothing waited for it."),
        (
            ("approval", "approval"),
            (WAITS, e.EventDelivered(MAIN, "approval", None)),
            "--event approval was delivered 1 of 2 times: nothing waited for it any more",
        ),
    ],
)
def test_an_event_that_was_left_over(events: tuple[str, ...], seen: tuple[e.RunEvent, ...], note: str) -> None:
    assert at_the_end(_given(events=events), seen) == [note]


def test_a_mock_that_answered_nothing() -> None:
    mocks = tuple(make_mock(pattern, 1) for pattern in ("https://a.test/*", "GET https://a.test/b", "https://c.test/"))
    seen = (e.Requested("GET", "https://a.test/b", 200, True, None),)
    assert at_the_end(_given(mocks=mocks), seen) == [
        "--mock 'GET https://a.test/b' answered no request: 'https://a.test/*' stands before it and answered first",
        "--mock 'https://c.test/' answered no request",
    ]


@pytest.mark.parametrize(
    ("answer", "is_told"),
    [
        ({"status": 500, "boddy": 1}, True),
        ({"$sequence": [{"status": 503}, {"status": 200, "bdy": {}}]}, True),
        ({"status": 500, "body": 1}, False),
        ({"status": "paid", "id": 1}, False),
        ({"status": 3, "id": 1}, False),
        ([{"status": 500, "id": 1}], False),
    ],
)
def test_an_answer_that_is_mistyped(answer: Any, is_told: bool) -> None:
    assert bool(at_the_start(_given(mocks=(make_mock("https://a.test/", answer),)))) == is_told
