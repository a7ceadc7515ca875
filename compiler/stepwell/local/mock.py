"""The world as a local run sees it: a proxy on loopback that answers requests from mocks.

A mock is ``[METHOD ]URL=JSON``. In the URL ``*`` stands for any text, every other character for itself. The
JSON is the body of a 200 response, or a response in full, ``{"status": 503, "headers": {..}, "body": ..,
"delayMs": 20}``, recognised by a key ``status`` or ``body`` and no key but these four; ``{"$sequence":
[..]}`` answers one after the other, the last one for ever. In a full response a ``body`` that is text is sent
as it is.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from .config import JSON

if TYPE_CHECKING:
    import httpx

WORKFLOW_HOST: Final = "https://workflow.stepwell.invalid/"
"""Requests to this host ask for the output of the workflow that the path names."""

_JSON_TYPE: Final = "application/json"
_TEXT_TYPE: Final = "text/plain;charset=UTF-8"
_FULL: Final = frozenset({"status", "headers", "body", "delayMs"})
_METHOD: Final = re.compile(r"([A-Za-z]+) +(.*)", re.DOTALL)
_REFUSED: Final = 421  # Misdirected Request; no Worker sees it: the refusal is thrown
_OWN_HEADERS: Final = "x-stepwell-"
_NOT_PASSED_ON: Final = frozenset(
    {"connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True)
class Response:
    """What a mock answers, after ``delay_ms`` milliseconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delay_ms: float = 0


@dataclass(frozen=True)
class Mock:
    """Requests that fit ``method`` (None: any) and ``url`` get the responses in turn, the last for ever.

    ``doubt`` says where an answer looks like one in full and is none.
    """

    pattern: str
    method: str | None
    url: str
    responses: tuple[Response, ...]
    doubt: str | None = None

    def fits(self, method: str, url: str) -> bool:
        """Whether this mock answers such a request."""
        if self.method is not None and self.method != method.upper():
            return False
        return re.fullmatch(re.escape(self.url).replace(r"\*", ".*"), url, re.DOTALL) is not None


@dataclass(frozen=True)
class Exchange:
    """One request that a Worker made; ``status`` is None when it was refused, and then ``hint`` says what to
    do.
    """

    worker: str
    method: str
    url: str
    status: int | None
    mocked: bool
    hint: str | None


@dataclass(frozen=True)
class Sent:
    """A request as a Worker sent it; names of headers in lower case, without the runtime's own."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


# Reading mocks


def parse_mock(text: str) -> list[Mock]:
    """The mocks that one ``--mock`` argument means; ``@FILE`` is a JSON object of patterns and values.

    Raises ValueError with one line that says what is wrong.
    """
    if text.startswith("@"):
        return [make_mock(pattern, value) for pattern, value in _read_file(Path(text[1:])).items()]
    pattern, value = _split(text)
    return [make_mock(pattern, value)]


def make_mock(pattern: str, value: JSON) -> Mock:
    """One mock from its pattern and its value. Raises ValueError."""
    found = _METHOD.fullmatch(pattern.strip())
    method, url = (found[1].upper(), found[2].strip()) if found else (None, pattern.strip())
    if "://" not in url and not url.startswith(("*", "workflow:")):
        raise ValueError(f"mock {pattern!r}: give the whole URL, like 'POST https://host/path*' or workflow:NAME")
    if re.fullmatch(r"[a-z]+://[^/*?]+", url):
        url += "/"  # as the request will have it
    return Mock(pattern, method, url, _responses(pattern, value), _doubt(pattern, value))


def _read_file(path: Path) -> Mapping[str, JSON]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"mock file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"mock file {path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f'mock file {path} must be a JSON object like {{"GET https://host/*": {{}}}}')
    return value


def _split(text: str) -> tuple[str, JSON]:
    """At the first ``=`` with JSON after it, for a URL may hold one too."""
    for found in re.finditer("=", text):
        with suppress(ValueError, RecursionError):
            return text[: found.start()], json.loads(text[found.end() :])
    if "=" not in text:
        raise ValueError(f"mock {text!r}: write it as '[METHOD ]URL=JSON'")
    raise ValueError(f"mock {text!r}: what follows '=' is not JSON (text is written with quotes: '=\"text\"')")


def _responses(pattern: str, value: JSON) -> tuple[Response, ...]:
    if isinstance(value, Mapping) and set(value) == {"$sequence"}:
        items = value["$sequence"]
        if not isinstance(items, Sequence) or isinstance(items, str) or not items:
            raise ValueError(f"mock {pattern!r}: $sequence must be an array of at least one answer")
        return tuple(_response(pattern, item) for item in items)
    return (_response(pattern, value),)


def _doubt(pattern: str, value: JSON) -> str | None:
    """Bodies may have a ``status`` of their own, so only one that is an HTTP status beside a strange key is told."""
    items: JSON = value["$sequence"] if isinstance(value, Mapping) and set(value) == {"$sequence"} else [value]
    for item in items if isinstance(items, list) else ():
        status = item.get("status") if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping) or not isinstance(status, int) or not 100 <= status <= 599:
            continue
        strange = next((key for key in item if key not in _FULL), None)
        if strange is not None:
            keys = "status, headers, body and delayMs"
            return f"--mock {pattern!r} answers 200 with all of this as its body: {strange!r} is none of {keys}"
    return None


def _response(pattern: str, value: JSON) -> Response:
    if not isinstance(value, Mapping) or not set(value) <= _FULL or not {"status", "body"} & set(value):
        return Response(200, MappingProxyType({"content-type": _JSON_TYPE}), json.dumps(value).encode())
    status, delay, headers = value.get("status", 200), value.get("delayMs", 0), value.get("headers", {})
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"mock {pattern!r}: status must be a number from 200 to 599")
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= 3_600_000:
        raise ValueError(f"mock {pattern!r}: delayMs must be a number of milliseconds")
    if not isinstance(headers, Mapping) or not all(isinstance(item, str) for item in headers.values()):
        raise ValueError(f"mock {pattern!r}: headers must be an object of strings")
    return _full(status, {name.lower(): str(item) for name, item in headers.items()}, value.get("body"), delay)


def _full(status: int, headers: dict[str, str], body: JSON, delay: float) -> Response:
    as_text = isinstance(body, str) and "json" not in headers.get("content-type", "")
    headers.setdefault("content-type", _TEXT_TYPE if as_text else _JSON_TYPE)
    data = b"" if body is None else str(body).encode() if as_text else json.dumps(body).encode()
    return Response(status, MappingProxyType(headers), data, delay)


# Answering


class Desk:
    """Answers the requests of one run's Workers, and counts them. Safe in several threads."""

    def __init__(
        self,
        mocks: Sequence[Mock],
        *,
        allow_network: bool,
        on_exchange: Callable[[Exchange], None],
        on_request: Callable[[Sent], None] | None = None,
    ) -> None:
        self._mocks = tuple(mocks)
        self._on_request = on_request
        self._network = _Network() if allow_network else None
        self._on_exchange = on_exchange
        self._lock = threading.Lock()
        self._used = dict.fromkeys(range(len(self._mocks)), 0)
        self._open = 0
        self._activity = 0

    @property
    def open(self) -> int:
        """Requests that are not answered yet."""
        return self._open

    @property
    def activity(self) -> int:
        """Changes whenever a request comes or is answered."""
        return self._activity

    def close(self) -> None:
        """Lets go of connections to the network."""
        if self._network is not None:
            self._network.close()

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Counts one request as open while it is worked on."""
        with self._lock:
            self._activity += 1
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._activity += 1
                self._open -= 1

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The response to one request, after its delay; it is told to ``on_exchange``."""
        shown = _shown_url(url)
        if self._on_request is not None:
            self._on_request(Sent(method, shown, MappingProxyType(_passed(headers)), body))
        worker, service = headers.get("x-stepwell-worker", ""), headers.get("x-stepwell-service")
        mock = self._next(method, shown)
        if mock is not None:
            time.sleep(mock.delay_ms / 1000)
            self._on_exchange(Exchange(worker, method, shown, mock.status, True, None))
            return mock
        if self._network is not None and service is None and shown == url:
            return self._passed_on(worker, method, url, headers, body)
        hint = _hint(method, shown, service)
        self._on_exchange(Exchange(worker, method, shown, None, False, hint))
        return _refusal("NonRetryableError", hint)

    def _next(self, method: str, url: str) -> Response | None:
        for i, mock in enumerate(self._mocks):
            if mock.fits(method, url):
                with self._lock:
                    turn = self._used[i]
                    self._used[i] += 1
                return mock.responses[min(turn, len(mock.responses) - 1)]
        return None

    def _passed_on(self, worker: str, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        assert self._network is not None
        answer, failure = self._network.send(method, url, headers, body)
        self._on_exchange(Exchange(worker, method, url, None if failure else answer.status, False, failure))
        return answer


def _shown_url(url: str) -> str:
    if not url.startswith(WORKFLOW_HOST):
        return url
    return "workflow:" + unquote(url.removeprefix(WORKFLOW_HOST))


def _hint(method: str, url: str, service: str | None) -> str:
    parts = urlsplit(url)
    pattern = f"{method} {parts.scheme}://{parts.netloc}{parts.path}" + ("*" if parts.query else "")
    if service is not None:
        what = f"the Worker {service} is not part of this run, and no mock answers {method} {url}"
        return f"{what}: add --mock '{pattern}=JSON'"
    return f"no mock answers {method} {url}: add --mock '{pattern}=JSON', or --allow-network"


def _refusal(name: str, reason: str) -> Response:
    headers = MappingProxyType({"content-type": _TEXT_TYPE, "x-stepwell-refused": name})
    return Response(_REFUSED, headers, reason.encode())


class _Network:
    """Requests that really leave; the client is made on first use, for its import is slow."""

    def __init__(self) -> None:
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[Response, str | None]:
        """The answer, and the reason when there was none."""
        import httpx

        try:
            got = self._connected().request(method, url, headers=_passed(headers), content=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{method} {url} failed: {error or type(error).__name__}"
            return _refusal("Error", reason), reason
        return Response(got.status_code, MappingProxyType(_passed(got.headers)), got.content), None

    def _connected(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(follow_redirects=False, timeout=None)
            return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in headers.items()}
    return {
        name: value
        for name, value in lowered.items()
        if name not in _NOT_PASSED_ON and not name.startswith(_OWN_HEADERS)
    }


# The proxy


class World:
    """A proxy on a loopback port: each Worker's requests go to the desk it was given; `default` serves those without
    one. A context manager.
    """

    def __init__(self, desks: Mapping[str, Desk], default: Desk | None = None) -> None:
        self.token = secrets.token_hex(16)
        self._server = _Server(self.token, desks, default)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """ "host:port" of the proxy."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, token: str, desks: Mapping[str, Desk], default: Desk | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = token
        self.desks = desks
        self.default = default

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The runtime closed the connection: a step that timed out, or the run's end."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):  # the base class looks for a method per HTTP method; any will do
            return self._handle
        raise AttributeError(name)

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        desk = self.server.desks.get(headers.get("x-stepwell-worker", ""), self.server.default)
        if headers.get("x-stepwell-token") != self.server.token or desk is None:
            self._write(Response(403, {}, b""))
            return
        with desk.attending():
            self._write(desk.answer(self.command, self._url(headers), headers, self._body(headers)))

    def _url(self, headers: Mapping[str, str]) -> str:
        return self.path if "://" in self.path else f"http://{headers.get('host', '')}{self.path}"

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(headers.get("content-length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass

    def _write(self, answer: Response) -> None:
        bodiless = answer.status in (204, 304) or self.command == "HEAD"
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are told as events, not logged."""
