"""One account for tests that do not mind each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dev.account import Dev, dev


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A running account of the module's own."""
    with dev(tmp_path_factory.mktemp("dev") / "state") as running:
        yield running
