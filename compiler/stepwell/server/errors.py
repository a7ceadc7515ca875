"""Refusals: one shape for all of them, `{"error": words, "details"?: […], "provider"?: {…}}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.cloudflare import ApiError, Unsure

from .texts import clean


class Problem(Exception):
    """A request that is refused: the status, words for people, and what else belongs to the answer."""

    def __init__(
        self,
        status: int,
        words: str,
        details: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(clean(words))
        self.status, self.headers = status, dict(headers or {})
        self.body: dict[str, Any] = {"error": str(self), **more}
        if details is not None:
            self.body["details"] = list(details)


def missing(what: str) -> Problem:
    """404. What belongs to another project is told in the same words as what nobody has."""
    return Problem(404, f"{what} not found")


def of_provider(error: ApiError, doing: str, unsure: str | None = None) -> Problem:
    """What Cloudflare answered, as 502, or 503 where trying again later may help.

    `doing` says what was not done, `unsure` what to do where that is not known.
    """
    told = {"name": "cloudflare", "status": error.status or None, "code": error.code, "message": clean(error.message)}
    busy = not isinstance(error, Unsure) and error.status in (0, 429, 503)
    headers = {"Retry-After": "30"} if busy else None
    lost = isinstance(error, Unsure)  # what was asked for may have been done
    then = unsure or "look whether it was done, and repeat it where it was not"
    words = f"Cloudflare's answer was lost ({error.message}); {then}" if lost else f"{doing}: {_said(error)}"
    return Problem(503 if busy else 502, words, headers=headers, provider=told)


def _said(error: ApiError) -> str:
    if error.status == 0:  # it may be the account on this machine
        return f"the account's API is not reached: {error.message}"
    code = f" (code {error.code})" if error.code is not None else f" (HTTP {error.status})"
    return f"Cloudflare says: {error.message}{code}{_advice(error)}"


def _advice(error: ApiError) -> str:
    """What the caller can do; the client's own advice is for who set its variables."""
    if error.status in (401, 403):
        return " — the connection's token is refused or lacks a permission: give the connection another one"
    return f" — {error.advice}" if error.advice and error.status < 429 else ""
