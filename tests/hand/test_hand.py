"""The compiled Worker and the one written by hand do the same, seen from outside: steps, requests, result, answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from stepwell.bundle.toolchain import Toolchain, ensure
from tests.golden.happened import Json, differences
from tests.golden.runner import Run, happened

from .pairs import HandCase, Pair, all_pairs, by_hand, compiled_pair

CASES: Final = all_pairs()
NAMES: Final = [case.name for case in CASES]
TOKEN: Final = "t0ken"

Told = dict[tuple[str, int], Json]


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    """Missing tools are a failure."""
    return ensure()


@pytest.fixture(scope="module")
def pairs(toolchain: Toolchain) -> list[Pair]:
    return [compiled_pair(case, toolchain) for case in CASES]


@pytest.fixture(scope="module")
def ran(toolchain: Toolchain, pairs: list[Pair]) -> tuple[Told, Told]:
    """What happened in all runs: compiled, and by hand."""
    ours = [run for pair in pairs for run in [*pair.ours, *_doors(pair)]]
    theirs = [by_hand(run, pair.case) for pair in pairs for run in [*pair.ours, *_doors(pair)]]
    return _happened(toolchain, ours), _happened(toolchain, theirs)


def _happened(toolchain: Toolchain, runs: Sequence[Run]) -> Told:
    return {key: _at_rest(told) for key, told in happened(toolchain, runs).items()}


def _at_rest(value: Any) -> Any:
    """What a Worker says of an instance that has not ended, without how far it has come by then."""
    if isinstance(value, dict):
        at_work = value.get("status") in ("queued", "running", "waiting")
        return {key: "<at work>" if at_work and key == "status" else _at_rest(item) for key, item in value.items()}
    return [_at_rest(item) for item in value] if isinstance(value, list) else value


def test_there_are_ten() -> None:
    assert len(CASES) >= 10


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_both_do_the_same(case: HandCase, ran: tuple[Told, Told]) -> None:
    ours, theirs = ran
    runs = [key for key in ours if key[0] == case.name]
    assert len(runs) >= 2
    for key in runs:
        assert "failed" not in ours[key], key
        assert differences(theirs[key], ours[key]) == [], key
        assert differences(ours[key], theirs[key]) == [], key


@pytest.mark.parametrize("case", [case for case in CASES if not case.script], ids=lambda case: case.name)
def test_the_first_run_comes_to_its_end(case: HandCase, ran: tuple[Told, Told]) -> None:
    first = ran[0][case.name, 0]
    assert first["status"] == "complete"
    assert len(first["steps"]) > 3


def _doors(pair: Pair) -> Iterator[Run]:
    """What strangers and the owner say to the Worker: without a token that is asked for, and with one."""
    if pair.case.script:
        return
    first, number = pair.ours[0], len(pair.ours)
    talk = list(_talk(pair.case, first.plan.get("params")))
    yield _door(first, number, {}, talk)
    signed = [{**said, "headers": {"authorization": f"bearer  {TOKEN}"}} for said in talk]
    wrong = [
        {**talk[0], "headers": {"authorization": word}} for word in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}")
    ]
    yield _door(first, number + 1, {"TRIGGER_TOKEN": TOKEN}, [*wrong, talk[2], *signed])


def _door(first: Run, number: int, env: dict[str, str], talk: Sequence[Json]) -> Run:
    given = {**first.spec.vars, **env}
    plan = {"requests": talk, "mocks": first.plan["mocks"]}
    return replace(first, number=number, plan=plan, spec=replace(first.spec, vars=given))


def _talk(case: HandCase, params: Any) -> Iterator[Json]:
    path = case.trigger.get("path", "/")
    event = {"eventType": "approval", "payload": {"approved": True}}
    yield {"method": "GET", "path": "/"}
    yield {"method": "PUT", "path": path, "text": "x"}
    yield {"method": "POST", "path": "/elsewhere", "body": params}
    yield {"method": "POST", "path": path, "body": params}
    yield {"method": "GET", "path": "/?instanceId=nobody"}
    yield {"method": "POST", "path": path, "body": {"instanceId": "nobody", **event}}
    if "expression" in case.trigger:
        yield {"scheduled": case.trigger["expression"], "time": 1793761200000, "then": 1}
    else:
        yield {"method": "GET", "path": f"{path}?instanceId=$1"}
        yield {"method": "POST", "path": "/", "body": {"instanceId": "$1", **event}, "then": 1}


def test_the_files_are_those_of_a_case() -> None:
    """What lies beside them is nothing that the others forgot."""
    for case in CASES:
        files = {path.name for path in case.folder.iterdir()}
        assert files == {"graph.json", "hand.js", "run.json"} | {f"{child}.json" for child in case.called}
        assert json.loads(case.graph)["nodes"]
