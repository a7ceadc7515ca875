"""Workers as a whole: uploaded, listed, read back, removed."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import upload
from .cloud import Cloud, script_name, source
from .envelope import Refusal, ok
from .making import deploy
from .models import (
    Domain,
    Kept,
    Queue,
    QueueConsumer,
    Route,
    Script,
    Version,
    new_id,
)
from .upload import Upload


async def put_script(cloud: Cloud, request: Request) -> Response:
    """`PUT …/scripts/{name}`: a new version, deployed at 100 %."""
    name = script_name(request)
    sent = await upload.read_upload(request)
    strict = request.query_params.get("bindings_inherit") == "strict"
    async with cloud.lock:
        version = await deploy(cloud, name, sent, strict, source(request))
    return ok(_script(cloud, cloud.script(name), version, upload=True))


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


async def no_tails(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/tails/by-consumer/{name}`: nobody tails here."""
    return ok([])


async def no_objects(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/durable_objects/namespaces`: none of one's own."""
    return ok([])


def all_scripts(cloud: Cloud) -> list[Script]:
    """Every Worker."""
    return cloud.store.all(Script)
