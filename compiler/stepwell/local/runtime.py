"""The real Workers runtime as a child process: started, spoken to, and never left behind.

One process runs many Workers. It is reached through a control Worker on a loopback port, with a token that
only this process knows. A small shell stands between: it kills the runtime when this process goes away,
however that happens, and removes the temporary state.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, cast

from .config import JSON, Hosted, Setting, WorkerSpec, configuration, folders

# $1 is a folder to remove at the end; the rest is the command. The pipe at descriptor 0 has no writer left
# once the process that started this is gone.
_GUARD: Final = """
scratch=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
exec 2>/dev/null
{ while read -r _; do :; done; kill -9 "$child"; } <&3 &
guard=$!
exec 3<&-
wait "$child"; code=$?
kill "$guard"; wait "$guard"
rm -rf -- "$scratch"
exit "$code"
"""
_FAULT: Final = re.compile(r"service worker:(\S.*?): (.*)")
_STOP_SECONDS: Final = 5.0
_CALL_SECONDS: Final = 60.0


class RuntimeFailed(Exception):
    """The runtime did not start, or died; the message is its own last words, in one line.

    ``faults`` says what is wrong with which Worker, by name, when it did not start for their sake.
    """

    def __init__(self, message: str, faults: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.faults = dict(faults or {})


class ControlError(Exception):
    """The runtime refused a call, as Cloudflare would; ``name`` is the class of the error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class LogLine:
    """A line that a Worker (or the runtime itself) wrote: level log, info, warn, error or debug.

    ``at`` is the time in milliseconds since 1970.
    """

    level: str
    text: str
    at: float


@dataclass(frozen=True)
class Answer:
    """What a Worker answered to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Runtime:
    """Workers running in one workerd process, from construction until ``close``; a context manager.

    ``state`` keeps everything on disk (None: in memory where there is a memory disk, for as long as this
    lives). It survives a SIGKILL at any moment. ``test`` gives the engines a clock that ``advance`` moves; it
    starts at the real time with every start, so use it with temporary state. ``world`` is "host:port" of a
    proxy that answers what Workers fetch; None lets them out to public addresses. ``hosted`` is for whoever runs
    Workers of others (``stepwell dev``). ``on_log`` is called from another thread.

    Raises RuntimeFailed when a Worker does not load. Methods may be called from several threads.
    """

    def __init__(
        self,
        workerd: Path,
        workers: Sequence[WorkerSpec],
        *,
        state: Path | None = None,
        test: bool = False,
        world: str | None = None,
        token: str | None = None,
        hosted: Hosted | None = None,
        on_log: Callable[[LogLine], None] | None = None,
    ) -> None:
        self._token = token or secrets.token_hex(16)
        self._on_log = on_log
        self._local = threading.local()
        self._closed = False
        self._last_words: deque[str] = deque(maxlen=1000)
        self.scratch = Path(tempfile.mkdtemp(prefix="stepwell-", dir=_memory_disk()))
        self._setting = Setting(state or self.scratch / "state", self._token, test, world, hosted)
        try:
            self._start(workerd, workers)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Life

    def _start(self, workerd: Path, workers: Sequence[WorkerSpec]) -> None:
        for folder in folders(workers, self._setting.state):
            folder.mkdir(parents=True, exist_ok=True)
        config = self.scratch / "config.capnp"  # holds secrets; the folder is this user's alone
        config.write_text(configuration(workers, self._setting), "utf-8")
        reader, writer = os.pipe()
        with os.fdopen(reader, encoding="utf-8") as ready:
            try:
                self._process = self._spawn([str(workerd), "serve", "--experimental", str(config)], writer)
            finally:
                os.close(writer)
            self._reader = threading.Thread(target=self._read_logs, daemon=True)
            self._reader.start()
            self.port = self._await_port(ready)
        config.unlink()

    def _spawn(self, command: list[str], control: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", str(self.scratch), *command, f"--control-fd={control}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[control],
                start_new_session=True,
            )
        except OSError as error:
            raise RuntimeFailed(f"the runtime could not be started: {error.strerror}") from error

    def _await_port(self, ready: IO[str]) -> int:
        for line in ready:
            event = json.loads(line)
            if event.get("event") == "listen" and event.get("socket") == "control":
                return int(event["port"])
        raise self._obituary()

    def _obituary(self) -> RuntimeFailed:
        self._process.wait()
        self._reader.join(_STOP_SECONDS)
        words = [" ".join(line.split()) for line in self._last_words if line.strip()]
        told = "; ".join(words[:5]) or f"exit code {self._process.returncode}"
        return RuntimeFailed(f"the runtime stopped: {told}", _faults(words))

    @property
    def token(self) -> str:
        """What the control Worker wants to see in the header ``x-stepwell-token``."""
        return self._token

    @property
    def pid(self) -> int:
        """The process group that everything of this runtime runs in."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return not self._closed and self._process.poll() is None

    def close(self) -> None:
        """Ends the process and removes temporary state. May be called twice."""
        if self._closed:
            return
        self._closed = True
        process = getattr(self, "_process", None)
        if process is not None:
            self._stop(process)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """Closing its input makes the shell kill the runtime, at once: state on disk is safe against that."""
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._reader.join(_STOP_SECONDS)

    # Logs

    def _read_logs(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for raw in lines:
                self._heard(_log_line(raw.decode("utf-8", "replace").rstrip("\n")))

    def _heard(self, line: LogLine) -> None:
        self._last_words.append(line.text)
        if self._on_log is not None and not _FAULT.match(line.text):  # those are raised
            self._on_log(line)

    # Calls

    def call(self, action: str, arguments: Mapping[str, JSON], *, timeout: float | None = _CALL_SECONDS) -> Any:
        """One action of the control Worker; ``timeout`` in seconds, None for no limit.

        Raises ControlError when it fails, TimeoutError when user code keeps the runtime busy for so long, and
        RuntimeFailed when it is gone.
        """
        body = json.dumps(arguments).encode()
        answer = self._send(self._connection(timeout), action, body, {"content-type": "application/json"})
        told = json.loads(answer.body)
        if "error" in told:
            raise ControlError(told["error"]["name"], told["error"]["message"])
        return told["result"]

    def fetch(
        self,
        worker: str,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Answer:
        """A request to a Worker, as it would come from outside; ``timeout`` in seconds, None for no limit.

        Raises TimeoutError when it does not answer in time.
        """
        address = {"x-stepwell-worker": worker, "x-stepwell-url": url, "x-stepwell-method": method}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with closing(connection):
            return self._send(connection, "fetch", body, {**(headers or {}), **address})

    def create(self, worker: str, workflow: str, params: JSON = None, id: str | None = None) -> str:
        """Starts an instance and returns its id."""
        chosen = {} if id is None else {"id": id}
        made = self.call("create", {"worker": worker, "workflow": workflow, "params": params, **chosen})
        return cast(str, made["id"])

    def status(self, worker: str, workflow: str, id: str) -> dict[str, Any]:
        """``status``, ``output`` and ``error`` of an instance, as ``instance.status()`` gives them."""
        return cast("dict[str, Any]", self.call("status", {"worker": worker, "workflow": workflow, "id": id}))

    def send_event(self, worker: str, workflow: str, id: str, type: str, payload: JSON) -> None:
        """Delivers an event to an instance."""
        place: dict[str, JSON] = {"worker": worker, "workflow": workflow, "id": id}
        self.call("event", {**place, "type": type, "payload": payload})

    def act(self, worker: str, workflow: str, id: str, action: str, options: JSON = None) -> dict[str, Any]:
        """``pause``, ``resume``, ``terminate`` or ``restart``; returns the status after it."""
        place: dict[str, JSON] = {"worker": worker, "workflow": workflow, "id": id, "action": action}
        return cast("dict[str, Any]", self.call("act", {**place, **({} if options is None else {"options": options})}))

    def _connection(self, timeout: float | None) -> HTTPConnection:
        """This thread's own connection, kept open between calls."""
        connection: HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = HTTPConnection("127.0.0.1", self.port)
        connection.timeout = timeout
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the runtime ends connections that idle; the next request opens it again
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection

    def _send(self, connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            connection.request("POST", f"/{path}", body, {**headers, "x-stepwell-token": self._token})
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())
        except TimeoutError:
            connection.close()
            raise
        except (OSError, HTTPException) as error:
            connection.close()  # the next request opens it again
            if self.alive:
                raise RuntimeFailed(f"the runtime does not answer: {error}") from error
            raise self._obituary() from error


def _memory_disk() -> str | None:
    folder = Path("/dev/shm")
    return str(folder) if folder.is_dir() and os.access(folder, os.W_OK) else None


def _log_line(line: str) -> LogLine:
    """workerd logs JSON objects, and plain text where something goes wrong early."""
    with suppress(ValueError):
        told = json.loads(line)
        if isinstance(told, dict) and isinstance(told.get("message"), str):
            level, at = str(told.get("level", "log")), float(told.get("timestamp", time.time() * 1000))
            return LogLine(level, told["message"], at)
    return LogLine("error", line, time.time() * 1000)


def _faults(lines: Sequence[str]) -> dict[str, str]:
    """The first complaint about each Worker: the others follow from it."""
    faults: dict[str, str] = {}
    for found in filter(None, map(_FAULT.fullmatch, lines)):
        faults.setdefault(found[1], found[2])
    return faults
