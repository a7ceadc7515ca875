"""One observer for a module of tests; at its end esbuild reads every Worker that was run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stepwell.bundle import toolchain
from tests.properties.observer import Observer


@pytest.fixture(scope="module")
def observer() -> Iterator[Observer]:
    with Observer() as observer:
        yield observer
        assert observer.parse_all(toolchain.ensure().esbuild) == ""
