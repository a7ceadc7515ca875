"""`python -m tests.mutations.runs`: runs the goldens whose Worker is another one than the accepted, and compares what
happens with what is kept. The exit code is 1 when something differs, and the first difference is printed."""

from __future__ import annotations

import sys

from stepwell.bundle.toolchain import ensure
from tests.golden.__main__ import runs_to_do
from tests.golden.cases import all_cases, compiled
from tests.golden.happened import differences
from tests.golden.runner import happened

MOST = 60


def main() -> int:
    """Runs them, at most `MOST`."""
    toolchain = ensure()
    cases = [case for case in all_cases() if case.run.get("runs")]
    changed = [case for case in cases if compiled(case, None).js != case.kept("worker.js")][:MOST]
    made = {case.name: compiled(case, toolchain) for case in changed}
    broken = next((case.name for case in changed if not made[case.name].ok), None)
    if broken is not None:
        print(f"FAILED golden/{broken} does not compile")
        return 1
    runs = runs_to_do(changed, made, toolchain)
    for (name, number), told in happened(toolchain, runs).items():
        kept = next(case for case in changed if case.name == name).run["runs"][number]["happened"]
        found = differences(kept, told)
        if found:
            print(f"FAILED golden/{name} {found[0]}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
