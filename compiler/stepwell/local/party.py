"""What is to be run, and the Workers that take part in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from .config import JSON, ServiceRef, WorkerSpec, WorkflowRef, WorkflowSpec, find_workflow, own_file
from .events import RunEvent
from .mock import WORKFLOW_HOST, Mock, Sent


@dataclass(frozen=True)
class PendingEvent:
    """An event to send once a step waits for its type."""

    type: str
    payload: JSON


@dataclass(frozen=True)
class RunOptions:
    """How to run. ``timeout``: seconds of real time until the run is given up, None for no limit.

    ``events`` are delivered once each, in order, to waits of their type. ``real_time`` waits for sleeps.
    ``allow_network`` lets out requests that no mock answers; without it they fail. ``on_request`` is told of every
    request as it was sent, from other threads.
    """

    params: JSON = None
    events: tuple[PendingEvent, ...] = ()
    mocks: tuple[Mock, ...] = ()
    real_time: bool = False
    allow_network: bool = False
    timeout: float | None = None
    on_request: Callable[[Sent], None] | None = None


@dataclass(frozen=True)
class Job:
    """One run of a batch. ``children`` are the Workers it calls; the first workflow of ``spec`` is run."""

    spec: WorkerSpec
    options: RunOptions = field(default_factory=RunOptions)
    children: tuple[WorkerSpec, ...] = ()
    script: bool = False
    on_event: Callable[[RunEvent], None] | None = None


@dataclass(frozen=True)
class Party:
    """A job with its Workers under names that no other job uses; the first is the one to run."""

    job: Job
    workers: tuple[WorkerSpec, ...]

    @property
    def main(self) -> WorkerSpec:
        return self.workers[0]

    @property
    def with_workflows(self) -> list[str]:
        return [worker.name for worker in self.workers if worker.workflows]


def party(number: int, job: Job) -> Party:
    if not job.script and not job.spec.workflows:
        raise ValueError(f"the Worker {job.spec.name} has no workflow to run")
    cast = (job.spec, *job.children)
    stand_ins = tuple(_stand_in(name) for name in _mocked_workflows(cast, job.options.mocks))
    settled = [_settled(worker, cast, stand_ins) for worker in (*cast, *stand_ins)]
    names = {worker.name: f"{number}.{worker.name}" for worker in settled}
    renamed = [_renamed(worker, names) for worker in settled]
    return Party(job, tuple(_keyed(worker, f"{number}-{i}") for i, worker in enumerate(renamed)))


def _mocked_workflows(cast: Sequence[WorkerSpec], mocks: Sequence[Mock]) -> list[str]:
    """The workflows that are bound, that no Worker here has, and that a mock answers for."""
    refs = {ref for worker in cast for ref in worker.foreign.values() if find_workflow(ref, cast) is None}
    names = sorted({ref.workflow for ref in refs})
    return [name for name in names if any(mock.fits("POST", f"workflow:{name}") for mock in mocks)]


def _stand_in(workflow: str) -> WorkerSpec:
    return WorkerSpec(
        name=f"mock of {workflow}",
        modules={"mocked.js": own_file("mocked.js")},
        main="mocked.js",
        compatibility_date="2026-04-01",
        vars={"URL": WORKFLOW_HOST + quote(workflow, safe="")},
        workflows=(WorkflowSpec(workflow, "Mocked"),),
    )


def _settled(worker: WorkerSpec, cast: Sequence[WorkerSpec], stand_ins: Sequence[WorkerSpec]) -> WorkerSpec:
    """Its workflow bindings name the Worker meant; those that mean none fail when used, saying what to do."""
    foreign, missing = {}, dict(worker.missing)
    for name, ref in worker.foreign.items():
        host = find_workflow(ref, cast) or find_workflow(WorkflowRef(ref.workflow), stand_ins)
        if host is None:
            missing[name] = _not_here(ref.workflow)
        else:
            foreign[name] = WorkflowRef(ref.workflow, host.name)
    return replace(worker, foreign=foreign, missing=missing)


def _not_here(workflow: str) -> str:
    return (
        f"the workflow {workflow} is not part of this run: add its graph with --child FILE, or its output "
        f"with --mock 'workflow:{workflow}=JSON'"
    )


def _renamed(worker: WorkerSpec, names: Mapping[str, str]) -> WorkerSpec:
    """A Worker that is not in the run keeps its name: it is named to the user when it is called."""
    services = {
        binding: ServiceRef(names.get(ref.worker, ref.worker), ref.entrypoint)
        for binding, ref in worker.services.items()
    }
    foreign = {binding: WorkflowRef(ref.workflow, names[ref.worker or ""]) for binding, ref in worker.foreign.items()}
    outbound = worker.outbound and names[worker.outbound]
    return replace(worker, name=names[worker.name], services=services, foreign=foreign, outbound=outbound)


def _keyed(worker: WorkerSpec, prefix: str) -> WorkerSpec:
    workflows = tuple(replace(own, key=f"{prefix}-{i}") for i, own in enumerate(worker.workflows))
    return replace(worker, workflows=workflows)
