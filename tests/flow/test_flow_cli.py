"""The command line takes Python as it takes JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stepwell.flow import read
from tests.cli.cli_calls import process, stepwell
from tests.flow.flows import TOP, run

EXAMPLE = TOP / "examples" / "trial-ends" / "trial_ends.py"
ORDER = TOP / "examples" / "order-approval" / "order-approval.json"


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    path = tmp_path / "order.py"
    assert stepwell("convert", ORDER, path).code == 0
    return path


def test_the_example_is_clean_and_drawn() -> None:
    assert stepwell("check", EXAMPLE).out == "0 errors, 0 warnings in 1 file\n"
    assert "Read trial" in stepwell("graph", EXAMPLE).out


def test_a_build_is_that_of_the_json(flow: Path, tmp_path: Path) -> None:
    assert stepwell("build", flow, "-o", tmp_path / "a").code == 0
    assert stepwell("build", ORDER, "-o", tmp_path / "b").code == 0
    for name in ("worker.ts", "worker.js", "manifest.json", "wrangler.json"):
        assert (tmp_path / "a" / name).read_text() == (tmp_path / "b" / name).read_text()


def test_a_run_of_the_example() -> None:
    folder = EXAMPLE.parent
    call: list[str | Path] = [
        "run",
        EXAMPLE,
        "--params",
        f"@{folder / 'params.json'}",
        "--mock",
        f"@{folder / 'mocks.json'}",
        "--json",
    ]
    for events, upgraded in ((["--event", 'upgraded={"plan": "team"}'], True), ([], False)):
        said = stepwell(*call, "--env", "CRM_TOKEN=t", "--env", "MAIL_TOKEN=t", *events)
        assert said.code == 0, said.err
        assert json.loads(said.out)["output"] == {"result": {"customer": "c-17", "upgraded": upgraded}}


def test_there_and_back(flow: Path, tmp_path: Path) -> None:
    back, again = tmp_path / "back.json", tmp_path / "again.py"
    assert stepwell("convert", flow, back).code == 0
    assert json.loads(back.read_text()) == json.loads(ORDER.read_text())
    assert stepwell("convert", back, again).code == 0
    assert again.read_bytes() == flow.read_bytes()
    assert run(again.read_text()) == json.loads(ORDER.read_text())
    assert stepwell("convert", flow).out == back.read_text()
    assert stepwell("convert", ORDER).out == flow.read_text()
    assert process("convert", "-", stdin=ORDER.read_bytes()).out == flow.read_text()
    assert process("check", "-", stdin=flow.read_bytes()).code == 0


def test_over_python_that_is_there_only_what_differs_is_changed(flow: Path, tmp_path: Path) -> None:
    text = flow.read_text().replace("    with flow.branch", "    # a branch\n    with flow.branch", 1)
    flow.write_text(text)
    document = json.loads(ORDER.read_text())
    document["nodes"][0]["name"] = "Look at the order"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document))
    assert stepwell("convert", other, flow).code == 0
    assert flow.read_text() == text.replace('"Validate order"', '"Look at the order"')
    flow.write_text("x = 1\n")
    said = stepwell("convert", other, flow)
    assert said.code == 1 and "--force writes it anew" in said.err
    assert stepwell("convert", other, flow, "--force").code == 0
    assert read(flow.read_text()).ok


def test_what_is_no_graph_is_not_written_over(flow: Path, tmp_path: Path) -> None:
    other = tmp_path / "package.json"
    other.write_text('{"name": "x"}')
    assert stepwell("convert", flow, other).code == 1
    assert other.read_text() == '{"name": "x"}'
    assert stepwell("convert", flow, tmp_path / "x.txt").code == 2


def test_positions_for_an_editor(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    assert stepwell("convert", EXAMPLE, target, "--layout").code == 0
    places = [tuple(node["position"].values()) for node in json.loads(target.read_text())["nodes"]]
    assert len(set(places)) == len(places) > 10


def test_findings_stand_at_the_lines_of_the_file(flow: Path) -> None:
    flow.write_text(flow.read_text().replace("{{validate.total}},", "{{validat.total}},"))
    line = flow.read_text()[: flow.read_text().index("validat.total")].count("\n") + 1
    said = stepwell("check", flow)
    assert said.code == 1
    assert f"{flow}:{line}:22: error[SW301 unknown-reference]" in said.out
    told = json.loads(stepwell("check", flow, "--format", "json").out)["diagnostics"][0]
    assert (told["line"], told["column"], told["snippet"]) == (line, 22, {"line": 5, "column": 10})
    assert re.search(rf"line={line},", stepwell("check", flow, "--format", "github").out)


@pytest.mark.parametrize(
    "text", ["with (", "\0", "x = 1", "from stepwell.flow import workflow\nwith workflow('a') as f:\n    f.x()\n"]
)
def test_bad_python_is_said_everywhere(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    for command in ("check", "build", "graph", "run", "convert"):
        said = stepwell(command, path)
        assert said.code in (1, 3) or command == "graph", (command, said)
        assert "internal error" not in said.err and "Traceback" not in said.err
    assert re.search(r"bad\.py:\d+:\d+: error\[SW11", stepwell("check", path).out)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_bytes(b"x = '\xff'")
    assert stepwell("check", path).code == 2


def test_a_folder_with_flows_and_other_python(flow: Path) -> None:
    (flow.parent / "helpers.py").write_text("def f(): pass\n")
    (flow.parent / "ship.py").write_text(
        "from stepwell.flow import workflow\nwith workflow('a') as f:\n    f.step('A', 'return 1;')\n"
    )
    assert stepwell("check", flow.parent).out == "0 errors, 0 warnings in 2 files\n"


def test_files_of_code_stay_in_the_folder(tmp_path: Path) -> None:
    text = "from stepwell.flow import js, workflow\nwith workflow('a') as f:\n    f.step('A', js(file='{}'))\n"
    (tmp_path / "secret.ts").write_text("return 1;")
    (tmp_path / "inner").mkdir()
    for file, told in (
        ("../secret.ts", "lies outside"),
        (str(tmp_path / "secret.ts"), "lies outside"),
        ("no.ts", "No such file"),
        (".", "Is a directory"),
    ):
        path = tmp_path / "inner" / "flow.py"
        path.write_text(text.format(file))
        said = stepwell("check", path)
        assert said.code == 1 and told in said.out, said


def test_a_plan_needs_no_more_than_the_file(flow: Path, tmp_path: Path) -> None:
    (tmp_path / "stepwell.toml").write_text('artifacts = ["order.py"]\n')
    from stepwell.cli.account import choose

    chosen = choose((str(flow),), None)
    assert chosen.sources[0].compiled.ok
    assert json.loads(chosen.sources[0].text) == json.loads(ORDER.read_text())


def test_edits_of_the_editor_go_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "trial.py"
    text = EXAMPLE.read_text("utf-8")
    (tmp_path / "mail.ts").write_text((EXAMPLE.parent / "mail.ts").read_text("utf-8"))
    path.write_text(text)
    assert stepwell("edit", "rename", path, "usage", "--id", "sessions").code == 0
    renamed = path.read_text()
    assert 'id="sessions"' in renamed and "# Whoever has not used" in renamed
    assert [line for line in text.splitlines() if line not in renamed.splitlines()] == []
    node = '{"id": "look", "type": "step", "name": "Look", "data": {"code": "return 1;"}}'
    assert stepwell("edit", "insert", path, "sessions->used_it", "--node", node).code == 0
    assert '    flow.step("Look", js("return 1;")' in path.read_text()
    assert stepwell("edit", "delete", path, "look").code == 0
    assert path.read_text() == renamed
    assert "read_trial" in stepwell("scope", path, "welcome").out


BROKEN = """\
from stepwell.flow import js, manual, workflow

CODE = js('''
    const total = 1;
    return total.of.nothing;
''')
with workflow("Ships", trigger=manual()) as flow:
    flow.step("Ship", {code}, retries=0)
"""


@pytest.mark.parametrize(
    ("code", "file", "line", "column"),
    [
        ("js(file='lib/ship.ts')", "lib/ship.ts", 2, 13),
        ("CODE", "flow.py", 5, 21),
        ('js("return 1 .of.nothing;")', "flow.py", 8, 40),
    ],
)
def test_an_error_of_a_run_leads_to_the_file(code: str, file: str, line: int, column: int, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "ship.ts").write_text("const a = 1;\nreturn a.of.nothing;\n")
    path = tmp_path / "flow.py"
    path.write_text(BROKEN.format(code=code))
    said = stepwell("run", path)
    assert said.code == 1
    place = json.loads(stepwell("run", path, "--json").out)["error"]["place"]
    assert (place["source"], place["file"], place["fileLine"]) == ("nodes/ship/code", str(tmp_path / file), line)
    assert f"\n  at {tmp_path / file}:{line}:{place['fileColumn']}\n    {place['text'].strip()}\n" in said.out
    assert place["fileColumn"] == column
    assert (tmp_path / file).read_text().splitlines()[line - 1][column - 1 :].startswith("nothing")


def test_code_that_is_not_the_graphs_has_no_place_in_the_file() -> None:
    reading = read(BROKEN.format(code="CODE"))
    assert reading.place_of_code("nodes/other/code", 1, 1) is None
    assert reading.place_of_code("triggerCode", 1, 1) is None
    assert reading.place_of_code("custom/slack", 1, 1) is None


def test_an_edit_writes_no_more_than_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    head = "from stepwell.flow import js, manual, workflow\n\nwith workflow('a', trigger=manual()) as flow:\n"
    a, b = ("    flow.step('A', js('return 1;'))\n", "    flow.step('B', js('return 2;'))\n")
    path.write_text(head + a + b)
    node = '{"id": "look", "type": "step", "name": "Look", "data": {"code": "return 3;"}}'
    assert stepwell("edit", "insert", path, "a->b", "--node", node).code == 0
    assert path.read_text() == head + a + '    flow.step("Look", js("return 3;"))\n' + b
    assert (
        stepwell(
            "edit", "extract", path, "look", "b", "--name", "Rest", "--id", "rest", "-o", tmp_path / "rest.json"
        ).code
        == 0
    )
    assert path.read_text().endswith(a + '    flow.sub_workflow("Rest", "rest", "Rest", timeout="365 days")\n')
    assert "at=" not in path.read_text()
    path.write_text(head + a.replace("))", "), at=(2, 4))") + b)
    assert stepwell("edit", "insert", path, "a->b", "--node", node).code == 0
    assert '    flow.step("Look", js("return 3;"), at=(1, 2))\n' in path.read_text()
