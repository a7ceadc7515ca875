"""Cases of a seed: the same seed draws the same ones."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.semantics.generate import Drawn, drawn

VERDICT_ONLY: Final = "STEPWELL_VERDICT_ONLY"


def collect(number: int, count: int, *, calm: bool, scenarios: int) -> list[Drawn]:
    """The cases of a seed, to be run all at once."""
    cases: list[Drawn] = []

    @seed(number)
    @settings_for(count, Phase.generate)
    @given(drawn(scenarios, False, calm))
    def look(case: Drawn) -> None:
        cases.append(case)

    look()
    return cases


def settings_for(count: int, *phases: Phase) -> settings:
    """So many examples, drawn anew from the seed alone. With `VERDICT_ONLY` in the environment none shrinks."""
    seen = (Phase.generate,) if VERDICT_ONLY in os.environ else (Phase.generate, Phase.shrink)
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=phases or seen,
        report_multiple_bugs=False,
        print_blob=False,
    )
