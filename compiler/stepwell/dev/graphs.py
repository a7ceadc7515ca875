"""Deploys compiled graphs into the local account: what they bind is made there by the names they use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepwell.local import worker_spec
from stepwell.local.config import Consumer, WorkerSpec

from . import making, workflows
from .cloud import Cloud
from .models import Binding, Bucket, Database, Kept, Namespace, Queue, QueueConsumer, Script, Workflow, now
from .upload import Upload

if TYPE_CHECKING:
    from stepwell.compiler import Compiled

_ESM = "application/javascript+module"
_MAP = "application/source-map"


async def deploy_graph(
    cloud: Cloud, compiled: Compiled, variables: Mapping[str, str], more: Mapping[str, tuple[str, bytes]]
) -> bool:
    """Deploys one graph; False when what is live is the same. Raises `Refusal`, and then nothing was changed.

    `more` are modules beside the code, with their content types.
    """
    spec = worker_spec(compiled, variables)
    assert compiled.js is not None and compiled.source_map is not None and compiled.manifest is not None
    metadata: dict[str, Any] = {
        "main_module": "worker.js",
        "bindings": [],
        "compatibility_date": spec.compatibility_date,
        "compatibility_flags": list(spec.compatibility_flags),
        "annotations": {"workers/message": "stepwell dev"},
    }
    modules = {
        "worker.js": (_ESM, compiled.js.encode()),
        "worker.js.map": (_MAP, compiled.source_map.encode()),
        **more,
    }
    async with cloud.lock:
        made = _Resources(cloud)
        metadata["bindings"] = [*_bindings(spec, made), *_variables(spec, variables)]
        consumers = {made.queue(consumer.queue).queue_id: consumer for consumer in spec.consumers}
        if _is_live(cloud, spec.name, metadata, modules) and _registered(cloud, spec) and not made.new:
            return False
        made.keep()
        await making.deploy(cloud, spec.name, Upload(metadata, modules, "worker.js"), True, "stepwell", lenient=True)
        _trigger(cloud, spec, consumers)
        for workflow in spec.workflows:
            limits = {} if workflow.steps is None else {"limits": {"steps": workflow.steps}}
            workflows.register(cloud, workflow.name, spec.name, workflow.class_name, limits)
    return True


def _is_live(cloud: Cloud, name: str, metadata: Mapping[str, Any], modules: Mapping[str, tuple[str, bytes]]) -> bool:
    if cloud.store.get(Script, name) is None:
        return False
    live = cloud.live(name)
    same = live.bindings == metadata["bindings"] and live.compatibility_date == metadata["compatibility_date"]
    return same and cloud.store.modules(live.id) == modules


def _registered(cloud: Cloud, spec: WorkerSpec) -> bool:
    known = {(one.name, one.script_name, one.class_name) for one in cloud.store.all(Workflow)}
    crons = [one["cron"] for one in cloud.script(spec.name).crons]
    return all((one.name, spec.name, one.class_name) in known for one in spec.workflows) and crons == list(spec.crons)


class _Resources:
    """The resources that a Worker binds: found by name, or made."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.new: list[Kept] = []

    def _all(self, model: Any) -> list[Any]:
        return [*self._cloud.store.all(model), *(one for one in self.new if isinstance(one, model))]

    def _made(self, thing: Any) -> Any:
        self.new.append(thing)
        return thing

    def namespace(self, title: str) -> Namespace:
        found = next((one for one in self._all(Namespace) if one.title == title), None)
        namespace: Namespace = found or self._made(Namespace(title=title))
        return namespace

    def database(self, name: str) -> Database:
        found = next((one for one in self._all(Database) if one.name == name), None)
        database: Database = found or self._made(Database(name=name))
        return database

    def bucket(self, name: str) -> Bucket:
        found = next((one for one in self._all(Bucket) if one.name == name), None)
        bucket: Bucket = found or self._made(Bucket(name=name))
        return bucket

    def queue(self, name: str) -> Queue:
        found = next((one for one in self._all(Queue) if one.queue_name == name), None)
        queue: Queue = found or self._made(Queue(queue_name=name))
        return queue

    def keep(self) -> None:
        """Makes what was not there."""
        with self._cloud.store.transaction():
            for thing in self.new:
                self._cloud.store.put(thing)


def _bindings(spec: WorkerSpec, made: _Resources) -> list[Binding]:
    found: list[Binding] = []
    for name, title in spec.kv.items():
        found.append({"type": "kv_namespace", "name": name, "namespace_id": made.namespace(title).id})
    for name, title in spec.d1.items():
        found.append({"type": "d1", "name": name, "database_id": made.database(title).uuid})
    for name, title in spec.r2.items():
        found.append({"type": "r2_bucket", "name": name, "bucket_name": made.bucket(title).name})
    for name, title in spec.queues.items():
        found.append({"type": "queue", "name": name, "queue_name": made.queue(title).queue_name})
    for name, service in spec.services.items():
        entry = {} if service.entrypoint is None else {"entrypoint": service.entrypoint}
        found.append({"type": "service", "name": name, "service": service.worker, **entry})
    for workflow in spec.workflows:
        if workflow.binding is not None:
            own = {"workflow_name": workflow.name, "class_name": workflow.class_name}
            found.append({"type": "workflow", "name": workflow.binding, **own})
    for name, ref in spec.foreign.items():
        script = {} if ref.worker is None else {"script_name": ref.worker}
        found.append({"type": "workflow", "name": name, "workflow_name": ref.workflow, **script})
    return found


def _variables(spec: WorkerSpec, variables: Mapping[str, str]) -> list[Binding]:
    """Values given for this run are taken for secrets: they are shown nowhere."""
    found: list[Binding] = []
    for name, value in {**spec.vars, **variables}.items():
        if name in variables:
            found.append({"type": "secret_text", "name": name, "text": variables[name]})
        elif isinstance(value, str):
            found.append({"type": "plain_text", "name": name, "text": value})
        else:
            found.append({"type": "json", "name": name, "json": value})
    return found


def _trigger(cloud: Cloud, spec: WorkerSpec, consumers: Mapping[str, Consumer]) -> None:
    """Crons and queue consumers as the graph has them; those of an older form of it go."""
    script = cloud.script(spec.name)
    time = now()
    script.crons = [{"cron": cron, "created_on": time, "modified_on": time} for cron in spec.crons]
    script.workers_dev = True
    with cloud.store.transaction():
        cloud.store.change(script)
        for old in cloud.store.all(QueueConsumer):
            if old.script_name == spec.name or (old.queue_id in consumers and old.type == "worker"):
                cloud.store.remove(old)
        for queue_id, consumer in consumers.items():
            cloud.store.put(_consumer(queue_id, spec.name, consumer))


def _consumer(queue_id: str, script: str, consumer: Consumer) -> QueueConsumer:
    wait = None if consumer.max_batch_timeout is None else consumer.max_batch_timeout * 1000
    settings = {
        "batch_size": consumer.max_batch_size,
        "max_retries": consumer.max_retries,
        "max_wait_time_ms": wait,
        "max_concurrency": consumer.max_concurrency,
        "retry_delay": consumer.retry_delay,
    }
    return QueueConsumer(
        queue_id=queue_id,
        type="worker",
        script_name=script,
        dead_letter_queue=consumer.dead_letter_queue,
        settings={name: value for name, value in settings.items() if value is not None},
    )
