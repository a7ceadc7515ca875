"""The async client does what the plain one does, and can be cancelled."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from stepwell.cloudflare import ApiError, AsyncCloudflare, Cloudflare, Unsure
from stepwell.runs import AsyncRuns, Run, Runs, WaitTimeout
from tests.deploy.faulty import KINDS, AsyncFaulty
from tests.dev.account import Dev


async def at_once(seconds: float) -> None:
    """No pause, but others get their turn."""
    await asyncio.sleep(0)


def client(account: Dev, transport: httpx.AsyncBaseTransport | None = None) -> AsyncCloudflare:
    token, id = account.env["CLOUDFLARE_API_TOKEN"], account.env["CLOUDFLARE_ACCOUNT_ID"]
    return AsyncCloudflare(token, id, account.base, transport=transport, sleep=at_once)


def running(account: Dev, work: Callable[[AsyncRuns], Awaitable[None]]) -> None:
    """Does something with a client, in a loop of its own."""

    async def done() -> None:
        async with client(account) as api:
            await work(AsyncRuns(api))

    asyncio.run(done())


@pytest.mark.parametrize(("plain", "other"), [(Runs, AsyncRuns), (Cloudflare, AsyncCloudflare)])
def test_both_clients_have_the_same_methods(plain: type, other: type) -> None:
    """With the same parameters and defaults, but for how one waits."""

    def shape(kind: type) -> dict[str, list[tuple[str, object]]]:
        methods = {name: one for name, one in inspect.getmembers(kind, callable) if not name.startswith("_")}
        methods["constructor"] = kind.__init__  # type: ignore[misc]
        return {
            name: [(p.name, p.default) for p in inspect.signature(one).parameters.values() if p.name != "sleep"]
            for name, one in methods.items()
        }

    assert shape(plain) == shape(other)


def test_a_run_from_start_to_end(account: Dev) -> None:
    async def work(runs: AsyncRuns) -> None:
        seen: list[str] = []

        async def changed(run: Run) -> None:
            seen.append(run.status)
            if run.status == "waiting" and "waiting" not in seen[:-1]:
                await runs.send_event("Orders", run.id, "go", {"by": "Ada"})

        id = await runs.trigger("Orders", {"id": 8})
        run = await runs.wait("Orders", id, timeout=90, changed=changed)
        assert run.status == "complete" and seen[-1] == "complete"
        assert run.steps[0].node == "start" and run == await runs.find(id)
        with pytest.raises(ApiError, match="nothing waits for events any more") as late:
            await runs.send_event("Orders", id, "go")
        assert late.value.status == 409
        with pytest.raises(ValueError, match="it has those of: start, wait, end"):
            await runs.restart("Orders", id, "nope")

    running(account, work)


def test_steering(account: Dev) -> None:
    async def work(runs: AsyncRuns) -> None:
        id = await runs.trigger("Orders", id="async-steered")
        with pytest.raises(WaitTimeout) as late:
            await runs.wait("Orders", id, timeout=1)
        assert late.value.run.status == "waiting"
        assert await runs.pause("Orders", id) == "paused"
        assert await runs.resume("Orders", id) == "waiting"
        assert await runs.terminate("Orders", id) == "terminated"
        assert await runs.find("nobody") is None
        with pytest.raises(ApiError) as missing:
            await runs.get("Orders", "nobody")
        assert missing.value.missing

    running(account, work)


def test_many_runs_at_once_and_their_pages(account: Dev) -> None:
    async def work(runs: AsyncRuns) -> None:
        ids = [f"async-many-{number}" for number in range(104)]
        await asyncio.gather(*(runs.trigger("Orders", id=id) for id in ids))
        found = [run.id async for run in runs.list("Orders") if run.id.startswith("async-many-")]
        assert sorted(found) == sorted(ids)
        async for first in runs.list("Orders"):
            assert first.id in ids
            break
        await asyncio.gather(*(runs.terminate("Orders", id) for id in ids))

    running(account, work)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "limited long"])
def test_a_start_is_made_once_whatever_happens(account: Dev, kind: str) -> None:
    async def work() -> None:
        id = f"async-lost-{kind.replace(' ', '-')}"
        transport = AsyncFaulty(0, kind)
        async with client(account, transport) as api:
            assert await AsyncRuns(api).trigger("Orders", {"kind": kind}, id) == id
            assert (await AsyncRuns(api).get("Orders", id)).params == {"kind": kind}
        async with client(account) as api:
            assert len([run async for run in AsyncRuns(api).list("Orders") if run.id == id]) == 1
            await AsyncRuns(api).terminate("Orders", id)

    asyncio.run(work())


def test_what_cannot_be_repeated_is_not(account: Dev) -> None:
    async def work() -> None:
        async with client(account) as api:
            id = await AsyncRuns(api).trigger("Orders")
        async with client(account, AsyncFaulty(0, "reset")) as api:
            with pytest.raises(Unsure):
                await AsyncRuns(api).pause("Orders", id)
            assert api.calls == 1
            assert (await AsyncRuns(api).get("Orders", id)).status in ("paused", "waitingForPause")
            await AsyncRuns(api).terminate("Orders", id)
        async with client(account, AsyncFaulty(0, "limited long")) as api:
            with pytest.raises(ApiError):
                await AsyncRuns(api).workflows()
            assert api.calls == 1

    asyncio.run(work())


def test_waiting_can_be_cancelled(account: Dev) -> None:
    async def work(runs: AsyncRuns) -> None:
        id = await runs.trigger("Orders", id="async-cancelled")
        waiting = asyncio.create_task(runs.wait("Orders", id))
        await asyncio.sleep(0.5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await runs.wait("Orders", id)
        assert not (await runs.get("Orders", id)).over
        await runs.terminate("Orders", id)

    running(account, work)


def test_a_call_without_an_answer_can_be_cancelled() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(3600)
            raise AssertionError("unreachable")

    async def work() -> None:
        async with AsyncCloudflare("t", "a", "http://x", transport=Silent()) as api:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(AsyncRuns(api).trigger("Orders"), 0.2)
            assert api.calls == 1

    start = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - start < 60


def test_no_message_holds_a_secret() -> None:
    async def work() -> None:
        told = {"errors": [{"code": 1, "message": "no s3cret and no t0ken"}]}
        transport = httpx.MockTransport(lambda request: httpx.Response(400, json=told))
        async with AsyncCloudflare("t0ken", "a", "http://x", secrets=["s3cret"], transport=transport) as api:
            with pytest.raises(ApiError) as refused:
                await api.put("workers/s3cret")
        assert str(refused.value) == "PUT /accounts/a/workers/[hidden]: no [hidden] and no [hidden] (code 1)"

    asyncio.run(work())
