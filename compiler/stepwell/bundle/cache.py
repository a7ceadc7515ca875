"""The user's cache: folders that are whole or not there, made once, by one process at a time, and then only read."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_ABANDONED_SECONDS: Final = 3600.0


def cache_folder() -> Path:
    """The folder for everything that is cached; the variable STEPWELL_CACHE names another."""
    override = os.environ.get("STEPWELL_CACHE")
    if override:
        return Path(override).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("stepwell")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of one folder; the kernel lets go of it when the process dies. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of `folder` when all went well. Raises OSError."""
    _sweep(folder)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.new-", dir=folder.parent) as name:
        fresh = Path(name, "install")
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(Path(name, "old"))
        fresh.rename(folder)


def _sweep(folder: Path) -> None:
    """Removes what killed installs left behind."""
    for left in folder.parent.glob(f"{folder.name}.new-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left)
