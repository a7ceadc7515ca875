"""The collector rests for one compile at a time, and always comes back."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stepwell import Session, compile_artifact, compiler
from stepwell.collector import paused
from tests.test_library import GRAPH


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_it_rests_and_comes_back() -> None:
    with paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_comes_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), paused():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_where_it_is_off_it_stays_off() -> None:
    gc.disable()
    with paused():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_one_at_a_time_has_it_rest() -> None:
    """The second one neither waits nor ends the first one's rest, and does not begin one of its own."""
    inside, done = threading.Event(), threading.Event()

    def first() -> None:
        with paused():
            inside.set()
            done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first)
        inside.wait(10)
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
        done.set()
        running.result(10)
    assert gc.isenabled()


def test_after_many_compiles_at_once_it_is_there() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(made.ok for made in pool.map(compile_artifact, [GRAPH] * 64))
    assert gc.isenabled()
    compile_artifact({"nodes": 1})
    assert gc.isenabled()


def test_it_rests_until_a_session_has_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the manifest is made, so that nothing that is gone at the end is taken for something that stays."""
    seen: list[bool] = []
    finished = compiler._compiled

    def compiled(*given: Any) -> compiler.Compiled:
        seen.append(gc.isenabled())
        return finished(*given)

    monkeypatch.setattr(compiler, "_compiled", compiled)
    session = Session()
    for text in (json.dumps(GRAPH), json.dumps(GRAPH, indent=1)):
        assert session.compile(text).ok
        assert gc.isenabled()
    session.check(json.dumps(GRAPH))
    assert gc.isenabled()
    assert seen == [False, False]
    assert session.quick == 2


def test_a_compile_leaves_no_circles_that_grow_with_the_graph() -> None:
    """Else what it holds would wait for the collector, which is what makes a long rest dear."""

    def left(nodes: int) -> int:
        steps = [{**GRAPH["nodes"][0], "id": f"s{n}", "name": f"S{n}"} for n in range(nodes)]  # type: ignore[index]
        edges = [{"id": f"e{n}", "source": f"s{n}", "target": f"s{n + 1}"} for n in range(nodes - 1)]
        document = {**GRAPH, "nodes": steps, "edges": edges, "entryNodeId": "s0"}
        gc.collect()
        gc.disable()
        assert compile_artifact(document).ok
        return gc.collect()

    assert left(100) <= left(10) + 20
