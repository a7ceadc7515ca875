"""`stepwell serve` under load: `python -m benchmarks.server`.

Triggers and polls of runs through a server in a process of its own, against the local account; SQLite and, where it is
installed, PostgreSQL whose commits reach the disk. Prints requests per second and the 99th percentile. Server, account,
database and clients share the machine, which should have nothing else to do. `account` are starts of runs without the
server in between: of triggers there cannot be more.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.deploy.graphs import graph
from tests.dev.account import Dev, dev
from tests.server.door import connect, sqlite, workflow
from tests.server.postgres import NoPostgres, postgres
from tests.server.process import ServeProcess

CLIENTS = (1, 8, 64)
REQUESTS = {1: 60, 8: 200, 64: 400}


def main() -> int:
    """Runs all and prints the table."""
    print(f"{'database':<12}{'request':<10}{'clients':>8}{'requests/s':>12}{'p99':>10}")
    for name, database in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
        try:
            with database() as url:
                _measure(name, url)
        except NoPostgres as error:
            print(f"{name}: {error}")
    return 0


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        yield sqlite(Path(name))


@contextmanager
def _postgres() -> Iterator[str]:
    with postgres(durable=True) as url:
        yield url


def _measure(name: str, url: str) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        dev(Path(folder) / "dev") as account,
        ServeProcess(url, Path(folder), account.base) as server,
    ):
        for what, call in _calls(server, account).items():
            for clients in CLIENTS:
                times, seconds = _load(server, call, clients)
                p99 = statistics.quantiles(times, n=100)[98] * 1000
                print(f"{name:<12}{what:<10}{clients:>8}{len(times) / seconds:>12.1f}{p99:>7.0f} ms", flush=True)


Call = Callable[[httpx.Client], httpx.Response]


def _calls(server: ServeProcess, account: Dev) -> dict[str, Call]:
    """Starts a run, past the server and by it; asks for one that waits."""
    who = server.caller()
    connection, id = connect(who, account), workflow(who, graph("Load"))
    who.post(f"/workflows/{id}/deploy", {"connectionId": connection})
    ask = {"connectionId": connection, "params": {"orderId": "ord_001"}}
    run = who.post(f"/workflows/{id}/trigger", ask)["id"]
    path = f"/api/workflows/{id}"
    instances = f"{account.base}/accounts/{account.env['CLOUDFLARE_ACCOUNT_ID']}/workflows/Load/instances"
    token = {"authorization": f"Bearer {account.env['CLOUDFLARE_API_TOKEN']}"}
    return {
        "account": lambda http: http.post(instances, json={"params": ask["params"]}, headers=token),
        "trigger": lambda http: http.post(f"{path}/trigger", json=ask),
        "poll": lambda http: http.get(f"{path}/runs/{run}"),
    }


def _load(server: ServeProcess, call: Call, clients: int) -> tuple[list[float], float]:
    """How long each request took, and all of them together."""
    share = max(2, REQUESTS[clients] // clients)

    def client(_: int) -> list[float]:
        times = []
        headers = {"authorization": f"Bearer {server.key}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=120, trust_env=False) as http:
            for _request in range(share):
                begun = time.perf_counter()
                call(http).raise_for_status()
                times.append(time.perf_counter() - begun)
        return times

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        times = [one for found in pool.map(client, range(clients)) for one in found]
    return times, time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
