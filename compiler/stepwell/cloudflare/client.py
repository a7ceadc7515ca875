"""The client that waits by blocking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from tenacity import Retrying

from . import talk
from .errors import ApiError
from .rules import ATTEMPTS, DEFAULT_BASE_URL, MAX_WAIT_SECONDS, Again, Rules
from .talk import Answer, Ask, Do, Pages, Part, Pause, Talk

Found = TypeVar("Found")


class Cloudflare(Rules):
    """Calls of one account with one token. Safe in several threads. A context manager.

    `secrets` are texts that no message may hold; the token is one. `on_call` hears of every request that is sent.
    A call is made at most `attempts` times; `max_wait` is the longest pause between two of them, in seconds, and a
    server that asks for a longer one is not asked again. Raises `ValueError` for fewer than one attempt and a negative
    pause.
    """

    def __init__(
        self,
        token: str,
        account: str,
        base_url: str = DEFAULT_BASE_URL,
        *,
        secrets: Sequence[str] = (),
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] | None = None,
        on_call: Callable[[str, str], None] | None = None,
        timeout: float = 60.0,
        attempts: int = ATTEMPTS,
        max_wait: float = MAX_WAIT_SECONDS,
    ) -> None:
        super().__init__(token, account, base_url, secrets, on_call, timeout, attempts, max_wait)
        self._sleep = sleep or time.sleep
        self._http = httpx.Client(**self._connection, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """The result of a GET."""
        return self.run(talk.get(path, **params))

    def find(self, path: str, **params: Any) -> Any:
        """The result of a GET, None when the thing is not there."""
        return self.run(talk.find(path, **params))

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Every item of a list, page after page."""
        pages = Pages(path, params)
        while not pages.over:
            yield from self.run(pages.next())

    def put(self, path: str, json: Any = None, **more: Any) -> Any:
        """The result of a PUT."""
        return self.call("PUT", path, json=json, **more).result

    def patch(self, path: str, json: Any = None, **more: Any) -> Any:
        """The result of a PATCH."""
        return self.call("PATCH", path, json=json, **more).result

    def delete(self, path: str, **params: Any) -> bool:
        """Removes a thing; False when it was not there."""
        return self.run(talk.delete(path, **params))

    def create(self, path: str, find: Callable[[], Found | None], json: Any = None, **more: Any) -> Found | Any:
        """The result of a POST, or what `find` finds when it is not known whether the POST was done."""
        return self.run(talk.create(Ask("POST", path, json=json, **more), lambda: talk.do(find), self.attempts))

    def call(
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
        return self._asked(Ask(method, path, params, json, parts, repeat, headers))

    def run(self, talk: Talk[Found], sleep: Callable[[float], None] | None = None) -> Found:
        """Does what a talk asks for; `sleep` makes its pauses."""
        step, given = talk.send, None
        try:
            while True:
                wanted = step(given)
                try:
                    step, given = talk.send, self._done(wanted, sleep or self._sleep)
                except ApiError as error:
                    step, given = talk.throw, error
        except StopIteration as end:
            told: Found = end.value
            return told
        finally:
            talk.close()

    def _done(self, wanted: Ask | Do | Pause, sleep: Callable[[float], None]) -> Any:
        match wanted:
            case Ask():
                return self._asked(wanted)
            case Do(action):
                return action()
            case Pause(seconds):
                return sleep(seconds)

    def _asked(self, ask: Ask) -> Answer:
        try:
            return Retrying(**self._again(), sleep=self._sleep)(self._once, ask)
        except Again as failure:
            raise failure.error from None

    def _once(self, ask: Ask) -> Answer:
        try:
            answer = self._http.request(**self._sent(ask))
        except httpx.HTTPError as error:
            raise self._unanswered(ask, error) from None
        return self._read(ask, answer)
