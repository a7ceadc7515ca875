"""A package registry on this machine, for as long as a test: what npm asks of one, and no more."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Files = Mapping[str, str]


class Registry:
    """`publish` packages, point npm at `url`. `asked` are the paths of the requests so far."""

    def __init__(self) -> None:
        self._tarballs: dict[str, bytes] = {}
        self._packages: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                body = registry.answer(unquote(self.path).lstrip("/"))
                self.send_response(200 if body is not None else 404)
                self.send_header("content-length", str(len(body or b"{}")))
                self.end_headers()
                self.wfile.write(body or b"{}")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def answer(self, path: str) -> bytes | None:
        if path in self._tarballs:
            return self._tarballs[path]
        return json.dumps(self._packages[path]).encode() if path in self._packages else None

    def publish(self, name: str, version: str, files: Files, **package: Any) -> None:
        """A version of a package. `package` is what stands in its package.json beside name and version."""
        told = {"name": name, "version": version, **package}
        tarball = _tarball({"package.json": json.dumps(told), **files})
        path = f"{name}/-/{version}.tgz"
        self._tarballs[path] = tarball
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        known = self._packages.setdefault(name, {"name": name, "versions": {}, "dist-tags": {}})
        known["versions"][version] = {**told, "dist": {"tarball": self.url + path, "integrity": integrity}}
        known["dist-tags"]["latest"] = version

    def replace_content(self, name: str, version: str, files: Files) -> None:
        """Other bytes under the same version, as one does who has taken over a registry."""
        self._tarballs[f"{name}/-/{version}.tgz"] = _tarball(files)


def _tarball(files: Files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()
