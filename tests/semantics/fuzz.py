"""`python -m tests.semantics.fuzz [WHAT…] [--seed N] [--count N]`: looks for graphs and texts that go wrong.

WHAT is any of graphs, scripts (on the small engine, with kills), workerd, and inputs (texts of every kind that users
write, each to be answered within a second). Everything is drawn from seeds, which are printed: the same seed finds
the same fault, shrunk to one that can be read.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from hypothesis import given, seed

from stepwell.bundle.toolchain import ensure
from tests.properties.inputs import TEXTS, assert_answered_soon
from tests.semantics.draw import settings_for
from tests.semantics.engine import Engine
from tests.semantics.hunt import hunt, on_engine
from tests.semantics.validate import Tally
from tests.semantics.workerd import validate_all

AT_ONCE: Final = 100
"""Cases of one seed; the next hundred have the next seed."""

Round = Callable[[int, int, Tally], None]


def graphs(number: int, count: int, tally: Tally, *, script: bool = False) -> None:
    with Engine() as engine:
        hunt(number, count, on_engine(engine, tally), script=script)


def workerd(number: int, count: int, tally: Tally) -> None:
    toolchain = ensure()
    hunt(number, count, lambda case: validate_all(toolchain, [case], tally)[0], calm=True, scenarios=2)


def inputs(number: int, count: int, tally: Tally) -> None:
    for kind in TEXTS:
        _texts(kind, number, count)
        tally.counts[f"texts: {kind}"] += count


def _texts(kind: str, number: int, count: int) -> None:
    @seed(number)
    @settings_for(count)
    @given(TEXTS[kind])
    def look(text: str) -> None:
        assert_answered_soon(kind, text)

    look()


ROUNDS: Final[dict[str, Round]] = {
    "graphs": graphs,
    "scripts": partial(graphs, script=True),
    "workerd": workerd,
    "inputs": inputs,
}


def main(arguments: list[str]) -> int:
    """1 when something was found."""
    parser = _parser()
    told = parser.parse_args(arguments)
    if unknown := set(told.what) - ROUNDS.keys():
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(ROUNDS)}")
    first = random.randrange(1_000_000) if told.seed is None else told.seed
    for what in told.what or ("graphs", "scripts", "inputs"):
        tally = Tally()
        for number, count in _rounds(first, told.count):
            if not _round(what, number, count, tally):
                return 1
        print(f"{what}: {told.count} from seed {first}, nothing found\n{tally}")
    return 0


def _rounds(first: int, count: int) -> Iterator[tuple[int, int]]:
    for number, done in enumerate(range(0, count, AT_ONCE), first):
        yield number, min(AT_ONCE, count - done)


def _round(what: str, number: int, count: int, tally: Tally) -> bool:
    began = time.monotonic()
    try:
        ROUNDS[what](number, count, tally)
    except Exception as found:  # whatever it is: it was found
        print(f"{what}: seed {number} found this (again by: make fuzz WHAT={what} SEED={number} COUNT={count})")
        print(found, *getattr(found, "__notes__", ()), sep="\n")
        return False
    print(f"{what}: seed {number}, {time.monotonic() - began:.0f} s", flush=True)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.semantics.fuzz", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("what", nargs="*", help=f"of {', '.join(ROUNDS)}; the first two and the last when absent")
    parser.add_argument("--seed", type=int, help="of the first hundred; drawn when it is not given")
    parser.add_argument("--count", type=int, default=1000, help="how many of each")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
