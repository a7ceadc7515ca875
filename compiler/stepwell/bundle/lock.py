"""`stepwell.lock`: for each graph of a folder the exact packages that it is built with, with their hashes.

It names no registry: the hash alone says what a package is, wherever it is fetched from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LOCK_FILE: Final = "stepwell.lock"
_VERSION: Final = 1
_PLACE: Final = re.compile(r"(?:(?:^|/)node_modules/(?:@[\w.~-]+/)?[\w~-][\w.~-]*)+", re.ASCII)

Entry = Mapping[str, Any]
"""A package as npm's own lock file describes it, without what says where it came from."""


class LockBroken(Exception):
    """The lock file cannot be used; one line says why and what to do."""


@dataclass(frozen=True)
class Tree:
    """The packages of one graph: what was asked for, and what that came to, by place (`node_modules/zod`)."""

    dependencies: Mapping[str, str]
    packages: Mapping[str, Entry]

    @property
    def digest(self) -> str:
        """What tells whether two trees are the same."""
        told = json.dumps([_VERSION, self.dependencies, self.packages], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def versions(self) -> dict[str, str]:
        """The version at each place."""
        return {place: str(entry["version"]) for place, entry in self.packages.items()}


def read_lock(path: Path) -> dict[str, Tree]:
    """The trees by the name of their graph's file; none where there is no lock file. Raises LockBroken, OSError."""
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        raise LockBroken(f"{path} is not JSON (a merge that was not finished?): {_ANEW}") from None
    if not isinstance(told, dict) or told.get("lockVersion") != _VERSION or not isinstance(told.get("graphs"), dict):
        raise LockBroken(f"{path} is not a lock file of this version of stepwell: {_ANEW}")
    return {name: _tree(f"{path}: the part of {name}", graph) for name, graph in told["graphs"].items()}


def read_tree(text: str) -> Tree:
    """A tree that `tree_text` has written. Raises LockBroken."""
    return _tree("what is kept of the packages", json.loads(text))


def tree_text(tree: Tree) -> str:
    """A tree as text (ASCII)."""
    return json.dumps(_told(tree), sort_keys=True)


def _told(tree: Tree) -> dict[str, Any]:
    return {"dependencies": dict(tree.dependencies), "packages": dict(tree.packages)}


_ANEW: Final = "remove it, and `stepwell install` makes it anew"


def _tree(where: str, told: Any) -> Tree:
    dependencies = told.get("dependencies") if isinstance(told, dict) else None
    packages = told.get("packages") if isinstance(told, dict) else None
    if not _is_texts(dependencies) or not isinstance(packages, dict):
        raise LockBroken(f"{where} is broken: {_ANEW}")
    for place, entry in packages.items():
        if not _PLACE.fullmatch(place) or not is_pinned(entry):
            raise LockBroken(f"{where} is broken, {place} has no place, version or hash: {_ANEW}")
    assert dependencies is not None
    return Tree(dependencies, packages)


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def is_pinned(entry: Any) -> bool:
    """Whether an entry says what exactly is to be installed. A bundled package lies in the one that bundles it."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("version"), str)
        and "resolved" not in entry
        and (isinstance(entry.get("integrity"), str) or entry.get("inBundle") is True)
    )


def write_lock(path: Path, trees: Mapping[str, Tree]) -> None:
    """Puts a lock file in the place of the one before; without trees there is none. Raises OSError."""
    if not trees:
        path.unlink(missing_ok=True)
        return
    graphs = {name: _told(tree) for name, tree in trees.items()}
    text = json.dumps({"lockVersion": _VERSION, "graphs": graphs}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
