"""Cloudflare's envelope: `{success, errors, messages, result, result_info}`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from starlette.responses import JSONResponse, Response

Item = TypeVar("Item")

MAX_PER_PAGE: Final = 1000


class _Json(JSONResponse):
    """JSON in ASCII: halves of characters, which a workflow may give, have no other form."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Refusal(Exception):
    """A request that is not granted: the HTTP status, Cloudflare's code and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Page:
    """A part of a list: page numbers start at 1."""

    number: int
    size: int

    def of(self, items: Sequence[Item]) -> list[Item]:
        """The items of this page."""
        start = (self.number - 1) * self.size
        return list(items[start : start + self.size])

    def info(self, count: int, total: int) -> dict[str, int]:
        """The `result_info` of this page, with `count` items on it, of `total`."""
        pages = max(1, -(-total // self.size))
        return {"page": self.number, "per_page": self.size, "count": count, "total_count": total, "total_pages": pages}


def page(query: Mapping[str, str], default: int, most: int = MAX_PER_PAGE) -> Page:
    """The page that a query asks for. Raises `Refusal` for what is no number or out of bounds."""
    return Page(_number(query, "page", 1, 10**9), _number(query, "per_page", default, most))


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        raise Refusal(400, 10002, f"{name} must be a whole number from 1 to {most}")
    return int(text)


def ok(result: Any, info: Mapping[str, Any] | None = None) -> Response:
    """An answer of success."""
    return _Json(
        {"success": True, "errors": [], "messages": [], "result": result, **({"result_info": info} if info else {})}
    )


def paged(items: Sequence[Any], query: Mapping[str, str], default: int, most: int = MAX_PER_PAGE) -> Response:
    """An answer with the page of a whole list that the query asks for."""
    asked = page(query, default, most)
    found = asked.of(items)
    return ok(found, asked.info(len(found), len(items)))


def refused(refusal: Refusal) -> Response:
    """The answer to what is not granted."""
    error = {"code": refusal.code, "message": refusal.message}
    return _Json({"success": False, "errors": [error], "messages": [], "result": None}, status_code=refusal.status)
