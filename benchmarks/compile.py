"""What compiling costs, beside AwaitStep 1.4.12: `python -m benchmarks.compile`.

AwaitStep's times are given (validate, generate, TypeScript to JavaScript; a warm Node 20 process; a machine on which
`python3 -c pass` takes 51 ms). Between two given sizes of a shape they are interpolated (log time over log size);
beyond the largest and below the smallest there are none, so there is no ratio. Only the figure of a cold process is
scaled to this machine, by `python3 -c pass`; both machines' times of it are printed, so that one can judge the others.

Warm means: the process has compiled other graphs before, and has forgotten all facts about snippets. The whole
pipeline runs, from JSON text to worker.js, map, manifest and wrangler.json, without outside tools. The least of
several runs is taken. The machine should have nothing else to do.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from benchmarks._shapes import NODES, Shape, chain, diamonds, edited, loops, nesting, parallels, script

AWAITSTEP: dict[Shape, dict[int, float]] = {
    chain: {10: 0.5, 100: 2.1, 1000: 36, 5000: 195},
    diamonds: {10: 0.9, 100: 21, 500: 387, 1000: 1517},
    parallels: {1000: 1605},
    loops: {1000: 2071},
    nesting: {50: 5},
    script: {100: 3.2, 1000: 106, 5000: 1697},
}
"""Milliseconds by what the shape counts."""

AWAITSTEP_COLD = 188.0
AWAITSTEP_PYTHON = 51.0
"""`python3 -c pass` on the machine that these were measured on, in milliseconds."""

SIZES: dict[Shape, Sequence[int]] = {
    chain: (10, 100, 500, 1000, 5000, 20_000),
    diamonds: (10, 25, 125, 500, 1000, 5000),
    parallels: (25, 125, 500, 1000, 5000),
    loops: (50, 250, 1000, 5000, 10_000),
    script: (10, 100, 500, 1000, 5000, 20_000),
    nesting: (10, 50, 100, 199),
}

SECONDS = 1.5
"""How long one size is repeated, at least twice."""


def main() -> int:
    """Measures all and prints the table."""
    # What `python3` is may be a wrapper that looks for the interpreter first.
    python = _process([os.path.realpath(sys.executable), "-c", "pass"])
    node = shutil.which("node")
    print(f"python3 -c pass: {python:.0f} ms here, {AWAITSTEP_PYTHON:.0f} ms where AwaitStep was measured")
    if node:
        print(f"node -e 0:       {_process([node, '-e', '0']):.0f} ms here, 81 ms there")
    _warm()
    _edits()
    _stages()
    _memory()
    _cold(python)
    return 0


# -- warm ------------------------------------------------------------------------------------------------------


def _warm() -> None:
    from stepwell import compile_artifact

    for shape in SIZES:
        compile_artifact(shape(3))
    print(f"\n{'warm':<12}{'count':>7}{'nodes':>8}{'ms':>10}{'µs/node':>9}{'AwaitStep':>11}{'ratio':>7}   wanted")
    for shape, sizes in SIZES.items():
        times = {n: _compiled(shape(n)) for n in sizes}
        for n, ms in times.items():
            _line(shape, n, ms)
        large = {NODES[shape](n): ms for n, ms in times.items() if NODES[shape](n) >= 100}
        if shape is not nesting:
            first, last = min(large), max(large)
            print(f"{'':<12}slope of log time over log nodes, {first} to {last}: {slope(large):.2f}   ≤ 1.1")


def _line(shape: Shape, n: int, ms: float) -> None:
    nodes, other = NODES[shape](n), reference(shape, n)
    told = f"{other:>11.1f}{ms / other:>7.2f}   {_wanted(shape, nodes)}" if other is not None else ""
    print(f"{shape.__name__:<12}{n:>7}{nodes:>8}{ms:>10.1f}{ms * 1000 / nodes:>9.0f}{told}", flush=True)


def _wanted(shape: Shape, nodes: int) -> str:
    if shape is chain:
        return "≤ 2.5"
    if shape is script:
        return "< 1.0" if nodes >= 1000 else ""
    return "≤ 0.25" if nodes >= 2000 else "< 1.0" if nodes >= 500 else ""


def reference(shape: Shape, n: int) -> float | None:
    """AwaitStep's time in milliseconds: as given, or between the two given sizes around it."""
    given = AWAITSTEP[shape]
    if n in given:
        return given[n]
    below, above = max((k for k in given if k < n), default=None), min((k for k in given if k > n), default=None)
    if below is None or above is None:
        return None
    part = math.log(n / below) / math.log(above / below)
    return float(given[below] * (given[above] / given[below]) ** part)


def slope(times: dict[int, float]) -> float:
    """The slope of the line of least squares through log time over log size."""
    return statistics.linear_regression([math.log(n) for n in times], [math.log(ms) for ms in times.values()]).slope


def _compiled(document: str) -> float:
    """Milliseconds of a compile that knows nothing from before."""
    from stepwell import compile_artifact
    from stepwell.javascript import forget

    def once() -> float:
        forget()
        started = time.perf_counter()
        compiled = compile_artifact(document)
        took = time.perf_counter() - started
        assert compiled.ok, compiled.diagnostics[:3]
        return took

    return _least(once)


def _least(once: Callable[[], float]) -> float:
    limit = time.monotonic() + SECONDS
    best = min(once(), once())
    while time.monotonic() < limit:
        best = min(best, once())
    return best * 1000


# -- an edit ---------------------------------------------------------------------------------------------------


def _edits() -> None:
    """One node of 1,000 changed, and the graph compiled again: each time another node, with a text never seen."""
    from stepwell import Session, compile_artifact

    print(f"\n{'one node of 1,000 edited':<30}{'median ms':>10}{'worst':>8}   wanted")
    for shape, n in ((chain, 1000), (diamonds, 250), (parallels, 250), (loops, 500), (script, 1000)):
        session = Session()
        for name, compiled in (("compile_artifact", compile_artifact), ("Session", session.compile)):
            times = _edited(shape(n), compiled)
            told = f"{statistics.median(times):>10.1f}{max(times):>8.1f}   {'≤ 15' if name == 'Session' else ''}"
            print(f"{shape.__name__:<12}{name:<18}{told}", flush=True)


def _edited(document: str, compiled: Callable[[str], Any]) -> list[float]:
    """Milliseconds of a compile after each of some edits."""
    compiled(document)
    times = []
    for number in range(25):
        document = edited(document, number)
        started = time.perf_counter()
        assert compiled(document).ok
        times.append((time.perf_counter() - started) * 1000)
    return times


# -- stages ----------------------------------------------------------------------------------------------------

STAGES = (
    ("JSON text", "stepwell.graph.jsontext", "parse"),
    ("is it JSON", "stepwell.graph.values", "fault"),
    ("schema and keys", "stepwell.graph.read", "read_value"),
    ("data of nodes", "stepwell.check.analysis", "typed_nodes"),
    ("flow", "stepwell.check.analysis", "build_flow"),
    ("regions", "stepwell.check.analysis", "build_regions"),
    ("structure", "stepwell.check.analysis", "structure_findings"),
    ("facts of snippets", "stepwell.javascript.code", "examine"),
    ("  of it: parsing", "stepwell.javascript.code", "best_tree"),
    ("names of fields", "stepwell.check.analysis", "_read_all"),
    ("names of steps", "stepwell.check.analysis", "step_names"),
    ("rules", "stepwell.check.analysis", "rule_findings"),
    ("plan", "stepwell.lower.lower", "make_plan"),
    ("names", "stepwell.lower.lower", "make_names"),
    ("rest of lowering", "stepwell.lower.lower", "lower"),
    ("printing", "stepwell.emit.module", "emit"),
    ("  of it: ropes to text", "stepwell.emit.module", "flatten"),
    ("source map", "stepwell.emit.sourcemap", "source_map"),
    ("manifest", "stepwell.bundle.manifest", "manifest"),
)
"""What is timed: its own time, without what is timed within it."""

Spent = dict[str, float]


def _stages() -> None:
    """Where the time goes, with the clock in every function: a little more than without."""
    print(f"\n{'µs a node by stage':<26}", *(f"{shape.__name__:>10}" for shape in SIZES))
    columns = [_staged(shape, n) for shape, n in zip(SIZES, (1000, 250, 250, 500, 1000, 199), strict=True)]
    for name in (*(stage for stage, _, _ in STAGES), "all the rest"):
        print(f"{name:<26}", *(f"{column.get(name, 0.0):>10.1f}" for column in columns))
    print(f"{'together':<26}", *(f"{sum(column.values()):>10.1f}" for column in columns), flush=True)


def _staged(shape: Shape, n: int) -> Spent:
    """Microseconds a node by stage, of the quickest of five compiles."""
    from stepwell import compile_artifact
    from stepwell.javascript import forget

    document = shape(n)
    runs = []
    for _ in range(5):
        forget()
        with _clocked() as spent:
            started = time.perf_counter()
            compile_artifact(document)
            spent["all the rest"] = time.perf_counter() - started - sum(spent.values())
        runs.append(spent)
    best = min(runs, key=lambda run: sum(run.values()))
    return {name: seconds * 1e6 / NODES[shape](n) for name, seconds in best.items()}


@contextmanager
def _clocked() -> Iterator[Spent]:
    """Every stage counts its own time. A function stands in all modules that have imported it."""
    import importlib

    spent: Spent = defaultdict(float)
    inner = [0.0]

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **more: Any) -> Any:
            inner.append(0.0)
            started = time.perf_counter()
            try:
                return function(*arguments, **more)
            finally:
                took = time.perf_counter() - started
                spent[name] += took - inner.pop()
                inner[-1] += took

        return run

    patched: list[tuple[Any, str, Any]] = []
    for name, path, attribute in STAGES:
        original = getattr(importlib.import_module(path), attribute)
        timed = clocked(name, original)
        for module in [m for key, m in sys.modules.items() if key.startswith("stepwell.")]:
            if vars(module).get(attribute) is original:
                patched.append((module, attribute, original))
                setattr(module, attribute, timed)
    try:
        yield spent
    finally:
        for module, attribute, original in patched:
            setattr(module, attribute, original)


# -- memory ----------------------------------------------------------------------------------------------------

_PEAK = """
import sys
from pathlib import Path
from stepwell import compile_artifact
from benchmarks import _shapes

def peak():
    # What `getrusage` tells begins with the peak of the process that started this one.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

compile_artifact(_shapes.chain(3))
before = peak()
document = getattr(_shapes, sys.argv[1])(int(sys.argv[2]))
assert compile_artifact(document).ok
print(before, peak())
"""


def _memory() -> None:
    """The highest that a process holds, above what it held when all was loaded; the document itself is counted."""
    print(f"\n{'memory':<12}{'nodes':>8}{'kB/node':>9}{'slope':>7}   wanted")
    for shape, sizes in ((chain, (1000, 5000, 20_000)), (diamonds, (500, 5000)), (script, (1000, 20_000))):
        peaks = {NODES[shape](n): _peak(shape, n) for n in sizes}
        for nodes, kilobytes in peaks.items():
            growth = f"{slope(peaks):.2f}" if nodes == max(peaks) else ""
            print(f"{shape.__name__:<12}{nodes:>8}{kilobytes / nodes:>9.1f}{growth:>7}   ≤ 12", flush=True)


def _peak(shape: Shape, n: int) -> float:
    command = [sys.executable, "-c", _PEAK, shape.__name__, str(n)]
    before, after = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    return after - before


# -- cold ------------------------------------------------------------------------------------------------------

_IMPORT = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", re.MULTILINE)


def _cold(python: float) -> None:
    """`stepwell build` of ten nodes as a process of its own, and what of it is loading modules."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "ten.json")
        path.write_text(chain(10))
        build = [sys.executable, "-m", "stepwell.cli", "build", str(path), "-o", str(Path(name, "built"))]
        whole = _process(build, 9)
        check = _process([sys.executable, "-m", "stepwell.cli", "check", str(path)], 9)
        log = subprocess.run([*build[:1], "-X", "importtime", *build[1:]], check=True, capture_output=True, text=True)
    own = _process([sys.executable, "-c", "pass"])
    scaled = AWAITSTEP_COLD * python / AWAITSTEP_PYTHON
    print(f"\ncold: stepwell build of 10 nodes {whole:.0f} ms; check {check:.0f} ms; the interpreter {own:.0f} ms")
    print(f"      AwaitStep {AWAITSTEP_COLD:.0f} ms there, {scaled:.0f} ms here: ratio {whole / scaled:.2f}   ≤ 2.0")
    spent: Counter[str] = Counter()
    for found in _IMPORT.finditer(log.stderr):
        spent[found[2].partition(".")[0]] += int(found[1])
    largest = ", ".join(f"{package} {micro / 1000:.0f}" for package, micro in spent.most_common(8))
    print(f"      loading modules {spent.total() / 1000:.0f} ms, by the interpreter's own count: {largest}", flush=True)


def _process(command: list[str], rounds: int = 7) -> float:
    """Milliseconds of a process, the median."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
