"""Cloudflare's REST API: one client with retries, and what its errors mean to a user."""

from __future__ import annotations

from .client import DEFAULT_BASE_URL, Answer, Cloudflare
from .errors import ApiError, Unsure

__all__ = ["DEFAULT_BASE_URL", "Answer", "ApiError", "Cloudflare", "Unsure"]
