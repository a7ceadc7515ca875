"""Compiled graphs do what the reference says: the same steps, inputs, order and result, also when they are killed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from stepwell.bundle.toolchain import ensure
from tests.semantics.draw import collect
from tests.semantics.engine import Engine
from tests.semantics.hunt import Differs, hunt, on_engine, report
from tests.semantics.kills import hastened, longest, validate_killed
from tests.semantics.validate import Tally
from tests.semantics.workerd import validate_all

GRAPHS = 100
SEEDS = 20
SCRIPTS = 100
SCRIPT_SEEDS = 4
ON_WORKERD = 40
WORKERD_SEEDS = 5
KILLED, KILLS = 10, 5
DRAWN_TO_KILL, KILLED_SEED = 80, 2

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.mark.parametrize("seed", range(SEEDS))
def test_graphs_do_what_the_reference_says(seed: int, engine: Engine, record_property: Record) -> None:
    tally = Tally()
    hunt(seed, GRAPHS, on_engine(engine, tally))
    tally.tell(record_property)
    assert tally.counts["graphs"] >= GRAPHS and tally.counts["runs"] >= 3 * GRAPHS
    assert tally.counts["kills"] > 3 * GRAPHS and tally.counts["steps"] > 3 * GRAPHS


@pytest.mark.parametrize("seed", range(SCRIPT_SEEDS))
def test_scripts_do_what_the_reference_says(seed: int, engine: Engine, record_property: Record) -> None:
    tally = Tally()
    hunt(seed, SCRIPTS, on_engine(engine, tally), script=True)
    tally.tell(record_property)
    assert tally.counts["graphs"] >= SCRIPTS


@pytest.mark.parametrize("seed", range(WORKERD_SEEDS))
def test_graphs_do_so_on_workerd(seed: int, record_property: Record) -> None:
    tally, toolchain = Tally(), ensure()
    cases = collect(seed, ON_WORKERD, calm=True, scenarios=2)
    for case, found in zip(cases, validate_all(toolchain, cases, tally), strict=True):
        if found:
            hunt(seed, ON_WORKERD, lambda each: validate_all(toolchain, [each], Tally())[0], calm=True, scenarios=2)
            raise Differs(report(case, found, f"seed {seed}, and only among others"))
    tally.tell(record_property)
    assert tally.counts["runs on workerd"] == 2 * len(cases) >= 2 * ON_WORKERD


def test_instances_on_workerd_outlive_kills(record_property: Record) -> None:
    tally = Tally()
    cases = longest(collect(KILLED_SEED, DRAWN_TO_KILL, calm=True, scenarios=1), KILLED)
    found = validate_killed(ensure(), cases, KILLS, random.Random(KILLED_SEED), tally)
    for case, words in zip(cases, found, strict=True):
        assert not words, report(hastened(case), words, f"seed {KILLED_SEED}, killed on workerd")
    tally.tell(record_property)
    assert tally.counts["workerd killed, instances in the middle"] >= KILLED / 2
    assert tally.counts["workerd killed, bodies that were interrupted"] > 0
