"""`check` and `build` from the outside, with the real compiler."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_calls import process, stepwell

BUILT = {"worker.js", "worker.ts", "worker.js.map", "manifest.json", "wrangler.json"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A first project, with the tests standing in its folder."""
    stepwell("init", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _edit(change: dict[str, Any], node: str = "price") -> None:
    graph = json.loads(Path("order.json").read_text())
    next(one for one in graph["nodes"] if one["id"] == node)["data"].update(change)
    Path("order.json").write_text(json.dumps(graph, indent=2))


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_clean_graph(project: Path) -> None:
    said = stepwell("check", "order.json")
    assert (said.code, said.out, said.err) == (0, "0 errors, 0 warnings in 1 file\n", "")


def test_an_error_in_code_is_shown_where_it_is(project: Path) -> None:
    _edit({"code": "const a = 1;\nreturn a +;"})
    said = stepwell("check", "order.json")
    assert said.code == 1
    assert "error[SW401 syntax]" in said.out
    assert "    2 | return a +;" in said.out
    assert "  node price" in said.out


def test_a_warning_is_no_failure_and_can_be_left_out(project: Path) -> None:
    _edit({"code": ""})
    assert stepwell("check", "order.json").code == 0
    assert "empty-code" in stepwell("check", "order.json").out
    assert "empty-code" not in stepwell("check", "order.json", "--off", "SW404").out


@pytest.mark.parametrize("slug", ["syntax", "nonsense", "SW999"])
def test_only_warnings_that_exist_can_be_left_out(project: Path, slug: str) -> None:
    assert stepwell("check", "order.json", "--off", slug).code == 2


def test_a_folder_and_standard_input(project: Path) -> None:
    Path("package.json").write_text("{}")
    said = stepwell("check", ".")
    assert (said.code, said.err) == (0, "stepwell: 1 JSON file left out: not a graph\n")
    assert process("check", "-", stdin=Path("order.json").read_bytes(), cwd=project).code == 0


def test_a_folder_without_a_graph_is_a_wrong_call(tmp_path: Path) -> None:
    assert stepwell("check", tmp_path).code == 2


def test_what_can_be_checked_is_checked_when_something_cannot_be_read(project: Path) -> None:
    said = stepwell("check", "nope.json", "order.json", "--format", "json")
    assert said.code == 2
    assert json.loads(said.out)["files"] == ["order.json"]


def test_build_writes_the_same_bytes_each_time(project: Path) -> None:
    assert stepwell("build", "order.json").code == 0
    first = _tree(project / "dist" / "order")
    assert first.keys() == BUILT
    assert stepwell("build", "order.json", "-o", "other").code == 0
    assert _tree(project / "other") == first
    assert first["worker.js"].endswith(b"\n//# sourceMappingURL=worker.js.map\n")


def test_build_with_errors_writes_nothing(project: Path) -> None:
    stepwell("build", "order.json")
    before = _tree(project / "dist")
    _edit({"code": "return ("})
    said = stepwell("build", "order.json")
    assert (said.code, said.out) == (1, "")
    assert "error[SW401 syntax]" in said.err
    assert _tree(project / "dist") == before


def test_build_with_warnings_alone(project: Path) -> None:
    _edit({"code": ""})
    said = stepwell("build", "order.json")
    assert said.code == 0
    assert "warning[SW404 empty-code]" in said.err


def test_build_check_finds_a_stale_folder(project: Path) -> None:
    assert stepwell("build", "order.json", "--check").code == 1
    assert not Path("dist").exists()
    stepwell("build", "order.json")
    assert stepwell("build", "order.json", "--check").code == 0
    _edit({"timeout": "2 days"}, node="approval")
    said = stepwell("build", "order.json", "--check")
    assert said.code == 1
    assert "dist/order/worker.js is stale" in said.err


def test_build_keeps_the_ids_that_were_filled_in(project: Path) -> None:
    graph = Path(__file__).parents[2] / "examples/nightly-report/nightly-report.json"
    stepwell("build", graph, "-o", "out")
    wrangler = Path("out/wrangler.json")
    filled = wrangler.read_text().replace("<REPORTS_KV_BINDING_ID>", "0f2a")
    wrangler.write_text(filled)
    assert stepwell("build", graph, "-o", "out", "--check").code == 0
    stepwell("build", graph, "-o", "out", "--language", "js")
    assert wrangler.read_text() == filled


def test_build_leaves_a_project_of_somebody_elses_alone(project: Path) -> None:
    Path("mine").mkdir()
    Path("mine/worker.js").write_text("mine")
    said = stepwell("build", "order.json", "-o", "mine")
    assert (said.code, said.out) == (1, "")
    assert "mine/worker.js is there already, and stepwell did not write it; nothing was written" in said.err
    assert _tree(project / "mine") == {"worker.js": b"mine"}
    assert stepwell("build", "order.json", "-o", "mine", "--force").code == 0


def test_build_of_a_folder_says_what_to_give(project: Path) -> None:
    said = stepwell("build", ".")
    assert (said.code, said.err) == (2, "stepwell: .: is a folder; give one file, such as order.json\n")


def test_build_in_javascript_replaces_the_typescript(project: Path) -> None:
    stepwell("build", "order.json")
    assert stepwell("build", "order.json", "--language", "js").code == 0
    assert _tree(project / "dist" / "order").keys() == (BUILT - {"worker.ts"}) | {"worker.source.js"}


def test_build_of_standard_input_needs_a_folder(project: Path) -> None:
    text = Path("order.json").read_bytes()
    assert process("build", "-", stdin=text, cwd=project).code == 2
    assert process("build", "-", "-o", "out", stdin=text, cwd=project).code == 0
    assert _tree(project / "out").keys() == BUILT


def test_build_where_nothing_can_be_written(project: Path) -> None:
    Path("dist").write_text("in the way")
    said = stepwell("build", "order.json")
    assert said.code == 1
    assert said.err.count("\n") == 1


def test_watch_builds_on_save_and_ends_with_ctrl_c(project: Path) -> None:
    command = [sys.executable, "-m", "stepwell.cli", "build", "order.json", "--watch"]
    watching = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        first = _wait_for(project / "dist/order/worker.js", b"")
        time.sleep(0.5)  # watchfiles looks at the folder only once it has been started
        fresh = project / "fresh.json"
        fresh.write_text(Path("order.json").read_text().replace("has no items", "is empty"))
        fresh.replace(project / "order.json")
        assert b"is empty" in _wait_for(project / "dist/order/worker.js", first)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 0
    finally:
        watching.kill()
        watching.communicate()


def _wait_for(file: Path, before: bytes) -> bytes:
    for _ in range(200):
        if file.exists() and (found := file.read_bytes()) != before:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{file} did not change")
