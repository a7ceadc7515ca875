"""The client: envelope, pages, retries where a call may be repeated, and secrets kept out of every message.

Retry rules (facts of Cloudflare's own CLI and documentation): 429 with its Retry-After, 5xx, no connection, a time-out,
a reset, an answer cut in half. GET, PUT, PATCH and DELETE say what shall be, so they may be repeated; of a POST that
may have been done the caller hears (`Unsure`) and looks first.
"""

from __future__ import annotations

import json as jsonlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, quote_plus

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from .errors import ApiError, Unsure

DEFAULT_BASE_URL: Final = "https://api.cloudflare.com/client/v4"
ATTEMPTS: Final = 5
MAX_WAIT_SECONDS: Final = 60.0
HIDDEN: Final = "[hidden]"
_REPEATABLE: Final = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_PER_PAGE: Final = 100
_BACK_OFF: Final = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)

Found = TypeVar("Found")
Part = tuple[str, tuple[str | None, bytes | str, str]]
"""A part of a form: its name, and its file name, content and content type."""


@dataclass(frozen=True)
class Answer:
    """A successful answer: `result` of the envelope, `info` its `result_info`, `raw` the bytes, and `content_type`."""

    result: Any
    info: Mapping[str, Any]
    raw: bytes
    content_type: str


class _Again(Exception):
    """A failure after which the same call may be made again; `after` are seconds that the server asked to wait."""

    def __init__(self, error: ApiError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.after = error, after


class Cloudflare:
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
        if attempts < 1 or not max_wait >= 0:
            raise ValueError("there is at least one attempt, and no pause is shorter than nothing")
        self.account = account
        self._attempts, self._max_wait = attempts, max_wait
        self.base_url = base_url.rstrip("/")
        shapes = {shape for secret in {token, *secrets} - {""} for shape in _shapes(secret)}
        self._secrets = sorted(shapes, key=len, reverse=True)
        self._on_call = on_call or (lambda method, path: None)
        self._sleep = sleep or time.sleep
        self._count = 0
        self._lock = threading.Lock()
        self._http = httpx.Client(
            base_url=self.base_url,
            headers={"authorization": f"Bearer {token}", "user-agent": "stepwell"},
            timeout=httpx.Timeout(timeout, connect=10),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._count

    def hide(self, text: str) -> str:
        """A text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    # Calls

    def get(self, path: str, **params: Any) -> Any:
        """The result of a GET."""
        return self.call("GET", path, params=params).result

    def find(self, path: str, **params: Any) -> Any:
        """The result of a GET, None when the thing is not there."""
        try:
            return self.get(path, **params)
        except ApiError as error:
            if error.missing:
                return None
            raise

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Every item of a list, page after page. Some lists have one page whatever is asked for: it comes once."""
        number, before = 1, None
        while True:
            answer = self.call("GET", path, params={**params, "page": number, "per_page": _PER_PAGE})
            items = answer.result if isinstance(answer.result, list) else next(iter(answer.result.values()))
            if items == before:
                return
            before = items
            yield from items
            total = answer.info.get("total_count")
            if len(items) < _PER_PAGE or (total is not None and number * _PER_PAGE >= total):
                return
            number += 1

    def put(self, path: str, json: Any = None, **more: Any) -> Any:
        """The result of a PUT."""
        return self.call("PUT", path, json=json, **more).result

    def patch(self, path: str, json: Any = None, **more: Any) -> Any:
        """The result of a PATCH."""
        return self.call("PATCH", path, json=json, **more).result

    def delete(self, path: str, **params: Any) -> bool:
        """Removes a thing; False when it was not there."""
        try:
            self.call("DELETE", path, params=params)
        except ApiError as error:
            if error.missing:
                return False
            raise
        return True

    def create(self, path: str, find: Callable[[], Found | None], json: Any = None, **more: Any) -> Found | Any:
        """The result of a POST, or what `find` finds when it is not known whether the POST was done."""
        for attempt in range(self._attempts):
            try:
                return self.call("POST", path, json=json, **more).result
            except Unsure:
                found = find()
                if found is not None:
                    return found
                if attempt == self._attempts - 1:
                    raise
        raise AssertionError("unreachable")

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
        full = path if path.startswith("/") else f"/accounts/{self.account}/{path}"
        safe = method in _REPEATABLE if repeat is None else repeat
        again = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(self._attempts),
            wait=self._pause,
            reraise=True,
            sleep=self._sleep,
        )
        try:
            return again(self._once, method, full, safe, params, json, parts, headers)
        except _Again as failure:
            raise failure.error from None

    def _once(
        self,
        method: str,
        path: str,
        safe: bool,
        params: Mapping[str, Any] | None,
        json: Any,
        parts: Sequence[Part] | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        with self._lock:
            self._count += 1
        self._on_call(method, path)
        content = {"json": json} if json is not None else {}
        try:
            answer = self._http.request(method, path, params=params, files=parts, headers=headers, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _Again(self._error(ApiError, method, path, 0, None, f"no connection: {error}")) from None
        except httpx.HTTPError as error:
            words = f"no answer: {str(error) or type(error).__name__}"
            raise self._unknown(safe, method, path, 0, None, words) from None
        return self._read(method, path, safe, answer)

    def _read(self, method: str, path: str, safe: bool, answer: httpx.Response) -> Answer:
        status, kind = answer.status_code, answer.headers.get("content-type", "")
        code, message = None, ""
        if kind.partition(";")[0].strip() == "application/json" or not 200 <= status < 300:
            try:
                told = jsonlib.loads(answer.content) if answer.content else None
            except ValueError:
                told = None
            if isinstance(told, dict) and told.get("success") is True and 200 <= status < 300:
                return Answer(told.get("result"), told.get("result_info") or {}, answer.content, kind)
            if told is None and 200 <= status < 300 and not answer.content:
                return Answer(None, {}, b"", kind)
            code, message = _complaint(told, answer)
            if told is None and 200 <= status < 300:
                raise self._unknown(safe, method, path, status, None, "the answer was cut off or is no JSON")
        else:
            return Answer(None, {}, answer.content, kind)
        if status == 429:
            after = _seconds(answer.headers.get("retry-after"))
            failure = self._error(ApiError, method, path, status, code, message)
            if after is not None and after > self._max_wait:
                raise failure
            raise _Again(failure, after)
        if status >= 500:
            raise self._unknown(safe, method, path, status, code, message)
        raise self._error(ApiError, method, path, status, code, message)

    def _pause(self, state: RetryCallState) -> float:
        """What the server asks for, else longer each time."""
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, _Again) and error.after is not None:
            return error.after
        return min(self._max_wait, float(_BACK_OFF(state)))

    def _unknown(self, safe: bool, method: str, path: str, status: int, code: int | None, message: str) -> Exception:
        if safe:
            return _Again(self._error(ApiError, method, path, status, code, message))
        return self._error(Unsure, method, path, status, code, message)

    def _error(
        self, kind: type[ApiError], method: str, path: str, status: int, code: int | None, message: str
    ) -> ApiError:
        return kind(method, self.hide(path), status, code, self.hide(message))


def _shapes(secret: str) -> set[str]:
    """A secret as it is, and as JSON and URLs write it: answers repeat parts of a request in these forms too."""
    in_json = {jsonlib.dumps(secret, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
    return {secret, *in_json, quote(secret, safe=""), quote_plus(secret)}


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is left to the back-off."""
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None


def _complaint(told: Any, answer: httpx.Response) -> tuple[int | None, str]:
    """Code and words of a refusal, in each form that the API has."""
    if isinstance(told, dict):
        errors = [one for one in told.get("errors") or () if isinstance(one, dict)]
        if errors:
            return errors[0].get("code"), "; ".join(_words(one) for one in errors)
        if told.get("error"):
            return told.get("code"), str(told["error"])
    if answer.headers.get("cf-mitigated"):
        return None, "Cloudflare's firewall stopped the call"
    return None, answer.reason_phrase or "failed"


def _words(error: Mapping[str, Any]) -> str:
    chain = [_words(one) for one in error.get("error_chain") or () if isinstance(one, dict)]
    return ": ".join([str(error.get("message", "")), *chain])
