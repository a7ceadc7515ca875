"""Where custom nodes are looked for: what is named, beside the graph, beside its project, in packages, and our own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

from stepwell.assets import shipped_nodes
from stepwell.graph.nodes import Broken, CustomNode, Nodes
from stepwell.nodes.files import Reading, read_place

GROUP: Final = "stepwell.nodes"
"""The entry points of packages that ship nodes: each is a folder, a package beside whose code they lie, or a function
that gives folders."""

FOLDER: Final = "nodes"
BUNDLES: Final = "nodes.local.json"
"""The file that AwaitStep's tool writes of a folder of nodes."""

PROJECT: Final = ("stepwell.toml", ".git")


@dataclass(frozen=True)
class Found:
    """The nodes, and what could not be read at all, a line each."""

    nodes: Nodes
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A folder of nodes, or a file of bundles; `label` begins what its templates are called."""

    path: Path
    label: str


def find(near: Path | None = None, named: Sequence[Path] = (), packages: bool = True) -> Found:
    """The nodes that a graph in the folder `near` may use.

    Of nodes with one id and version the first counts: `named` folders and files, `nodes/` beside the graph, `nodes/`
    beside its project, packages, and last the ones that stepwell brings along.
    """
    problems: list[str] = []
    places = [*_named(named, problems), *(_beside(near) if near is not None else ())]
    if packages:
        places += _of_packages(entry_points(group=GROUP), problems)
        places += _own()
    found = _read(places, problems)
    return Found(found, tuple(problems))


def read(*paths: Path) -> Found:
    """The nodes of some folders and files alone."""
    return find(None, paths, packages=False)


def watched(near: Path, named: Sequence[Path] = ()) -> list[Path]:
    """The folders whose changes may change what `find` finds; those of packages are left out."""
    places = [*_named(named, []), *_beside(near)]
    folders = [place.path if place.path.is_dir() else place.path.parent for place in places]
    return [inner for folder in folders for inner in (folder, *(one for one in folder.rglob("*") if one.is_dir()))]


def _read(places: Iterable[Place], problems: list[str]) -> Nodes:
    nodes: list[CustomNode] = []
    broken: dict[str, Broken] = {}
    for place in places:
        reading: Reading = read_place(place.path, place.label)
        nodes += reading.nodes
        problems += reading.problems
        for id_, one in reading.broken.items():
            broken.setdefault(id_, one)
    return Nodes.of(nodes, broken)


def _named(paths: Sequence[Path], problems: list[str]) -> Iterator[Place]:
    for path in paths:
        if path.exists():
            yield Place(path, path.name or FOLDER)
        else:
            problems.append(f"{path}: there is no such folder or file of nodes")


def _beside(folder: Path) -> Iterator[Place]:
    """`nodes/` of a folder, and of the project that it belongs to."""
    start = folder.resolve()
    for number, here in enumerate((start, *start.parents)):
        ends = any((here / name).exists() for name in PROJECT)
        if number == 0 or ends:
            yield from (Place(here / name, name) for name in (FOLDER, BUNDLES) if (here / name).exists())
        if ends:
            return


def _own() -> Iterator[Place]:
    folder = shipped_nodes()
    if folder.is_dir():
        yield Place(folder, "stepwell")


def _of_packages(points: Iterable[EntryPoint], problems: list[str]) -> list[Place]:
    places: list[Place] = []
    for point in sorted(points, key=lambda point: point.name):
        try:
            places += (Place(path, point.name) for path in _folders(point.load()))
        except Exception as error:  # the code of a package, which may do anything
            problems.append(f"the nodes of the package {point.value}: {type(error).__name__}: {error}")
    return places


def _folders(given: object) -> Iterator[Path]:
    """What an entry point means."""
    if isinstance(given, ModuleType):
        inside = [Path(path) for path in getattr(given, "__path__", ())] or [Path(str(given.__file__)).parent]
        yield from (path / FOLDER if (path / FOLDER).is_dir() else path for path in inside)
    elif isinstance(given, str | Path):
        yield Path(given)
    elif isinstance(given, Callable):  # type: ignore[arg-type]
        yield from _folders(given())  # type: ignore[operator]
    elif isinstance(given, Iterable):
        for one in given:
            yield from _folders(one)
    else:
        raise TypeError(f"an entry point is a folder, a package or a function that gives one, not {given!r}")
