"""Refusals: one shape for all of them, `{"error": words, "details"?: […], "provider"?: {…}}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.cloudflare import ApiError, Unsure


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
        super().__init__(words)
        self.status, self.headers = status, dict(headers or {})
        self.body: dict[str, Any] = {"error": words, **more}
        if details is not None:
            self.body["details"] = list(details)


def missing(what: str) -> Problem:
    """404. What belongs to another project is told in the same words as what nobody has."""
    return Problem(404, f"{what} not found")


def of_provider(error: ApiError, doing: str) -> Problem:
    """What Cloudflare answered, as 502, or 503 where trying again later may help."""
    told = {"name": "cloudflare", "status": error.status or None, "code": error.code, "message": error.message}
    advice = f" — {error.advice}" if error.advice else ""
    if isinstance(error, Unsure):
        words = f"{doing}: Cloudflare's answer was lost ({error.message}); repeat it with the same Idempotency-Key"
        return Problem(502, words, provider=told)
    busy = error.status in (0, 429, 503)
    code = f" (code {error.code})" if error.code is not None else ""
    words = f"{doing}: Cloudflare says: {error.message}{code}{advice}"
    return Problem(503 if busy else 502, words, headers={"Retry-After": "30"} if busy else None, provider=told)
