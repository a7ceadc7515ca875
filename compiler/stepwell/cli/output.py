"""The folder of a build: written whole or not at all, compared, never a foreign file touched."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from stepwell.cli.faults import Failed

MANIFEST = "manifest.json"
READABLE = {"ts": "worker.ts", "js": "worker.source.js"}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Puts a build's files into the folder; those that are the same already are left alone.

    Everything is on the disk beside its place before the first file is replaced, the manifest last, so that a
    full disk or a kill leaves the build that was there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = {name: text for name, text in files.items() if not _same(folder / name, text)}
    blocked = [name for name in changed if (folder / name).is_dir()]
    if blocked:
        raise Failed(f"{folder / blocked[0]} is a folder; the build has a file of that name")
    left_over = _left_over(folder, files)
    with tempfile.TemporaryDirectory(prefix=".stepwell-", dir=folder) as fresh:
        for name, text in changed.items():
            Path(fresh, name).write_bytes(text.encode())
        for name in sorted(changed, key=lambda name: name == MANIFEST):
            Path(fresh, name).replace(folder / name)
    for name in left_over:
        (folder / name).unlink(missing_ok=True)


def stale(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What in the folder is not as a build would leave it, file by file."""
    wrong = []
    for name, text in files.items():
        if not (folder / name).is_file():
            wrong.append(f"{folder / name} is missing")
        elif not _same(folder / name, text):
            wrong.append(f"{folder / name} is stale")
    return wrong + [f"{folder / name} is left over from an earlier build" for name in _left_over(folder, files)]


def _left_over(folder: Path, files: Iterable[str]) -> list[str]:
    """The readable form in the other language, when an earlier build of ours wrote it."""
    others = [name for name in READABLE.values() if name not in files and (folder / name).is_file()]
    return others if others and _is_ours(folder / MANIFEST) else []


def _is_ours(manifest: Path) -> bool:
    try:
        found = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and str(found.get("compiler", "")).startswith("stepwell ")


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
