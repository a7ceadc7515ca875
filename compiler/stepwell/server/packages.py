"""npm packages of versions. What npm chose is kept with the version: every server builds it of these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from stepwell.compiler import dependencies
from stepwell.graph.nodes import Nodes

from .compiling import Source
from .errors import Problem
from .house import House
from .tables import VersionRow

if TYPE_CHECKING:
    from stepwell.bundle.packages import Packages


def choose(source: Source, nodes: Nodes, before: str | None) -> str | None:
    """The tree for what a document asks for, as it is kept; None when that is nothing.

    Versions of the tree before stay as long as they fit. Raises `Problem` 422.
    """
    from stepwell.bundle.lock import read_tree, tree_text
    from stepwell.bundle.packages import chosen

    with _had():
        tree = chosen(dependencies(source.text, nodes=nodes) or {}, None if before is None else read_tree(before))
    return None if tree is None else tree_text(tree)


def install(kept: str | None) -> Packages | None:
    """A tree installed on this machine. Raises `Problem` 422."""
    from stepwell.bundle.lock import read_tree
    from stepwell.bundle.packages import installed

    if kept is None:
        return None
    with _had():
        return installed(read_tree(kept))


def of_version(house: House, version: VersionRow, source: Source) -> Packages | None:
    """What a version is built of, installed. Where the workflow asks for something else since then, or nothing was
    kept yet, npm chooses anew, and that is kept. Raises `Problem` 422.
    """
    tree = choose(source, house.nodes, version.packages)
    if tree is not None and tree != version.packages:
        tree = _keep(house, version, source, tree)
    return install(tree)


def _keep(house: House, version: VersionRow, source: Source, tree: str) -> str:
    """Keeps a tree with its version; the one of another server that was first, where that is for the same."""
    unchanged = (VersionRow.id == version.id, VersionRow.packages.is_not_distinct_from(version.packages))
    with house.database.write() as session:
        session.execute(update(VersionRow).where(*unchanged).values(packages=tree))
        kept = session.scalar(select(VersionRow.packages).where(VersionRow.id == version.id))
    return (choose(source, house.nodes, kept) if kept != tree else None) or tree


@contextmanager
def _had() -> Iterator[None]:
    """What goes wrong around npm is told as what is wrong with the dependencies."""
    from stepwell.bundle.packages import PackagesFailed

    try:
        yield
    except PackagesFailed as failed:
        said = str(failed)
        raise Problem(422, said, [{"path": "dependencies", "message": said}]) from None
