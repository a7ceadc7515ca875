"""Triggers while servers are killed: `python -m tests.server.killed 1000` says what became of them.

Half of the clients send an Idempotency-Key and repeat what was not answered; half send each request once and never
know. Of the first, every request must have one run; of both, no instance may be without its run.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.deploy.graphs import graph
from tests.dev.account import Dev, dev
from tests.server.door import Caller, connect, sqlite, workflow
from tests.server.process import ServeProcess


@dataclass
class Seen:
    """What became of the triggers: the runs by key as clients were told, what the server tells, what Cloudflare has."""

    told: dict[str, set[str]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    kills: int = 0
    runs: dict[str, Any] = field(default_factory=dict)
    instances: set[str] = field(default_factory=set)
    sent: int = 0


class Storm:
    """Triggers through servers on one database that are killed again and again."""

    def __init__(self, servers: Sequence[ServeProcess], account: Dev) -> None:
        self.servers, self.account, self.seen = servers, account, Seen()
        who = servers[0].caller()
        self.connection, self.id = connect(who, account), workflow(who, graph(f"Storm on {len(servers)}"))
        deployed = who.post(f"/workflows/{self.id}/deploy", {"connectionId": self.connection})
        self.flow, self.key = deployed["workflowName"], who.key
        self._lock, self._next = threading.Lock(), itertools.cycle(servers)
        self._http = httpx.Client(timeout=60, trust_env=False)

    def rage(self, count: int, kills: int, at_once: int = 16) -> Seen:
        """That many triggers, with so many kills spread over them; looks at what came of it once all servers are up."""
        marks = sorted(random.Random(count).sample(range(count // 10, count * 9 // 10), kills))
        with ThreadPoolExecutor(at_once) as pool:
            killer = threading.Thread(target=self._kill, args=(marks,))
            killer.start()
            list(pool.map(self._trigger, range(count)))
            killer.join()
        self._look()
        return self.seen

    def _kill(self, marks: list[int]) -> None:
        for mark in marks:
            while self.seen.sent < mark:
                time.sleep(0.005)
            victim = next(self._next)
            victim.kill()
            self.seen.kills += 1
            victim.start()

    def _trigger(self, number: int) -> None:
        with self._lock:
            self.seen.sent += 1
        keyed = number % 2 == 0
        key = f"order-{number}"
        until = time.monotonic() + 300
        while True:
            assert time.monotonic() < until, f"nobody answers {key}"
            run = self._asked(key if keyed else None, number)
            if run is not None:
                with self._lock:
                    self.seen.answered.add(run["id"])
                    self.seen.told.setdefault(key, set()).add(run["id"])
            if run is not None or not keyed:
                break
            time.sleep(0.05)
        if keyed:  # and once more, now that it was answered
            again = self._asked(key, number)
            if again is not None:
                self.seen.told[key].add(again["id"])

    def _asked(self, key: str | None, number: int) -> Any:
        """The run of one trigger, None when nobody answered or something on the way was killed."""
        url = random.choice(self.servers).url
        headers = {"authorization": f"Bearer {self.key}", **({"idempotency-key": key} if key else {})}
        ask = {"connectionId": self.connection, "params": {"id": number}}
        try:
            answer = self._http.post(f"{url}/api/workflows/{self.id}/trigger", json=ask, headers=headers)
        except httpx.TransportError:
            return None
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def _look(self) -> None:
        who = Caller(httpx.Client(base_url=self.servers[0].url, timeout=60, trust_env=False), self.key)
        cursor: str | None = ""
        while cursor is not None:
            page = who.get(f"/workflows/{self.id}/runs?limit=100{f'&cursor={cursor}' if cursor else ''}")
            for row in page["data"]:
                self.seen.runs[row["instanceId"]] = who.get(f"/workflows/{self.id}/runs/{row['id']}")
            cursor = page["nextCursor"]
        number = 1
        while True:
            path = f"/workflows/{self.flow}/instances?per_page=100&page={number}"
            found = {one["id"] for one in self.account.api("GET", path)}
            self.seen.instances |= found
            number += 1
            if len(found) < 100:
                return


def faults(seen: Seen, count: int) -> list[str]:
    """What must not be."""
    told = [f"{key} was told of {len(runs)} runs" for key, runs in seen.told.items() if len(runs) != 1]
    lost = seen.instances - set(seen.runs)
    unstarted = {run["id"] for id, run in seen.runs.items() if id not in seen.instances}
    keyed = [key for key in seen.told if int(key.partition("-")[2]) % 2 == 0]
    return [
        *told,
        *(f"the instance {id} has no run" for id in lost),
        *(f"{id} was answered and never started" for id in unstarted & seen.answered),
        *([f"{len(keyed)} of {(count + 1) // 2} keys have a run"] if len(keyed) != (count + 1) // 2 else []),
        *([f"{len(seen.instances)} instances of {count} triggers"] if len(seen.instances) > count else []),
    ]


def main(count: int, kills: int) -> int:
    """Rages against one server on SQLite."""
    with (
        tempfile.TemporaryDirectory() as name,
        dev(Path(name) / "dev") as account,
        ServeProcess(sqlite(Path(name)), Path(name), account.base) as server,
    ):
        seen = Storm([server], account).rage(count, kills)
    found = faults(seen, count)
    print(
        f"{count} triggers, {seen.kills} times kill -9: {len(seen.instances)} instances, {len(seen.answered)} answered"
    )
    print("\n".join(found) or "none lost, none doubled")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 10))
