"""What Workers there are, and the workerd configuration that runs them.

Every Worker gets a Workflows engine of its own, so that each has its own clock and its own instances: two
Workers of one runtime may both have a workflow ``main``. KV, D1, R2, queues and schedules are shared by id, as on
Cloudflare.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias, Union
from urllib.parse import quote

from . import capnp

JSON: TypeAlias = Union[bool, int, float, str, "Sequence[JSON]", "Mapping[str, JSON]", None]
_Struct: TypeAlias = "dict[str, capnp.Value]"

_HERE: Final = Path(__file__).parent
_START: Final = "stepwell-start.js"
_TRACED: Final = "stepwell-traced.js"
_BUNDLED_DATE: Final = "2026-01-01"  # what workerd itself configures its bundled Workers with
_OWN_DATE: Final = "2026-04-01"
_PRESERVE: Final = "workflows_preserve_non_retryable_error_message"
_REPLACE: Final = "workflows_replace_non_retryable_error_message"
_PRESERVE_SINCE: Final = "2026-05-14"
_EXTRA_HANDLERS: Final = "service_binding_extra_handlers"


@dataclass(frozen=True)
class Module:
    """A module with the kind that it was uploaded as: the name of a field of workerd's ``Worker.Module``."""

    kind: str
    content: str | bytes


@dataclass(frozen=True)
class WorkflowSpec:
    """A workflow of a Worker: its name, its class, the binding the Worker has of it, its limit of steps.

    ``key`` is what the runtime keeps its instances under, and must be unique in a runtime; None takes the
    name, which on Cloudflare is unique in an account. ``version`` is noted with every instance that starts.
    ``retention`` is how long instances are kept that do not say it themselves, as the engine takes it;
    ``schedules`` are cron expressions that start one each.
    """

    name: str
    class_name: str
    binding: str | None = None
    steps: int | None = None
    key: str | None = None
    version: str | None = None
    retention: Mapping[str, JSON] | None = None
    schedules: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The key, or the name."""
        return self.key or self.name


@dataclass(frozen=True)
class WorkflowRef:
    """A workflow of another Worker; ``worker`` None takes the first Worker that has one of that name."""

    workflow: str
    worker: str | None = None


@dataclass(frozen=True)
class ServiceRef:
    """Another Worker, or a named entrypoint of it."""

    worker: str
    entrypoint: str | None = None


@dataclass(frozen=True)
class Consumer:
    """A queue whose batches a Worker receives; times in seconds, None = the runtime's default."""

    queue: str
    max_batch_size: int | None = None
    max_batch_timeout: int | None = None
    max_retries: int | None = None
    dead_letter_queue: str | None = None
    max_concurrency: int | None = None
    retry_delay: int | None = None


@dataclass(frozen=True)
class WorkerSpec:
    """One Worker as it would be uploaded: modules by file name, and its bindings by their names.

    ``vars`` holds secrets too; a string is a text binding, anything else JSON. ``foreign`` binds workflows of
    other Workers. ``missing`` names bindings that have no local counterpart, each with the message its use
    fails with. ``outbound`` names the Worker that its requests and connections go to, in the place of the world.
    """

    name: str
    modules: Mapping[str, str | bytes | Module]
    main: str
    compatibility_date: str
    compatibility_flags: tuple[str, ...] = ()
    vars: Mapping[str, JSON] = field(default_factory=dict)
    kv: Mapping[str, str] = field(default_factory=dict)
    d1: Mapping[str, str] = field(default_factory=dict)
    r2: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, ServiceRef] = field(default_factory=dict)
    workflows: tuple[WorkflowSpec, ...] = ()
    foreign: Mapping[str, WorkflowRef] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    consumers: tuple[Consumer, ...] = ()
    crons: tuple[str, ...] = ()
    outbound: str | None = None


@dataclass(frozen=True)
class Hosted:
    """What a host of other people's Workers needs: the resources that can be reached without any Worker, and
    the mark after which the engines write into the log what happens to their instances.
    """

    log_mark: str
    kv: tuple[str, ...] = ()
    d1: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """What the configuration needs to know beside the Workers. ``world`` answers what they fetch,
    "host:port". ``hosted`` keeps lists of instances and gives the control Worker the resources named.
    """

    state: Path
    token: str
    test: bool
    world: str | None
    hosted: Hosted | None = None


def configuration(workers: Sequence[WorkerSpec], setting: Setting) -> str:
    """The configuration file's text. The one socket is called ``control``."""
    services = [service for worker in workers for service in _worker(worker, workers, setting)]
    services += [_control(workers, setting), _outbound(), _world(setting)]
    services += [
        *_kv(workers, setting),
        *_d1(workers, setting),
        *_r2(workers, setting),
        *_queues(workers, setting),
        *_cron(workers, setting),
        *_registry(setting),
    ]
    socket: _Struct = {
        "name": "control",
        "address": "127.0.0.1:0",
        "http": {},
        "service": {"name": "control"},
    }
    config: _Struct = {
        "services": services,
        "sockets": [socket],
        "extensions": [{"modules": [_extension("stepwell:missing", "missing.js")]}],
        "logging": {"structuredLogging": True},
    }
    schema = 'using Workerd = import "/workerd/workerd.capnp";'
    return f"{schema}\nconst config :Workerd.Config = {capnp.text(config)};\n"


def folders(workers: Sequence[WorkerSpec], state: Path) -> Iterator[Path]:
    """The folders that must exist before the runtime starts."""
    for worker in workers:
        if worker.workflows:
            yield _engine_disk(worker, state)
    for name in ("kv", "kv-blobs", "d1", "r2", "r2-files", "queues", "cron", "registry"):
        yield state / name


# Workers


def _worker(worker: WorkerSpec, workers: Sequence[WorkerSpec], setting: Setting) -> Iterator[_Struct]:
    body: _Struct = {
        "modules": _modules(worker),
        "compatibilityDate": worker.compatibility_date,
        "compatibilityFlags": list(worker.compatibility_flags),
        "bindings": list(_bindings(worker, workers)),
        "globalOutbound": _outbound_of(worker),
    }
    if worker.workflows:
        body["workflowsEngine"] = {
            "actorClass": _service(f"engine:{worker.name}", "Engine"),
            "workflows": [_hosted(worker, workflow) for workflow in worker.workflows],
        }
        yield from _engine(worker, setting)
    yield {"name": f"worker:{worker.name}", "worker": body}


def _hosted(worker: WorkerSpec, workflow: WorkflowSpec) -> _Struct:
    return {
        "className": workflow.class_name,
        "name": workflow.id,
        "bindingService": _workflow_service(worker, workflow.name),
    }


def _modules(worker: WorkerSpec) -> list[capnp.Value]:
    """The modules; workerd takes the first for the main one."""
    names = sorted(worker.modules, key=lambda name: name != worker.main)
    own: list[capnp.Value] = [_module(name, worker.modules[name]) for name in names]
    return [*_traced(worker), *own]


def _traced(worker: WorkerSpec) -> Iterator[capnp.Value]:
    """What stands before a Worker with workflows, so that errors tell where in its code they arose."""
    if not worker.workflows:
        return
    target = json.dumps(f"./{worker.main}")
    lines = [
        f"import * as worker from {target};",
        f'import {{ tracing }} from "./{_TRACED}";',
        f"export * from {target};",
        "export default worker.default ?? {};",
        *(
            f"export const {name} = tracing(worker.{name});"
            for name in sorted({workflow.class_name for workflow in worker.workflows})
        ),
    ]
    yield {"name": _START, "esModule": "\n".join(lines)}
    yield {"name": _TRACED, "esModule": own_file("traced.js")}


def _module(name: str, content: str | bytes | Module) -> _Struct:
    if isinstance(content, Module):
        return {"name": name, content.kind: content.content}
    suffix = Path(name).suffix
    raw = content.encode() if isinstance(content, str) else content
    if suffix in (".js", ".mjs"):
        return {"name": name, "esModule": raw.decode()}
    if suffix == ".json":
        return {"name": name, "json": raw.decode()}
    if suffix in (".txt", ".html", ".sql"):
        return {"name": name, "text": raw.decode()}
    return {"name": name, "wasm" if suffix == ".wasm" else "data": raw}


def _bindings(worker: WorkerSpec, workers: Sequence[WorkerSpec]) -> Iterator[_Struct]:
    for name, value in worker.vars.items():
        yield ({"name": name, "text": value} if isinstance(value, str) else {"name": name, "json": json.dumps(value)})
    for name, namespace in worker.kv.items():
        yield {"name": name, "kvNamespace": _service("kv", props={"namespace": namespace})}
    for name, database in worker.d1.items():
        yield _d1_binding(name, database)
    for name, bucket in worker.r2.items():
        yield {"name": name, "r2Bucket": _service("r2", props={"bucket": bucket})}
    for name, queue in worker.queues.items():
        yield {"name": name, "queue": _service("queues", props={"queue": queue})}
    for name, service in worker.services.items():
        yield {"name": name, "service": _service_binding(worker, service, workers)}
    for workflow in worker.workflows:
        if workflow.binding is not None:
            yield _workflow_binding(workflow.binding, _workflow_service(worker, workflow.name))
    for name, ref in worker.foreign.items():
        yield _foreign(name, ref, workers)
    for name, message in worker.missing.items():
        yield _missing(name, message)


def _service_binding(worker: WorkerSpec, ref: ServiceRef, workers: Sequence[WorkerSpec]) -> _Struct:
    """A Worker that is not here is asked for like any other host: mocks can answer for it."""
    if any(other.name == ref.worker for other in workers):
        return _service(f"worker:{ref.worker}", ref.entrypoint)
    return _service("outbound", props={"worker": worker.name, "service": ref.worker})


def _foreign(name: str, ref: WorkflowRef, workers: Sequence[WorkerSpec]) -> _Struct:
    host = find_workflow(ref, workers)
    if host is None:
        return _missing(name, f"binding {name}: the workflow {ref.workflow} is not here")
    return _workflow_binding(name, _workflow_service(host, ref.workflow))


def find_workflow(ref: WorkflowRef, workers: Sequence[WorkerSpec]) -> WorkerSpec | None:
    """The Worker that has the workflow meant, if it is among these."""
    for worker in workers:
        if ref.worker in (None, worker.name) and any(ref.workflow == own.name for own in worker.workflows):
            return worker
    return None


def _missing(name: str, message: str) -> _Struct:
    inner: _Struct = {"name": "message", "text": message}
    return {"name": name, "wrapped": {"moduleName": "stepwell:missing", "innerBindings": [inner]}}


# The engine of one Worker


def _engine(worker: WorkerSpec, setting: Setting) -> Iterator[_Struct]:
    limits = {w.id: _limits(w) for w in worker.workflows}
    bindings: list[capnp.Value] = [_namespace(worker, workflow) for workflow in worker.workflows]
    names = {workflow.id: workflow.name for workflow in worker.workflows}
    bindings += [
        {"name": "WORKFLOWS", "json": json.dumps(limits)},
        {"name": "NAMES", "json": json.dumps(names)},
    ]
    if setting.test:
        bindings += [{"name": "TEST_CLOCK", "json": "true"}]
    if setting.hosted is not None:
        versions = {workflow.id: workflow.version for workflow in worker.workflows}
        registry: _Struct = {"className": "Registry", "serviceName": "registry"}
        bindings += [
            {"name": "VERSIONS", "json": json.dumps(versions)},
            {"name": "LOG_MARK", "text": setting.hosted.log_mark},
            {"name": "REGISTRY", "durableObjectNamespace": registry},
        ]
    body: _Struct = {
        "modules": [_own("engine.js"), {"name": "workflows.js", "bundled": "/workerd/workflows.js"}],
        "compatibilityDate": _BUNDLED_DATE,
        "compatibilityFlags": [_PRESERVE] if _preserves(worker) else [],
        "bindings": bindings,
        "durableObjectStorage": {"localDisk": f"disk:engine:{worker.name}"},
    }
    yield {"name": f"engine:{worker.name}", "worker": body}
    yield _disk(f"disk:engine:{worker.name}", _engine_disk(worker, setting.state))


def _limits(workflow: WorkflowSpec) -> dict[str, JSON]:
    given: dict[str, JSON] = {"steps": workflow.steps, "retention": workflow.retention}
    return {name: value for name, value in given.items() if value is not None}


def _namespace(worker: WorkerSpec, workflow: WorkflowSpec) -> _Struct:
    """The instances of a workflow; the class name is one that workerd makes up."""
    designator: _Struct = {
        "className": f"miniflare-workflows-{workflow.id}",
        "serviceName": f"worker:{worker.name}",
    }
    return {"name": f"workflow:{workflow.id}", "durableObjectNamespace": designator}


def _preserves(worker: WorkerSpec) -> bool:
    """Whether a NonRetryableError keeps its words; production decides by the date and flags of the Worker."""
    flags = worker.compatibility_flags
    return _PRESERVE in flags or (worker.compatibility_date >= _PRESERVE_SINCE and _REPLACE not in flags)


def instances_folder(state: Path, worker: str, key: str) -> Path:
    """Where the instances of a workflow are kept; it may be renamed to another Worker's while nothing runs."""
    return state / "workflows" / f"w-{quote(worker, safe='')}" / f"miniflare-workflows-{key}"


def _engine_disk(worker: WorkerSpec, state: Path) -> Path:
    return state / "workflows" / f"w-{quote(worker.name, safe='')}"


def _workflow_service(worker: WorkerSpec, workflow: str) -> _Struct:
    id = next(own.id for own in worker.workflows if own.name == workflow)
    return _service(f"engine:{worker.name}", "WorkflowBinding", {"workflow": id})


def _workflow_binding(name: str, service: _Struct) -> _Struct:
    return _wrapped(name, "cloudflare-internal:workflows-api", service)


# What every runtime has


def _control(workers: Sequence[WorkerSpec], setting: Setting) -> _Struct:
    bindings: list[capnp.Value] = [{"name": "TOKEN", "text": setting.token}]
    for worker in workers:
        bindings += [{"name": f"worker:{worker.name}", "service": _service(f"worker:{worker.name}")}]
        if worker.workflows:
            bindings += [{"name": f"engine:{worker.name}", "service": _service(f"engine:{worker.name}", "Observer")}]
        for workflow in worker.workflows:
            name = f"workflow:{worker.name}/{workflow.name}"
            bindings += [_workflow_binding(name, _workflow_service(worker, workflow.name))]
            bindings += [_direct(worker, workflow)]
    if setting.hosted is not None:
        bindings += _resources(setting.hosted)
        bindings += [
            {"name": f"clock:{name}", "service": _service(name)}
            for name, there in (("queues", _any_queues(workers, setting)), ("cron", _any_crons(workers)))
            if there and setting.test
        ]
    return _own_worker("control", "control.js", bindings, [_EXTRA_HANDLERS])


def _direct(worker: WorkerSpec, workflow: WorkflowSpec) -> _Struct:
    """The engine's own entry, past the API of the binding: what is created through it was asked for from outside."""
    props: JSON = {"workflow": workflow.id, "origin": {"source": "api"}}
    entry = _service(f"engine:{worker.name}", "WorkflowBinding", props)
    return {"name": f"direct:{worker.name}/{workflow.name}", "service": entry}


def _resources(hosted: Hosted) -> list[capnp.Value]:
    kv: list[capnp.Value] = [
        {"name": f"kv:{id}", "kvNamespace": _service("kv", props={"namespace": id})} for id in hosted.kv
    ]
    d1 = [_d1_binding(f"d1:{id}", id) for id in hosted.d1]
    queues: list[capnp.Value] = [
        {"name": f"queue:{id}", "queue": _service("queues", props={"queue": id})} for id in hosted.queues
    ]
    registry: _Struct = {"className": "Registry", "serviceName": "registry"}
    return [*kv, *d1, *queues, {"name": "REGISTRY", "durableObjectNamespace": registry}]


def _d1_binding(name: str, database: str) -> _Struct:
    return _wrapped(name, "cloudflare-internal:d1-api", _service("d1", props={"database": database}))


def _registry(setting: Setting) -> Iterator[_Struct]:
    if setting.hosted is not None:
        body: _Struct = {
            "modules": [_own("registry.js")],
            "compatibilityDate": _OWN_DATE,
            "durableObjectNamespaces": [{"className": "Registry", "uniqueKey": "registry", "enableSql": True}],
            "durableObjectStorage": {"localDisk": "disk:registry"},
        }
        yield {"name": "registry", "worker": body}
        yield _disk("disk:registry", setting.state / "registry")


def _outbound() -> _Struct:
    world: _Struct = {"name": "WORLD", "service": _service("world")}
    return _own_worker("outbound", "outbound.js", [world])


def _outbound_of(worker: WorkerSpec) -> _Struct:
    if worker.outbound is not None:
        return _service(f"worker:{worker.outbound}")
    return _service("outbound", props={"worker": worker.name})


def _world(setting: Setting) -> _Struct:
    """Whoever answers the Workers' requests; it sees whole URLs, as a proxy does, and the token."""
    if setting.world is None:
        # Workers under development speak to other servers of this machine; those of a run would be surprised to.
        allowed: list[capnp.Value] = ["public"] if setting.hosted is None else ["public", "private"]
        return {"name": "world", "network": {"allow": allowed, "tlsOptions": {"trustBrowserCas": True}}}
    token: _Struct = {"name": "x-stepwell-token", "value": setting.token}
    http: _Struct = {"style": capnp.Symbol("proxy"), "injectRequestHeaders": [token]}
    return {"name": "world", "external": {"address": setting.world, "http": http}}


# Storage and schedules


def _kv(workers: Sequence[WorkerSpec], setting: Setting) -> Iterator[_Struct]:
    if any(worker.kv for worker in workers) or (setting.hosted is not None and setting.hosted.kv):
        blobs: _Struct = {"name": "BLOBS", "service": _service("kv-blobs")}
        yield from _bundled("kv", "KVNamespace", "SHARD", [blobs], setting)
        yield _disk("kv-blobs", setting.state / "kv-blobs")


def _d1(workers: Sequence[WorkerSpec], setting: Setting) -> Iterator[_Struct]:
    if any(worker.d1 for worker in workers) or (setting.hosted is not None and setting.hosted.d1):
        yield from _bundled("d1", "D1Database", "DATABASE", [], setting)


def _r2(workers: Sequence[WorkerSpec], setting: Setting) -> Iterator[_Struct]:
    """Not workerd's own: that has the binding, which speaks R2's protocol, and no buckets."""
    if any(worker.r2 for worker in workers):
        files: _Struct = {"name": "FILES", "service": _service("r2-files")}
        body: _Struct = {
            "modules": [_own("r2.js")],
            "compatibilityDate": _OWN_DATE,
            "bindings": [{"name": "BUCKETS", "durableObjectNamespace": {"className": "Bucket"}}, files],
            "durableObjectNamespaces": [{"className": "Bucket", "uniqueKey": "Bucket", "enableSql": True}],
            "durableObjectStorage": {"localDisk": "disk:r2"},
        }
        yield {"name": "r2", "worker": body}
        yield _disk("disk:r2", setting.state / "r2")
        yield _disk("r2-files", setting.state / "r2-files", dotfiles=True)


def _queues(workers: Sequence[WorkerSpec], setting: Setting) -> Iterator[_Struct]:
    if _any_queues(workers, setting):
        consumers = {
            consumer.queue: {"consumer": f"worker:{worker.name}", **_consumer(consumer)}
            for worker in workers
            for consumer in worker.consumers
        }
        bindings: list[capnp.Value] = [{"name": "CONSUMERS", "json": json.dumps(consumers)}]
        bindings += [_to_worker(worker) for worker in workers if worker.consumers]
        yield from _bundled("queues", "QueueShard", "SHARD", bindings, setting, [_EXTRA_HANDLERS])


def _any_queues(workers: Sequence[WorkerSpec], setting: Setting) -> bool:
    used = any(worker.queues or worker.consumers for worker in workers)
    return used or (setting.hosted is not None and bool(setting.hosted.queues))


def _any_crons(workers: Sequence[WorkerSpec]) -> bool:
    return any(worker.crons or any(own.schedules for own in worker.workflows) for worker in workers)


def _consumer(consumer: Consumer) -> dict[str, int | str]:
    given = {
        "maxBatchSize": consumer.max_batch_size,
        "maxBatchTimeout": consumer.max_batch_timeout,
        "maxRetries": consumer.max_retries,
        "deadLetterQueue": consumer.dead_letter_queue,
        "maxConcurrency": consumer.max_concurrency,
        "retryDelay": consumer.retry_delay,
    }
    return {name: value for name, value in given.items() if value is not None}


def _cron(workers: Sequence[WorkerSpec], setting: Setting) -> Iterator[_Struct]:
    crons = {f"worker:{worker.name}": list(worker.crons) for worker in workers if worker.crons}
    planned = [(worker, own) for worker in workers for own in worker.workflows if own.schedules]
    if crons or planned:
        targets = [_to_worker(worker) for worker in workers if worker.crons]
        for _, workflow in planned:
            name, props = f"schedule:{workflow.id}", {"binding": workflow.id, "crons": list(workflow.schedules)}
            crons[name] = list(workflow.schedules)
            targets += [{"name": name, "service": _service("schedules", props=props)}]
        bindings: list[capnp.Value] = [{"name": "CRONS", "json": json.dumps(crons)}, *targets]
        yield from _bundled("cron", "Schedule", "SCHEDULE", bindings, setting, [_EXTRA_HANDLERS])
    if planned:
        starts: list[capnp.Value] = [_start(worker, workflow) for worker, workflow in planned]
        yield _own_worker("schedules", "schedules.js", starts)


def _start(worker: WorkerSpec, workflow: WorkflowSpec) -> _Struct:
    props: JSON = {"workflow": workflow.id, "origin": {"source": "cron"}}
    return {"name": workflow.id, "service": _service(f"engine:{worker.name}", "WorkflowBinding", props)}


def _bundled(
    name: str,
    class_name: str,
    namespace: str,
    bindings: Sequence[capnp.Value],
    setting: Setting,
    flags: Sequence[str] = (),
) -> Iterator[_Struct]:
    """One of workerd's own services: a Worker with one class of Durable Objects on a disk of their own."""
    clock: list[capnp.Value] = [{"name": "TEST_CLOCK", "json": "true"}] if setting.test else []
    objects: _Struct = {"name": namespace, "durableObjectNamespace": {"className": class_name}}
    body: _Struct = {
        "modules": [{"name": f"{name}.js", "bundled": f"/workerd/{name}.js"}],
        "compatibilityDate": _BUNDLED_DATE,
        "compatibilityFlags": list(flags),
        "bindings": [objects, *bindings, *clock],
        "durableObjectNamespaces": [{"className": class_name, "uniqueKey": class_name, "enableSql": True}],
        "durableObjectStorage": {"localDisk": f"disk:{name}"},
    }
    yield {"name": name, "worker": body}
    yield _disk(f"disk:{name}", setting.state / name)


# Words of the configuration


def _service(name: str, entrypoint: str | None = None, props: JSON = None) -> _Struct:
    given: _Struct | None = None if props is None else {"json": json.dumps(props)}
    return {"name": name, "entrypoint": entrypoint, "props": given}


def _to_worker(worker: WorkerSpec) -> _Struct:
    return {"name": f"worker:{worker.name}", "service": _service(f"worker:{worker.name}")}


def _wrapped(name: str, module: str, service: _Struct) -> _Struct:
    fetcher: _Struct = {"name": "fetcher", "service": service}
    return {"name": name, "wrapped": {"moduleName": module, "innerBindings": [fetcher]}}


def _disk(name: str, path: Path, dotfiles: bool = False) -> _Struct:
    """``dotfiles`` also shows files that are still being written, or were when the runtime was killed."""
    return {"name": name, "disk": {"path": str(path), "writable": True, "allowDotfiles": dotfiles}}


def own_file(file: str) -> str:
    """The text of one of the JavaScript files beside this one."""
    return (_HERE / file).read_text("utf-8")


def _own(file: str) -> _Struct:
    return {"name": file, "esModule": own_file(file)}


def _extension(name: str, file: str) -> _Struct:
    return {"name": name, "internal": True, "esModule": own_file(file)}


def _own_worker(name: str, file: str, bindings: list[capnp.Value], flags: Sequence[str] = ()) -> _Struct:
    body: _Struct = {
        "modules": [_own(file)],
        "compatibilityDate": _OWN_DATE,
        "compatibilityFlags": list(flags),
        "bindings": bindings,
    }
    return {"name": name, "worker": body}
