"""An account with a workflow that waits for an event (or fails), and a script."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.deploy.graphs import graph
from tests.dev.account import Dev, dev, eventually
from tests.runs.graphs import FAILS, SCRIPT


@pytest.fixture(scope="package")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "orders.json").write_text(json.dumps(graph("Orders", FAILS)))
    (folder / "answer.json").write_text(json.dumps(SCRIPT))
    with dev(folder / "state", str(folder / "orders.json"), str(folder / "answer.json")) as running:
        eventually(lambda: running.text.count("deployed in") == 2)
        yield running
