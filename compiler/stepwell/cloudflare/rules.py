"""The rules of every call, whoever waits for it: envelope, which calls may be made again and when, and secrets kept out
of every message.

Retry rules (facts of Cloudflare's own CLI and documentation): 429 with its Retry-After, 5xx, no connection, a time-out,
a reset, an answer cut in half. GET, PUT, PATCH and DELETE say what shall be, so they may be repeated; of a POST that
may have been done the caller hears (`Unsure`) and looks first.
"""

from __future__ import annotations

import json as jsonlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus

import httpx
from tenacity import RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from .errors import ApiError, Unsure
from .talk import Answer, Ask

DEFAULT_BASE_URL: Final = "https://api.cloudflare.com/client/v4"
ATTEMPTS: Final = 5
MAX_WAIT_SECONDS: Final = 60.0
HIDDEN: Final = "[hidden]"
_REPEATABLE: Final = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_BACK_OFF: Final = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)


class Again(Exception):
    """A failure after which the same call may be made again; `after` are seconds that the server asked to wait."""

    def __init__(self, error: ApiError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.after = error, after


class Rules:
    """What the plain and the async client have in common. Their constructors tell of the parameters."""

    def __init__(
        self,
        token: str,
        account: str,
        base_url: str,
        secrets: Sequence[str],
        on_call: Callable[[str, str], None] | None,
        timeout: float,
        attempts: int,
        max_wait: float,
    ) -> None:
        if attempts < 1 or not max_wait >= 0:
            raise ValueError("there is at least one attempt, and no pause is shorter than nothing")
        self.account = account
        self.base_url = base_url.rstrip("/")
        self.attempts, self._max_wait = attempts, max_wait
        shapes = {shape for secret in {token, *secrets} - {""} for shape in _shapes(secret)}
        self._secrets = sorted(shapes, key=len, reverse=True)
        self._on_call = on_call or (lambda method, path: None)
        self._count = 0
        self._lock = threading.Lock()
        self._connection: dict[str, Any] = {
            "base_url": self.base_url,
            "headers": {"authorization": f"Bearer {token}", "user-agent": "stepwell"},
            "timeout": httpx.Timeout(timeout, connect=10),
        }

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._count

    def hide(self, text: str) -> str:
        """A text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def _again(self) -> dict[str, Any]:
        """How tenacity makes a call again."""
        return {
            "retry": retry_if_exception_type(Again),
            "stop": stop_after_attempt(self.attempts),
            "wait": self._pause,
            "reraise": True,
        }

    def _sent(self, ask: Ask) -> dict[str, Any]:
        """The request of a call, counted and told of."""
        path = self._path(ask)
        with self._lock:
            self._count += 1
        self._on_call(ask.method, path)
        content = {"json": ask.json} if ask.json is not None else {}
        return {
            "method": ask.method,
            "url": path,
            "params": ask.params,
            "files": ask.parts,
            "headers": ask.headers,
            **content,
        }

    def _path(self, ask: Ask) -> str:
        return ask.path if ask.path.startswith("/") else f"/accounts/{self.account}/{ask.path}"

    def _unanswered(self, ask: Ask, error: httpx.HTTPError) -> Exception:
        """What it means that there is no answer."""
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
            return Again(self._error(ApiError, ask, 0, None, f"no connection: {error}"))
        return self._unknown(ask, 0, None, f"no answer: {str(error) or type(error).__name__}")

    def _read(self, ask: Ask, answer: httpx.Response) -> Answer:
        status, kind = answer.status_code, answer.headers.get("content-type", "")
        fine = 200 <= status < 300
        if fine and kind.partition(";")[0].strip() != "application/json":
            return Answer(None, {}, answer.content, kind)
        told = _json(answer.content)
        if fine and isinstance(told, dict) and told.get("success") is True:
            return Answer(told.get("result"), told.get("result_info") or {}, answer.content, kind)
        if fine and not answer.content:
            return Answer(None, {}, b"", kind)
        if fine and told is None:
            raise self._unknown(ask, status, None, "the answer was cut off or is no JSON")
        raise self._refused(ask, answer, *_complaint(told, answer))

    def _refused(self, ask: Ask, answer: httpx.Response, code: int | None, message: str) -> Exception:
        if answer.status_code >= 500:
            return self._unknown(ask, answer.status_code, code, message)
        failure = self._error(ApiError, ask, answer.status_code, code, message)
        after = _seconds(answer.headers.get("retry-after"))
        if answer.status_code != 429 or (after is not None and after > self._max_wait):
            return failure
        return Again(failure, after)

    def _pause(self, state: RetryCallState) -> float:
        """What the server asks for, else longer each time."""
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, Again) and error.after is not None:
            return error.after
        return min(self._max_wait, float(_BACK_OFF(state)))

    def _unknown(self, ask: Ask, status: int, code: int | None, message: str) -> Exception:
        if ask.method in _REPEATABLE if ask.repeat is None else ask.repeat:
            return Again(self._error(ApiError, ask, status, code, message))
        return self._error(Unsure, ask, status, code, message)

    def _error(self, kind: type[ApiError], ask: Ask, status: int, code: int | None, message: str) -> ApiError:
        return kind(ask.method, self.hide(self._path(ask)), status, code, self.hide(message))


def _json(content: bytes) -> Any:
    """What the bytes say, None when they are no JSON that can be read."""
    try:
        return jsonlib.loads(content) if content else None
    except (ValueError, RecursionError):
        return None


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
