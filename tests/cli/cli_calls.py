"""Calls of the command line, in this process or in one of its own."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from stepwell.cli import call


@dataclass(frozen=True)
class Said:
    """What a command line came to."""

    code: int
    out: str
    err: str


def stepwell(*arguments: str | Path) -> Said:
    """Calls the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = call([str(argument) for argument in arguments])
    return Said(code, out.getvalue(), err.getvalue())


def process(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> Said:
    """Calls it in a process of its own."""
    command = [sys.executable, "-m", "stepwell.cli", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, timeout=120, check=False)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())
