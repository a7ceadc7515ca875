"""Workers: uploads, versions, deployments, settings, secrets, schedules, subdomains."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from stepwell.graph.cron import fault as cron_fault

from . import upload
from .cloud import Cloud, body, fields, no_script, source, text
from .envelope import Refusal, ok, page
from .models import (
    Binding,
    Bucket,
    Database,
    Deployment,
    Domain,
    Kept,
    Namespace,
    Queue,
    QueueConsumer,
    Route,
    Script,
    Version,
    Workflow,
    new_id,
    now,
)
from .probe import Exports, probe
from .upload import Code, Upload, invalid, readable

SECRETS = ("secret_text", "secret_key")
_KEPT_BY_SETTINGS = ("compatibility_date", "compatibility_flags", "limits", "placement")


# Uploads


async def put_script(cloud: Cloud, request: Request) -> Response:
    """`PUT …/scripts/{name}`: a new version, deployed at 100 %."""
    name = script_name(request)
    sent = await upload.read_upload(request)
    strict = request.query_params.get("bindings_inherit") == "strict"
    async with cloud.lock:
        version = await deploy(cloud, name, sent, strict, source(request))
    return ok(_script(cloud, cloud.script(name), version, upload=True))


async def deploy(cloud: Cloud, name: str, sent: Upload, strict: bool, by: str, lenient: bool = False) -> Version:
    """A new version of a Worker, made if need be, that answers from now on. Raises `Refusal`. Needs the lock.

    `lenient` lets it bind Workers and workflows that are not there yet.
    """
    version = await new_version(cloud, name, sent, strict, by, lenient)
    script = cloud.store.get(Script, name) or Script(name=name)
    _apply(script, sent.metadata)
    with cloud.store.transaction():
        cloud.store.change(script)
        _keep(cloud, version, sent.modules)
        cloud.store.put(_whole(version))
    cloud.fleet.changed()
    return version


async def post_version(cloud: Cloud, request: Request) -> Response:
    """`POST …/versions`: a new version that does not answer yet."""
    script = cloud.script(script_name(request))
    sent = await upload.read_upload(request)
    if "migrations" in sent.metadata:
        raise invalid("migrations cannot be part of a version upload")
    strict = request.query_params.get("bindings_inherit") == "strict"
    async with cloud.lock:
        version = await new_version(cloud, script.name, sent, strict, source(request))
        with cloud.store.transaction():
            _keep(cloud, version, sent.modules)
    return ok({**_version(version), "startup_time_ms": version.startup_time_ms, "entry_point": version.main})


async def put_content(cloud: Cloud, request: Request) -> Response:
    """`PUT …/content`: new code with everything else as it is."""
    script = cloud.script(script_name(request))
    sent = await upload.read_upload(request)
    async with cloud.lock:
        before = cloud.live(script.name)
        metadata = {
            "main_module": sent.main,
            "bindings": before.bindings,
            "compatibility_date": before.compatibility_date,
            "compatibility_flags": before.compatibility_flags,
        }
        version = await deploy(cloud, script.name, Upload(metadata, sent.modules, sent.main), True, source(request))
    return ok(_script(cloud, cloud.script(script.name), version))


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


def _apply(script: Script, metadata: Mapping[str, Any]) -> None:
    """The settings that belong to no version, as far as an upload names them."""
    for name in ("observability", "tags", "tail_consumers", "logpush"):
        if metadata.get(name) is not None:
            setattr(script, name, metadata[name])
    migrations = metadata.get("migrations")
    if isinstance(migrations, dict) and migrations.get("new_tag"):
        script.migration_tag = str(migrations["new_tag"])


def _keep(cloud: Cloud, version: Version, modules: Mapping[str, tuple[str, bytes]]) -> None:
    cloud.store.put(version)
    cloud.store.put_modules(version.id, modules)


def _whole(version: Version) -> Deployment:
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


# What the API shows of them


def _script(cloud: Cloud, script: Script, version: Version, upload: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": script.name,
        "tag": script.tag,
        "etag": version.etag,
        "handlers": version.handlers,
        "named_handlers": version.named_handlers,
        "created_on": script.created_on,
        "modified_on": script.modified_on,
        "usage_model": "standard",
        "compatibility_date": version.compatibility_date,
        "compatibility_flags": version.compatibility_flags,
        "last_deployed_from": version.source,
        "has_modules": True,
        "has_assets": False,
        "logpush": script.logpush,
        "observability": script.observability,
        "tags": script.tags,
        "tail_consumers": script.tail_consumers,
        "migration_tag": script.migration_tag,
        "entry_point": version.main,
    }
    if upload:
        told |= {"startup_time_ms": version.startup_time_ms, "deployment_id": version.id.replace("-", "")}
    else:
        told["routes"] = [_route(route) for route in cloud.store.all(Route) if route.script == script.name] or None
    return {name: value for name, value in told.items() if value is not None}


def _route(route: Route) -> dict[str, Any]:
    return {"id": route.id, "pattern": route.pattern, "script": route.script}


def _version(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "number": version.number,
        "metadata": {
            "created_on": version.created_on,
            "modified_on": version.modified_on,
            "source": version.source,
            "author_id": "",
            "author_email": "",
            "hasPreview": False,
        },
        "annotations": {"workers/triggered_by": "upload", **version.annotations},
        "resources": {
            "script": {
                "etag": version.etag,
                "handlers": version.handlers,
                "named_handlers": version.named_handlers,
                "last_deployed_from": version.source,
            },
            "script_runtime": {
                "compatibility_date": version.compatibility_date,
                "compatibility_flags": version.compatibility_flags,
                "usage_model": "standard",
                **({"limits": version.limits} if version.limits else {}),
            },
            "bindings": [readable(binding) for binding in version.bindings],
        },
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    return {
        "id": deployment.id,
        "source": deployment.source,
        "strategy": "percentage",
        "author_email": "",
        "created_on": deployment.created_on,
        "annotations": deployment.annotations,
        "versions": deployment.versions,
    }


async def list_scripts(cloud: Cloud, request: Request) -> Response:
    """`GET …/scripts`."""
    scripts = sorted(cloud.store.all(Script), key=lambda script: script.name)
    return ok([_script(cloud, script, cloud.live(script.name)) for script in scripts])


async def get_script(cloud: Cloud, request: Request) -> Response:
    """`GET …/scripts/{name}`: the modules as a form, as they were uploaded."""
    version = cloud.live(cloud.script(script_name(request)).name)
    boundary = new_id()
    parts = bytearray()
    for name, (kind, content) in cloud.store.modules(version.id).items():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        names = f'name="{quoted}"; filename="{quoted}"'
        head = f"--{boundary}\r\nContent-Disposition: form-data; {names}\r\nContent-Type: {kind}\r\n\r\n"
        parts += head.encode() + content + b"\r\n"
    parts += f"--{boundary}--\r\n".encode()
    return Response(
        bytes(parts), media_type=f"multipart/form-data; boundary={boundary}", headers={"etag": version.etag}
    )


async def get_service(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/services/{name}`: what the official CLI asks first."""
    script = cloud.store.get(Script, request.path_params["script_name"])
    if script is None:
        raise Refusal(404, 10090, "workers.api.error.service_not_found")
    version = cloud.live(script.name)
    told = {**_script(cloud, script, version), "tags": script.tags or None}
    environment = {"environment": "production", "created_on": script.created_on, "modified_on": script.modified_on}
    return ok(
        {
            "id": script.name,
            "created_on": script.created_on,
            "modified_on": script.modified_on,
            "default_environment": {**environment, "script": told},
        }
    )


async def get_worker(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/workers/{name}`."""
    script = cloud.script(script_name(request))
    consumed = {consumer.queue_id for consumer in cloud.store.all(QueueConsumer) if consumer.script_name == script.name}
    queues = [queue for queue in cloud.store.all(Queue) if queue.queue_id in consumed]
    return ok({
        "id": script.tag,
        "name": script.name,
        "created_on": script.created_on,
        "updated_on": script.modified_on,
        "deployed_on": cloud.deployments(script.name)[0].created_on,
        "logpush": script.logpush,
        "observability": script.observability or {"enabled": False},
        "subdomain": {"enabled": script.workers_dev, "previews_enabled": script.previews},
        "tags": script.tags,
        "tail_consumers": script.tail_consumers or [],
        "references": {
            "dispatch_namespace_outbounds": [],
            "domains": [_domain(one) for one in _domains(cloud, script.name)],
            "durable_objects": [],
            "queues": [{"queue_id": queue.queue_id, "queue_name": queue.queue_name} for queue in queues],
            "workers": [],
        },
    })  # fmt: skip


def _domain(one: Domain) -> dict[str, Any]:
    told = {"id": one.id, "hostname": one.hostname, "certificate_id": one.cert_id}
    return {**told, "zone_id": one.zone_id, "zone_name": one.zone_name}


def _domains(cloud: Cloud, script: str) -> list[Domain]:
    return [domain for domain in cloud.store.all(Domain) if domain.service == script]


async def patch_latest(cloud: Cloud, request: Request) -> Response:
    """`PATCH /workers/workers/{name}/versions/latest`: a version like the newest, with a change of bindings."""
    script = cloud.script(script_name(request))
    given = await fields(request)
    async with cloud.lock:
        newest = cloud.versions(script.name)[0]
        found = {binding["name"]: binding for binding in newest.bindings}
        env = given.get("env")
        changes = (
            env.items() if isinstance(env, dict) else ((one.get("name"), one) for one in given.get("bindings") or [])
        )
        for name, change in changes:
            if change is None:
                found.pop(name, None)
            elif change.get("type") != "inherit":
                found[name] = {"name": name, **change}
        notes = upload.notes(given)
        version = await _again(cloud, newest, list(found.values()), source(request), notes)
        with cloud.store.transaction():
            _keep(cloud, version, cloud.store.modules(newest.id))
    return ok(
        {
            "id": version.id,
            "number": version.number,
            "created_on": version.created_on,
            "annotations": version.annotations,
            "source": version.source,
            "env": {one["name"]: readable(one) for one in version.bindings},
        }
    )


async def _again(
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


async def _redeploy(cloud: Cloud, like: Version, bindings: list[Binding], by: str, **changes: Any) -> Version:
    """Such a version, deployed. Needs the lock."""
    version = await _again(cloud, like, bindings, by, **changes)
    with cloud.store.transaction():
        _keep(cloud, version, cloud.store.modules(like.id))
        cloud.store.put(_whole(version))
    cloud.fleet.changed()
    return version


# Versions and deployments


async def list_versions(cloud: Cloud, request: Request) -> Response:
    """`GET …/versions`."""
    script = cloud.script(script_name(request))
    versions = cloud.versions(script.name)
    asked = page(request.query_params, 10)
    items = [_brief(version) for version in asked.of(versions)]
    return ok({"items": items}, asked.info(len(items), len(versions)))


def _brief(version: Version) -> dict[str, Any]:
    return {name: value for name, value in _version(version).items() if name != "resources"}


async def get_version(cloud: Cloud, request: Request) -> Response:
    """`GET …/versions/{id}`."""
    script = cloud.script(script_name(request))
    return ok(_version(_find_version(cloud, script.name, request.path_params["version_id"])))


def _find_version(cloud: Cloud, script: str, id: str) -> Version:
    version = cloud.store.get(Version, id)
    if version is None or version.script != script:
        raise Refusal(404, 100146, f"version {id} not found")
    return version


async def post_deployment(cloud: Cloud, request: Request) -> Response:
    """`POST …/deployments`: one or two versions answer from now on. An older one: a rollback."""
    script = cloud.script(script_name(request))
    given = await fields(request)
    async with cloud.lock:
        versions = given.get("versions")
        parts = [_part(cloud, script.name, one) for one in (versions if isinstance(versions, list) else [])]
        if given.get("strategy") != "percentage" or not 1 <= len(parts) <= 2:
            raise invalid("a deployment needs the strategy percentage and one or two versions")
        if abs(sum(part["percentage"] for part in parts) - 100) > 1e-6:
            raise invalid("the percentages of a deployment must add up to 100")
        notes = {"workers/triggered_by": "deployment", **upload.notes(given)}
        deployment = Deployment(script=script.name, source=source(request), versions=parts, annotations=notes)
        with cloud.store.transaction():
            cloud.store.put(deployment)
            cloud.store.change(script)
    cloud.fleet.changed()
    return ok(_deployment(deployment))


def _part(cloud: Cloud, script: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("percentage"), (int, float)):
        raise invalid("versions of a deployment are {version_id, percentage}")
    version = _find_version(cloud, script, str(given.get("version_id")))
    return {"version_id": version.id, "percentage": given["percentage"]}


async def list_deployments(cloud: Cloud, request: Request) -> Response:
    """`GET …/deployments`, the live one first."""
    name = script_name(request)
    if cloud.store.get(Script, name) is None:
        raise Refusal(404, 10007, "This Worker does not exist on your account.")
    return ok({"deployments": [_deployment(deployment) for deployment in cloud.deployments(name)]})


def _find_deployment(cloud: Cloud, request: Request) -> Deployment:
    deployment = cloud.store.get(Deployment, request.path_params["deployment_id"])
    if deployment is None or deployment.script != cloud.script(script_name(request)).name:
        raise Refusal(404, 10336, "deployment not found")
    return deployment


async def get_deployment(cloud: Cloud, request: Request) -> Response:
    """`GET …/deployments/{id}`."""
    return ok(_deployment(_find_deployment(cloud, request)))


async def delete_deployment(cloud: Cloud, request: Request) -> Response:
    """`DELETE …/deployments/{id}`: any but the live one."""
    deployment = _find_deployment(cloud, request)
    if cloud.deployments(deployment.script)[0].id == deployment.id:
        raise Refusal(400, 10337, "the deployment that answers now cannot be deleted")
    with cloud.store.transaction():
        cloud.store.remove(deployment)
    return ok(None)


# Settings


async def get_settings(cloud: Cloud, request: Request) -> Response:
    """`GET …/settings`."""
    script = cloud.script(script_name(request))
    return ok(_settings(script, cloud.live(script.name)))


def _settings(script: Script, version: Version) -> dict[str, Any]:
    told = {
        "bindings": [readable(binding) for binding in version.bindings],
        "compatibility_date": version.compatibility_date,
        "compatibility_flags": version.compatibility_flags,
        "usage_model": "standard",
        "tags": script.tags,
        "tail_consumers": script.tail_consumers,
        "logpush": script.logpush,
        "observability": script.observability,
        "limits": version.limits,
        "placement": version.placement,
        "annotations": version.annotations or None,
        "migration_tag": script.migration_tag,
    }
    return {name: value for name, value in told.items() if value is not None}


async def patch_settings(cloud: Cloud, request: Request) -> Response:
    """`PATCH …/settings`: a version with other bindings or settings, deployed."""
    script = cloud.script(script_name(request))
    given = await upload.read_settings(request)
    async with cloud.lock:
        before = cloud.live(script.name)
        bindings = given.get("bindings", before.bindings)
        changes = {name: given[name] for name in _KEPT_BY_SETTINGS if name in given}
        version = await _redeploy(cloud, before, bindings, source(request), **changes)
        script = cloud.script(script.name)
        _apply(script, given)
        with cloud.store.transaction():
            cloud.store.change(script)
    return ok(_settings(script, version))


async def get_script_settings(cloud: Cloud, request: Request) -> Response:
    """`GET …/script-settings`."""
    return ok(_script_settings(cloud.script(script_name(request))))


async def patch_script_settings(cloud: Cloud, request: Request) -> Response:
    """`PATCH …/script-settings`: what belongs to no version."""
    given = await fields(request)
    async with cloud.lock:
        script = cloud.script(script_name(request))
        _apply(script, given)
        with cloud.store.transaction():
            cloud.store.change(script)
    return ok(_script_settings(script))


def _script_settings(script: Script) -> dict[str, Any]:
    told = {
        "logpush": script.logpush,
        "observability": script.observability,
        "tags": script.tags,
        "tail_consumers": script.tail_consumers,
    }
    return {name: value for name, value in told.items() if value is not None}


# Secrets


async def put_secret(cloud: Cloud, request: Request) -> Response:
    """`PUT …/secrets`: one secret; a version, deployed."""
    given = _secret(await fields(request))
    async with cloud.lock:
        await _put_secrets(cloud, request, {given["name"]: given})
    return ok(readable(given))


async def bulk_secrets(cloud: Cloud, request: Request) -> Response:
    """`PATCH …/secrets-bulk`: many at once, null removes one; one version, deployed."""
    given = (await fields(request)).get("secrets")
    if not isinstance(given, dict):
        raise Refusal(400, 10002, "secrets is required and must be an object")
    if not all(one is None or isinstance(one, dict) for one in given.values()):
        raise Refusal(400, 10002, "a secret is {name, text, type}, or null to remove it")
    secrets = {name: None if one is None else _secret({"name": name, **one}) for name, one in given.items()}
    async with cloud.lock:
        await _put_secrets(cloud, request, secrets)
    return ok({name: readable(one) for name, one in secrets.items() if one is not None})


def _secret(given: dict[str, Any]) -> Binding:
    text(given, "name")
    if given.get("type") not in SECRETS:
        raise Refusal(400, 10002, "type must be secret_text or secret_key")
    return given


async def _put_secrets(cloud: Cloud, request: Request, secrets: Mapping[str, Binding | None]) -> None:
    name = script_name(request)
    if cloud.store.get(Script, name) is None:
        raise Refusal(404, 10007, "This Worker does not exist on your account.")
    before = cloud.live(name)
    found = {binding["name"]: binding for binding in before.bindings}
    for secret, value in secrets.items():
        if secret in found and found[secret]["type"] not in SECRETS:
            raise Refusal(
                400, 10053, f"Binding name '{secret}' already in use. Please use a different name and try again."
            )
        if value is None:
            found.pop(secret, None)
        else:
            found[secret] = value
    await _redeploy(cloud, before, list(found.values()), source(request))


async def list_secrets(cloud: Cloud, request: Request) -> Response:
    """`GET …/secrets`: names and types. A Worker that is not there has none."""
    name = script_name(request)
    if cloud.store.get(Script, name) is None:
        return ok([])
    return ok([readable(one) for one in cloud.live(name).bindings if one["type"] in SECRETS])


def _find_secret(cloud: Cloud, request: Request) -> Binding:
    script = cloud.script(script_name(request))
    name = request.path_params["secret_name"]
    for binding in cloud.live(script.name).bindings:
        if binding["name"] == name and binding["type"] in SECRETS:
            return binding
    raise Refusal(404, 10056, "secret not found")


async def get_secret(cloud: Cloud, request: Request) -> Response:
    """`GET …/secrets/{name}`: name and type."""
    return ok(readable(_find_secret(cloud, request)))


async def delete_secret(cloud: Cloud, request: Request) -> Response:
    """`DELETE …/secrets/{name}`."""
    async with cloud.lock:
        secret = _find_secret(cloud, request)
        await _put_secrets(cloud, request, {secret["name"]: None})
    return ok(None)


# Schedules, subdomains


async def put_schedules(cloud: Cloud, request: Request) -> Response:
    """`PUT …/schedules`: all crons of a Worker."""
    given = await body(request)
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and isinstance(one.get("cron"), str) for one in given
    ):
        raise Refusal(400, 10002, 'the body must be a list of {"cron": …}')
    for one in given:
        check_cron(one["cron"])
    async with cloud.lock:
        script = cloud.script(script_name(request))
        before = {one["cron"]: one["created_on"] for one in script.crons}
        time = now()
        script.crons = [
            {"cron": one["cron"], "created_on": before.get(one["cron"], time), "modified_on": time} for one in given
        ]
        with cloud.store.transaction():
            cloud.store.change(script)
    cloud.fleet.changed()
    return ok({"schedules": script.crons})


def check_cron(cron: str) -> None:
    """Raises `Refusal` for an expression that is none."""
    wrong = cron_fault(cron)
    if wrong is not None:
        raise Refusal(400, 10021, f"invalid cron string `{cron}`: {wrong}")


async def get_schedules(cloud: Cloud, request: Request) -> Response:
    """`GET …/schedules`."""
    return ok({"schedules": cloud.script(script_name(request)).crons})


async def get_subdomain(cloud: Cloud, request: Request) -> Response:
    """`GET …/scripts/{name}/subdomain`."""
    script = cloud.script(script_name(request))
    return ok({"enabled": script.workers_dev, "previews_enabled": script.previews})


async def post_subdomain(cloud: Cloud, request: Request) -> Response:
    """`POST …/scripts/{name}/subdomain`."""
    given = await fields(request)
    if not isinstance(given.get("enabled"), bool):
        raise Refusal(400, 10002, "enabled is required and must be true or false")
    return await _switch(cloud, request, given["enabled"], bool(given.get("previews_enabled", given["enabled"])))


async def delete_subdomain(cloud: Cloud, request: Request) -> Response:
    """`DELETE …/scripts/{name}/subdomain`."""
    return await _switch(cloud, request, False, False)


async def _switch(cloud: Cloud, request: Request, enabled: bool, previews: bool) -> Response:
    async with cloud.lock:
        script = cloud.script(script_name(request))
        script.workers_dev, script.previews = enabled, previews
        with cloud.store.transaction():
            cloud.store.change(script)
    return ok({"enabled": enabled, "previews_enabled": previews})


# The end


async def delete_script(cloud: Cloud, request: Request) -> Response:
    """`DELETE …/scripts/{name}?force=true`. Workflows stay, with nothing to run them."""
    name = script_name(request)
    force = request.query_params.get("force") == "true"
    async with cloud.lock:
        remove_script(cloud, cloud.script(name), force)
    return ok(None)


async def delete_service(cloud: Cloud, request: Request) -> Response:
    """`DELETE /workers/services/{name}`, as the official CLI deletes."""
    async with cloud.lock:
        script = cloud.store.get(Script, request.path_params["script_name"])
        if script is None:
            raise Refusal(404, 10090, "workers.api.error.service_not_found")
        remove_script(cloud, script, request.query_params.get("force") == "true")
    return ok(None)


def remove_script(cloud: Cloud, script: Script, force: bool) -> None:
    """Forgets a Worker and what leads to it. Raises `Refusal` when something needs it and `force` is not given."""
    store = cloud.store
    consumers = [one for one in store.all(QueueConsumer) if one.script_name == script.name]
    users = [
        other.name
        for other in store.all(Script)
        if other.name != script.name
        and any(one["type"] == "service" and one["service"] == script.name for one in cloud.live(other.name).bindings)
    ]
    if not force and (consumers or users):
        what = "a queue consumer" if consumers else f"the Worker {users[0]}"
        raise Refusal(400, 10064, f"script still in use by {what}; delete with force=true")
    leading: list[Kept] = [*consumers, *_domains(cloud, script.name)]
    leading += [route for route in store.all(Route) if route.script == script.name]
    with store.transaction():
        for deployment in cloud.deployments(script.name):
            store.remove(deployment)
        for version in cloud.versions(script.name):
            store.remove(version)
            store.remove_modules(version.id)
        for one in leading:
            store.remove(one)
        store.remove(script)
    cloud.fleet.changed()


async def references(cloud: Cloud, request: Request) -> Response:
    """`GET …/scripts/{name}/references`: who needs it."""
    name = cloud.script(script_name(request)).name
    services = [
        {"name": binding["name"], "service": other.name, "environment": "production"}
        for other in cloud.store.all(Script)
        if other.name != name
        for binding in cloud.live(other.name).bindings
        if binding["type"] == "service" and binding["service"] == name
    ]
    return ok({"services": {"incoming": services, "outgoing": []}})


def script_name(request: Request) -> str:
    """The name in the path. Raises `Refusal` for one that no Worker can have."""
    name: str = request.path_params["script_name"]
    if not upload.SCRIPT_NAME.fullmatch(name):
        if request.method == "GET":
            raise no_script()
        raise invalid(f"script name {name!r}: lower case letters, digits, - and _, at most 63")
    return name


async def no_tails(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/tails/by-consumer/{name}`: nobody tails here."""
    return ok([])


async def no_objects(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/durable_objects/namespaces`: none of one's own."""
    return ok([])


def all_scripts(cloud: Cloud) -> list[Script]:
    """Every Worker."""
    return cloud.store.all(Script)


async def run_cron(cloud: Cloud, script: str, cron: str) -> dict[str, Any]:
    """Calls the `scheduled` handler of a Worker. Raises `Refusal` when it has none."""
    if "scheduled" not in cloud.live(script).handlers:
        raise Refusal(400, 10002, f"the Worker {script} has no scheduled handler")
    told = await cloud.fleet.call("scheduled", {"worker": script, "cron": cron, "time": time.time() * 1000})
    return dict(told)
