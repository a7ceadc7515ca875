"""One case on the small engine: what it does must be what the reference says, also when it is killed and goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepwell import Compiled, compile_artifact
from tests.semantics.artifact import artifact
from tests.semantics.case import Case, Json
from tests.semantics.compare import Seen, differences, expected, marks
from tests.semantics.engine import Engine
from tests.semantics.generate import Drawn
from tests.semantics.reference import Run
from tests.semantics.shape import Shape
from tests.semantics.truth import untrue
from tests.semantics.values import plain, through_json


@dataclass
class Tally:
    """What was looked at, to be printed; a test that looks at nothing proves nothing."""

    counts: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)

    def tell(self, record: Callable[[str, object], None]) -> None:
        """Leaves the counts with the test's report; the end of the run prints their sums."""
        record("tally", {**self.counts, **self.verdicts})

    def __str__(self) -> str:
        return "\n".join(tally_lines({**self.counts, **self.verdicts}))


def tally_lines(counts: Mapping[str, int]) -> list[str]:
    return [f"{count:>9} {what}" for what, count in sorted(counts.items())]


def compiled(case: Case, shape: Shape) -> Compiled:
    made = compile_artifact(artifact(case, shape), language="js")
    assert made.ok, [f"{found.code.id} {found.message}" for found in made.diagnostics]
    return made


def validate(drawn: Drawn, engine: Engine, tally: Tally, kills: bool = True) -> list[str]:
    """All that differs, in words; the scenario stands first in each."""
    made = compiled(drawn.case, drawn.shape)
    assert made.js is not None and made.manifest is not None
    name = None if drawn.case.script else made.manifest["workflow"]["class"]
    runs = [{"scenario": each, "kills": kills and not each["timed"]} for each in drawn.scenarios]
    answer = engine.run(made.js, name, runs)
    if "fault" in answer:
        return [answer["fault"]]
    tally.counts["graphs"] += 1
    found = []
    possible = any(each.code.id == "SW303" for each in made.diagnostics)
    for number, (scenario, told) in enumerate(zip(drawn.scenarios, answer["runs"], strict=True)):
        tally.counts["runs"] += 1
        check = _script if drawn.case.script else _workflow
        found += [f"scenario {number}: {each}" for each in check(drawn, scenario, told, possible, tally)]
    return found


def _workflow(drawn: Drawn, scenario: Json, told: Json, possible: bool, tally: Tally) -> Iterator[str]:
    seen = Seen(
        told["status"], told["output"], told["error"], told["trace"], told["calls"], told["ended"], told["winners"]
    )
    want = expected(drawn.case, drawn.shape, scenario, seen, strict=True)
    yield from differences(want, seen, strict=True)
    yield from told["faults"]
    if isinstance(want, Run):
        yield from _truth(drawn, want, possible, tally)
    tally.counts["steps"] += len(seen.steps)
    tally.counts["kills"] += told.get("kills", 0)
    for life in told["lives"]:
        tally.counts["lives that went another way"] += 1
        yield from (f"killed {json.dumps(life['kill'])}: {each}" for each in _life(drawn, scenario, life, seen))


def _truth(drawn: Drawn, want: Run, possible: bool, tally: Tally) -> Iterator[str]:
    yield from untrue(drawn.pairs, want, tally.verdicts)
    tally.counts["reads of nodes that had not run"] += len(want.blind)
    if not possible:
        yield from (
            f"{reader} reads {target}, which had not run, without a warning"
            for reader, target in want.blind
            if not _defaulted(drawn.case, reader, target)
        )


def _defaulted(case: Case, reader: str, target: str) -> bool:
    node = next(node for node in case.nodes if node.id == reader)
    return all(read.default for read in node.reads if read.node == target)


def _life(drawn: Drawn, scenario: Json, life: Json, first: Seen) -> Iterator[str]:
    """A life after a kill that is not the first one over again: the reference must say the same with its winners."""
    seen = Seen(life["status"], life["output"], life["error"], [], [], winners=life["winners"])
    want = expected(drawn.case, drawn.shape, scenario, seen, strict=False)
    if isinstance(want, str):
        yield want
        return
    yield from (each for each in differences(want, seen, strict=False) if "did not run" not in each)
    sure = {record.name: record for record in want.records}
    for name in life["unseen"]:
        if name in sure and sure[name].sure:
            yield f"{name}: had finished, and was not asked for again"
    for name in life["missing"]:
        if ": " not in name and name in sure and sure[name].sure:
            yield f"{name}: did not run"
    yield from (f"{name}: ran, but should not" for name in life["extra"] if ": " not in name and name not in sure)
    for name, value in life["changed"].items():
        record = sure.get(name)
        if record is None or not _same(record.value, record.failed, value):
            yield f"{name}: gave {value}"


def _same(value: Any, failed: tuple[str, ...] | None, told: Any) -> bool:
    return marks(told) == failed if failed is not None else plain(value) == plain(told)


def _script(drawn: Drawn, scenario: Json, told: Json, possible: bool, tally: Tally) -> Iterator[str]:
    if told.get("status") == "stuck":
        yield "the script does not answer"
        return
    failed = told["http"] != 200
    error = told["output"].get("message") if failed else None
    seen = Seen("errored" if failed else "complete", told["output"], error, [], told["calls"], told["ended"])
    want = expected(drawn.case, drawn.shape, scenario, seen, strict=True)
    if isinstance(want, Run):
        want.output = through_json(plain(want.output))
    yield from (each for each in differences(want, seen, strict=True) if "did not run" not in each)
    if isinstance(want, Run):
        yield from _truth(drawn, want, possible, tally)
        yield from _bodies(want, told["ran"])
        tally.counts["steps"] += len(told["ran"])


def _bodies(want: Run, ran: list[list[Any]]) -> Iterator[str]:
    """A script keeps no record of its steps: the bodies tell."""
    told = Counter((tag, attempt) for _, tag, attempt, _ in ran)
    due = Counter(
        (record.tag, attempt)
        for record in want.records
        if record.kind == "do" and record.tag and record.ended < want.ended
        for attempt in range(1, record.attempts + 1)
    )
    may = Counter(
        (record.tag, attempt) for record in want.records if record.tag for attempt in range(1, record.attempts + 1)
    )
    yield from (f"{tag}: attempt {attempt} did not run" for tag, attempt in due - told)
    yield from (f"{tag}: attempt {attempt} ran, but should not" for tag, attempt in told - may)
