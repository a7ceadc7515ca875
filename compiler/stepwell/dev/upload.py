"""What is uploaded: multipart forms read and checked as Cloudflare does (codes: `10021` for nearly everything)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from .envelope import Refusal
from .models import Binding

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_VARIABLES: Final = 128
MAX_VARIABLE_BYTES: Final = 5 * 1024
DEFAULT_DATE: Final = "2021-11-02"
NO_METADATA: Final = "could not read content for part metadata"

_ESM: Final = ("application/javascript+module", "text/javascript+module")
_CJS: Final = ("application/javascript", "text/javascript")
_MAP: Final = "application/source-map"
KINDS: Final = {
    **dict.fromkeys(_ESM, "esModule"),
    **dict.fromkeys(_CJS, "commonJsModule"),
    "application/wasm": "wasm",
    "application/octet-stream": "data",
    "text/plain": "text",
    "application/json": "json",
}
"""The kind of module for a part's content type."""

SCRIPT_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_FILES: Final = re.compile(r"files(\[\d*\])?")
_BINDING_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*")

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "plain_text": ("text",),
    "secret_text": ("text",),
    "json": ("json",),
    "secret_key": ("algorithm", "format", "usages"),
    "kv_namespace": ("namespace_id",),
    "d1": (),
    "r2_bucket": ("bucket_name",),
    "queue": ("queue_name",),
    "service": ("service",),
    "workflow": ("workflow_name",),
    "ai": (),
    "vectorize": ("index_name",),
    "analytics_engine": ("dataset",),
    "hyperdrive": ("id",),
    "browser": (),
    "version_metadata": (),
    "assets": (),
    "images": (),
    "stream": (),
    "media": (),
    "durable_object_namespace": (),
    "dispatch_namespace": ("namespace",),
    "secrets_store_secret": ("store_id", "secret_name"),
    "mtls_certificate": ("certificate_id",),
    "pipelines": (),
    "ratelimit": ("namespace_id", "simple"),
    "send_email": (),
    "vpc_service": ("service_id",),
    "vpc_network": (),
    "ai_search": ("instance_name",),
    "ai_search_namespace": ("namespace",),
    "worker_loader": (),
    "inherit": (),
}
"""The keys a binding of each type must have, beside `type` and `name`."""


@dataclass(frozen=True)
class Upload:
    """A form with a `metadata` part: the modules by name with their content types, the metadata as sent."""

    metadata: dict[str, Any]
    modules: dict[str, tuple[str, bytes]]
    main: str


@dataclass(frozen=True)
class Code:
    """Modules with what tells how to load them."""

    modules: Mapping[str, tuple[str, bytes]]
    main: str
    compatibility_date: str
    compatibility_flags: tuple[str, ...] = field(default=())

    @property
    def loaded(self) -> dict[str, tuple[str, bytes]]:
        """The modules without source maps."""
        return {name: part for name, part in self.modules.items() if part[0] != _MAP}

    @property
    def maps(self) -> dict[str, bytes]:
        """The source maps by the name of their part."""
        return {name: content for name, (kind, content) in self.modules.items() if kind == _MAP}


def invalid(message: str) -> Refusal:
    """The refusal for nearly everything that is wrong with an upload."""
    return Refusal(400, 10021, message)


async def read_upload(request: Request) -> Upload:
    """The upload that a request carries. Raises `Refusal`."""
    metadata, parts = await _form(request, "metadata", invalid(NO_METADATA))
    modules = {name: (_type(part), content) for name, part, content in parts}
    if sum(len(content) for _, content in modules.values()) > MAX_BYTES:
        raise Refusal(413, 10027, "workers.api.error.script_too_large: the limit is 64 MiB")
    main = metadata.get("main_module")
    if not isinstance(main, str):
        more = "; service-worker scripts (body_part) do not run here" if "body_part" in metadata else ""
        raise invalid(f"metadata: main_module is missing{more}")
    if main not in modules:
        raise invalid(f'No such module "{main}": metadata.main_module names no part of the upload')
    check_types(modules, main)
    return Upload(metadata, modules, main)


async def read_settings(request: Request) -> dict[str, Any]:
    """The JSON part `settings` of a form. Raises `Refusal`, code 10001 for another content type."""
    wrong = Refusal(400, 10001, "Content-Type must be multipart/form-data with a JSON part named settings")
    settings, _ = await _form(request, "settings", wrong)
    return settings


async def _form(
    request: Request, name: str, wrong: Refusal
) -> tuple[dict[str, Any], list[tuple[str, UploadFile, bytes]]]:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise wrong
    try:
        form = await request.form(max_part_size=MAX_BYTES, max_files=20_000, max_fields=1000)
    except MultiPartException as error:
        raise wrong from error
    told = form.get(name)
    raw = await told.read() if isinstance(told, UploadFile) else told
    try:
        value = json.loads(raw) if raw is not None else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise wrong
    parts = [(key, part) for key, part in form.multi_items() if isinstance(part, UploadFile) and key != name]
    return value, [(_name(key, part), part, await part.read()) for key, part in parts]


def _name(key: str, part: UploadFile) -> str:
    """What a module is called: by its part, or by its file where the part is one of the specification's `files`."""
    return part.filename or key if _FILES.fullmatch(key) else key


def _type(part: UploadFile) -> str:
    return (part.content_type or "").partition(";")[0].strip().lower()


def check_types(modules: Mapping[str, tuple[str, bytes]], main: str) -> None:
    """Raises `Refusal` for a module that cannot be one."""
    for name, (kind, content) in modules.items():
        if kind not in KINDS and kind != _MAP:
            raise invalid(f'Unsupported module type "{kind}" of "{name}"')
        if KINDS.get(kind) in ("esModule", "commonJsModule", "text", "json"):
            try:
                content.decode()
            except UnicodeDecodeError:
                raise invalid(f'Module "{name}" is not UTF-8') from None
    if KINDS.get(modules[main][0]) != "esModule":
        raise invalid(f'The main module "{main}" must have the content type application/javascript+module')


# Metadata


def compatibility(metadata: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Date and flags. Raises `Refusal`."""
    date = metadata.get("compatibility_date") or DEFAULT_DATE
    if not isinstance(date, str) or not _DATE.fullmatch(date):
        raise invalid(f"Invalid compatibility date: {date}")
    flags = metadata.get("compatibility_flags") or []
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise invalid("metadata.compatibility_flags must be a list of texts")
    return date, flags


def notes(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The message and tag of a version, within their lengths in bytes. Raises `Refusal`."""
    given = metadata.get("annotations") or {}
    if not isinstance(given, dict):
        raise invalid("annotations must be an object")
    for name, most in (("workers/message", 1000), ("workers/tag", 100)):
        if len(str(given.get(name, "")).encode()) > most:
            raise invalid(f"annotations: {name} is longer than {most} bytes")
    return {name: str(value) for name, value in given.items() if value is not None}


def bindings(
    metadata: Mapping[str, Any], before: Sequence[Binding], strict: bool, check: Callable[[Binding], str | None]
) -> list[Binding]:
    """The bindings of a new version: those given, with what they inherit, and the kept ones of the version before.

    `check` says what is wrong with what a binding leads to. Raises `Refusal`.
    """
    given = metadata.get("bindings") or []
    if not isinstance(given, list):
        raise invalid("metadata.bindings must be a list")
    old = {binding["name"]: binding for binding in before}
    found = list(_resolved(given, old, strict))
    names = [binding["name"] for binding in found]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f'Binding name "{name}" is used more than once')
    kept = metadata.get("keep_bindings") or []
    if not isinstance(kept, list):
        raise invalid("metadata.keep_bindings must be a list of types")
    found += [binding for name, binding in old.items() if binding["type"] in kept and name not in names]
    for binding in found:
        wrong = check(binding)
        if wrong is not None:
            raise invalid(wrong)
    _check_variables(found)
    return found


def _resolved(given: Sequence[Any], old: Mapping[str, Binding], strict: bool) -> Iterator[Binding]:
    for binding in given:
        _check_shape(binding)
        if binding["type"] != "inherit":
            yield binding
            continue
        source = old.get(binding.get("old_name") or binding["name"])
        if source is not None:
            yield {**source, "name": binding["name"]}
        elif strict:
            raise Refusal(400, 10057, f"inherit binding '{binding['name']}' could not be resolved")


def _check_shape(binding: Any) -> None:
    if not isinstance(binding, dict) or not isinstance(binding.get("type"), str):
        raise invalid("every binding needs a type and a name")
    kind, name = binding["type"], binding.get("name")
    if not isinstance(name, str) or not _BINDING_NAME.fullmatch(name):
        raise invalid(f"binding name {json.dumps(name)} is not an identifier")
    if kind not in REQUIRED:
        raise invalid(f'binding "{name}": unknown binding type "{kind}"')
    for key in REQUIRED[kind]:
        if key not in binding:
            raise invalid(f'binding "{name}" of type {kind} must have {key}')
    if kind == "d1" and not (binding.get("database_id") or binding.get("id")):
        raise invalid(f'binding "{name}" of type d1 must have database_id')


def _check_variables(found: Sequence[Binding]) -> None:
    texts = [binding for binding in found if binding["type"] in ("plain_text", "secret_text", "json")]
    if len(texts) > MAX_VARIABLES:
        raise invalid(f"{len(texts)} variables and secrets; a Worker may have {MAX_VARIABLES}")
    for binding in texts:
        value = binding["json"] if binding["type"] == "json" else binding["text"]
        size = len((value if isinstance(value, str) else json.dumps(value)).encode())
        if size > MAX_VARIABLE_BYTES:
            raise invalid(f'variable "{binding["name"]}" has {size} bytes; at most {MAX_VARIABLE_BYTES} are allowed')
        if binding["type"] != "json" and not isinstance(value, str):
            raise invalid(f'binding "{binding["name"]}": text must be a text')


def readable(binding: Binding) -> Binding:
    """A binding as the API shows it: without what is secret; a database by both of its names, old and new."""
    if binding["type"] == "d1":
        database = binding.get("database_id") or binding["id"]
        return {**binding, "database_id": database, "id": database}
    hidden = {"secret_text": ("text",), "secret_key": ("key_base64", "key_jwk")}.get(binding["type"], ())
    return {key: value for key, value in binding.items() if key not in hidden}
