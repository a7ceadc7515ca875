"""`--help` answers at once, because nothing heavy is imported for it."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from stepwell.cli import _COMMANDS
from tests.cli.cli_calls import stepwell

HEAVY = ("networkx", "httpx", "pydantic", "rich", "jinja2", "tree_sitter", "watchfiles", "stepwell.graph")


def test_help_imports_nothing_heavy() -> None:
    program = "import sys; from stepwell.cli import call; call(['--help']); print([*sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(HEAVY) & set(done.stderr.split()) == set()
    assert all(f"  {name} " in done.stdout for name in _COMMANDS)


def test_help_answers_in_a_fifth_of_a_second() -> None:
    """In time of the processor, so that a busy machine does not count."""
    assert min(_seconds_of_help() for _ in range(5)) < 0.2


def _seconds_of_help() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "stepwell.cli", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("name", _COMMANDS)
def test_each_command_has_help_that_begins_as_listed(name: str) -> None:
    said = stepwell(name, "--help")
    assert said.code == 0
    listed = _COMMANDS[name].split("(")[0].rstrip(".")
    assert listed.split(",")[0].split()[0] in said.out


def test_version() -> None:
    from stepwell import __version__

    assert stepwell("--version").out == f"stepwell {__version__}\n"


def test_a_misspelt_command_is_a_wrong_call() -> None:
    said = stepwell("biuld")
    assert said.code == 2
    assert "Did you mean 'build'?" in said.err
