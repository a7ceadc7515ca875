"""Keys, tokens and secrets: in no answer, no log, no row; and the command that makes and rotates keys."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from stepwell.server.database import Database
from stepwell.server.tables import Base
from tests.server.door import NOWHERE, Caller
from tests.server.process import ServeProcess
from tests.server.world import BODIES, CREDENTIALS, SECRET, TOKEN, World, routes


class Kept:
    """A server in a process of its own with a secret of every kind in it; `said` is all that it answered."""

    def __init__(self, process: ServeProcess, url: str) -> None:
        self.process, self.url, self.who = process, url, process.caller()
        self.said: list[str] = []
        self.connection = self.who.post("/connections", {"name": "c", "credentials": CREDENTIALS})["id"]
        self.variable = self.who.post("/env-vars", {"name": "S", "value": SECRET, "isSecret": True})["id"]
        self.plain = self.who.post("/env-vars", {"name": "P", "value": f"plain {SECRET}"})["id"]

    def use(self) -> None:
        """Asks every route, rightly and wrongly."""
        from stepwell.server.app import make_app

        world = World("x", "x", self.connection, self.variable, "x", "x", "x", "x")
        for route in routes(make_app(None)):  # type: ignore[arg-type]
            if route.name in ("delete_connection", "delete_variable"):
                continue
            body = BODIES[route.name](world) if route.has_body else None
            for one in (body, {**body, "more": TOKEN} if body else None):
                self.said.append(self.who.call(route.method, route.at(world), one).text)

    def rows(self) -> str:
        """All that the database holds."""
        database = Database(self.url)
        with database.read() as session:
            found = [
                str(row) for name in Base.metadata.tables for row in session.execute(text(f"SELECT * FROM {name}"))
            ]
        database.close()
        files = Path(database.url.database or "").parent.glob("*.sqlite*") if "sqlite" in self.url else ()
        return "\n".join([*found, *(file.read_bytes().decode("latin-1") for file in files)])


@pytest.fixture(scope="module")
def kept(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    url = new_database()
    with ServeProcess(url, tmp_path_factory.mktemp("secrets"), NOWHERE, "--verbose") as process:
        yield Kept(process, url)


def test_nothing_secret_is_told_logged_or_kept(kept: Kept) -> None:
    kept.use()
    log = (kept.process.folder / "log").read_text()
    assert "/api/connections" in log and " 422 " in log
    rows = kept.rows()
    for secret in (TOKEN, SECRET, str(kept.who.key)):
        assert secret not in log and secret not in rows
    shown = "\n".join(one for one in kept.said if "plain " not in one)
    for secret in (TOKEN, SECRET, str(kept.who.key)):
        assert secret not in shown
    assert hashlib.sha256(str(kept.who.key).encode()).hexdigest() in rows
    file = kept.process.folder / "stepwell.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() not in rows


def test_keys_are_rotated_while_a_server_runs(kept: Kept) -> None:
    """The server goes on; what was sealed is sealed anew, and the old key can go."""
    file, before = kept.process.folder / "stepwell.key", kept.rows()
    old = file.read_text().split()
    gone = kept.who.post("/connections", {"name": "gone", "credentials": CREDENTIALS})["id"]
    kept.who.delete(f"/connections/{gone}")  # has nothing that could be sealed
    told = kept.process._run("--rotate")
    assert "secrets are encrypted with the first key" in told
    fresh = file.read_text().split()
    assert fresh[1:] == old and fresh[0] not in old
    assert kept.who.get(f"/env-vars/{kept.plain}")["value"] == f"plain {SECRET}"
    sealed = {line for line in before.splitlines() if "gAAAA" in line and "env_" in line and "\0" not in line}
    assert not sealed & set(kept.rows().splitlines())
    kept.process.stop()
    file.write_text(fresh[0] + "\n")
    kept.process.start()
    assert kept.who.get(f"/env-vars/{kept.plain}")["value"] == f"plain {SECRET}"


def serve(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stepwell.cli", "serve", *arguments]
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **env}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, env=clean)


def test_the_first_key_is_printed_once(tmp_path: Path) -> None:
    made = serve(tmp_path, "--init")
    assert made.returncode == 0 and made.stdout.startswith("ask_") and made.stdout.count("\n") == 1
    again = serve(tmp_path, "--init")
    assert again.returncode != 0 and "there is a project default already" in again.stderr
    assert made.stdout.strip() not in again.stdout + again.stderr
    assert serve(tmp_path, "--init", "--project", "Other").stdout != made.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "there is no secret key"),
        (("--rotate",), ""),
        (("--init", "--rotate"), "exclude each other"),
        (("--init", "--database", "/nowhere/at/all.sqlite"), "cannot be written"),
        (("--init", "--database", "mysql://a/b"), "SQLite and PostgreSQL are supported"),
        (("--init", "--project", "!!"), "holds no letter or digit"),
    ],
)
def test_commands_that_are_wrong(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = serve(tmp_path, *arguments)
    assert (done.returncode != 0) == bool(words), done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--rate", "--deploy-rate"])
@pytest.mark.parametrize("rate", ["often", "0/minute", "-1/minute", "1/fortnight", ""])
def test_rates_that_are_none(tmp_path: Path, option: str, rate: str) -> None:
    serve(tmp_path, "--init")
    done = serve(tmp_path, option, rate)
    assert done.returncode != 0 and "is no rate" in done.stderr and "Traceback" not in done.stderr


# Without the extra

BLOCKED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""
EXTRA = ("alembic", "cronsim", "cryptography", "fastapi", "limits", "psycopg", "sqlalchemy", "starlette", "uvicorn")


def python(code: str) -> Any:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)


def test_compiling_needs_nothing_of_the_extra() -> None:
    """An editor's back end that imports the compiler has no web framework."""
    code = """
from stepwell import compile_artifact
from tests.deploy.graphs import graph
assert compile_artifact(graph()).js
assert not {name.partition(".")[0] for name in sys.modules} & set(EXTRA), sys.modules
"""
    done = python(BLOCKED.format(blocked=EXTRA) + f"EXTRA = {EXTRA!r}\n" + code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_what_to_install_is_said(command: str) -> None:
    code = f"from stepwell.cli import main\nsys.argv = ['stepwell', {command!r}]\nmain()\n"
    done = python(BLOCKED.format(blocked=EXTRA) + code)
    assert done.returncode != 0 and "pip install 'stepwell[server]'" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_stranger_has_no_way_in(kept: Kept) -> None:
    """There is no default key and no password."""
    for key in ("", "admin", "ask_", "ask_" + "0" * 40):
        assert Caller(kept.who.http, key).refused("GET", "/projects")[0] == 401
