"""`python -m tests.mutations [NAME…]` makes each deliberate fault and prints who caught it. A survivor is a failure."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .mutants import Mutant, Verdict, all_mutants, copied_tree, examine


def main(names: Sequence[str]) -> int:
    mutants = all_mutants()
    unknown = set(names) - {mutant.name for mutant in mutants}
    if unknown:
        print(f"no such mutant: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [mutant for mutant in mutants if not names or mutant.name in names]
    survivors = 0
    with copied_tree() as tree:
        for mutant in chosen:
            verdict = examine(mutant, tree)
            survivors += verdict.by is None
            print(_line(mutant, verdict), flush=True)
    print(f"{len(chosen)} faults, {len(chosen) - survivors} caught, {survivors} survived")
    return 1 if survivors else 0


def _line(mutant: Mutant, verdict: Verdict) -> str:
    told = f"{verdict.by}: {verdict.test}" if verdict.by else "SURVIVED"
    return f"{mutant.name:<28} {verdict.seconds:5.0f} s  {told}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
