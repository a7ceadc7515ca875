"""The nodes that stepwell brings along: their types by `tsc --strict`, their tests on workerd."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from stepwell.assets import shipped_nodes
from stepwell.bundle.packages import LockStale, PackagesFailed, install_for
from stepwell.bundle.toolchain import Toolchain, ensure
from stepwell.check.custom import template_findings
from stepwell.graph.nodes import CustomNode
from stepwell.nodes.files import DEFINITION, NodeFolder, node_folders
from stepwell.nodes.testing import Judged, read_test, run_tests
from stepwell.nodes.typecheck import type_faults

FOLDERS: Final[list[NodeFolder]] = node_folders(shipped_nodes(), "nodes")


def node(folder: NodeFolder) -> CustomNode:
    read = folder.read()
    assert isinstance(read, CustomNode), read
    return read


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return ensure()


@pytest.fixture(scope="session")
def unpacked() -> set[str]:
    """Nodes whose packages cannot be had here: there is no npm, or no registry."""
    return {folder.id for folder in FOLDERS if not _has_packages(folder)}


def _has_packages(folder: NodeFolder) -> bool:
    try:
        install_for(folder.path / DEFINITION, node(folder).definition.dependencies or {}, frozen=True)
    except LockStale:
        raise
    except PackagesFailed:
        return False
    return True


@pytest.fixture(scope="session")
def tested(toolchain: Toolchain, unpacked: set[str]) -> list[Judged]:
    ready = [folder for folder in FOLDERS if folder.id not in unpacked]
    return run_tests(toolchain, [(node(folder), folder.path, read_test(folder.path)) for folder in ready])


def test_their_types_are_right(toolchain: Toolchain) -> None:
    assert type_faults(toolchain, [node(folder) for folder in FOLDERS]) == [[] for _ in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.id)
def test_a_template_has_no_finding(folder: NodeFolder) -> None:
    own = node(folder)
    assert list(template_findings(own, own.definition.dependencies or {})) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.id)
def test_a_node_does_what_its_test_says(folder: NodeFolder, tested: list[Judged], unpacked: set[str]) -> None:
    if folder.id in unpacked:
        pytest.skip("its packages cannot be installed here")
    own = [one for one in tested if one.node.definition.id == folder.id]
    assert len(own) >= 2
    assert [f"{one.case}: {failure}" for one in own for failure in one.failures] == []


def test_wheels_carry_them() -> None:
    told = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"nodes" = "stepwell/_nodes"' in told


def test_the_example_of_the_page_does_what_its_test_says(toolchain: Toolchain, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "custom-nodes.md").read_text("utf-8")
    shown = re.findall(r"```(?:json|ts)\n(.*?)```", page, flags=re.DOTALL)
    folder = tmp_path / "greet"
    folder.mkdir()
    for name, text in zip(("node.json", "template.ts", "test.json"), shown, strict=True):
        (folder / name).write_text(text, "utf-8")
    [own] = node_folders(folder, "nodes")
    assert type_faults(toolchain, [node(own)]) == [[]]
    assert [one.failures for one in run_tests(toolchain, [(node(own), folder, read_test(folder))])] == [()]
