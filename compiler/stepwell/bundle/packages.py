"""npm packages: resolved by npm, written down in `stepwell.lock`, installed into the user's cache, never run.

An installed tree is a folder of the cache, named by the hash of what it holds. It is made whole, by one process, and
then only read; so what is installed once needs no network any more.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepwell.bundle.cache import cache_folder, locked, replacing
from stepwell.bundle.lock import LOCK_FILE, LockBroken, Tree, is_pinned, read_lock, write_lock
from stepwell.bundle.npm_cli import QUIET, NpmMissing, npm_command, reason

_SETTINGS: Final = (
    *QUIET,
    "--package-lock",
    "--lockfile-version=3",
    "--omit-lockfile-registry-resolved",
    "--install-strategy=hoisted",
    "--omit=dev",
    "--no-bin-links",
    "--workspaces=false",
    "--engine-strict=false",
    "--os=linux",
    "--cpu=x64",
    "--libc=glibc",
)
"""Whatever a user's npm is set to, and on whatever system, the tree is the same: the one for Cloudflare's machines."""

_KEPT: Final = frozenset(
    {
        *("name", "version", "integrity", "inBundle", "optional", "peer", "os", "cpu", "libc", "bundleDependencies"),
        *("dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta"),
    }
)
"""What of npm's lock file decides which tree it is."""

_SECONDS: Final = 600.0
_NPMRC: Final = ".npmrc"

Doing = Callable[[str], None]
"""Called with what is being done, when it takes a while."""


class PackagesFailed(Exception):
    """The packages cannot be had; one line says why."""


class LockStale(PackagesFailed):
    """The lock file would have to change, and must not."""


@dataclass(frozen=True)
class Packages:
    """An installed tree: its folder, what was asked for, and the version at each place (`node_modules/zod`)."""

    node_modules: Path
    dependencies: Mapping[str, str]
    versions: Mapping[str, str]


def install_for(
    graph: Path,
    wanted: Mapping[str, str],
    *,
    frozen: bool = False,
    upgrade: bool = False,
    doing: Doing = lambda _: None,
) -> Packages | None:
    """Installs what a graph's file asks for, as the lock file beside it says; None when it asks for nothing.

    The lock file is brought up to date: versions in it stay as long as they fit, unless `upgrade`. With `frozen` it
    must be up to date. Raises PackagesFailed, OSError.
    """
    tree = _locked_tree(graph, wanted, frozen=frozen, upgrade=upgrade, doing=doing)
    return None if tree is None else installed(tree, npmrc=graph.parent / _NPMRC, doing=doing)


def chosen(wanted: Mapping[str, str], before: Tree | None = None) -> Tree | None:
    """The tree for what has no file, and so no lock file beside it; None when nothing is asked for.

    It is the one before where that was made for the same; its versions stay as long as they fit. Raises
    PackagesFailed, OSError.
    """
    if before is not None and before.dependencies == wanted:
        return before
    return resolve(wanted, before) if wanted else None


def _locked_tree(graph: Path, wanted: Mapping[str, str], *, frozen: bool, upgrade: bool, doing: Doing) -> Tree | None:
    path = graph.resolve().parent / LOCK_FILE
    if not wanted and not path.exists():  # most graphs: nothing is asked of the cache
        return None
    with _told(), locked(cache_folder() / f"lock-{_name_of(str(path))}"):
        trees = read_lock(path)
        before = trees.get(graph.name)
        if wanted == (before.dependencies if before is not None else {}) and not upgrade:
            return before
        if frozen:
            raise LockStale(f"{path} is not up to date with {graph}: `stepwell install {graph}` brings it up to date")
        trees = {name: tree for name, tree in trees.items() if (path.parent / name).is_file() and name != graph.name}
        if wanted:
            doing("Choosing versions of packages…")
            trees[graph.name] = resolve(wanted, None if upgrade else before, npmrc=graph.parent / _NPMRC)
        write_lock(path, trees)
        return trees.get(graph.name)


def _name_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


@contextmanager
def _told() -> Iterator[None]:
    """What can go wrong around npm, as one exception."""
    try:
        yield
    except (NpmMissing, LockBroken) as error:
        raise PackagesFailed(str(error)) from None


def resolve(wanted: Mapping[str, str], before: Tree | None = None, *, npmrc: Path | None = None) -> Tree:
    """Which versions are to be installed, as npm chooses; those of `before` stay as long as they fit.

    Raises PackagesFailed, OSError.
    """
    with _told(), tempfile.TemporaryDirectory(prefix="stepwell-") as name:
        folder = Path(name)
        _lay_out(folder, Tree(wanted, before.packages if before is not None else {}))
        _npm(folder, npmrc, "install", "--package-lock-only")
        packages = json.loads((folder / "package-lock.json").read_text("utf-8"))["packages"]
    return Tree(dict(wanted), {place: _entry(place, told) for place, told in packages.items() if place})


def _entry(place: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """A package of npm's lock file. What does not come from a registry has no hash, or is not what was asked for."""
    entry = {key: value for key, value in told.items() if key in _KEPT}
    if "resolved" in told or "link" in told or not is_pinned(entry):
        name = place.rpartition("node_modules/")[2]
        raise PackagesFailed(f"the package {name} does not come from a registry, so nothing says what it has to be")
    return entry


def installed(tree: Tree, *, npmrc: Path | None = None, doing: Doing = lambda _: None) -> Packages:
    """A tree in the cache, installed there first if it is not. Raises PackagesFailed, OSError."""
    folder = cache_folder() / f"packages-{tree.digest[:32]}"
    found = Packages(folder / "node_modules", dict(tree.dependencies), tree.versions)
    if _is_whole(found):
        return found
    with _told(), locked(folder):
        if not _is_whole(found):
            doing("Installing packages…")
            with replacing(folder) as fresh:
                _lay_out(fresh, tree)
                _npm(fresh, npmrc, "ci", "--prefer-offline")
    return found


def _is_whole(packages: Packages) -> bool:
    return all((packages.node_modules / name / "package.json").is_file() for name in packages.dependencies)


def _lay_out(folder: Path, tree: Tree) -> None:
    """A project for npm. The lock file is its own format: the tree, and its root."""
    root = {"name": "stepwell-packages", "version": "1.0.0", "dependencies": dict(tree.dependencies)}
    (folder / "package.json").write_text(json.dumps(root | {"private": True}), "utf-8")
    if tree.packages:
        lock = {"name": root["name"], "version": "1.0.0", "lockfileVersion": 3, "requires": True}
        packages = {"": root, **tree.packages}
        (folder / "package-lock.json").write_text(json.dumps(lock | {"packages": packages}), "utf-8")


def _npm(folder: Path, npmrc: Path | None, *arguments: str) -> None:
    """Runs npm in a folder, with the settings that lie beside the graph; these may hold a token, and do not stay."""
    command = [*npm_command("packages are"), *arguments, *_SETTINGS]
    own = folder / _NPMRC
    try:
        if npmrc is not None and npmrc.is_file():
            shutil.copyfile(npmrc, own)
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PackagesFailed(f"npm did not install the packages within {_SECONDS:.0f} seconds") from None
    finally:
        own.unlink(missing_ok=True)
    if done.returncode != 0:
        raise PackagesFailed(f"npm could not install the packages: {_complaint(done.stderr)}")


def _complaint(log: str) -> str:
    """What npm says is wrong, without its advice."""
    lines = [line.removeprefix("npm error ").strip() for line in log.splitlines() if line.startswith("npm error ")]
    code = next((line.removeprefix("code ") for line in lines if line.startswith("code ")), "")
    if code in _NETWORK:
        return f"the registry cannot be reached ({code})"
    own = [line for line in lines if line.startswith(_SAID.get(code, ("\0",)))]
    return "; ".join(line.removeprefix("notarget ").removeprefix("404  ").rstrip(".") for line in own) or reason(log)


_NETWORK: Final = frozenset({"ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ENOTCACHED"})
_SAID: Final = {
    "ETARGET": ("notarget No matching",),
    "E404": ("404  The requested",),
    "ERESOLVE": ("Found:", "peer "),
}
"""By npm's code, how the lines begin that say it."""
