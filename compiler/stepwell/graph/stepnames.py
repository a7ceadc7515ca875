"""Names of steps as they run and of sources in the map, and the node that each belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_COUNT: Final = re.compile(r"-(\d+)$")
_INDICES: Final = re.compile(r" (?:\[\d+\])+$")
_EXTRA: Final = re.compile(r": [a-z]+(?: \[?\d+\]?)?$")


def shown(step: str) -> str:
    """A step's name as the code says it: the platform numbers equal names, the first one too."""
    found = _COUNT.search(step)
    if found is None:
        return step
    name = step[: found.start()]
    return name if found[1] == "1" else f"{name} #{found[1]}"


def node_of(step: str, nodes: Mapping[str, str]) -> str | None:
    """The id of a step's node, by the manifest's table: in loops a name carries indices, and some nodes have steps like
    `<name>: winner`. None where it is of no node.
    """
    waiting = [step]
    for name in waiting:
        if name in nodes:
            return nodes[name]
        waiting += [one for one in (_INDICES.sub("", name), _EXTRA.sub("", name)) if one != name]
    return None


def node_with(source: str, ids: Iterable[str]) -> str | None:
    """The id of the node whose code a source (`nodes/<id>/<field>`) is; ids may hold slashes, and begin alike."""
    return max((id for id in ids if source.startswith(f"nodes/{id}/")), key=len, default=None)
