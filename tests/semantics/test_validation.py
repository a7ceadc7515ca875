"""Compiled graphs do what the reference interpreter says: same steps, same inputs, same result, also when replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.semantics.validate import Engine, compare

BATCH = 50
BATCHES = 8


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.mark.parametrize("batch", range(BATCHES))
def test_compiled_graphs_agree_with_the_reference(batch: int, engine: Engine) -> None:
    verdicts: Counter[str] = Counter()
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        verdict, detail = compare(seed, engine)
        verdicts[verdict] += 1
        assert verdict != "differ", (seed, detail)
    assert verdicts["agree"] > BATCH / 2, verdicts
