"""The folder of a build: written whole or not at all, compared; what is not ours is not touched unless forced."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stepwell.cli.faults import Failed

MANIFEST = "manifest.json"
WRANGLER = "wrangler.json"
READABLE = {"ts": "worker.ts", "js": "worker.source.js"}
NODES = "nodes"
"""The folder of the modules of custom nodes."""
_UNKNOWN_ID = re.compile(r"<.+_BINDING_ID>", re.S)


def write(folder: Path, files: Mapping[str, str], *, force: bool = False) -> None:
    """Puts a build's files into the folder; those that are the same already are left alone.

    A file in their way that is not recognisably ours is replaced only with `force`. Everything is on the disk
    beside its place before the first file is replaced, the manifest last, so that a full disk or a kill leaves
    the build that was there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = {name: text for name, text in files.items() if not _same(folder / name, text)}
    blocked = [name for name in changed if (folder / name).is_dir()]
    if blocked:
        raise Failed(f"{folder / blocked[0]} is a folder; the build has a file of that name")
    if not force:
        _refuse_foreign(folder, changed)
    left_over = _left_over(folder, files)
    with tempfile.TemporaryDirectory(prefix=".stepwell-", dir=folder) as fresh:
        for name, text in changed.items():
            Path(fresh, name).parent.mkdir(exist_ok=True)
            Path(fresh, name).write_bytes(text.encode())
        for name in sorted(changed, key=lambda name: name == MANIFEST):
            (folder / name).parent.mkdir(exist_ok=True)
            Path(fresh, name).replace(folder / name)
    for name in left_over:
        (folder / name).unlink(missing_ok=True)


def with_known_ids(wrangler: Any, folder: Path) -> Any:
    """`wrangler.json` with the ids that a user has put in place of `<NAME_BINDING_ID>` into the one in the folder.

    Those ids are known to nobody else: a build that forgot them would undo the user's work.
    """
    try:
        before = json.loads((folder / WRANGLER).read_bytes())
    except (OSError, ValueError, RecursionError):
        return wrangler
    known = before if isinstance(before, dict) else {}
    return {kind: _filled(part, known.get(kind)) for kind, part in wrangler.items()}


def _filled(part: Any, before: Any) -> Any:
    """The bindings of one kind, with the ids that those of the same name had before."""
    if not isinstance(part, list) or not isinstance(before, list):
        return part
    known = {one.get("binding"): one for one in before if isinstance(one, dict) and _is_text(one.get("binding"))}
    return [_with_id(one, known.get(one.get("binding"), {})) if isinstance(one, dict) else one for one in part]


def _with_id(binding: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: before[key] if _is_unknown(value) and _is_text(before.get(key)) else value
        for key, value in binding.items()
    }


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_unknown(value: object) -> bool:
    return isinstance(value, str) and _UNKNOWN_ID.fullmatch(value) is not None


def stale(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What in the folder is not as a build would leave it, file by file."""
    wrong = []
    for name, text in files.items():
        if not (folder / name).is_file():
            wrong.append(f"{folder / name} is missing")
        elif not _same(folder / name, text):
            wrong.append(f"{folder / name} is stale")
    return wrong + [f"{folder / name} is left over from an earlier build" for name in _left_over(folder, files)]


def _refuse_foreign(folder: Path, changed: Iterable[str]) -> None:
    """A folder is ours by its manifest. Without one, and with a `wrangler.json` whose ids cannot be read, we ask."""
    there = [folder / name for name in changed if (folder / name).exists()]
    if there and not _is_ours(folder / MANIFEST):
        why = f"{there[0]} is there already, and stepwell did not write it"
    elif folder / WRANGLER in there and _is_broken(folder / WRANGLER):
        why = f"{folder / WRANGLER} is not JSON, so the ids in it cannot be kept"
    else:
        return
    raise Failed(f"{why}; nothing was written. -o DIR names another folder, --force replaces it")


def _is_broken(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return True
    return False


def _left_over(folder: Path, files: Iterable[str]) -> list[str]:
    """The readable form in the other language and nodes used no more, when an earlier build of ours wrote them."""
    modules = (f"{NODES}/{path.name}" for path in sorted((folder / NODES).glob("*@*.ts")))
    others = [name for name in (*READABLE.values(), *modules) if name not in files and (folder / name).is_file()]
    return others if others and _is_ours(folder / MANIFEST) else []


def _is_ours(manifest: Path) -> bool:
    try:
        found = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and str(found.get("compiler", "")).startswith("stepwell ")


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
