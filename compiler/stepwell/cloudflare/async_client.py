"""The client that awaits. Cancelling what awaits it ends the call and its connection."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from tenacity import AsyncRetrying

from . import talk
from .errors import ApiError
from .rules import ATTEMPTS, DEFAULT_BASE_URL, MAX_WAIT_SECONDS, Again, Rules
from .talk import Answer, Ask, Do, Pages, Part, Pause, Talk

Found = TypeVar("Found")


class AsyncCloudflare(Rules):
    """Calls of one account with one token. For one event loop of asyncio, in any number of its tasks. An async
    context manager.

    Parameters, rules and errors are those of `Cloudflare`.
    """

    def __init__(
        self,
        token: str,
        account: str,
        base_url: str = DEFAULT_BASE_URL,
        *,
        secrets: Sequence[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        on_call: Callable[[str, str], None] | None = None,
        timeout: float = 60.0,
        attempts: int = ATTEMPTS,
        max_wait: float = MAX_WAIT_SECONDS,
    ) -> None:
        super().__init__(token, account, base_url, secrets, on_call, timeout, attempts, max_wait)
        self._sleep = sleep or asyncio.sleep
        self._http = httpx.AsyncClient(**self._connection, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends its connections."""
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> Any:
        """The result of a GET."""
        return await self.run(talk.get(path, **params))

    async def find(self, path: str, **params: Any) -> Any:
        """The result of a GET, None when the thing is not there."""
        return await self.run(talk.find(path, **params))

    async def pages(self, path: str, **params: Any) -> AsyncIterator[Any]:
        """Every item of a list, page after page."""
        pages = Pages(path, params)
        while not pages.over:
            for item in await self.run(pages.next()):
                yield item

    async def put(self, path: str, json: Any = None, **more: Any) -> Any:
        """The result of a PUT."""
        return (await self.call("PUT", path, json=json, **more)).result

    async def patch(self, path: str, json: Any = None, **more: Any) -> Any:
        """The result of a PATCH."""
        return (await self.call("PATCH", path, json=json, **more)).result

    async def delete(self, path: str, **params: Any) -> bool:
        """Removes a thing; False when it was not there."""
        return await self.run(talk.delete(path, **params))

    async def create(
        self, path: str, find: Callable[[], Awaitable[Found | None]], json: Any = None, **more: Any
    ) -> Found | Any:
        """The result of a POST, or what `find` finds when it is not known whether the POST was done."""
        return await self.run(talk.create(Ask("POST", path, json=json, **more), lambda: talk.do(find), self.attempts))

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        parts: Sequence[Part] | None = None,
        repeat: bool | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call, repeated as the rules say. A path without a leading `/` is one of the account.

        Raises `ApiError`, and `Unsure` where a call that may not be repeated has no known outcome.
        """
        return await self._asked(Ask(method, path, params, json, parts, repeat, headers))

    async def run(self, talk: Talk[Found], sleep: Callable[[float], Awaitable[None]] | None = None) -> Found:
        """Does what a talk asks for; `sleep` makes its pauses."""
        step, given = talk.send, None
        try:
            while True:
                wanted = step(given)
                try:
                    step, given = talk.send, await self._done(wanted, sleep or self._sleep)
                except ApiError as error:
                    step, given = talk.throw, error
        except StopIteration as end:
            told: Found = end.value
            return told
        finally:
            talk.close()

    async def _done(self, wanted: Ask | Do | Pause, sleep: Callable[[float], Awaitable[None]]) -> Any:
        match wanted:
            case Ask():
                return await self._asked(wanted)
            case Do(action):
                given = action()
                return await given if inspect.isawaitable(given) else given
            case Pause(seconds):
                return await sleep(seconds)

    async def _asked(self, ask: Ask) -> Answer:
        try:
            return await AsyncRetrying(**self._again(), sleep=self._sleep)(self._once, ask)
        except Again as failure:
            raise failure.error from None

    async def _once(self, ask: Ask) -> Answer:
        try:
            answer = await self._http.request(**self._sent(ask))
        except httpx.HTTPError as error:
            raise self._unanswered(ask, error) from None
        return self._read(ask, answer)
