"""Stands between a server and the local account: passes calls on, or does to them what a test asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Pass = Callable[[], httpx.Response]
Meddle = Callable[[str, str, Pass], "httpx.Response | None"]
"""Gets method and path of a call and what passes it on; gives the answer, or None for a connection that breaks."""


class Between:
    """`base` is where the server finds Cloudflare; `meddle` is asked for every call; `calls` are those that came."""

    def __init__(self, base: str) -> None:
        self.meddle: Meddle | None = None
        self.calls: list[str] = []
        self._there = httpx.Client(base_url=base.removesuffix("/client/v4"), timeout=60, trust_env=False)
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                between.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is printed."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.http.server_port}/client/v4"

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """One call."""
        content = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        headers = {k: v for k, v in handler.headers.items() if k.lower() in ("authorization", "content-type")}
        method, path = handler.command, handler.path
        self.calls.append(f"{method} {path.partition('?')[0]}")

        def go_on() -> httpx.Response:
            return self._there.request(method, path, content=content, headers=headers)

        answer = self.meddle(method, path, go_on) if self.meddle is not None else go_on()
        if answer is None:
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name in ("content-type", "retry-after"):
                handler.send_header(name, value)
        handler.send_header("content-length", str(len(answer.content)))
        handler.end_headers()
        handler.wfile.write(answer.content)

    def close(self) -> None:
        """Ends it."""
        self.http.shutdown()
        self.http.server_close()
        self._there.close()


@contextmanager
def between(base: str) -> Iterator[Between]:
    """One that ends with the block."""
    made = Between(base)
    thread = threading.Thread(target=made.http.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join()


def refusal(status: int, code: int = 10001, message: str = "internal error", **headers: str) -> httpx.Response:
    """An answer of Cloudflare's that refuses."""
    told = {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
    return httpx.Response(status, headers={"content-type": "application/json", **headers}, content=json.dumps(told))


def result(value: str) -> httpx.Response:
    """An answer of Cloudflare's with a result, as JSON text."""
    told = f'{{"success": true, "errors": [], "messages": [], "result": {value}}}'
    return httpx.Response(200, headers={"content-type": "application/json"}, content=told)
