"""How versions come to be: checked, loaded once, kept, deployed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from . import upload
from .cloud import Cloud
from .envelope import Refusal
from .models import (
    Binding,
    Bucket,
    Database,
    Deployment,
    Namespace,
    Queue,
    Script,
    Version,
    Workflow,
)
from .probe import Exports, probe
from .upload import Code, Upload, invalid

_KEPT_BY_SETTINGS = ("compatibility_date", "compatibility_flags", "limits", "placement")


async def new_version(cloud: Cloud, name: str, sent: Upload, strict: bool, by: str, lenient: bool = False) -> Version:
    """A checked version; nothing is kept yet. Raises `Refusal`."""
    date, flags = upload.compatibility(sent.metadata)
    before = cloud.versions(name)
    code = Code(sent.modules, sent.main, date, tuple(flags))
    found = upload.bindings(
        sent.metadata,
        before[0].bindings if before else [],
        strict,
        lambda one: None if lenient else _dangling(cloud, name, one),
    )
    exports = await probe(cloud.workerd, code, found)
    if exports.handlers == ():
        raise Refusal(400, 10068, "No event handlers were registered. This script does nothing.")
    _check_classes(name, found, exports)
    return Version(
        script=name,
        number=len(before) + 1,
        main=sent.main,
        bindings=found,
        compatibility_date=date,
        compatibility_flags=flags,
        handlers=list(exports.handlers),
        named_handlers=[{"name": one, "handlers": list(methods)} for one, methods in exports.named.items()],
        classes=dict(exports.classes),
        etag=_etag(sent.modules),
        source=by,
        startup_time_ms=exports.startup_ms,
        annotations=upload.notes(sent.metadata),
        limits=sent.metadata.get("limits"),
        placement=sent.metadata.get("placement"),
    )


async def deploy(cloud: Cloud, name: str, sent: Upload, strict: bool, by: str, lenient: bool = False) -> Version:
    """A new version of a Worker, made if need be, that answers from now on. Raises `Refusal`. Needs the lock.

    `lenient` lets it bind Workers and workflows that are not there yet.
    """
    version = await new_version(cloud, name, sent, strict, by, lenient)
    script = cloud.store.get(Script, name) or Script(name=name)
    apply_settings(script, sent.metadata)
    with cloud.store.transaction():
        cloud.store.change(script)
        keep(cloud, version, sent.modules)
        cloud.store.put(whole(version))
    cloud.fleet.changed()
    return version


def _check_classes(script: str, bindings: list[Binding], exports: Exports) -> None:
    for binding in bindings:
        own = binding.get("script_name") in (None, script)
        name = binding.get("class_name")
        if binding["type"] == "workflow" and own and name is not None:
            if exports.classes.get(name) != "WorkflowEntrypoint":
                what = "is not exported by the script, or does not extend WorkflowEntrypoint"
                raise invalid(f'binding "{binding["name"]}": the class {name} {what}')
        elif binding["type"] == "durable_object_namespace" and own and name not in exports.classes:
            raise invalid(f'binding "{binding["name"]}": the class {name} is not exported by the script')


def _dangling(cloud: Cloud, script: str, binding: Binding) -> str | None:
    """What a binding leads to that is not there."""
    where = f'binding "{binding["name"]}": '
    store = cloud.store
    match binding["type"]:
        case "kv_namespace" if store.get(Namespace, binding["namespace_id"]) is None:
            return f"{where}KV namespace '{binding['namespace_id']}' not found"
        case "d1":
            id = binding.get("database_id") or binding["id"]
            return None if store.get(Database, id) else f"{where}D1 database '{id}' not found"
        case "r2_bucket" if store.get(Bucket, binding["bucket_name"]) is None:
            return f"{where}R2 bucket '{binding['bucket_name']}' not found"
        case "queue" if not any(queue.queue_name == binding["queue_name"] for queue in store.all(Queue)):
            return f"{where}queue '{binding['queue_name']}' not found"
        case "service" if binding["service"] != script and store.get(Script, binding["service"]) is None:
            return f"{where}Worker '{binding['service']}' not found"
        case "workflow" if binding.get("script_name") not in (None, script):
            return (
                None
                if store.get(Workflow, binding["workflow_name"])
                else f"{where}workflow '{binding['workflow_name']}' not found"
            )
    return None


def apply_settings(script: Script, metadata: Mapping[str, Any]) -> None:
    """The settings that belong to no version, as far as an upload names them."""
    for name in ("observability", "tags", "tail_consumers", "logpush"):
        if metadata.get(name) is not None:
            setattr(script, name, metadata[name])
    migrations = metadata.get("migrations")
    if isinstance(migrations, dict) and migrations.get("new_tag"):
        script.migration_tag = str(migrations["new_tag"])


def keep(cloud: Cloud, version: Version, modules: Mapping[str, tuple[str, bytes]]) -> None:
    cloud.store.put(version)
    cloud.store.put_modules(version.id, modules)


def whole(version: Version) -> Deployment:
    annotations = {"workers/triggered_by": "upload"} | {
        name: value for name, value in version.annotations.items() if name == "workers/message"
    }
    return Deployment(
        script=version.script,
        source=version.source,
        versions=[{"version_id": version.id, "percentage": 100}],
        annotations=annotations,
    )


def _etag(modules: Mapping[str, tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, (kind, content) in sorted(modules.items()):
        for part in (name.encode(), kind.encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


async def again(
    cloud: Cloud,
    like: Version,
    bindings: list[Binding],
    by: str,
    notes: Mapping[str, str] | None = None,
    **changes: Any,
) -> Version:
    """A version with the code of another one; nothing is kept yet. Raises `Refusal`."""
    metadata: dict[str, Any] = {name: getattr(like, name) for name in _KEPT_BY_SETTINGS}
    metadata |= {"main_module": like.main, "bindings": bindings, "annotations": dict(notes or {}), **changes}
    sent = Upload(metadata, cloud.store.modules(like.id), like.main)
    return await new_version(cloud, like.script, sent, True, by)


async def redeploy(cloud: Cloud, like: Version, bindings: list[Binding], by: str, **changes: Any) -> Version:
    """Such a version, deployed. Needs the lock."""
    version = await again(cloud, like, bindings, by, **changes)
    with cloud.store.transaction():
        keep(cloud, version, cloud.store.modules(like.id))
        cloud.store.put(whole(version))
    cloud.fleet.changed()
    return version
