"""What a compiled Worker does, seen from the runtime's side (observer.mjs)."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from stepwell import Compiled
from tests.semantics.engine import bundled_node

OBSERVER = Path(__file__).with_name("observer.mjs")


class Observer:
    """A process that runs Workers, one after the other."""

    def __enter__(self) -> Observer:
        node = shutil.which("node") or bundled_node()
        self.process = subprocess.Popen(
            [node, "--experimental-vm-modules", "--no-warnings", str(OBSERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.modules: list[tuple[str, str]] = []
        """Every module that was run: (loader, text)."""
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def ask(self, **request: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the observer ended"
        return json.loads(line)

    def run(self, compiled: Compiled, payload: Any = None, env: Any = None) -> Any:
        """Runs a workflow once; every step succeeds at once."""
        seen = self.ask(source=self.text(compiled), run={"className": _class(compiled), "payload": payload}, env=env)
        assert "fault" not in seen, (seen["fault"], compiled.js)
        return seen

    def fetch(self, compiled: Compiled, method: str, path: str, body: Any = None) -> Any:
        seen = self.ask(source=self.text(compiled), fetch={"method": method, "path": path, "body": body})
        assert "fault" not in seen, (seen["fault"], compiled.js)
        return seen

    def text(self, compiled: Compiled) -> str:
        """The Worker's text, which UTF-8 can hold; kept for `parse_all`."""
        assert compiled.js is not None and compiled.source is not None, compiled.diagnostics
        compiled.js.encode()
        self.modules += [("js", compiled.js), (compiled.language, compiled.source)]
        return compiled.js

    def parse_all(self, esbuild: Path) -> str:
        """What esbuild says against the modules so far (of very many, a part), read in one call."""
        if not self.modules:
            return ""
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for number, (loader, text) in enumerate(self.modules[:: len(self.modules) // 800 + 1]):
                names.append(f"m{number}.{loader}")
                Path(folder, names[-1]).write_text(text, "utf-8", newline="")
            done = subprocess.run(
                [
                    str(esbuild),
                    *names,
                    "--outdir=out",
                    "--tsconfig-raw={}",
                    "--target=es2022",
                    "--log-level=error",
                    "--color=false",
                ],
                cwd=folder,
                capture_output=True,
                check=False,
            )
        return done.stderr.decode("utf-8", "replace")


def _class(compiled: Compiled) -> str:
    assert compiled.manifest is not None
    name: str = compiled.manifest["workflow"]["class"]
    return name
