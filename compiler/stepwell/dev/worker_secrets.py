"""Secrets of Workers: each change is a version, deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .cloud import Cloud, fields, script_name, source, text
from .envelope import Refusal, ok
from .making import redeploy
from .models import (
    Binding,
    Script,
)
from .upload import readable

SECRETS = ("secret_text", "secret_key")


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
    await redeploy(cloud, before, list(found.values()), source(request))


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
