"""`stepwell dev` beside Cloudflare's own development server, on the same Worker: `python -m benchmarks.dev`.

Prints medians and the ratio of the two. Both serve the Worker that `stepwell build` wrote from one graph; ours compiles
the graph as well. The machine should have nothing else to do.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
from tests.dev.account import Dev, dev
from tests.dev.npm_client import wrangler

ROUNDS = 5
INSTANCES = 200


def graph(word: str) -> str:
    """A script that answers a word."""
    nodes = [{"id": "answer", "type": "step", "name": "EXPORT_word", "data": {"code": f"return '{word}';"}}]
    trigger = {"type": "http", "path": "/", "method": "POST"}
    told = {"metadata": {"name": "Bench", "version": 1}, "kind": "script", "trigger": trigger}
    return json.dumps({**told, "entryNodeId": "answer", "nodes": nodes, "edges": []})


FLOW = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const a = await step.do("a", async () => 1);
    return await step.do("b", async () => a + 1);
  }
}
export default { fetch() { return new Response("ok") } };
"""


def main() -> int:
    """Runs all and prints the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _compare("start to first answer", "s", lambda: _start_ours(folder), lambda: _start_theirs(folder))
        ours, theirs = _saves(folder)
        _print("save to redeployed", "s", ours, theirs)
        _instances(folder)
    return 0


def _compare(what: str, unit: str, ours: Callable[[], float], theirs: Callable[[], float]) -> None:
    """In turns, so that a slow spell of the machine meets both."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    _print(what, unit, [one for one, _ in pairs], [other for _, other in pairs])


def _print(what: str, unit: str, ours: list[float], theirs: list[float]) -> None:
    own, other = statistics.median(ours), statistics.median(theirs)
    print(f"{what:<28} stepwell {own:7.3f} {unit}   wrangler {other:7.3f} {unit}   ratio {own / other:.2f}", flush=True)


# Ours and theirs


@contextmanager
def _ours(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    path = folder / "bench.json"
    path.write_text(graph("first"))
    port = _free_port()
    state = folder / f"state-{time.monotonic_ns()}"
    command = [sys.executable, "-m", "stepwell.cli", "dev", str(path), "--port", str(port), "--state", str(state)]
    with _process(command, folder) as process:
        yield process, f"http://127.0.0.1:{port}/worker/bench/", path


@contextmanager
def _theirs(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    path = folder / "bench.json"
    path.write_text(graph("first"))
    built = folder / f"built-{time.monotonic_ns()}"
    subprocess.run(
        [sys.executable, "-m", "stepwell.cli", "build", str(path), "-o", str(built)], check=True, capture_output=True
    )
    node, script = wrangler()
    port = _free_port()
    command = [str(node), str(script), "dev", "--port", str(port), "--show-interactive-dev-session=false"]
    with _process(command, built) as process:
        yield process, f"http://127.0.0.1:{port}/", built / "worker.js"


@contextmanager
def _process(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "CI": "true", "WRANGLER_SEND_METRICS": "false", "HOME": str(folder)}
    environment.setdefault("STEPWELL_CACHE", str(Path("~/.cache/stepwell").expanduser()))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _start_ours(folder: Path) -> float:
    started = time.monotonic()
    with _ours(folder) as (_, url, _path):
        return _until(url, "first") - started


def _start_theirs(folder: Path) -> float:
    with _theirs(folder) as (_, url, _path):
        started = time.monotonic()  # the build before it is not theirs
        return _until(url, "first") - started


def _saves(folder: Path) -> tuple[list[float], list[float]]:
    """Saved again and again; memory is told on the way."""
    ours, theirs = [], []
    with _ours(folder) as (own, own_url, own_path), _theirs(folder) as (other, other_url, other_path):
        own_path.write_text(graph("first"))
        _until(own_url, "first")
        _until(other_url, "first")
        text = other_path.read_text()
        for count in range(ROUNDS):
            word = f"word{count}"
            started = time.monotonic()
            own_path.write_text(graph(word))
            ours.append(_until(own_url, word) - started)
            started = time.monotonic()
            other_path.write_text(text.replace("'first'", f"'{word}'"))
            theirs.append(_until(other_url, word) - started)
        _print("memory, one Worker", "MB", [_memory(own.pid)], [_memory(other.pid)])
    return ours, theirs


def _until(url: str, word: str) -> float:
    """When a URL first answers a word."""
    limit = time.monotonic() + 60
    with httpx.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < limit:
            try:
                if word in client.post(url, json={}).text:
                    return time.monotonic()
            except httpx.HTTPError:
                pass
            time.sleep(0.005)
    raise SystemExit(f"{url} did not answer {word}")


def _memory(pid: int) -> float:
    """What a process and all below it hold, in MB (each page counted for its share)."""
    total = 0
    for one in [pid, *_below(pid)]:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _below(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_below(int(child))]
    return found


# Instances


def _instances(folder: Path) -> None:
    with dev(folder / "instances") as account:
        account.deploy("flow", FLOW)
        account.workflow("flow", "flow", "Flow")
        for at_once, count in ((1, INSTANCES // 4), (50, INSTANCES)):
            ids = [f"i-{at_once}-{number}" for number in range(count)]
            one = partial(_one, account, 0.002 * at_once)  # asking must not be what is measured
            started = time.monotonic()
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(one, ids))
            rate = count / (time.monotonic() - started)
            print(f"instances, {at_once:>2} at once        {rate:7.1f} a second, created and seen complete", flush=True)
        print(
            f"memory, {INSTANCES + INSTANCES // 4} instances later  {_memory(account.process.pid):7.1f} MB", flush=True
        )


def _one(account: Dev, pause: float, id: str) -> None:
    account.api("POST", "/workflows/flow/instances", json={"instance_id": id})
    while account.instance("flow", id)["status"] != "complete":
        time.sleep(pause)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
