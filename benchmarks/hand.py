"""What the compiler emits beside Workers written by hand: `python -m benchmarks.hand [CASE…]`.

Each case of `benchmarks/hand/` is a graph and the Worker that a good engineer writes for it; `tests/hand` proves that
both do the same. Both run on the real runtime, in turns, each round in a process of its own, so that a slow spell of
the machine meets both. Printed are medians of ours, of the other, and their ratio. The machine should have nothing
else to do.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.golden.runner import Run
from tests.hand.pairs import Pair, all_pairs, compiled_pair

from stepwell.bundle.toolchain import Toolchain, ensure
from stepwell.local.config import WorkerSpec
from stepwell.local.mock import Desk, World
from stepwell.local.party import Job, Party, PendingEvent, RunOptions, party
from stepwell.local.run import run_batch
from stepwell.local.runtime import Runtime

ROUNDS: Final = 7
INSTANCES: Final = 20
COLUMNS: Final = ("bytes", "steps", "wall ms", "CPU ms", "start ms")


@dataclass(frozen=True)
class Measured:
    """What one Worker costs: bytes after minifying, steps of an instance, and times in milliseconds."""

    bytes: float
    steps: float
    wall: float
    cpu: float
    start: float

    @property
    def figures(self) -> tuple[float, ...]:
        return (self.bytes, self.steps, self.wall, self.cpu, self.start)


def main(names: Sequence[str] = ()) -> int:
    """Measures all cases, or some, and prints the table."""
    toolchain = ensure()
    pairs = [compiled_pair(case, toolchain) for case in all_pairs() if not names or case.name in names]
    print(f"{'ours / hand':<18}" + "".join(f"{column:>25}" for column in COLUMNS))
    ratios = [_compare(toolchain, pair) for pair in pairs]
    means = [_mean([row[column] for row in ratios]) for column in range(len(COLUMNS))]
    print(f"{'mean ratio':<18}" + "".join(f"{mean:>25.2f}" for mean in means))
    print(f"\nmedians of {ROUNDS} rounds of {INSTANCES} instances each, ours and the other in turns; mean: geometric")
    return 0


def _compare(toolchain: Toolchain, pair: Pair) -> list[float]:
    sides = [pair.ours[0], pair.by_hand[0]]
    rounds = [[_round(toolchain, run) for run in sides] for _ in range(ROUNDS)]
    ours, other = (
        Measured(
            minified(toolchain, _code(run)),
            _steps(toolchain, run),
            *(statistics.median(each[side][figure] for each in rounds) for figure in range(3)),
        )
        for side, run in enumerate(sides)
    )
    ratios = [_ratio(*both) for both in zip(ours.figures, other.figures, strict=True)]
    shown = [_shown(*row) for row in zip(ours.figures, other.figures, ratios, strict=True)]
    print(f"{pair.case.name:<18}" + "".join(shown), flush=True)
    return ratios


def _ratio(ours: float, other: float) -> float:
    return ours / other if other else 1.0


def _shown(ours: float, other: float, ratio: float) -> str:
    form = ".0f" if ours == int(ours) else ".2f"
    return f"{f'{ours:{form}} / {other:{form}} = {ratio:.2f}':>25}"


def _mean(ratios: Sequence[float]) -> float:
    return math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))


# What stands still


def _code(run: Run) -> str:
    code = run.spec.modules[run.spec.main]
    assert isinstance(code, str)
    return code


def minified(toolchain: Toolchain, js: str) -> int:
    """Bytes of a module as an uploader minifies it: names shortened, what nobody uses left out."""
    flags = ["--bundle", "--minify", "--format=esm", "--loader=js", "--external:cloudflare:*", "--charset=utf8"]
    done = subprocess.run([str(toolchain.esbuild), *flags], input=js.encode(), capture_output=True, check=True)
    return len(done.stdout)


def _steps(toolchain: Toolchain, run: Run) -> int:
    """How many steps an instance takes, every sleep and wait counted; a script has none."""
    if run.script:
        return 0
    options = RunOptions(params=run.plan.get("params"), mocks=run.mocks, events=_pending(run), timeout=60)
    outcome = run_batch(toolchain, [Job(run.spec, options, run.children)])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return len(outcome.steps)


def _pending(run: Run) -> tuple[PendingEvent, ...]:
    return tuple(PendingEvent(event["type"], event.get("payload")) for event in run.plan.get("events", []))


# What runs


def _round(toolchain: Toolchain, run: Run) -> tuple[float, float, float]:
    """Wall time and CPU of an instance, and the time until a new process has answered its first request."""
    began = time.perf_counter()
    with _running(toolchain, run) as (runtime, cast):
        runtime.fetch(cast.main.name, "https://worker.test/", method="GET")
        start = time.perf_counter() - began
        stage = _Stage(runtime, cast, run)
        stage.play()  # what happens once belongs to the start
        before, began = _cpu(runtime.pid), time.perf_counter()
        for _ in range(INSTANCES):
            stage.play()
        wall, cpu = time.perf_counter() - began, _cpu(runtime.pid) - before
    return 1000 * wall / INSTANCES, 1000 * cpu / INSTANCES, 1000 * start


@contextmanager
def _running(toolchain: Toolchain, run: Run) -> Iterator[tuple[Runtime, Party]]:
    cast = party(0, Job(run.spec, RunOptions(), run.children, script=run.script))
    with ExitStack() as stack:
        desk = Desk(run.mocks, allow_network=False, on_exchange=lambda _: None)
        stack.callback(desk.close)
        world = stack.enter_context(World({worker.name: desk for worker in cast.workers}))
        began = Runtime(toolchain.workerd, cast.workers, test=True, world=world.address, token=world.token)
        yield stack.enter_context(began), cast


class _Stage:
    """Runs one instance after the other. Their sleeps are skipped."""

    def __init__(self, runtime: Runtime, cast: Party, run: Run) -> None:
        self._runtime, self._cast, self._run = runtime, cast, run
        self._cursors: dict[str, dict[str, int]] = {name: {} for name in cast.with_workflows}

    def play(self) -> None:
        """One instance, from its start to its end; of a script one request."""
        if self._run.script:
            self._ask()
            return
        main = self._cast.main
        flow = main.workflows[0].name
        instance = self._runtime.create(main.name, flow, self._run.plan.get("params"))
        for event in self._run.plan.get("events", []):
            self._runtime.send_event(main.name, flow, instance, event["type"], event.get("payload"))
        while not self._over(main, instance):
            pass

    def _ask(self) -> None:
        body = json.dumps(self._run.plan["params"]).encode()
        headers = {"content-type": "application/json"}
        got = self._runtime.fetch(
            self._cast.main.name, "https://worker.test/", method="POST", headers=headers, body=body
        )
        if got.status != 200:
            raise SystemExit(f"{self._run.case.name} answered {got.status}: {got.body!r}")

    def _over(self, main: WorkerSpec, instance: str) -> bool:
        """Whether the instance has ended; when nothing else can happen, the clock goes to the next timer."""
        workers = self._cast.with_workflows
        seen = self._runtime.call("settle", {"workers": workers, "cursors": self._cursors, "patience": 200})
        kinds = [kind for found in seen["instances"] for kind in self._news(found, main, instance)]
        if "workflow_completed" in kinds:
            return True
        if any("errored" in kind and "workflow" in kind for kind in kinds):
            raise SystemExit(f"{self._run.case.name} failed")
        if seen["idle"] and seen["next"] is not None:
            self._runtime.call("advance", {"workers": workers, "ms": math.ceil(seen["next"])})
        return False

    def _news(self, found: dict[str, Any], main: WorkerSpec, instance: str) -> Iterator[str]:
        for event in found["events"]:
            place = self._cursors[found["worker"]]
            place[found["key"]] = max(place.get(found["key"], 0), event["eventId"])
            if (found["worker"], found["id"]) == (main.name, instance):
                yield event["type"]


def _cpu(group: int) -> float:
    """Seconds that the threads of a runtime have computed so far."""
    total = 0
    for pid in _members(group):
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def _members(group: int) -> list[int]:
    """The processes of a group."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _group(pid) == group]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
