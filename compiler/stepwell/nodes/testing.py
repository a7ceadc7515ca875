"""The test of a custom node: `test.json` beside its definition, run on the real runtime with the world mocked.

A test is a list of cases. A case gives the node a configuration and says what must come of it: the requests it sends,
its result or its error, how often it was tried, and what it left behind in a binding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from stepwell.graph.definition import Strict
from stepwell.graph.nodes import CustomNode, Nodes
from stepwell.nodes.files import DEFINITION

if TYPE_CHECKING:
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.compiler import Compiled
    from stepwell.local.config import WorkerSpec
    from stepwell.local.events import Outcome, StepRecord
    from stepwell.local.mock import Sent
    from stepwell.local.party import Job

TEST: Final = "test.json"
ANY: Final = "*"
"""In what is expected: whatever stands here."""

_SECONDS: Final = 60.0
_WORLD: Final = "the world"
_NODE, _BEFORE, _AFTER = "The node", "Before", "After"


class Request(Strict):
    """A request that is expected: of its headers those that are named count."""

    method: str
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None


class NodeCase(Strict):
    """One case of a test.

    `before` and `after` are bodies of steps around the node, which see `env`; `left` is what `after` must return.
    `services` puts a module beside the test, whose default export is a `WorkerEntrypoint`, in the place of a binding
    that this machine has no counterpart of; `world` puts one in the place of everything outside, with `fetch` for
    requests and `connect` for connections.
    """

    name: str
    config: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, Any] = Field(default_factory=dict)
    env: dict[str, Any] = Field(default_factory=dict)
    mocks: dict[str, Any] = Field(default_factory=dict)
    services: dict[str, str] = Field(default_factory=dict)
    world: str | None = None
    before: str | None = None
    after: str | None = None
    requests: list[Request] | None = None
    result: Any = None
    error: str | None = None
    attempts: int | None = None
    left: Any = None


_CASES: Final = TypeAdapter(list[NodeCase])


class WrongTest(ValueError):
    """A test that cannot be read, in one line."""


@dataclass(frozen=True)
class Judged:
    """A case and what was not as expected; nothing when it passed."""

    node: CustomNode
    case: str
    failures: tuple[str, ...] = ()


def read_test(folder: Path) -> list[NodeCase]:
    """The cases of a node's folder. Raises WrongTest."""
    path = folder / TEST
    try:
        return _CASES.validate_python(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise WrongTest(f"{TEST} is missing: a node needs a test") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise WrongTest(f"{TEST}: {where or 'a list of cases'}: {first['msg']}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise WrongTest(f"{TEST}: {error}") from None


@dataclass
class _Prepared:
    """A case that compiled, ready to be run; `sent` fills while it runs."""

    node: CustomNode
    case: NodeCase
    job: Job
    sent: list[Sent] = field(default_factory=list)


def run_tests(toolchain: Toolchain, tests: Sequence[tuple[CustomNode, Path, Sequence[NodeCase]]]) -> list[Judged]:
    """Runs the cases of several nodes, given with their folders, in one runtime."""
    from stepwell.local.run import run_batch

    listed = [(node, folder, case) for node, folder, cases in tests for case in cases]
    results = [_prepared(toolchain, number, *one) for number, one in enumerate(listed)]
    ready = [one for one in results if isinstance(one, _Prepared)]
    outcomes = iter(run_batch(toolchain, [one.job for one in ready]) if ready else ())
    return [_judged(one, next(outcomes)) if isinstance(one, _Prepared) else one for one in results]


def _prepared(toolchain: Toolchain, number: int, node: CustomNode, folder: Path, case: NodeCase) -> _Prepared | Judged:
    from stepwell.bundle.packages import PackagesFailed, install_for
    from stepwell.compiler import compile_artifact
    from stepwell.diagnostics import Severity
    from stepwell.local.mock import make_mock
    from stepwell.local.party import Job, RunOptions

    try:
        packages = install_for(folder / DEFINITION, node.definition.dependencies or {})
    except PackagesFailed as error:
        return Judged(node, case.name, (str(error),))
    made = compile_artifact(_graph(node, case), toolchain=toolchain, packages=packages, nodes=Nodes.of([node]))
    if not made.ok:
        errors = (one for one in made.diagnostics if one.severity is Severity.ERROR)
        return Judged(node, case.name, tuple(f"{one.code.id} {one.message}" for one in errors))
    sent: list[Sent] = []
    try:
        mocks = tuple(make_mock(pattern, value) for pattern, value in case.mocks.items())
        spec, children = _cast(made, folder, case, number)
    except (OSError, ValueError) as error:
        return Judged(node, case.name, (str(error),))
    options = RunOptions(mocks=mocks, timeout=_SECONDS, on_request=sent.append)
    return _Prepared(node, case, Job(spec, options, children), sent)


def _graph(node: CustomNode, case: NodeCase) -> dict[str, Any]:
    """A workflow of the node, with a step before and behind it where the case has them."""
    definition = node.definition
    data = {**case.config, **{f"input_{key}": value for key, value in case.inputs.items()}}
    steps: list[dict[str, Any]] = [{"type": definition.id, "version": definition.version, "name": _NODE, "data": data}]
    if case.before is not None:
        steps.insert(0, {"type": "step", "name": _BEFORE, "data": {"code": case.before}})
    if case.after is not None:
        steps.append({"type": "step", "name": _AFTER, "data": {"code": case.after}})
    nodes = [{"id": f"n{number}", **step} for number, step in enumerate(steps)]
    edges = [{"id": f"e{n}", "source": f"n{n}", "target": f"n{n + 1}"} for n in range(len(nodes) - 1)]
    return {"metadata": {"name": f"Test of {definition.id}"}, "nodes": nodes, "edges": edges, "entryNodeId": "n0"}


def _cast(made: Compiled, folder: Path, case: NodeCase, number: int) -> tuple[WorkerSpec, tuple[WorkerSpec, ...]]:
    """The Worker with what stands in for its bindings, and the Workers that do. What it stores is the case's own."""
    from stepwell.local import worker_spec
    from stepwell.local.config import ServiceRef, WorkerSpec

    spec = worker_spec(made)
    given = {*case.env, *case.services}
    files = {**case.services, **({_WORLD: case.world} if case.world is not None else {})}
    children = tuple(
        WorkerSpec(f"in place of {name}", {"mock.js": _text(folder, file)}, "mock.js", spec.compatibility_date)
        for name, file in files.items()
    )
    services = {name: ServiceRef(f"in place of {name}") for name in case.services}
    missing = {name: why for name, why in spec.missing.items() if name not in given}
    own = {name: ref for name, ref in spec.services.items() if name not in services}

    def own_store(named: Mapping[str, str]) -> dict[str, str]:
        return {name: f"{number}-{target}" for name, target in named.items()}

    made_up = replace(
        spec, kv=own_store(spec.kv), d1=own_store(spec.d1), r2=own_store(spec.r2), queues=own_store(spec.queues)
    )
    variables = {**spec.vars, **case.env}
    outbound = None if case.world is None else f"in place of {_WORLD}"
    ready = replace(made_up, vars=variables, services={**own, **services}, missing=missing, outbound=outbound)
    return ready, children


def _text(folder: Path, file: str) -> str:
    if not (folder / file).resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{file} does not lie beside the test")
    return (folder / file).read_text("utf-8")


# -- judging -------------------------------------------------------------------------------------------


def _judged(one: _Prepared, outcome: Outcome | Exception) -> Judged:
    if isinstance(outcome, Exception):
        return Judged(one.node, one.case.name, (str(outcome),))
    steps = {step.name: step for step in outcome.steps}
    failures = [failure for judge in _JUDGES for failure in judge(one, outcome, steps)]
    return Judged(one.node, one.case.name, tuple(failures))


_Steps = Mapping[str, "StepRecord"]


def _ended(one: _Prepared, outcome: Outcome, steps: _Steps) -> Iterator[str]:
    """The error that was expected, and no other."""
    wanted, error = one.case.error, outcome.error
    if wanted is None and error is not None:
        yield f"it failed: {error.message}"
    elif wanted is not None and error is None:
        yield f"it should have failed with {wanted!r}, and gave {_shown(steps[_NODE].output)}"
    elif wanted is not None and error is not None and wanted not in error.message:
        yield f"it should have failed with {wanted!r}, and failed with {error.message!r}"


def _gave(one: _Prepared, outcome: Outcome, steps: _Steps) -> Iterator[str]:
    if outcome.error is not None or "result" not in one.case.model_fields_set:
        return
    yield from _differences("the result", one.case.result, steps[_NODE].output)


def _left(one: _Prepared, outcome: Outcome, steps: _Steps) -> Iterator[str]:
    if outcome.error is None and "left" in one.case.model_fields_set and _AFTER in steps:
        yield from _differences("what is left", one.case.left, steps[_AFTER].output)


def _tried(one: _Prepared, _: Outcome, steps: _Steps) -> Iterator[str]:
    attempts = steps[_NODE].attempts if _NODE in steps else 0
    if one.case.attempts is not None and attempts != one.case.attempts:
        yield f"it took {attempts} attempt{'s' if attempts != 1 else ''}, not {one.case.attempts}"


def _asked(one: _Prepared, _: Outcome, __: _Steps) -> Iterator[str]:
    if one.case.requests is None:
        return
    if len(one.sent) != len(one.case.requests):
        yield f"it sent {len(one.sent)} request{'s' if len(one.sent) != 1 else ''}, not {len(one.case.requests)}"
    for number, (wanted, sent) in enumerate(zip(one.case.requests, one.sent, strict=False), 1):
        yield from _request_differences(f"request {number}", wanted, sent)


_Judge = Callable[[_Prepared, "Outcome", _Steps], Iterator[str]]
_JUDGES: Final[tuple[_Judge, ...]] = (_ended, _gave, _left, _tried, _asked)


def _request_differences(what: str, wanted: Request, sent: Sent) -> Iterator[str]:
    yield from _differences(f"the method of {what}", wanted.method, sent.method)
    yield from _differences(f"the URL of {what}", wanted.url, sent.url)
    for name, value in wanted.headers.items():
        yield from _differences(f"the header {name} of {what}", value, sent.headers.get(name.lower()))
    if "body" in wanted.model_fields_set:
        yield from _differences(f"the body of {what}", wanted.body, _body(sent))


def _body(sent: Sent) -> Any:
    """JSON as what it means, everything else as text."""
    text = sent.body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _differences(what: str, wanted: Any, found: Any) -> Iterator[str]:
    """Where two JSON values differ."""
    if wanted == ANY and found is not None:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*wanted, *found]):
            yield from _differences(f"{what}, {key}", wanted.get(key), found.get(key))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, pair in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(f"{what}, [{number}]", *pair)
    elif wanted != found or isinstance(wanted, bool) != isinstance(found, bool):
        yield f"{what} should be {_shown(wanted)}, and is {_shown(found)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:200] + "…"
