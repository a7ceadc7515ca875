"""A PostgreSQL of its own, in a folder that goes with it: `python -m tests.server.postgres` tests the server on one.

Debian's package is installed where there is none. PostgreSQL refuses to run as root, so root has another user run it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "postgresql"
VARIABLE: Final = "STEPWELL_TEST_POSTGRES"
_USER: Final = "postgres"
"""Who runs it when root asks; the package makes him."""


class NoPostgres(Exception):
    """It is not there, and cannot be installed or started; the message says why."""


def main(arguments: Sequence[str]) -> int:
    """Runs pytest on the server's tests; gives its exit code."""
    try:
        install()
        with postgres() as url:
            command = [sys.executable, "-m", "pytest", *(arguments or ["tests/server"])]
            return subprocess.run(command, env={**os.environ, VARIABLE: url}, check=False).returncode
    except NoPostgres as error:
        print(f"PostgreSQL cannot be tested: {error}", file=sys.stderr)
        return 2


def install() -> None:
    """Installs Debian's package where PostgreSQL is not there. Raises `NoPostgres`."""
    if _programs() is not None:
        return
    if shutil.which("apt-get") is None:
        raise NoPostgres("install it with your system's package manager")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", PACKAGE]):
        done = subprocess.run([*sudo, "apt-get", *command], env=environment, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise NoPostgres(f"apt-get {command[0]} failed; install the package {PACKAGE}")


def _programs() -> Path | None:
    """Where its programs are: Debian keeps them out of the path, one folder for each version."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return folders[-1] if folders else None


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """A server that is reached through a socket in its folder; gives its URL. `durable`: commits reach the disk.

    Raises `NoPostgres`.
    """
    programs = _programs()
    if programs is None:
        raise NoPostgres("it is not installed: `make test-postgres` does that")
    with tempfile.TemporaryDirectory(prefix="stepwell-pg-") as name:
        folder = Path(name)
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            as_user = {"user": _USER, "group": _USER, "extra_groups": []}
            shutil.chown(folder, _USER, _USER)
        data = folder / "data"
        _run([programs / "initdb", "-D", data, "-U", "stepwell", "-A", "trust", "-E", "UTF8", "--no-sync"], as_user)
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "max_connections=300"]
        if not durable:
            settings += ["-c", "fsync=off"]
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *settings],
            stdout=(folder / "log").open("w"),
            stderr=subprocess.STDOUT,
            cwd=folder,
            **as_user,
        )
        try:
            _run([programs / "pg_isready", "-h", folder], as_user, server=server)
            yield f"postgresql://stepwell@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # the shutdown that does not wait for who is connected
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _run(command: Sequence[object], as_user: dict[str, Any], server: subprocess.Popen[bytes] | None = None) -> None:
    for _ in range(300):
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, cwd="/", **as_user
        )
        if done.returncode == 0:
            return
        if server is None or server.poll() is not None:
            break
        time.sleep(0.1)
    raise NoPostgres(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
