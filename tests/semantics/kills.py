"""Instances on the real runtime, whose process is killed again and again: SIGKILL, and it resumes by itself.

Bodies tell the world that they run. None that had finished runs again, none runs twice in one life of the process, and
what comes out is what the reference says.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from stepwell.bundle.toolchain import Toolchain
from stepwell.local.config import WorkerSpec
from stepwell.local.events import Outcome, RunEvent
from stepwell.local.history import History
from stepwell.local.mock import Desk, Response, World
from stepwell.local.party import Job, Party, RunOptions, party
from stepwell.local.runtime import Runtime
from tests.semantics.case import Json
from tests.semantics.compare import differences, expected
from tests.semantics.generate import Drawn
from tests.semantics.reference import interpret
from tests.semantics.shape import Shape
from tests.semantics.validate import Tally
from tests.semantics.workerd import Answers, callee, child, seen_of, spec_of

_ID: Final = "instance"
_LOG: Final = "https://log.test/"
_EVENTS: Final = 30
_PATIENCE: Final = 120.0
_OVER: Final = ("workflow_completed", "workflow_errored")


def hastened(drawn: Drawn) -> Drawn:
    """The case with one scenario that takes no real time: short sleeps, no retries, events that are there at once."""
    nodes = tuple(replace(node, retries=10) for node in drawn.case.nodes)
    case = replace(drawn.case, nodes=nodes, watched=True)
    scenario = drawn.scenarios[0]
    events = [
        [0, f"ev-{node.id}", {"tag": f"{node.id} event {number}", "type": "own"}]
        for node in nodes
        if node.type == "wait_for_event"
        for number in range(_EVENTS)
    ]
    quick = {"fail": "fatal", "flaky": "ok", "503": "404", "never": "ok"}
    words = {
        what: {node: [quick.get(word, word) for word in told] for node, told in scenario[what].items()}
        for what in ("does", "answers", "child")
    }
    scenario = {**scenario, **words, "events": events, "ms": dict.fromkeys(scenario["ms"], 30)}
    return Drawn(case, Shape(case), drawn.pairs, (scenario,))


def longest(cases: Sequence[Drawn], count: int) -> list[Drawn]:
    """The cases in which most steps run: a short one is over before it can be killed."""

    def steps(drawn: Drawn) -> int:
        quick = hastened(drawn)
        run = interpret(quick.case, quick.shape, quick.scenarios[0])
        return sum(record.kind == "do" and record.sure for record in run.records)

    return sorted(cases, key=steps, reverse=True)[:count]


@dataclass
class _Guest:
    """A case with the Workers that take part, and what the world has seen of it."""

    drawn: Drawn
    party: Party
    answers: Answers
    bodies: list[tuple[int, str]] = field(default_factory=list)
    """Life of the process and step, for each body that ran."""
    finished: list[set[str]] = field(default_factory=list)
    """What was finished when the process was killed, by life."""

    @property
    def place(self) -> dict[str, Any]:
        main = self.party.main
        return {"worker": main.name, "workflow": main.workflows[0].name, "key": main.workflows[0].id, "id": _ID}

    def described(self, runtime: Runtime) -> list[Json]:
        """The engine's history."""
        found: Json | None = runtime.call("describe", self.place)
        return list(found["events"]) if found else []


class _Watching(Desk):
    """Answers one guest's requests, and notes which bodies run."""

    def __init__(self, guest: _Guest, life: list[int]) -> None:
        super().__init__((), allow_network=False, on_exchange=lambda _: None)
        self._guest, self._life = guest, life

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        if not url.startswith(_LOG):
            return self._guest.answers.answer(url)
        self._guest.bodies.append((self._life[0], unquote(url.removeprefix(_LOG))))
        return Response(200, {}, b"")


def validate_killed(
    toolchain: Toolchain, cases: Sequence[Drawn], kills: int, rng: random.Random, tally: Tally
) -> list[list[str]]:
    """What is wrong with each case when the process is killed so many times."""
    guests = [_guest(number, hastened(drawn)) for number, drawn in enumerate(cases)]
    life = [0]
    desks = {worker.name: _Watching(guest, life) for guest in guests for worker in guest.party.workers}
    workers = [worker for guest in guests for worker in guest.party.workers]
    with World(desks) as world, tempfile.TemporaryDirectory() as state:
        for life[0] in range(kills + 1):
            with _runtime(toolchain, workers, Path(state), world) as runtime:
                if life[0] == 0:
                    _start(runtime, guests)
                if life[0] < kills:
                    _kill(runtime, guests, rng.uniform(0.05, 0.5))
                else:
                    found = [list(_faults(guest, runtime)) for guest in guests]
                    _count(guests, tally)
                    return found
    raise AssertionError


def _count(guests: Sequence[_Guest], tally: Tally) -> None:
    for guest in guests:
        bodies = Counter(name for _, name in guest.bodies)
        tally.counts["workerd killed, instances"] += len(guest.finished)
        tally.counts["workerd killed, instances in the middle"] += len({life for life, _ in guest.bodies}) > 1
        tally.counts["workerd killed, bodies"] += sum(bodies.values())
        tally.counts["workerd killed, bodies that were interrupted"] += sum(times - 1 for times in bodies.values())


def _guest(number: int, drawn: Drawn) -> _Guest:
    (scenario,) = drawn.scenarios
    job = Job(spec_of(drawn), RunOptions(params=scenario), (callee(), child(scenario)))
    return _Guest(drawn, party(number, job), Answers(scenario))


def _runtime(toolchain: Toolchain, workers: Sequence[WorkerSpec], state: Path, world: World) -> Runtime:
    return Runtime(toolchain.workerd, workers, state=state, world=world.address, token=world.token)


def _start(runtime: Runtime, guests: Sequence[_Guest]) -> None:
    for guest in guests:
        (scenario,) = guest.drawn.scenarios
        where = (guest.place["worker"], guest.place["workflow"])
        runtime.create(*where, scenario, _ID)
        for _, kind, payload in scenario["events"]:
            runtime.send_event(*where, _ID, kind, payload)


def _kill(runtime: Runtime, guests: Sequence[_Guest], after: float) -> None:
    time.sleep(after)
    for guest in guests:
        ends = [e for e in guest.described(runtime) if e["type"] in ("step_completed", "step_errored")]
        guest.finished.append({e["stepName"].removesuffix("-1") for e in ends})
    os.killpg(runtime.pid, signal.SIGKILL)


def _faults(guest: _Guest, runtime: Runtime) -> Iterator[str]:
    events = _ended(guest, runtime)
    yield from _bodies(guest)
    history = History("G", _ID, 0)
    told: list[RunEvent] = [event for entry in events for event in history.read(entry)]
    if history.ended is None:
        yield "it did not end"
        return
    end = history.ended
    seen = seen_of(Outcome(end.status, end.output, end.error, history.steps, 0, 0), told)
    want = expected(guest.drawn.case, guest.drawn.shape, guest.drawn.scenarios[0], seen, strict=False)
    yield from differences(want, seen, strict=False)


def _ended(guest: _Guest, runtime: Runtime) -> list[Json]:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        events = guest.described(runtime)
        if events and any(entry["type"] in _OVER for entry in events):
            return events
        time.sleep(0.1)
    return guest.described(runtime)


def _bodies(guest: _Guest) -> Iterator[str]:
    for life, finished in enumerate(guest.finished):
        again = {name for at, name in guest.bodies if at > life and name in finished}
        yield from (f"{name}: had finished in life {life}, and ran again" for name in sorted(again))
    for (life, name), times in Counter(guest.bodies).items():
        if times > 1:
            yield f"{name}: ran {times} times in life {life}"
