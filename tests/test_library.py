"""The library's door: what an editor's back end imports."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

import stepwell
from stepwell import Compiled, check, compile_artifact

GRAPH = {
    "metadata": {"name": "Door", "version": 1},
    "nodes": [
        {
            "id": "a", "type": "step", "name": "A", "position": {"x": 0, "y": 0}, "version": "1.0.0",
            "provider": "cloudflare", "data": {"code": "return event.payload.n + 1;"},
        }
    ],
    "edges": [],
    "entryNodeId": "a",
}  # fmt: skip


def test_the_functions_stay_functions_once_the_rooms_are_imported() -> None:
    assert check(GRAPH) == []
    assert stepwell.check(GRAPH) == []
    assert compile_artifact(GRAPH).ok


def test_what_a_compile_gives() -> None:
    compiled: Compiled = compile_artifact(GRAPH)
    assert compiled.source and compiled.js and compiled.source_map and compiled.program
    assert compiled.manifest and compiled.manifest["steps"] == [{"name": "A", "node": "a"}]
    assert compiled.js.endswith("//# sourceMappingURL=worker.js.map\n")


def test_errors_give_findings_and_no_code() -> None:
    compiled = compile_artifact({"nodes": []})
    assert not compiled.ok and compiled.source is None
    assert {d.slug for d in compiled.diagnostics} == {"schema"}


def test_warnings_can_be_switched_off_and_errors_cannot() -> None:
    graph = {**GRAPH, "more": 1}
    assert [d.slug for d in check(graph)] == ["unknown-key"]
    assert check(graph, off={"unknown-key"}) == []
    assert check({}, off={"schema"})


def test_threads_do_not_see_each_other() -> None:
    def one(number: int) -> str | None:
        node = {**GRAPH["nodes"][0], "data": {"code": f"return {number};"}}  # type: ignore[index]
        return compile_artifact({**GRAPH, "nodes": [node]}).js

    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(one, range(40)))
    assert parallel == [one(number) for number in range(40)]


def test_findings_are_switched_off_by_code_too() -> None:
    graph = {**GRAPH, "more": 1}
    assert check(graph, off=["SW103"]) == []
    assert compile_artifact(graph, off={"sw103"}).diagnostics == ()


@pytest.mark.parametrize("off", ["unknown-key", {"unknown-keys"}, ["SW999"], [""]])
def test_what_is_no_finding_cannot_be_switched_off(off: Collection[str]) -> None:
    with pytest.raises(ValueError):
        check(GRAPH, off=off)
    with pytest.raises(ValueError):
        compile_artifact(GRAPH, off=off)


def test_a_language_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="'ts' or 'js', not 'py'"):
        compile_artifact(GRAPH, language="py")  # type: ignore[arg-type]


def test_with_errors_all_of_the_worker_is_missing() -> None:
    compiled = compile_artifact({"nodes": []}, language="js")
    assert compiled == Compiled(compiled.diagnostics, language="js")


def test_a_place_as_text() -> None:
    assert str(check('{"nodes": [],\n "edges": 1}')[0].place) == "1:1"
