"""Deliberate faults of the compiler, as patches: does the suite see each of them?

A patch begins with what it breaks, in words, and says who should see it (`Ask:`), so that this is asked first; the
rest is a diff with little context, so that it outlives changes around it. `make mutants` makes each fault in a copy of
the tree and asks: the translation validation, the tests of `lower` and `emit`, those of sessions, the goldens whose
Worker came out differently, run on the real runtime; last the goldens' text, which sees every change of what is
printed and does not tell whether it is one for the worse.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.semantics.draw import VERDICT_ONLY

ROOT: Final = Path(__file__).parents[2]
PATCHES: Final = Path(__file__).parent
TREE: Final = ("compiler", "templates", "tests", "golden", "benchmarks", "examples", "docs")
FILES: Final = ("pyproject.toml", "requirements.lock", "Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "validation": ("-m", "pytest", "-x", "tests/semantics"),
    "unit tests": ("-m", "pytest", "-x", "tests/emit", "tests/lower"),
    "session": ("-m", "pytest", "-x", "tests/test_session.py", "tests/properties/test_prop_session.py"),
    "golden runs": ("-m", "tests.mutations.runs"),
    "golden text": ("-m", "pytest", "-x", "tests/golden", "-k", "same_text"),
}
"""What is asked, in this order, by the arguments of Python; the first that fails has caught the fault."""
_ASK: Final = "\nAsk: "
SECONDS: Final = 1800
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One deliberate fault."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def about(self) -> str:
        """What it breaks."""
        return self._head.partition(_ASK)[0].strip()

    @property
    def asked(self) -> list[str]:
        """Who is asked, in order: first who should see it."""
        first = self._head.partition(_ASK)[2].strip()
        return sorted(ASKED, key=lambda one: one != first)

    @property
    def _head(self) -> str:
        return self.path.read_text("utf-8").partition("\n--- ")[0]


@dataclass(frozen=True)
class Verdict:
    """Who caught a fault: what was asked, and the test; nobody when `by` is None."""

    by: str | None
    test: str
    seconds: float


def all_mutants() -> list[Mutant]:
    return [Mutant(path) for path in sorted(PATCHES.glob("*.patch"))]


def apply(mutant: Mutant, tree: Path, *flags: str) -> str | None:
    """Makes a fault in a tree (`-R` mends it, `--check` only looks); what git has against it, None when it is made."""
    limits = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    command = ["git", "apply", *flags, str(mutant.path)]
    done = subprocess.run(command, cwd=tree, env=limits, capture_output=True, text=True, check=False)
    return done.stderr.strip() or "git apply failed" if done.returncode else None


@contextmanager
def copied_tree() -> Iterator[Path]:
    """A copy of the files that git does not need."""
    with tempfile.TemporaryDirectory(prefix="stepwell-mutants-") as name:
        tree = Path(name) / "tree"
        for folder in TREE:
            shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in FILES:
            shutil.copy2(ROOT / file, tree / file)
        yield tree


def examine(mutant: Mutant, tree: Path) -> Verdict:
    """Makes a fault in a copy of the tree, asks who sees it, and mends it."""
    began = time.monotonic()
    fault = apply(mutant, tree)
    if fault is not None:
        raise ValueError(f"{mutant.name} does not apply: {fault}")
    try:
        for by in mutant.asked:
            test = _ask(ASKED[by], tree)
            if test is not None:
                return Verdict(by, test, time.monotonic() - began)
        return Verdict(None, "", time.monotonic() - began)
    finally:
        apply(mutant, tree, "-R")


def _ask(arguments: Sequence[str], tree: Path) -> str | None:
    """The first test that fails, None when all pass."""
    paths = os.pathsep.join([str(tree / "compiler"), str(tree)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", VERDICT_ONLY: "1"}
    command = [sys.executable, *arguments]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{' '.join(arguments[-1:])} hangs"
    if done.returncode == 0:
        return None
    found = _FAILED.search(done.stdout)
    words = (done.stdout + done.stderr).split("\n")
    return found[1] if found else next(filter(str.strip, reversed(words)), f"exit code {done.returncode}")
