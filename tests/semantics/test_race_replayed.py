"""A race that is replayed: who won is what was stored, though another arm answers first now."""

from __future__ import annotations

from stepwell.compiler import compile_artifact
from tests.semantics.validate import Engine

SLOW = "for (let turn = 0; turn < 50; turn++) await null;\nreturn 'slow';"
LATER = "for (let turn = 0; turn < 500; turn++) await null;\nreturn {{race}};"


def test_the_stored_winner_wins_every_replay() -> None:
    """The slow arm stands first. On a replay both answer out of what is stored, and it comes first."""
    codes = {"slow": SLOW, "fast": "return 'fast';", "later": LATER}
    nodes = [{"id": id, "type": "step", "name": id, "data": {"code": code}} for id, code in codes.items()]
    edges = [("race", "slow", "slow"), ("race", "fast", "fast"), ("race", "later", "then")]
    made = compile_artifact({
        "metadata": {"name": "Replayed"},
        "entryNodeId": "race",
        "nodes": [{"id": "race", "type": "race", "name": "race", "data": {}}, *nodes],
        "edges": [{"id": f"e{i}", "source": a, "target": b, "label": c} for i, (a, b, c) in enumerate(edges)],
    })  # fmt: skip
    assert made.js is not None, made.diagnostics
    with Engine() as engine:
        answer = engine.run(made.js, "Replayed", [None], True)
    (run,) = answer["runs"]
    assert run["output"] == "fast"
    # Before the winner is stored, after the third step, either may win.
    assert [fault for fault in run["faults"] if not fault.startswith(("after 1 ", "after 2 "))] == []
    assert {name for name, _ in run["steps"]} == {"slow", "fast", "race: winner", "later"}
