"""A race that is replayed: who won is what was stored, though another arm answers first now."""

from __future__ import annotations

from stepwell.compiler import compile_artifact
from tests.semantics.engine import Engine

CODES = {
    "slow": "await scheduler.wait(60_000);\nreturn 'slow';",
    **{f"fast{number}": "return 'fast';" for number in range(4)},
    "later": "await scheduler.wait(200_000);\nreturn {{race}};",
}
WAYS = [("race", "slow", "slow"), ("race", "fast0", "fast"), ("race", "later", "then")]
WAYS += [(f"fast{number}", f"fast{number + 1}", "") for number in range(3)]
FINISHED = 6
"""The four fast ones, the winner, and the slow one."""


def test_the_stored_winner_wins_every_replay() -> None:
    """The slow arm stands first. On a replay both answer out of what is stored, and it comes first: it is one step."""
    nodes = [{"id": id, "type": "step", "name": id, "data": {"code": code}} for id, code in CODES.items()]
    made = compile_artifact({
        "metadata": {"name": "Replayed"},
        "entryNodeId": "race",
        "nodes": [{"id": "race", "type": "race", "name": "race", "data": {}}, *nodes],
        "edges": [{"id": f"e{i}", "source": a, "target": b, "label": c} for i, (a, b, c) in enumerate(WAYS)],
    })  # fmt: skip
    assert made.js is not None, made.diagnostics
    with Engine() as engine:
        (run,) = engine.run(made.js, "Replayed", [{"scenario": {"events": []}, "kills": True}])["runs"]
    assert run["output"] == "fast" and run["faults"] == []
    assert run["kills"] >= 2 * FINISHED
    assert [entry["name"] for entry in run["trace"]] == [
        "slow",
        *(f"fast{n}" for n in range(4)),
        "race: winner",
        "later",
    ]
    assert run["lives"] == []
