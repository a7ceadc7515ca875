"""A `stepwell dev` in a process of its own, and the client that speaks to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

MODULE = "application/javascript+module"
_EXPORT = re.compile(r"\s*export (CLOUDFLARE_\w+)=(\S+)")


class Dev:
    """The process: `api` speaks to it, `worker` to its Workers, `lines` are what it printed."""

    def __init__(self, state: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.state = state
        command = [sys.executable, "-m", "stepwell.cli", "dev", "--port", "0", "--state", str(state), *arguments]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDFLARE_")}
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**clean, "COLUMNS": "200", **(env or {})},
        )
        self.lines: list[str] = []
        self.env: dict[str, str] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        eventually(lambda: "CLOUDFLARE_API_TOKEN" in self.env or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.text
        self.base = self.env["CLOUDFLARE_API_BASE_URL"]
        self.origin = self.base.removesuffix("/client/v4")
        self.account = f"/accounts/{self.env['CLOUDFLARE_ACCOUNT_ID']}"
        headers = {"authorization": f"Bearer {self.env['CLOUDFLARE_API_TOKEN']}"}
        self.http = httpx.Client(headers=headers, timeout=60, trust_env=False)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = _EXPORT.fullmatch(line.rstrip("\n"))
            if found:
                self.env[found[1]] = found[2]

    @property
    def text(self) -> str:
        """All that was printed."""
        return "\n".join(self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """As Ctrl-C does."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """At once, without a word."""
        self.process.kill()
        self.process.wait()
        self.http.close()

    # The API

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request below the account; a path that starts with `~` is one below the API."""
        url = self.base + (path[1:] if path.startswith("~") else self.account + path)
        return self.http.request(method, url, **more)

    def api(self, method: str, path: str, **more: Any) -> Any:
        """The result of a call that must succeed."""
        answer = self.call(method, path, **more)
        told = answer.json()
        assert answer.status_code == 200 and told["success"], (method, path, answer.status_code, told)
        return told["result"]

    def refused(self, method: str, path: str, **more: Any) -> tuple[int, int]:
        """Status and code of a call that must fail."""
        answer = self.call(method, path, **more)
        told = answer.json()
        assert not told["success"] and told["result"] is None, (method, path, told)
        return answer.status_code, told["errors"][0]["code"]

    def upload(self, name: str, js: str, *, path: str | None = None, method: str = "PUT", **metadata: Any) -> Any:
        """Uploads one module; gives the response."""
        told = {"main_module": "index.js", "compatibility_date": "2026-11-01", **metadata}
        files = [("metadata", (None, json.dumps(told), "application/json")), ("index.js", ("index.js", js, MODULE))]
        return self.call(method, path or f"/workers/scripts/{name}", files=files)

    def deploy(self, name: str, js: str, **metadata: Any) -> Any:
        """Uploads one module, which must succeed."""
        answer = self.upload(name, js, **metadata)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def workflow(self, name: str, script: str, class_name: str, **more: Any) -> Any:
        """Registers a workflow."""
        return self.api("PUT", f"/workflows/{name}", json={"script_name": script, "class_name": class_name, **more})

    def worker(self, name: str, path: str = "/", method: str = "GET", **more: Any) -> httpx.Response:
        """A request to a Worker."""
        return self.http.request(method, f"{self.origin}/worker/{name}{path}", **more)

    def instance(self, workflow: str, id: str) -> Any:
        """All about an instance."""
        return self.api("GET", f"/workflows/{workflow}/instances/{id}")

    def ends(self, workflow: str, id: str, status: str = "complete", seconds: float = 60) -> Any:
        """The instance once it has a status."""
        eventually(lambda: self.instance(workflow, id)["status"] == status, seconds)
        return self.instance(workflow, id)

    def advance(self, length: str) -> Any:
        """Moves the test clock."""
        answer = self.http.post(f"{self.origin}/local/clock", params={"advance": length})
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    """Waits for something that must come."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def dev(state: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Dev]:
    """A `stepwell dev` that ends with the block."""
    with Dev(state, *arguments, env=env) as running:
        yield running
