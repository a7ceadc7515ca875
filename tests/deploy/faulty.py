"""A way to the API on which one call goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import httpx

KINDS: Final = (
    "limited",
    "limited long",
    "error before",
    "error after",
    "timeout before",
    "timeout after",
    "reset",
    "cut",
    "refused",
)
"""What can happen to a call: answered 429 (with a short or a long Retry-After), failed before or after it was done,
without an answer before or after it was done, the connection reset after it was done, the answer cut in half, no
connection at all.
"""


class Faulty(httpx.BaseTransport):
    """Passes calls on; the one of number `at` (from 0) goes wrong, `times` times in a row."""

    def __init__(self, at: int, kind: str, times: int = 1) -> None:
        self._real = httpx.HTTPTransport(verify=False)  # loopback; reading certificates takes time
        self._at, self._kind, self._left = at, kind, times
        self.count = 0
        self.hit: str | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One call."""
        number, self.count = self.count, self.count + 1
        if number < self._at or self._left == 0:
            return self._pass(request)
        self._left -= 1
        self.hit = f"{request.method} {request.url.path}"
        return self._fault(request)

    def _pass(self, request: httpx.Request) -> httpx.Response:
        response = self._real.handle_request(request)
        response.read()
        return response

    def _fault(self, request: httpx.Request) -> httpx.Response:
        body = {"success": False, "errors": [{"code": 10001, "message": "internal error"}], "result": None}
        match self._kind:
            case "limited":
                return httpx.Response(429, headers={"retry-after": "0"}, json=body)
            case "limited long":
                return httpx.Response(429, headers={"retry-after": "3600"}, json=body)
            case "error before":
                return httpx.Response(500, json=body)
            case "timeout before":
                raise httpx.ReadTimeout("nothing came", request=request)
            case "refused":
                raise httpx.ConnectError("connection refused", request=request)
        done = self._pass(request)
        match self._kind:
            case "error after":
                return httpx.Response(502, text="<html>bad gateway</html>")
            case "timeout after":
                raise httpx.ReadTimeout("nothing came", request=request)
            case "reset":
                raise httpx.ReadError("connection reset by peer", request=request)
            case "cut":
                headers = {"content-type": done.headers.get("content-type", "application/json")}
                half = done.content[: len(done.content) // 2]
                return httpx.Response(done.status_code, headers=headers, content=half)
        raise AssertionError(self._kind)

    def close(self) -> None:
        """Ends connections."""
        self._real.close()


Make = Callable[[], httpx.BaseTransport]


class AsyncFaulty(httpx.AsyncBaseTransport):
    """The same on the way of an async client."""

    def __init__(self, at: int, kind: str, times: int = 1) -> None:
        self._faulty = Faulty(at, kind, times)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One call, in a thread."""
        await request.aread()
        return await asyncio.to_thread(self._answer, request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        plain = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        found = self._faulty.handle_request(plain)
        return httpx.Response(found.status_code, headers=_plain(found.headers), content=found.content)

    async def aclose(self) -> None:
        """Ends connections."""
        self._faulty.close()


def _plain(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Headers of an answer whose content was unpacked."""
    return [(name, value) for name, value in headers.items() if name not in ("content-encoding", "content-length")]
