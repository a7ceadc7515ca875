"""The Workers of the account as one running runtime, started anew when what is deployed has changed.

A restart takes some tenths of a second. Requests wait for it; what runs in a Worker is given a moment to end. The
runtime's state is on disk and survives it, as it survives a kill at any moment.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from stepwell.local.config import JSON, Hosted, WorkerSpec
from stepwell.local.runtime import ControlError, LogLine, Runtime, RuntimeFailed

_DRAIN_SECONDS: Final = 0.5
_QUIET_SECONDS: Final = 0.15
"""How long a start waits for further changes, while nobody waits for it: a deploy makes several in a row."""
_CALL_SECONDS: Final = 60.0
_CRON_MS: Final = 25
"""How long before a cron's time a moved clock stops, in milliseconds: the rest passes in earnest. A clock that is moved
past it leaves the cron behind.
"""
_CRON_PATIENCE_MS: Final = 2000
_READING: Final = frozenset({"describe", "list", "counts", "ids", "record", "refresh", "status", "now"})
"""Actions that are asked again when the runtime dies on them: they change nothing."""


@dataclass(frozen=True)
class Wanted:
    """What should run: the Workers and the resources that are reached without one."""

    workers: tuple[WorkerSpec, ...] = ()
    kv: tuple[str, ...] = ()
    d1: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


@dataclass
class Fleet:
    """The running Workers. ``wanted`` is asked for what should run; ``changed()`` says that its answer is another.

    ``moved`` is called before each start, with nothing running, for work on the files of the runtime.
    """

    workerd: Path
    state: Path
    wanted: Callable[[], Wanted]
    log_mark: str
    on_log: Callable[[LogLine], None]
    on_fault: Callable[[str, str], None]
    moved: Callable[[], None]
    test: bool = False
    ahead_ms: Callable[[], float] = lambda: 0.0
    world: str | None = None
    token: str | None = None
    faults: dict[str, str] = field(default_factory=dict)
    """Workers that the runtime refused, with its words: they were deployed but do not run."""

    def __post_init__(self) -> None:
        self._runtime: Runtime | None = None
        self._running: Wanted | None = None
        self._stale = asyncio.Event()
        self._ready = asyncio.Event()
        self._asked = asyncio.Event()
        self._swapping = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._busy = 0
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=5),
            limits=httpx.Limits(max_connections=500, keepalive_expiry=2),
            trust_env=False,
        )

    # Life

    async def start(self) -> None:
        """Starts what is wanted and keeps it so."""
        self._stale.set()
        self._task = asyncio.create_task(self._keep())
        await self.ready()

    async def close(self) -> None:
        """Ends everything; state on disk stays."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._client.aclose()
        if self._runtime is not None:
            await asyncio.to_thread(self._runtime.close)

    def changed(self) -> None:
        """Has the runtime started anew, soon; whoever uses it from now on waits for that."""
        self._ready.clear()
        self._stale.set()

    async def ready(self) -> None:
        """Waits until what is deployed runs."""
        if not self._ready.is_set():
            self._asked.set()
            await self._ready.wait()

    async def _keep(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stale.wait(), 0.5)
            died = self._runtime is not None and not self._runtime.alive
            if not self._stale.is_set() and not died:
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _QUIET_SECONDS)
            self._asked.clear()
            self._stale.clear()
            wanted = self.wanted()
            died = self._runtime is not None and not self._runtime.alive
            if died or wanted != self._running:
                self._ready.clear()
                self._swapping = True
                try:
                    await self._swap(wanted)
                finally:
                    self._swapping = False
            if not self._stale.is_set():
                self._ready.set()

    async def _swap(self, wanted: Wanted) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _DRAIN_SECONDS)
        await self._rest()
        old, self._runtime = self._runtime, None
        if old is not None:
            await asyncio.to_thread(old.close)
        self.moved()
        self.faults.clear()
        workers = list(wanted.workers)
        while True:
            try:
                self._runtime = await asyncio.to_thread(self._start, workers, wanted)
                break
            except RuntimeFailed as error:
                broken = {name for name in error.faults if any(worker.name == name for worker in workers)}
                if not broken:
                    self.on_fault("", str(error))
                    if not workers:
                        await asyncio.sleep(1)
                    workers = []
                for name in broken:
                    self.faults[name] = error.faults[name]
                    self.on_fault(name, error.faults[name])
                workers = [worker for worker in workers if worker.name not in broken]
        self._running = wanted
        if self.test and self.ahead_ms():
            await self._forward(self.ahead_ms(), [worker.name for worker in workers if worker.workflows])

    def _start(self, workers: list[WorkerSpec], wanted: Wanted) -> Runtime:
        return Runtime(
            self.workerd,
            workers,
            state=self.state,
            test=self.test,
            world=self.world,
            token=self.token,
            hosted=Hosted(self.log_mark, wanted.kv, wanted.d1, wanted.queues),
            on_log=self.on_log,
        )

    async def _rest(self) -> None:
        """Gives the steps that run just now a moment to end: one that is cut off counts as a failed attempt."""
        if self._runtime is None or not self._runtime.alive:
            return
        with suppress(RuntimeFailed, ControlError, TimeoutError):
            await self._call(
                "rest", {"workers": self._engines(), "patience": _DRAIN_SECONDS * 1000}, timeout=2 * _DRAIN_SECONDS
            )

    def _engines(self) -> list[str]:
        running = self._running.workers if self._running is not None else ()
        return [worker.name for worker in running if worker.workflows and worker.name not in self.faults]

    # Use

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[Runtime]:
        while True:
            await self.ready()
            if self._runtime is not None and self._ready.is_set():
                break
        self._busy += 1
        self._idle.clear()
        try:
            yield self._runtime
        finally:
            self._busy -= 1
            if self._busy == 0:
                self._idle.set()

    async def call(self, action: str, arguments: Mapping[str, JSON]) -> Any:
        """One action of the control Worker. Raises `ControlError` when it fails, `RuntimeFailed` when it is gone."""
        try:
            async with self._use():
                return await self._call(action, arguments)
        except RuntimeFailed:
            if action not in _READING or self._closed:
                raise
        async with self._use():
            return await self._call(action, arguments)

    async def glance(self, action: str, arguments: Mapping[str, JSON]) -> Any:
        """An action that only reads, of whatever runs just now, though something else was deployed already."""
        if self._runtime is not None and not self._swapping:
            with suppress(ControlError, RuntimeFailed):
                return await self._call(action, arguments)
        return await self.call(action, arguments)

    async def _call(self, action: str, arguments: Mapping[str, JSON], timeout: float = _CALL_SECONDS) -> Any:
        runtime = self._runtime
        if runtime is None:
            raise RuntimeFailed("the runtime is not running")
        headers = {"x-stepwell-token": runtime.token, "content-type": "application/json"}
        url = f"http://127.0.0.1:{runtime.port}/{action}"
        try:
            answer = await self._client.post(url, content=json.dumps(arguments), headers=headers, timeout=timeout)
        except httpx.TimeoutException as error:
            raise TimeoutError(f"the runtime is busy for {timeout:g} seconds") from error
        except httpx.HTTPError as error:
            await self._look_after(runtime)
            raise RuntimeFailed(f"the runtime does not answer: {error}") from error
        told = answer.json()
        if "error" in told:
            raise ControlError(told["error"]["name"], told["error"]["message"])
        return told["result"]

    async def _look_after(self, runtime: Runtime) -> None:
        """A runtime that has died is started anew; what comes from now on waits for that."""
        await asyncio.sleep(0.05)  # its end takes a moment to be seen
        if runtime is self._runtime and not runtime.alive:
            self.changed()

    @asynccontextmanager
    async def fetch(
        self, worker: str, method: str, url: str, headers: list[tuple[bytes, bytes]], body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[httpx.Response]:
        """A request to a Worker; the answer is to be read while inside. Raises `RuntimeFailed`."""
        async with self._use() as runtime:
            more = {
                "x-stepwell-token": runtime.token,
                "x-stepwell-worker": worker,
                "x-stepwell-url": url,
                "x-stepwell-method": method,
            }
            sent = [*headers, *((name.encode(), value.encode()) for name, value in more.items())]
            request = self._client.build_request(
                "POST", f"http://127.0.0.1:{runtime.port}/fetch", content=body, headers=sent
            )
            try:
                response = await self._client.send(request, stream=True)
            except httpx.HTTPError as error:
                await self._look_after(runtime)
                raise RuntimeFailed(f"the runtime does not answer: {error}") from error
            try:
                yield response
            finally:
                await response.aclose()

    # The test clock

    async def forward(self, ms: float) -> None:
        """Moves the test clock, from timer to timer, so that what falls due on the way happens in its order."""
        async with self._use():
            await self._forward(ms, self._engines())

    async def _forward(self, ms: float, engines: list[str]) -> None:
        if engines:
            await self._call("touch", {"workers": engines})
        left, nap = ms, _CRON_MS + 10
        while left > 0:
            due = await self._settled(engines) if engines else None
            cron = await self._call("clocks", {"ms": 0})
            if cron is not None and cron <= _CRON_MS:
                await asyncio.sleep(nap / 1000)  # it runs by itself just now; asking puts its alarm off a little
                if nap < _CRON_PATIENCE_MS:
                    nap *= 2
                    continue
                cron = None  # it does not run: the clock goes on without it
            else:
                nap = _CRON_MS + 10
            before = None if cron is None else cron - _CRON_MS
            step = max(1, min(left, *(one for one in (due, before) if one is not None), left))
            await self._call("clocks", {"ms": step})
            if engines:
                await self._call("advance", {"workers": engines, "ms": step})
            left -= step
        if engines:
            await self._settled(engines)

    async def _settled(self, engines: list[str]) -> float | None:
        """Waits until nothing runs; the time to the next timer in milliseconds."""
        told = await self._call("idle", {"workers": engines, "patience": 10_000})
        return None if told["next"] is None else float(told["next"])
