"""`python -m tests.golden [CASE…]` writes the goldens anew (all, or some) and says which changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from stepwell.bundle.toolchain import Toolchain, ensure
from stepwell.compiler import Compiled

from .cases import FILES, Case, all_cases, compact, compiled, printed
from .runner import Run, happened, runs_of

TIMES = 3


def main(names: Sequence[str]) -> int:
    known = all_cases()
    unknown = set(names) - {case.name for case in known}
    if unknown:
        print(f"no such case: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [case for case in known if not names or case.name in names]
    changed = regenerate(chosen, ensure())
    for name in changed:
        print(f"changed: {name}")
    print(f"{len(chosen)} cases, {len(changed)} changed")
    return 0


def regenerate(cases: Sequence[Case], toolchain: Toolchain) -> list[str]:
    """Writes what the compiler and the runtime do now. Returns the files that changed, as `case/file`."""
    changed: list[str] = []
    made: dict[str, Compiled] = {}
    for case in cases:
        made[case.name] = compiled(case, toolchain)
        changed += _write(case, printed(made[case.name]))
    runs = runs_to_do(cases, made, toolchain)
    results = happened(toolchain, runs, TIMES)
    for case in cases:
        if case.run:
            changed += _write_run(case, results)
    return sorted(changed)


def runs_to_do(cases: Sequence[Case], made: dict[str, Compiled], toolchain: Toolchain) -> list[Run]:
    called = {name for case in cases for plan in case.run.get("runs", []) for name in plan.get("children", [])}
    children = {name: made.get(name) or compiled(Case(name), toolchain) for name in called}
    return [run for case in cases if made[case.name].ok for run in runs_of(case, made[case.name], children)]


def _write(case: Case, files: dict[str, str]) -> list[str]:
    changed = []
    for file in FILES:
        path = case.folder / file
        if case.kept(file) != files.get(file):
            changed.append(f"{case.name}/{file}")
            if file in files:
                path.write_text(files[file], "utf-8")
            else:
                path.unlink()
    return changed


def _write_run(case: Case, results: dict[tuple[str, int], dict[str, object]]) -> list[str]:
    run = case.run
    runs = [{**plan, "happened": results.get((case.name, number))} for number, plan in enumerate(run.get("runs", []))]
    text = compact({**run, **({"runs": runs} if runs else {})})
    if text == case.kept("run.json"):
        return []
    (case.folder / "run.json").write_text(text, "utf-8")
    return [f"{case.name}/run.json"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
