"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.cli_calls import stepwell

TOP = Path(__file__).parents[2]
GRAPH = "examples/order-approval/order-approval.json"


@pytest.fixture(autouse=True)
def _at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TOP)


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", (TOP / "README.md").read_text("utf-8"), re.S | re.M)
    assert found is not None
    return found[1]


def test_the_code_is_what_build_writes(tmp_path: Path) -> None:
    assert stepwell("build", GRAPH, "-o", tmp_path).code == 0
    built = "\n".join(line.strip() for line in (tmp_path / "worker.ts").read_text("utf-8").splitlines())
    shown = "\n".join(line.strip() for line in _block("ts").split("…")[0].strip().splitlines())
    assert shown in built


def test_the_output_is_what_the_demo_prints(tmp_path: Path) -> None:
    """Steps that run at once may end in any order, all others may not; a run takes as long as it takes."""
    folder = "examples/order-approval"
    said = stepwell(
        "run", GRAPH, "--params", f"@{folder}/params.json", "--mock", f"@{folder}/mocks.json",
        "--env", "PAYMENTS_KEY=test-key", "--event", 'approval={"approved": true, "by": "Ada"}',
    )  # fmt: skip
    shown = _block("").split("\n\n", 1)[1]
    got, wanted = _timeless(said.out), _timeless(shown)
    assert sorted(got) == sorted(wanted)
    in_turn = wanted.index("⋯ Book courier")
    assert got[:in_turn] == wanted[:in_turn]


def test_the_demo_is_what_the_readme_says() -> None:
    demo = (TOP / "Makefile").read_text("utf-8").split("\ndemo:")[1].split("\n\n")[0]
    for words in (
        "--env PAYMENTS_KEY=test-key",
        """--event 'approval={"approved": true, "by": "Ada"}'""",
        "stepwell build",
    ):
        assert words in demo


def _timeless(text: str) -> list[str]:
    return [re.sub(r"[\d.]+ seconds", "… seconds", line) for line in text.splitlines() if line]
