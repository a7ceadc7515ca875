"""Every golden: its text, its types, and what happens when it runs on workerd."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Final

import pytest

from stepwell.bundle.manifest import SOURCE_MAP_COMMENT
from stepwell.bundle.toolchain import Toolchain, ensure
from stepwell.compiler import Compiled
from stepwell.diagnostics.codes import CODES

from .__main__ import runs_to_do
from .cases import FILES, Case, all_cases, compiled, printed
from .happened import Json, differences
from .runner import happened
from .typecheck import type_errors

CASES: Final = all_cases()
NAMES: Final = [case.name for case in CASES]

NOT_FROM_A_GRAPH: Final = {
    "SW115": "it is about an edit",
    "SW801": "it is about this machine: no esbuild is installed",
    "SW802": "it takes a Worker of 64 MiB",
    "SW804": "it takes a Worker of 10 MB that does not compress",
    "SW105": "it takes more than 50,000 nodes",
    "SW511": "it takes more than 25,000 steps",
    "SW510": "it takes more than 1,024 steps",
    "SW512": "it takes a literal of more than 1 MiB",
    "SW901": "it is about an edit",
}
"""Codes that no golden has, and why; tests of their rooms have them."""

UNTYPED: Final = {
    "finding-unknown-name": ("chrage", "nothing"),
    "finding-unknown-path": ("customer", "reslts"),
    "guard-through-settled": ("outcome",),
    "parallel-settled": ("o",),
    "ref-own-braces": ("b",),
    "ref-shadowing": ("tax",),
    "trigger-code-declarations": ("text",),
    "trigger-code-env": ("Env", "store", "environment", "known", "id", "SESSIONS_KV", "request"),
    "finding-env-passed-on": ("request", "string", "GREETING"),
}
"""Names in goldens' own code that tsc has something against: a parameter has no type, or they do not exist."""


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """Missing tools are a failure."""
    return ensure()


@pytest.fixture(scope="session")
def made(toolchain: Toolchain) -> dict[str, Compiled]:
    return {case.name: compiled(case, toolchain) for case in CASES}


@pytest.fixture(scope="session")
def ran(
    toolchain: Toolchain, made: dict[str, Compiled], tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> dict[str, Json]:
    """What happened in all runs, by "case number"; processes of one test run share it."""
    folder = tmp_path_factory.getbasetemp()
    place = (folder if worker_id == "master" else folder.parent) / "goldens.json"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            results = happened(toolchain, runs_to_do(CASES, dict(made), toolchain))
            place.write_text(json.dumps({f"{name} {number}": told for (name, number), told in results.items()}))
    shared: dict[str, Json] = json.loads(place.read_text())
    return shared


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_compiles_to_the_same_text(case: Case, made: dict[str, Compiled], toolchain: Toolchain) -> None:
    files = printed(made[case.name])
    for file in FILES:
        assert files.get(file) == case.kept(file), f"{file} is another one"
    assert printed(compiled(case, toolchain)) == files
    readable = compiled(case, toolchain, "js")
    assert (readable.js, readable.diagnostics) == (made[case.name].js, made[case.name].diagnostics)
    if readable.js is not None and case.packages is None and not readable.modules:
        assert readable.source == readable.js.removesuffix(SOURCE_MAP_COMMENT)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_says_what_it_is_about(case: Case, made: dict[str, Compiled]) -> None:
    assert case.about
    assert made[case.name].ok == bool(case.run.get("runs")), "a graph that compiles is run"


@pytest.mark.parametrize("case", [case for case in CASES if case.run.get("runs")], ids=lambda case: case.name)
def test_it_runs_the_same(case: Case, ran: dict[str, Json]) -> None:
    for number, plan in enumerate(case.run["runs"]):
        assert differences(plan["happened"], ran[f"{case.name} {number}"]) == []


def test_the_types_are_right(made: dict[str, Compiled], toolchain: Toolchain, tmp_path: Path) -> None:
    """Under `tsc --strict`, also where the users' own code is plain JavaScript, but for what stands in that code."""
    workers = {case.name: one for case in CASES if (one := made[case.name]).source}
    found = {
        (case, error)
        for case, errors in type_errors(toolchain, workers, tmp_path).items()
        for error in errors
        if not any(f"'{name}'" in error for name in UNTYPED.get(case, ()))
    }
    assert found == set()


def test_every_code_has_a_golden(made: dict[str, Compiled]) -> None:
    told = {found.code.id for compiled in made.values() for found in compiled.diagnostics}
    assert sorted(CODES.keys() - told - NOT_FROM_A_GRAPH.keys()) == []
    assert sorted(told & NOT_FROM_A_GRAPH.keys()) == []
