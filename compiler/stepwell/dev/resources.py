"""KV namespaces, D1 databases, R2 buckets, queues with their consumers."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from stepwell.local.runtime import ControlError

from .cloud import Cloud, body, fields, no_script, text
from .envelope import Refusal, ok, page, paged
from .models import Binding, Bucket, Database, Namespace, Queue, QueueConsumer, Script

_QUEUE_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BUCKET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_WORKER_SETTINGS: Final = {
    "batch_size": (1, 100),
    "max_retries": (0, 100),
    "max_wait_time_ms": (0, 60_000),
    "max_concurrency": (1, 250),
    "retry_delay": (0, 43_200),
}
_PULL_SETTINGS: Final = {
    "batch_size": (1, 100),
    "max_retries": (0, 100),
    "retry_delay": (0, 43_200),
    "visibility_timeout_ms": (0, 43_200_000),
}
_MAX_VALUE: Final = 25 * 1024 * 1024
_ANY: Final = (0, 2**53)
_COUNT_TABLES: Final = (
    "SELECT COUNT(*) AS n FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'"
)


# KV


async def create_namespace(cloud: Cloud, request: Request) -> Response:
    """`POST /storage/kv/namespaces`."""
    title = text(await fields(request), "title", 10019)
    async with cloud.lock:
        if any(namespace.title == title for namespace in cloud.store.all(Namespace)):
            raise Refusal(400, 10014, f"a namespace with this account ID and title already exists: {title}")
        namespace = Namespace(title=title)
        with cloud.store.transaction():
            cloud.store.put(namespace)
    cloud.fleet.changed()
    return ok(_namespace(namespace))


def _namespace(namespace: Namespace) -> dict[str, Any]:
    return {"id": namespace.id, "title": namespace.title, "supports_url_encoding": True}


async def list_namespaces(cloud: Cloud, request: Request) -> Response:
    """`GET /storage/kv/namespaces`."""
    query = request.query_params
    by_id = query.get("order") == "id"
    found = sorted(cloud.store.all(Namespace), key=lambda one: one.id if by_id else one.title)
    if query.get("direction") == "desc":
        found.reverse()
    return paged([_namespace(namespace) for namespace in found], query, 20)


def _find_namespace(cloud: Cloud, request: Request) -> Namespace:
    namespace = cloud.store.get(Namespace, request.path_params["namespace_id"])
    if namespace is None:
        raise Refusal(404, 10013, "get namespace: 'namespace not found'")
    return namespace


async def get_namespace(cloud: Cloud, request: Request) -> Response:
    """`GET /storage/kv/namespaces/{id}`."""
    return ok(_namespace(_find_namespace(cloud, request)))


async def rename_namespace(cloud: Cloud, request: Request) -> Response:
    """`PUT /storage/kv/namespaces/{id}`: another title."""
    title = text(await fields(request), "title", 10019)
    async with cloud.lock:
        namespace = _find_namespace(cloud, request)
        namespace.title = title
        with cloud.store.transaction():
            cloud.store.change(namespace)
    return ok(_namespace(namespace))


async def delete_namespace(cloud: Cloud, request: Request) -> Response:
    """`DELETE /storage/kv/namespaces/{id}`."""
    async with cloud.lock:
        namespace = _find_namespace(cloud, request)
        _refuse_used(cloud, "kv_namespace", "namespace_id", namespace.id)
        with cloud.store.transaction():
            cloud.store.remove(namespace)
    cloud.fleet.changed()
    return ok({})


def _refuse_used(cloud: Cloud, kind: str, key: str, value: str) -> None:
    """What a deployed Worker is bound to stays: the Worker could not be deployed again without it."""
    for script in cloud.store.all(Script):
        if any(
            one["type"] == kind and value in (one.get(key), one.get("id")) for one in cloud.live(script.name).bindings
        ):
            raise Refusal(400, 10021, f"{value} is still bound to the Worker {script.name}")


async def put_value(cloud: Cloud, request: Request) -> Response:
    """`PUT …/values/{key}`: the body, or the parts `value` and `metadata` of a form."""
    namespace = _find_namespace(cloud, request)
    query = request.query_params
    options: dict[str, Any] = {}
    for sent, name in (("expiration", "expiration"), ("expiration_ttl", "expirationTtl")):
        if query.get(sent):
            options[name] = _whole(query[sent], sent)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await request.form(max_part_size=_MAX_VALUE)
        part = form.get("value", "")
        value = part.encode() if isinstance(part, str) else await part.read()
        metadata = form.get("metadata")
        if isinstance(metadata, str):
            options["metadata"] = _json(metadata)
    else:
        value = await request.body()
    await _put(cloud, namespace, request.path_params["key"], value, options)
    return ok({})


def _json(given: str) -> Any:
    try:
        return json.loads(given)
    except ValueError:
        raise Refusal(400, 10002, "metadata is not JSON") from None


def _whole(given: str, name: str) -> int:
    if not given.isdigit():
        raise Refusal(400, 10002, f"{name} must be a whole number of seconds")
    return int(given)


async def _put(cloud: Cloud, namespace: Namespace, key: str, value: bytes, options: dict[str, Any]) -> None:
    await _kv_call(cloud, "kv_put", namespace, key=key, value=base64.b64encode(value).decode(), options=options)


async def _kv(cloud: Cloud, namespace: Namespace, method: str, *args: Any) -> Any:
    return await _kv_call(cloud, "kv", namespace, method=method, args=list(args))


async def _kv_call(cloud: Cloud, action: str, namespace: Namespace, **arguments: Any) -> Any:
    try:
        return await cloud.fleet.call(action, {"namespace": namespace.id, **arguments})
    except ControlError as error:
        raise Refusal(400, 10002, str(error)) from None


async def get_value(cloud: Cloud, request: Request) -> Response:
    """`GET …/values/{key}`: the value alone, without an envelope."""
    namespace = _find_namespace(cloud, request)
    value = await _kv_call(cloud, "kv_get", namespace, key=request.path_params["key"])
    if value is None:
        raise Refusal(404, 10009, "get: 'key not found'")
    return Response(base64.b64decode(value), media_type="application/octet-stream")


async def get_metadata(cloud: Cloud, request: Request) -> Response:
    """`GET …/metadata/{key}`."""
    namespace = _find_namespace(cloud, request)
    told = await _kv(cloud, namespace, "getWithMetadata", request.path_params["key"])
    if told["value"] is None:
        raise Refusal(404, 10009, "get: 'key not found'")
    return ok(told["metadata"])


async def delete_value(cloud: Cloud, request: Request) -> Response:
    """`DELETE …/values/{key}`."""
    await _kv(cloud, _find_namespace(cloud, request), "delete", request.path_params["key"])
    return ok({})


async def list_keys(cloud: Cloud, request: Request) -> Response:
    """`GET …/keys`."""
    namespace, query = _find_namespace(cloud, request), request.query_params
    options = {name: query[name] for name in ("prefix", "cursor") if query.get(name)}
    told = await _kv(cloud, namespace, "list", {**options, "limit": min(int(query.get("limit") or 1000), 1000)})
    return ok(told["keys"], {"count": len(told["keys"]), "cursor": told.get("cursor") or ""})


async def put_bulk(cloud: Cloud, request: Request) -> Response:
    """`PUT …/bulk`: many pairs."""
    namespace = _find_namespace(cloud, request)
    given = await body(request)
    if not isinstance(given, list):
        raise Refusal(400, 10002, "the body must be a list of {key, value}")
    for pair in given:
        value = base64.b64decode(pair["value"]) if pair.get("base64") else pair["value"].encode()
        named = (("expiration", "expiration"), ("expiration_ttl", "expirationTtl"), ("metadata", "metadata"))
        options = {name: pair[sent] for sent, name in named if sent in pair}
        await _put(cloud, namespace, pair["key"], value, options)
    return ok({"successful_key_count": len(given), "unsuccessful_keys": []})


async def delete_bulk(cloud: Cloud, request: Request) -> Response:
    """`POST …/bulk/delete`: many keys."""
    namespace = _find_namespace(cloud, request)
    keys = await body(request)
    if not isinstance(keys, list):
        raise Refusal(400, 10002, "the body must be a list of keys")
    for key in keys:
        await _kv(cloud, namespace, "delete", key)
    return ok({"successful_key_count": len(keys), "unsuccessful_keys": []})


# D1


async def create_database(cloud: Cloud, request: Request) -> Response:
    """`POST /d1/database`."""
    name = text(await fields(request), "name", 7400)
    async with cloud.lock:
        if any(database.name == name for database in cloud.store.all(Database)):
            raise Refusal(400, 7502, f"a database with the name {name} already exists")
        database = Database(name=name)
        with cloud.store.transaction():
            cloud.store.put(database)
    cloud.fleet.changed()
    return ok(_database(database))


def _database(database: Database) -> dict[str, Any]:
    told = {"uuid": database.uuid, "name": database.name, "version": "production", "created_at": database.created_on}
    return {**told, "num_tables": 0, "file_size": 0}


async def list_databases(cloud: Cloud, request: Request) -> Response:
    """`GET /d1/database`."""
    name = request.query_params.get("name", "")
    found = [_database(one) for one in cloud.store.all(Database) if name in one.name]
    return paged(found, request.query_params, 100, 10_000)


def _find_database(cloud: Cloud, request: Request) -> Database:
    database = cloud.store.get(Database, request.path_params["database_id"])
    if database is None:
        raise Refusal(404, 7404, f"the database {request.path_params['database_id']} could not be found")
    return database


async def get_database(cloud: Cloud, request: Request) -> Response:
    """`GET /d1/database/{id}`."""
    database = _find_database(cloud, request)
    [counted] = await _d1(cloud, database, [{"sql": _COUNT_TABLES}], False)
    size = counted["meta"].get("size_after", 0)
    return ok({**_database(database), "num_tables": counted["results"][0]["n"], "file_size": size})


async def delete_database(cloud: Cloud, request: Request) -> Response:
    """`DELETE /d1/database/{id}`."""
    async with cloud.lock:
        database = _find_database(cloud, request)
        _refuse_used(cloud, "d1", "database_id", database.uuid)
        with cloud.store.transaction():
            cloud.store.remove(database)
    cloud.fleet.changed()
    return ok(None)


async def query_database(cloud: Cloud, request: Request) -> Response:
    """`POST /d1/database/{id}/query` and `/raw`: one text with any number of statements, or a batch."""
    database = _find_database(cloud, request)
    given = await fields(request)
    queries = given["batch"] if isinstance(given.get("batch"), list) else [given]
    if not all(isinstance(query, dict) and isinstance(query.get("sql"), str) for query in queries):
        raise Refusal(400, 7400, "sql is required and must be a text")
    return ok(await _d1(cloud, database, queries, request.url.path.endswith("/raw")))


async def _d1(cloud: Cloud, database: Database, queries: list[Any], raw: bool) -> list[Any]:
    try:
        found = await cloud.fleet.call("d1", {"database": database.uuid, "queries": queries, "raw": raw})
    except ControlError as error:
        raise Refusal(400, 7500, str(error)) from None
    return list(found)


# R2


async def create_bucket(cloud: Cloud, request: Request) -> Response:
    """`POST /r2/buckets`."""
    given = await fields(request)
    name = text(given, "name", 10005)
    if not _BUCKET_NAME.fullmatch(name):
        raise Refusal(400, 10005, "The specified bucket name is not valid.")
    async with cloud.lock:
        if cloud.store.get(Bucket, name) is not None:
            raise Refusal(409, 10004, "The bucket you tried to create already exists, and you own it.")
        location = str(given.get("locationHint") or "wnam").lower()
        bucket = Bucket(name=name, location=location, storage_class=given.get("storageClass") or "Standard")
        with cloud.store.transaction():
            cloud.store.put(bucket)
    return ok(_bucket(bucket))


def _bucket(bucket: Bucket) -> dict[str, Any]:
    told = {"name": bucket.name, "creation_date": bucket.created_on, "location": bucket.location.lower()}
    return {**told, "storage_class": bucket.storage_class}


async def list_buckets(cloud: Cloud, request: Request) -> Response:
    """`GET /r2/buckets`."""
    query = request.query_params
    names = sorted(cloud.store.all(Bucket), key=lambda one: one.name, reverse=query.get("direction") == "desc")
    found = [
        one for one in names if query.get("name_contains", "") in one.name and one.name > query.get("start_after", "")
    ]
    asked = page(query, 20)
    return ok({"buckets": [_bucket(bucket) for bucket in asked.of(found)]})


def _find_bucket(cloud: Cloud, request: Request) -> Bucket:
    bucket = cloud.store.get(Bucket, request.path_params["bucket_name"])
    if bucket is None:
        raise Refusal(404, 10006, "The specified bucket does not exist.")
    return bucket


async def get_bucket(cloud: Cloud, request: Request) -> Response:
    """`GET /r2/buckets/{name}`."""
    return ok(_bucket(_find_bucket(cloud, request)))


async def delete_bucket(cloud: Cloud, request: Request) -> Response:
    """`DELETE /r2/buckets/{name}`."""
    async with cloud.lock:
        bucket = _find_bucket(cloud, request)
        _refuse_used(cloud, "r2_bucket", "bucket_name", bucket.name)
        with cloud.store.transaction():
            cloud.store.remove(bucket)
    return ok({})


# Queues


async def create_queue(cloud: Cloud, request: Request) -> Response:
    """`POST /queues`."""
    given = await fields(request)
    name = text(given, "queue_name", 10026)
    if not _QUEUE_NAME.fullmatch(name):
        raise Refusal(400, 11003, "a queue name has 1 to 63 lower case letters, digits and -")
    async with cloud.lock:
        if any(queue.queue_name == name for queue in cloud.store.all(Queue)):
            raise Refusal(
                409, 11009, f"Queue name '{name}' is already taken. Please use a different name and try again."
            )
        queue = Queue(queue_name=name, settings=_queue_settings(given))
        with cloud.store.transaction():
            cloud.store.put(queue)
    cloud.fleet.changed()
    return ok(_queue(cloud, queue))


def _queue_settings(given: dict[str, Any]) -> dict[str, Any]:
    settings = given.get("settings") or {}
    if not isinstance(settings, dict):
        raise Refusal(400, 10026, "settings must be an object")
    return {"delivery_delay": 0, "delivery_paused": False, "message_retention_period": 345_600, **settings}


def _queue(cloud: Cloud, queue: Queue) -> dict[str, Any]:
    consumers = [_consumer(cloud, one) for one in cloud.store.all(QueueConsumer) if one.queue_id == queue.queue_id]
    producers = [
        {"type": "worker", "script": script.name}
        for script in cloud.store.all(Script)
        if any(_produces(one, queue) for one in cloud.live(script.name).bindings)
    ]
    return {
        "queue_id": queue.queue_id,
        "queue_name": queue.queue_name,
        "created_on": queue.created_on,
        "modified_on": queue.modified_on,
        "producers": producers,
        "producers_total_count": len(producers),
        "consumers": consumers,
        "consumers_total_count": len(consumers),
        "settings": queue.settings,
    }


def _produces(binding: Binding, queue: Queue) -> bool:
    return bool(binding["type"] == "queue" and binding["queue_name"] == queue.queue_name)


async def list_queues(cloud: Cloud, request: Request) -> Response:
    """`GET /queues`."""
    name = request.query_params.get("name")
    found = [_queue(cloud, queue) for queue in cloud.store.all(Queue) if name in (None, "", queue.queue_name)]
    return paged(found, request.query_params, 50)


def _find_queue(cloud: Cloud, request: Request) -> Queue:
    queue = cloud.store.get(Queue, request.path_params["queue_id"])
    if queue is None:
        raise Refusal(404, 11000, "The specified queue does not exist.")
    return queue


async def get_queue(cloud: Cloud, request: Request) -> Response:
    """`GET /queues/{id}`."""
    return ok(_queue(cloud, _find_queue(cloud, request)))


async def change_queue(cloud: Cloud, request: Request) -> Response:
    """`PUT|PATCH /queues/{id}`: its settings."""
    given = await fields(request)
    async with cloud.lock:
        queue = _find_queue(cloud, request)
        queue.settings = {**queue.settings, **(given.get("settings") or {})}
        with cloud.store.transaction():
            cloud.store.change(queue)
    return ok(_queue(cloud, queue))


async def delete_queue(cloud: Cloud, request: Request) -> Response:
    """`DELETE /queues/{id}`, with its consumers."""
    async with cloud.lock:
        queue = _find_queue(cloud, request)
        _refuse_used(cloud, "queue", "queue_name", queue.queue_name)
        with cloud.store.transaction():
            for consumer in _consumers(cloud, queue):
                cloud.store.remove(consumer)
            cloud.store.remove(queue)
    cloud.fleet.changed()
    return ok(None)


def _consumers(cloud: Cloud, queue: Queue) -> list[QueueConsumer]:
    return [one for one in cloud.store.all(QueueConsumer) if one.queue_id == queue.queue_id]


def _consumer(cloud: Cloud, consumer: QueueConsumer) -> dict[str, Any]:
    queue = cloud.store.get(Queue, consumer.queue_id)
    told = {
        "consumer_id": consumer.consumer_id,
        "queue_name": queue.queue_name if queue is not None else None,
        "created_on": consumer.created_on,
        "type": consumer.type,
        "dead_letter_queue": consumer.dead_letter_queue,
        "script_name": consumer.script_name,
        "script": consumer.script_name,
        "settings": {name: value for name, value in consumer.settings.items() if value is not None},
    }
    return {name: value for name, value in told.items() if value is not None}


async def create_consumer(cloud: Cloud, request: Request) -> Response:
    """`POST /queues/{id}/consumers`."""
    given = await fields(request)
    async with cloud.lock:
        queue = _find_queue(cloud, request)
        consumer = QueueConsumer(queue_id=queue.queue_id, **_consumer_fields(cloud, given))
        if any(one.type == consumer.type for one in _consumers(cloud, queue)):
            raise Refusal(409, 11004, f"Queue '{queue.queue_name}' already has a consumer.")
        with cloud.store.transaction():
            cloud.store.put(consumer)
    cloud.fleet.changed()
    return ok(_consumer(cloud, consumer))


def _consumer_fields(cloud: Cloud, given: dict[str, Any]) -> dict[str, Any]:
    kind = given.get("type")
    if kind not in ("worker", "http_pull"):
        raise Refusal(400, 10026, "type must be worker or http_pull")
    settings = given.get("settings") or {}
    _check_settings(settings, _WORKER_SETTINGS if kind == "worker" else _PULL_SETTINGS)
    script = given.get("script_name") or given.get("script")
    if kind == "worker":
        if not isinstance(script, str):
            raise Refusal(400, 10026, "script_name is required")
        if cloud.store.get(Script, script) is None:
            raise no_script()
        if "queue" not in cloud.live(script).handlers:
            raise Refusal(400, 11001, f"the Worker {script} has no queue handler")
    found = {"type": kind, "script_name": script if kind == "worker" else None, "settings": settings}
    return {**found, "dead_letter_queue": given.get("dead_letter_queue") or None}


def _check_settings(settings: Any, known: dict[str, tuple[int, int]]) -> None:
    if not isinstance(settings, dict):
        raise Refusal(400, 10026, "settings must be an object")
    for name, value in settings.items():
        low, high = known.get(name, _ANY)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high
        ):
            raise Refusal(400, 10026, f"settings.{name} must be a number from {low} to {high}")


def _find_consumer(cloud: Cloud, request: Request) -> QueueConsumer:
    queue = _find_queue(cloud, request)
    consumer = cloud.store.get(QueueConsumer, request.path_params["consumer_id"])
    if consumer is None or consumer.queue_id != queue.queue_id:
        raise Refusal(404, 11002, "the consumer does not exist")
    return consumer


async def list_consumers(cloud: Cloud, request: Request) -> Response:
    """`GET /queues/{id}/consumers`."""
    return ok([_consumer(cloud, one) for one in _consumers(cloud, _find_queue(cloud, request))])


async def get_consumer(cloud: Cloud, request: Request) -> Response:
    """`GET /queues/{id}/consumers/{id}`."""
    return ok(_consumer(cloud, _find_consumer(cloud, request)))


async def put_consumer(cloud: Cloud, request: Request) -> Response:
    """`PUT /queues/{id}/consumers/{id}`."""
    given = await fields(request)
    async with cloud.lock:
        consumer = _find_consumer(cloud, request)
        changed = consumer.model_copy(update=_consumer_fields(cloud, given))
        with cloud.store.transaction():
            cloud.store.change(changed)
    cloud.fleet.changed()
    return ok(_consumer(cloud, changed))


async def delete_consumer(cloud: Cloud, request: Request) -> Response:
    """`DELETE /queues/{id}/consumers/{id}`."""
    async with cloud.lock:
        consumer = _find_consumer(cloud, request)
        with cloud.store.transaction():
            cloud.store.remove(consumer)
    cloud.fleet.changed()
    return ok(None)


async def send_messages(cloud: Cloud, request: Request) -> Response:
    """`POST /queues/{id}/messages`, one, and `/messages/batch`, many: `{body, content_type?}`."""
    queue = _find_queue(cloud, request)
    given = await fields(request)
    messages = given.get("messages") if request.url.path.endswith("/batch") else [given]
    if (
        not isinstance(messages, list)
        or not messages
        or not all(isinstance(one, dict) and "body" in one for one in messages)
    ):
        raise Refusal(400, 10026, "a message is {body, content_type?}")
    bodies = [one["body"] for one in messages]
    try:
        await cloud.fleet.call("queue", {"queue": queue.queue_name, "bodies": bodies})
    except ControlError as error:
        raise Refusal(400, 10026, str(error)) from None
    return ok({})
