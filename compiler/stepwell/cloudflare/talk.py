"""What is done with the API, without doing it: a talk yields what it needs, and is sent what came of it.

The plain and the async client drive the same talks (`Cloudflare.run`, `AsyncCloudflare.run`): only the waiting differs.
An `ApiError` is thrown into the talk at the place that asked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from .errors import ApiError, Unsure

PER_PAGE: Final = 100

Told = TypeVar("Told")
Part = tuple[str, tuple[str | None, bytes | str, str]]
"""A part of a form: its name, and its file name, content and content type."""


@dataclass(frozen=True)
class Answer:
    """A successful answer: `result` of the envelope, `info` its `result_info`, `raw` the bytes, and `content_type`."""

    result: Any
    info: Mapping[str, Any]
    raw: bytes
    content_type: str


@dataclass(frozen=True)
class Ask:
    """A call to be made. A path without a leading `/` is one of the account; `repeat` None: as the method says."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    parts: Sequence[Part] | None = None
    repeat: bool | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Do:
    """Something of the caller's to be done; what it returns is sent back, awaited where it can be."""

    action: Callable[[], Any]


@dataclass(frozen=True)
class Pause:
    """Seconds to wait."""

    seconds: float


Talk = Generator[Ask | Do | Pause, Any, Told]


def get(path: str, **params: Any) -> Talk[Any]:
    """The result of a GET."""
    return (yield Ask("GET", path, params)).result


def find(path: str, **params: Any) -> Talk[Any]:
    """The result of a GET, None when the thing is not there."""
    try:
        return (yield from get(path, **params))
    except ApiError as error:
        if error.missing:
            return None
        raise


def result(ask: Ask) -> Talk[Any]:
    """The result of a call."""
    return (yield ask).result


def delete(path: str, **params: Any) -> Talk[bool]:
    """Removes a thing; False when it was not there."""
    try:
        yield Ask("DELETE", path, params)
    except ApiError as error:
        if error.missing:
            return False
        raise
    return True


def create(ask: Ask, look: Callable[[], Talk[Told | None]], attempts: int) -> Talk[Told | Any]:
    """The result of a POST, or what `look` finds when it is not known whether the POST was done.

    Once that is not known of one attempt, it is not known of all: what fails afterwards is `Unsure` too.
    """
    unsure = False
    for left in reversed(range(attempts)):
        try:
            return (yield ask).result
        except Unsure:
            unsure = True
            found = yield from _sought(look)
            if found is not None:
                return found
            if not left:
                raise
        except ApiError as error:
            raise (_unsure(error) if unsure else error) from None
    raise AssertionError("unreachable")


def _sought(look: Callable[[], Talk[Told | None]]) -> Talk[Told | None]:
    try:
        return (yield from look())
    except ApiError as error:
        raise _unsure(error) from None


def _unsure(error: ApiError) -> Unsure:
    return Unsure(error.method, error.path, error.status, error.code, error.message)


def do(action: Callable[[], Any]) -> Talk[Any]:
    """What something of the caller's gives."""
    return (yield Do(action))


class Pages:
    """A list, page after page. Some lists have one page whatever is asked for: it comes once."""

    def __init__(self, path: str, params: Mapping[str, Any]) -> None:
        self.over = False
        self._path, self._params = path, params
        self._number = 1
        self._before: list[Any] | None = None

    def next(self) -> Talk[list[Any]]:
        """The items of the next page; after the last one `over` is set."""
        asked = {**self._params, "page": self._number, "per_page": PER_PAGE}
        answer = yield Ask("GET", self._path, asked)
        items = answer.result if isinstance(answer.result, list) else next(iter(answer.result.values()))
        if items == self._before:
            self.over = True
            return []
        total = answer.info.get("total_count")
        self.over = len(items) < PER_PAGE or (total is not None and self._number * PER_PAGE >= total)
        self._before, self._number = items, self._number + 1
        return list(items)
