"""What goes wrong outside the graph is one clear line, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.cli.faults import BUG, INTERRUPTED, explain
from tests.cli.cli_calls import process, stepwell


@pytest.mark.parametrize("command", ["check", "build", "run", "graph"])
def test_a_missing_file(tmp_path: Path, command: str) -> None:
    said = stepwell(command, tmp_path / "nope.json")
    assert said.code == 2
    assert said.err == f"stepwell: {tmp_path / 'nope.json'}: no such file\n"


@pytest.mark.parametrize("command", ["build", "run", "graph"])
def test_a_folder_in_place_of_a_file(tmp_path: Path, command: str) -> None:
    said = stepwell(command, tmp_path)
    assert (said.code, said.err) == (2, f"stepwell: {tmp_path}: is a folder; give one file\n")


@pytest.mark.parametrize("command", ["check", "build", "run", "graph"])
def test_text_that_is_not_utf8(tmp_path: Path, command: str) -> None:
    (tmp_path / "odd.json").write_bytes(b'{"nodes": "\xff"}')
    said = stepwell(command, tmp_path / "odd.json")
    assert (said.code, said.err) == (2, f"stepwell: {tmp_path / 'odd.json'}: is not UTF-8 text (byte 11)\n")


@pytest.mark.parametrize("command", ["check", "graph"])
def test_a_null_byte_in_a_path(command: str) -> None:
    said = stepwell(command, "a\0b")
    assert said.code == 2
    assert "Traceback" not in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = tmp_path / "secret.json"
    file.touch(mode=0)
    said = stepwell("graph", file)
    assert (said.code, said.err) == (2, f"stepwell: {file}: permission denied\n")


def test_standard_input_that_is_closed() -> None:
    line = f"'{sys.executable}' -m stepwell.cli graph - <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "stepwell: standard input is closed\n")


def test_output_that_nobody_reads() -> None:
    line = f"'{sys.executable}' -m stepwell.cli explain | true"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_output_that_is_closed() -> None:
    line = f"'{sys.executable}' -m stepwell.cli explain >&- 2>&-"
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 0


def test_a_terminal_that_cannot_show_a_character(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text('{"nodes": [{"id": "\u3042", "type": "step"}], "edges": []}', encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "stepwell.cli", "graph", "g.json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert "\u3042" in done.stdout.decode()


def test_an_interrupt_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(KeyboardInterrupt()) == INTERRUPTED
    assert capsys.readouterr().err == "stepwell: interrupted\n"


def test_a_fault_of_our_own_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError("odd\nthing")
    except RuntimeError as error:
        assert explain(error) == BUG
    said = capsys.readouterr().err
    assert said.startswith("stepwell: internal error in test_cli_faults:")
    assert said.count("\n") == 1


def test_the_command_line_as_a_process() -> None:
    assert process("explain", "SW101").code == 0
