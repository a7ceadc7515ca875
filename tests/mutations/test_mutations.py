"""The deliberate faults fit the tree as it is; that each is caught is shown by `make mutants`, which takes longer."""

from __future__ import annotations

import pytest

from .mutants import ROOT, Mutant, all_mutants, apply

MUTANTS = all_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_applies(mutant: Mutant) -> None:
    assert apply(mutant, ROOT, "--check") is None
    assert mutant.about and mutant.asked[0] in mutant.path.read_text("utf-8")


def test_there_are_twenty() -> None:
    assert len(MUTANTS) >= 20
