"""Settings of Workers: those of a version, and those that belong to none."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import upload
from .cloud import Cloud, fields, script_name, source
from .envelope import ok
from .making import apply_settings, redeploy
from .models import (
    Script,
    Version,
)
from .upload import readable

_KEPT_BY_SETTINGS = ("compatibility_date", "compatibility_flags", "limits", "placement")


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
        version = await redeploy(cloud, before, bindings, source(request), **changes)
        script = cloud.script(script.name)
        apply_settings(script, given)
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
        apply_settings(script, given)
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
