"""How often a key may call. Counted in this process with the `limits` package; several servers each count alone."""

from __future__ import annotations

import time
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from .errors import Problem


class WrongRate(Exception):
    """A rate is written in a way that is none."""


class Rates:
    """Counts calls; rates are written like `600/minute`. Raises `WrongRate`."""

    def __init__(self, calls: str, deploys: str) -> None:
        self._limiter: Final = MovingWindowRateLimiter(MemoryStorage())
        self._calls, self._deploys = _rate(calls), _rate(deploys)

    def count(self, key: str, heavy: bool) -> None:
        """Counts a call of a key. Raises `Problem` 429."""
        self._hit(self._calls, "calls", key)
        if heavy:
            self._hit(self._deploys, "deploys", key)

    def _hit(self, rate: RateLimitItem, what: str, key: str) -> None:
        if self._limiter.hit(rate, what, key):
            return
        again = self._limiter.get_window_stats(rate, what, key).reset_time - time.time()
        headers = {"Retry-After": str(max(1, round(again))), "RateLimit-Limit": str(rate.amount)}
        raise Problem(
            429, f"too many {what}: {rate.amount} per {rate.get_expiry()} seconds for each key", headers=headers
        )


def _rate(text: str) -> RateLimitItem:
    try:
        found = parse(text)
    except ValueError:
        found = None
    if found is None or found.amount < 1:
        raise WrongRate(f"{text!r} is no rate: one is written like 600/minute")
    return found
