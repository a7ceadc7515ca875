"""An account with a workflow that waits for an event (or fails), and a script."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.deploy.graphs import graph
from tests.dev.account import Dev, dev, eventually
from tests.runs.graphs import BETWEEN, BROKEN, FAILS, SCRIPT


@pytest.fixture(scope="package")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "orders.json").write_text(json.dumps(graph("Orders", FAILS)))
    (folder / "answer.json").write_text(json.dumps(SCRIPT))
    (folder / "broken.json").write_text(json.dumps(BROKEN))
    (folder / "between.json").write_text(json.dumps(BETWEEN))
    graphs = [str(folder / name) for name in ("orders.json", "answer.json", "broken.json", "between.json")]
    with dev(folder / "state", *graphs) as running:
        eventually(lambda: running.text.count("deployed in") == 4)
        yield running
