"""An account for the tests of a module, and a project's folder for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.shop import Shop
from tests.dev.account import Dev, dev


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A running account of the module's own."""
    with dev(tmp_path_factory.mktemp("dev") / "state") as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, account: Dev, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An empty folder to work in."""
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shop(folder, account, monkeypatch)
