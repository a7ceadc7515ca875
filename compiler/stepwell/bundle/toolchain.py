"""The three pinned binaries stepwell runs (workerd, esbuild, tsc) and the Worker types, installed once.

They are npm packages, named with their integrity hashes in ``npm/package-lock.json`` beside this file. One
install is one folder of the user's cache, named by the hash of that lock file, so that two versions of
stepwell never share one and an upgrade never changes a folder in use. npm is needed for the install only:
afterwards the binaries are run directly.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from stepwell.bundle.cache import cache_folder, locked, replacing
from stepwell.bundle.npm_cli import QUIET, NpmMissing, npm_command, reason

Progress = Callable[[str, float], None]
"""Called with what is being done and the part of it that is done, 0 to 1."""

_NPM: Final = Path(__file__).with_name("npm")
_FILES: Final = ("package.json", "package-lock.json")
_LABEL: Final = "Installing the Workers runtime"
_INSTALLED_BYTES: Final = 205_000_000  # of Linux x64; only the progress bar depends on it
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Toolchain:
    """Absolute paths of the tools. ``types`` is the folder that holds
    ``node_modules/@cloudflare/workers-types``.
    """

    workerd: Path
    esbuild: Path
    tsc: Path
    types: Path


class ToolchainMissing(Exception):
    """A tool is not there, and why it cannot be had or how to get it, in one line."""


@dataclass(frozen=True)
class _Platform:
    workerd: str
    node: str  # as esbuild and TypeScript call it
    loader: str | None  # the ELF interpreter all three were linked for


_PLATFORMS: Final = MappingProxyType(
    {
        ("linux", "x86_64"): _Platform("linux-64", "linux-x64", "/lib64/ld-linux-x86-64.so.2"),
        ("linux", "aarch64"): _Platform("linux-arm64", "linux-arm64", "/lib/ld-linux-aarch64.so.1"),
        ("linux", "arm64"): _Platform("linux-arm64", "linux-arm64", "/lib/ld-linux-aarch64.so.1"),
        ("darwin", "x86_64"): _Platform("darwin-64", "darwin-x64", None),
        ("darwin", "arm64"): _Platform("darwin-arm64", "darwin-arm64", None),
    }
)


def locate() -> Toolchain:
    """The installed toolchain.

    Raises ToolchainMissing when it is not installed or cannot run on this machine.
    """
    found = _tools(_folder(), _this_platform())
    _check(found, "the first `stepwell run` installs it")
    return found


def ensure(progress: Progress | None = None) -> Toolchain:
    """The toolchain, installed first where it is missing (about 45 MB to fetch, 200 MB on disk).

    Safe in several processes at once; an install that is killed leaves nothing that would be taken for a
    whole one. Raises ToolchainMissing when this machine cannot run it, or npm is missing or fails.
    """
    where = _this_platform()
    found = _tools(_folder(), where)
    if _missing(found) is None:
        return found
    try:
        npm = npm_command("the Workers runtime is")
        with locked(_folder()):
            if _missing(found) is not None:
                _install(_folder(), npm, where, progress or _silent)
    except NpmMissing as error:
        raise ToolchainMissing(str(error)) from None
    except OSError as error:
        raise ToolchainMissing(f"cannot install into {_folder().parent}: {error.strerror or error}") from error
    return found


def _silent(_label: str, _done: float) -> None:
    """The progress of a caller who shows none."""


def _this_platform() -> _Platform:
    name, machine = sys.platform, platform.machine().lower()
    where = _PLATFORMS.get((name, machine))
    if where is None:
        raise ToolchainMissing(
            f"the Workers runtime has no build for {name} on {machine}; use Linux (glibc) or macOS on x86-64 or ARM64"
        )
    if where.loader is not None and not Path(where.loader).exists():
        raise ToolchainMissing(
            f"the Workers runtime needs glibc ({where.loader} is missing, as on Alpine); "
            "use a glibc image such as Debian's"
        )
    return where


def _folder() -> Path:
    digest = hashlib.sha256(b"\0".join((_NPM / name).read_bytes() for name in _FILES)).hexdigest()
    return cache_folder() / f"toolchain-{digest[:16]}"


def _tools(folder: Path, where: _Platform) -> Toolchain:
    modules = folder / "node_modules"
    return Toolchain(
        workerd=modules / f"@cloudflare/workerd-{where.workerd}/bin/workerd",
        esbuild=modules / f"@esbuild/{where.node}/bin/esbuild",
        tsc=modules / f"@typescript/typescript-{where.node}/lib/tsc",
        types=folder,
    )


def _missing(tools: Toolchain) -> str | None:
    """The name of the first part that is not there."""
    types = tools.types / "node_modules/@cloudflare/workers-types/index.d.ts"
    parts = {"workerd": tools.workerd, "esbuild": tools.esbuild, "tsc": tools.tsc, "workers-types": types}
    return next((name for name, path in parts.items() if not path.is_file()), None)


def _check(tools: Toolchain, advice: str) -> None:
    name = _missing(tools)
    if name is not None:
        raise ToolchainMissing(f"{name} is not installed in {tools.types}: {advice}")


def _install(folder: Path, npm: list[str], where: _Platform, progress: Progress) -> None:
    with replacing(folder) as fresh:
        for file in _FILES:
            shutil.copyfile(_NPM / file, fresh / file)
        _npm_ci(npm, fresh, progress)
        _check(_tools(fresh, where), "npm left it out; its registry may not carry this version for this system")


def _npm_ci(npm: list[str], folder: Path, progress: Progress) -> None:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        running = subprocess.Popen(
            [*npm, "ci", *QUIET],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _watch(running, folder, progress)
        finally:
            running.kill()
            running.wait()
        if running.returncode != 0:
            log.seek(0)
            raise ToolchainMissing(f"npm could not install the Workers runtime: {reason(log.read())}")


def _watch(running: subprocess.Popen[bytes], folder: Path, progress: Progress) -> None:
    """npm has no progress that a machine can read, so what has arrived on disk is measured."""
    progress(_LABEL, 0.0)
    while True:
        try:
            running.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            progress(_LABEL, min(0.99, _size(folder) / _INSTALLED_BYTES))
        else:
            progress(_LABEL, 1.0)
            return


def _size(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # npm moves files about while this looks
                total += Path(root, name).stat().st_size
    return total
