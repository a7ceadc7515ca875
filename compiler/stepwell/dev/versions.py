"""Versions and deployments."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import upload
from .cloud import Cloud, fields, script_name, source
from .envelope import Refusal, ok, page
from .making import again, keep, new_version
from .models import (
    Deployment,
    Script,
    Version,
)
from .upload import invalid, readable


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
            keep(cloud, version, sent.modules)
    return ok({**_version(version), "startup_time_ms": version.startup_time_ms, "entry_point": version.main})


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
        version = await again(cloud, newest, list(found.values()), source(request), notes)
        with cloud.store.transaction():
            keep(cloud, version, cloud.store.modules(newest.id))
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
