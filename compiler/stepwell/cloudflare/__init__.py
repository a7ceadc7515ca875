"""Cloudflare's REST API: a plain and an async client with retries, and what its errors mean to a user."""

from __future__ import annotations

from .async_client import AsyncCloudflare
from .client import Cloudflare
from .errors import ApiError, Unsure
from .rules import ATTEMPTS, DEFAULT_BASE_URL, MAX_WAIT_SECONDS
from .talk import Answer, Ask, Pages, Talk

__all__ = [
    "ATTEMPTS",
    "DEFAULT_BASE_URL",
    "MAX_WAIT_SECONDS",
    "Answer",
    "ApiError",
    "Ask",
    "AsyncCloudflare",
    "Cloudflare",
    "Pages",
    "Talk",
    "Unsure",
]
