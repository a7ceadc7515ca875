"""Leads the text of a flow's file to another graph: `update` is the whole of it to the outside.

`rounds.py` goes from a reading to splices and reads again what they give; it holds what comes back against what was
asked for with `verify.py`. In each round one `Draft` goes from step to step and gathers the splices:

- `moves.py`, `removals.py`, `additions.py` change which statements there are, and where they stand;
- `arms.py`, `fields.py`, `edges.py`, `head.py`, `layout.py` change what the statements say;
- both stand on `statements.py` and `lines.py` (places and lines), `values.py` and `calls.py` (values and arguments),
  `printing.py` (new statements), `references.py` and `imports.py` (names).
"""

from __future__ import annotations

from stepwell.flow.rewrite.plan import Json, Key, Move, Plan, Refused
from stepwell.flow.rewrite.rounds import ROUNDS, Updated, update

__all__ = ["ROUNDS", "Json", "Key", "Move", "Plan", "Refused", "Updated", "update"]
