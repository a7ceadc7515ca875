"""A `stepwell serve` in a process of its own."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Self

import httpx

from tests.server.door import Caller

_NUMBERS: Final = itertools.count()
_URL: Final = re.compile(r"serves at (http://\S+)")


class ServeProcess:
    """The process, over a database that is made ready first. A context manager; may be killed and started again."""

    def __init__(self, database: str, folder: Path, cloudflare: str, *arguments: str) -> None:
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "STEPWELL_"))}
        self._env = {**clean, "CLOUDFLARE_API_BASE_URL": cloudflare}
        self._where = ["--database", database, "--key-file", str(folder / "stepwell.key")]
        self._arguments = arguments
        self._count = next(_NUMBERS)
        self.key = self._run("--init", "--project", f"Project {self._count} of {folder.name}").strip()
        self.url = ""

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "stepwell.cli", "serve", *self._where, *arguments]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            self._command(*arguments), capture_output=True, text=True, env=self._env, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Starts it, at the port it had before where there was one."""
        port = self.url.rsplit(":", 1)[1] if self.url else "0"
        rates = ("--rate", "1000000/minute", "--deploy-rate", "1000000/minute")
        self.process = subprocess.Popen(
            self._command("--port", port, *rates, *self._arguments),
            stdout=subprocess.PIPE,
            stderr=(self.folder / "log").open("a"),
            text=True,
            env=self._env,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = _URL.search(line)
        assert found is not None, (line, (self.folder / "log").read_text())
        self.url = found[1]

    def caller(self, timeout: float = 60) -> Caller:
        """Who calls it with its first key."""
        return Caller(httpx.Client(base_url=self.url, timeout=timeout, trust_env=False), self.key)

    def kill(self) -> None:
        """At once, without a word."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """As an operator stops it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(40)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
