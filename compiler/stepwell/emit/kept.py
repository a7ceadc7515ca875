"""Compiled templates, kept beside them in `__pycache__` as Python keeps its modules.

Compiling them is what takes longest in a process that builds one graph. Where nothing can be written, they are
compiled each time.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError

import jinja2
from jinja2.bccache import Bucket, BytecodeCache


class Kept(BytecodeCache):
    """Code of templates in files. One is good as long as its template, Jinja and `maker` (a module) are the same."""

    def __init__(self, folder: Path, maker: Path) -> None:
        self._folder = folder / "__pycache__"
        self._version = jinja2.__version__.encode() + maker.read_bytes()

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """The name of the file."""
        return f"{name.replace('/', '.')}.{sys.implementation.cache_tag}.pyc"

    def get_source_checksum(self, source: str) -> str:
        """Of all that the code depends on."""
        return sha256(self._version + source.encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Takes the code from its file, if that is there, whole and of the same source."""
        with suppress(OSError, EOFError, ValueError, UnpicklingError), (self._folder / bucket.key).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Writes the file at once: another process never sees half of it."""
        if sys.dont_write_bytecode:
            return
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                bucket.write_bytecode(file)
            Path(file.name).replace(self._folder / bucket.key)
