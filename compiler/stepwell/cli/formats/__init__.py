"""How findings are printed: for people, for programs, for code scanning, for GitHub's log."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TextIO

from stepwell.cli.findings import Checked

NAMES = ("text", "json", "sarif", "github")


def write(name: str, checked: Sequence[Checked], out: TextIO) -> None:
    """Prints all findings in the format `name`."""
    importlib.import_module(f"stepwell.cli.formats.{name}").write(checked, out)
