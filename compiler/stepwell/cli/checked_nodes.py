"""The check of custom nodes, as `stepwell nodes check` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from stepwell.cli.words import count, plain

if TYPE_CHECKING:
    from stepwell.graph.nodes import CustomNode
    from stepwell.nodes.files import NodeFolder
    from stepwell.nodes.testing import Judged, NodeCase


@dataclass
class _Looked:
    """A node's folder and everything that was found. A node without errors is typed and tested."""

    folder: NodeFolder
    node: CustomNode | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cases: list[NodeCase] = field(default_factory=list)
    tested: list[Judged] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.folder.label if self.node is None else self.node.definition.key


def check_nodes(folders: Sequence[NodeFolder], no_tests: bool) -> int:
    """Checks the nodes of these folders, prints what is wrong, and gives the exit code."""
    looked = [_look(folder, no_tests) for folder in folders]
    sound = [one for one in looked if one.node is not None and not one.errors]
    if sound:
        _type(sound)
    if not no_tests:
        _test([one for one in sound if not one.errors])
    for one in looked:
        _print(one)
    bad = [one for one in looked if one.errors]
    click.echo(f"{count(len(looked), 'node')}, {count(sum(len(one.cases) for one in looked), 'test')}" + _verdict(bad))
    return 1 if bad else 0


def _verdict(bad: Sequence[_Looked]) -> str:
    return f"; wrong: {', '.join(one.name for one in bad)}" if bad else ": all is well"


def _look(folder: NodeFolder, no_tests: bool) -> _Looked:
    """What can be said without running anything."""
    from stepwell.graph.nodes import Broken

    read, looked = folder.read(), _Looked(folder)
    if isinstance(read, Broken):
        for flaw in read.flaws:
            looked.errors.append(f"{read.file}: {flaw.message}{f' ({flaw.hint})' if flaw.hint else ''}")
        return looked
    looked.node = read
    looked.errors += _template_errors(read, looked.warnings)
    if not no_tests:
        _read_cases(looked)
    return looked


def _template_errors(node: CustomNode, warnings: list[str]) -> Iterator[str]:
    from stepwell.check.custom import template_findings
    from stepwell.diagnostics import Severity

    for code, message, hint, place in template_findings(node, node.definition.dependencies or {}):
        said = f"{node.source}{f':{place}' if place else ''}: {code.id} {message}{f' ({hint})' if hint else ''}"
        if code.severity is Severity.ERROR:
            yield said
        else:
            warnings.append(said)


def _read_cases(looked: _Looked) -> None:
    from stepwell.nodes.testing import WrongTest, read_test

    try:
        looked.cases = read_test(looked.folder.path)
    except WrongTest as wrong:
        looked.errors.append(f"{looked.folder.label}/{wrong}")


def _type(looked: Sequence[_Looked]) -> None:
    from stepwell.cli.tools import toolchain
    from stepwell.nodes.typecheck import type_faults

    nodes = [one.node for one in looked if one.node is not None]
    for one, found in zip(looked, type_faults(toolchain(), nodes), strict=True):
        assert one.node is not None
        for fault in found:
            place = f":{fault.line}:{fault.column}" if fault.line is not None else ""
            one.errors.append(f"{one.node.source}{place}: {fault.message}")


def _test(looked: Sequence[_Looked]) -> None:
    from stepwell.cli.tools import toolchain
    from stepwell.nodes.testing import run_tests

    tests = [(one.node, one.folder.path, one.cases) for one in looked if one.node is not None]
    results = iter(run_tests(toolchain(), tests))
    for one in looked:
        one.tested = [next(results) for _ in one.cases]
        for case in one.tested:
            one.errors += [f"{one.folder.label}/test.json: {case.case}: {failure}" for failure in case.failures]


def _print(one: _Looked) -> None:
    mark, style = ("✗", "red") if one.errors else ("✓", "green")
    passed = sum(not case.failures for case in one.tested)
    tests = f"  {passed} of {count(len(one.tested), 'test')}" if one.tested else ""
    click.secho(f"{mark} {one.name}{tests}", fg=style)
    for line in one.errors:
        click.echo(f"  error: {plain(line)}")
    for line in one.warnings:
        click.echo(f"  warning: {plain(line)}")
