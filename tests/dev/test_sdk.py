"""Cloudflare's own Python SDK against the account, by its typed methods.

The client validates strictly: an answer that its types do not describe is an error, not a guess. Where its types
are known to be wrong about Cloudflare itself, `loose` reads the answer without that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import cloudflare
import pytest
from cloudflare import Cloudflare
from cloudflare.types.kv.namespace_bulk_update_params import Body as Pair
from cloudflare.types.workers.script_update_params import Metadata
from cloudflare.types.workers.scripts.version_create_params import Metadata as VersionMetadata
from cloudflare.types.workflows.instances.status_edit_params import Variant3From

from tests.dev.account import MODULE, Dev, eventually
from tests.dev.contract import Contract

_CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
import { release } from "./release.js";

export class Order extends WorkflowEntrypoint {
  async run(event, step) {
    const price = await step.do("price", async () => event.payload.amount * 2);
    const answer = await step.waitForEvent("approval", { type: "approve", timeout: "1 hour" });
    return { price, by: answer.payload.by };
  }
}

export default {
  async fetch(request, env) {
    return Response.json({ release, colour: env.COLOUR, first: env.FIRST ?? null, kv: await env.KV.get("a/b c:d") });
  },
  async queue(batch, env) {
    for (const message of batch.messages) await env.KV.put(message.body.key, "delivered");
  },
  async scheduled() {},
};
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    """What every answer to the SDK is held to as well."""
    return Contract.read()


@pytest.fixture(scope="module")
def strict(account: Dev, contract: Contract) -> Iterator[Cloudflare]:
    """The SDK, with answers checked against its types and the API's description."""
    with _client(account, contract, strict=True) as client:
        yield client


@pytest.fixture(scope="module")
def loose(account: Dev, contract: Contract) -> Iterator[Cloudflare]:
    """The SDK as most people use it."""
    with _client(account, contract, strict=False) as client:
        yield client


def _client(account: Dev, contract: Contract, strict: bool) -> Cloudflare:
    return Cloudflare(
        api_token=account.env["CLOUDFLARE_API_TOKEN"],
        base_url=account.base,
        max_retries=0,
        http_client=contract.client(),
        _strict_response_validation=strict,
    )


@pytest.fixture(scope="module")
def id(account: Dev) -> str:
    """The account's id."""
    return account.env["CLOUDFLARE_ACCOUNT_ID"]


def _modules(release: str) -> list[tuple[str, bytes, str]]:
    told = f'export const release = "{release}";'
    return [("index.js", _CODE.encode(), MODULE), ("release.js", told.encode(), MODULE)]


def test_who_one_is(strict: Cloudflare, id: str) -> None:
    token = strict.user.tokens.verify()
    assert token is not None and token.status == "active"
    own = strict.accounts.tokens.verify(account_id=id)
    assert own is not None and own.id == token.id
    assert [one.id for one in strict.accounts.list()] == [id]
    account = strict.accounts.get(account_id=id)
    assert account is not None and account.id == id
    assert [one.account.id for one in strict.memberships.list() if one.account] == [id]
    assert [zone.name for zone in strict.zones.list(name="sdk.example")] == ["sdk.example"]


def test_kv(strict: Cloudflare, id: str) -> None:
    made = strict.kv.namespaces.create(account_id=id, title="sdk-kv-1")
    assert made is not None
    namespace, kv = made.id, strict.kv.namespaces
    renamed = kv.update(namespace, account_id=id, title="sdk-kv-2")
    assert renamed.title == "sdk-kv-2" and kv.get(namespace, account_id=id) == renamed
    assert renamed in list(kv.list(account_id=id, order="title"))

    binary = bytes(range(256))
    kv.values.update("a/b c:ü", account_id=id, namespace_id=namespace, value=binary, metadata={"x": [1]})
    assert kv.values.get("a/b c:ü", account_id=id, namespace_id=namespace).read() == binary
    assert kv.metadata.get("a/b c:ü", account_id=id, namespace_id=namespace) == {"x": [1]}
    pairs: list[Pair] = [{"key": f"k{n:02}", "value": str(n)} for n in range(25)]
    kv.bulk_update(namespace, account_id=id, body=[*pairs, {"key": "z", "value": "/w==", "base64": True}])
    assert kv.values.get("z", account_id=id, namespace_id=namespace).read() == b"\xff"
    keys = [key.name for key in kv.keys.list(namespace, account_id=id, prefix="k", limit=10)]
    assert keys == [f"k{n:02}" for n in range(25)], "three pages by their cursors"
    kv.bulk_delete(namespace, account_id=id, body=keys)
    kv.values.delete("z", account_id=id, namespace_id=namespace)
    assert [key.name for key in kv.keys.list(namespace, account_id=id)] == ["a/b c:ü"]
    kv.delete(namespace, account_id=id)
    with pytest.raises(cloudflare.NotFoundError) as refused:
        kv.get(namespace, account_id=id)
    assert [error.code for error in refused.value.errors] == [10013]


def test_d1_and_r2(strict: Cloudflare, id: str) -> None:
    database = strict.d1.database.create(account_id=id, name="sdk-db").uuid
    assert database is not None
    d1 = strict.d1.database
    d1.query(database, account_id=id, sql="CREATE TABLE seen (what TEXT)")
    [_, told] = d1.query(
        database,
        account_id=id,
        batch=[{"sql": "INSERT INTO seen VALUES (?)", "params": ["x"]}, {"sql": "SELECT * FROM seen"}],
    )
    assert told.results == [{"what": "x"}] and told.success
    [raw] = d1.raw(database, account_id=id, sql="SELECT what, 1 AS n FROM seen")
    assert raw.results is not None and (raw.results.columns, raw.results.rows) == (["what", "n"], [["x", 1]])
    assert d1.get(database, account_id=id).num_tables == 1
    assert [one.uuid for one in d1.list(account_id=id, name="sdk-db")] == [database]
    with pytest.raises(cloudflare.BadRequestError, match="syntax error"):
        d1.query(database, account_id=id, sql="SELEC")
    d1.delete(database, account_id=id)
    with pytest.raises(cloudflare.NotFoundError):
        d1.get(database, account_id=id)

    buckets = strict.r2.buckets
    assert buckets.create(account_id=id, name="sdk-bucket", location_hint="weur").location == "weur"
    listed = buckets.list(account_id=id, name_contains="sdk").buckets or []
    assert [bucket.name for bucket in listed] == ["sdk-bucket"]
    with pytest.raises(cloudflare.ConflictError):
        buckets.create(account_id=id, name="sdk-bucket")
    buckets.delete("sdk-bucket", account_id=id)
    with pytest.raises(cloudflare.NotFoundError):
        buckets.get("sdk-bucket", account_id=id)


def test_a_worker_from_upload_to_deletion(account: Dev, strict: Cloudflare, id: str) -> None:
    namespace = strict.kv.namespaces.create(account_id=id, title="sdk-worker")
    queue = strict.queues.create(account_id=id, queue_name="sdk-worker")
    assert namespace is not None and queue is not None and queue.queue_id is not None
    scripts = strict.workers.scripts
    upload: Metadata = {
        "main_module": "index.js",
        "compatibility_date": "2026-09-01",
        "bindings": [
            {"type": "kv_namespace", "name": "KV", "namespace_id": namespace.id},
            {"type": "plain_text", "name": "COLOUR", "text": "green"},
            {"type": "workflow", "name": "ORDER", "workflow_name": "sdk-worker", "class_name": "Order"},
        ],
        "observability": {"enabled": True},
        "tags": ["by-sdk"],
    }
    made = scripts.update("sdk", account_id=id, metadata=upload, files=_modules("one"), bindings_inherit="strict")
    assert made.handlers == ["fetch", "queue", "scheduled"] and made.startup_time_ms > 0
    assert [one.id for one in scripts.list(account_id=id) if one.tags == ["by-sdk"]] == ["sdk"]
    assert b"class Order" in scripts.content.get("sdk", account_id=id).read()
    assert account.worker("sdk").json() == {"release": "one", "colour": "green", "first": None, "kv": None}

    # Secrets
    scripts.secrets.update("sdk", account_id=id, name="FIRST", text="1", type="secret_text")
    changed = scripts.secrets.bulk_update(
        "sdk",
        account_id=id,
        secrets={"SECOND": {"name": "SECOND", "text": "2", "type": "secret_text"}, "ABSENT": None},
    )
    assert changed is not None and set(changed) == {"SECOND"}
    scripts.secrets.delete("SECOND", account_id=id, script_name="sdk")
    assert [one.name for one in scripts.secrets.list("sdk", account_id=id)] == ["FIRST"]
    found = scripts.secrets.get("FIRST", account_id=id, script_name="sdk")
    assert found is not None and "1" not in found.to_json().replace("secret_text", ""), "no value is ever told"
    assert account.worker("sdk").json()["first"] == "1"

    # Versions and deployments. The SDK's types of one version cannot be built; its list of deployments reads `items`.
    more: VersionMetadata = {
        "main_module": "index.js",
        "compatibility_date": "2026-09-01",
        "bindings": [{"type": "inherit", "name": name} for name in ("KV", "COLOUR", "ORDER", "FIRST")],
        "annotations": {"workers_message": "the second"},
    }
    raw = scripts.versions.with_raw_response
    version = raw.create("sdk", account_id=id, metadata=more, files=_modules("two"), bindings_inherit="strict")
    new = json.loads(version.text())["result"]
    got = json.loads(raw.get(new["id"], account_id=id, script_name="sdk").text())["result"]
    assert got["annotations"]["workers/message"] == "the second" and got["resources"] == new["resources"]
    numbers = [one.number for one in scripts.versions.list("sdk", account_id=id, per_page=2)]
    assert numbers == sorted(numbers, key=lambda number: -(number or 0)) and numbers[0] == new["number"]
    assert account.worker("sdk").json()["release"] == "one"
    deployment = scripts.deployments.create(
        "sdk",
        account_id=id,
        strategy="percentage",
        versions=[{"version_id": new["id"], "percentage": 100}],
        annotations={"workers_message": "go"},
    )
    live = scripts.deployments.get(deployment.id, account_id=id, script_name="sdk")
    assert [(part.version_id, part.percentage) for part in live.versions] == [(new["id"], 100)]
    assert live.annotations is not None and live.annotations.workers_message == "go"
    assert account.worker("sdk").json() == {"release": "two", "colour": "green", "first": "1", "kv": None}
    scripts.content.update("sdk", account_id=id, metadata={"main_module": "index.js"}, files=_modules("three"))
    assert account.worker("sdk").json()["release"] == "three"

    # Settings, schedules, subdomain
    edited = scripts.settings.edit("sdk", account_id=id, tags=["other"], observability={"enabled": False})
    assert edited == scripts.settings.get("sdk", account_id=id) and edited.tags == ["other"]
    both = scripts.script_and_version_settings.edit("sdk", account_id=id, settings={"limits": {"cpu_ms": 50}})
    assert both.limits is not None and both.limits.cpu_ms == 50
    planned = scripts.schedules.update("sdk", account_id=id, body=[{"cron": "0 9 * * MON"}])
    assert [one.cron for one in planned.schedules] == ["0 9 * * MON"]
    assert [one.cron for one in scripts.schedules.get("sdk", account_id=id).schedules] == ["0 9 * * MON"]
    assert scripts.subdomain.create("sdk", account_id=id, enabled=True).enabled
    assert scripts.subdomain.get("sdk", account_id=id).enabled
    assert not scripts.subdomain.delete("sdk", account_id=id).enabled
    assert strict.workers.subdomains.get(account_id=id).subdomain

    # A queue's consumer
    consumers = strict.queues.consumers
    consumer = consumers.create(
        queue.queue_id,
        account_id=id,
        type="worker",
        script_name="sdk",
        settings={"batch_size": 1, "max_wait_time_ms": 0},
    )
    assert consumer is not None and consumer.consumer_id is not None
    assert [one.consumer_id for one in consumers.list(queue.queue_id, account_id=id)] == [consumer.consumer_id]
    assert consumers.get(consumer.consumer_id, account_id=id, queue_id=queue.queue_id) == consumer
    strict.queues.messages.push(queue.queue_id, account_id=id, body={"key": "one"}, content_type="json")
    strict.queues.messages.bulk_push(
        queue.queue_id, account_id=id, messages=[{"body": {"key": "two"}, "content_type": "json"}]
    )
    names = strict.kv.namespaces.keys
    eventually(lambda: {key.name for key in names.list(namespace.id, account_id=id)} == {"one", "two"})
    with pytest.raises(cloudflare.BadRequestError, match="still in use"):
        scripts.delete("sdk", account_id=id)
    consumers.delete(consumer.consumer_id, account_id=id, queue_id=queue.queue_id)

    # Routes and a custom domain
    [zone] = strict.zones.list(name="sdk.example")
    routes = strict.workers.routes
    route = routes.create(zone_id=zone.id, pattern="sdk.example/x/*", script="sdk")
    routes.update(route.id, zone_id=zone.id, pattern="sdk.example/y/*", script="sdk")
    assert [one.pattern for one in routes.list(zone_id=zone.id)] == ["sdk.example/y/*"]
    assert account.http.get(account.origin + "/y/1", headers={"host": "sdk.example"}).json()["release"] == "three"
    routes.delete(route.id, zone_id=zone.id)
    domains = strict.workers.domains
    domain = domains.update(account_id=id, hostname="shop.sdk.example", service="sdk", zone_id=zone.id)
    assert account.http.get(account.origin, headers={"host": "shop.sdk.example"}).json()["release"] == "three"
    assert [one.id for one in domains.list(account_id=id, service="sdk")] == [domain.id]
    domains.delete(domain.id, account_id=id)

    scripts.delete("sdk", account_id=id, force=True)
    with pytest.raises(cloudflare.NotFoundError):
        scripts.settings.get("sdk", account_id=id)


def test_workflows(account: Dev, strict: Cloudflare, loose: Cloudflare, id: str) -> None:
    namespace = strict.kv.namespaces.create(account_id=id, title="sdk-flow")
    assert namespace is not None
    strict.workers.scripts.update(
        "sdk-flow",
        account_id=id,
        metadata={
            "main_module": "index.js",
            "compatibility_date": "2026-09-01",
            "bindings": [{"type": "kv_namespace", "name": "KV", "namespace_id": namespace.id}],
        },
        files=_modules("one"),
    )
    flow = strict.workflows.update(
        "sdk-order",
        account_id=id,
        class_name="Order",
        script_name="sdk-flow",
        limits={"steps": 100},
        schedules=[{"cron": "0 0 1 1 *"}],
        default_retention={"success_retention": "3 days"},
    )
    assert [one.id for one in strict.workflows.list(account_id=id, search="sdk")] == [flow.id]
    [version] = strict.workflows.versions.list("sdk-order", account_id=id)
    assert version.id == flow.version_id
    assert version.default_retention is not None and version.default_retention.success_retention == 3 * 86_400_000
    assert strict.workflows.versions.get(version.id, account_id=id, workflow_name="sdk-order").id == version.id

    instances = strict.workflows.instances
    one = instances.create("sdk-order", account_id=id, instance_id="one", params='{"amount": 4}')
    assert (one.id, one.workflow_id, one.version_id) == ("one", flow.id, version.id)
    with pytest.raises(cloudflare.ConflictError) as refused:
        instances.create("sdk-order", account_id=id, instance_id="one")
    assert [error.code for error in refused.value.errors] == [10002]
    batch = instances.bulk(
        "sdk-order", account_id=id, body=[{"instance_id": "one"}, {"instance_id": "two", "params": '{"amount": 5}'}]
    )
    assert [made.id for made in batch] == ["two"], "an id that is taken is skipped"
    ids = [found.id for found in instances.list("sdk-order", account_id=id, per_page=1)]
    assert ids == ["two", "one"]

    # The SDK has outputs as texts and numbers alone, but they are any JSON.
    def status(name: str) -> str:
        return loose.workflows.instances.get(name, account_id=id, workflow_name="sdk-order").status

    eventually(lambda: status("one") == status("two") == "waiting")
    step = instances.step("one", account_id=id, workflow_name="sdk-order", name="price-1", type="step")
    assert step.output == 8
    instances.status.edit("two", account_id=id, workflow_name="sdk-order", status="pause")
    eventually(lambda: status("two") == "paused")
    assert [found.id for found in instances.list("sdk-order", account_id=id, status="paused")] == ["two"]
    instances.status.edit("two", account_id=id, workflow_name="sdk-order", status="resume")
    sent = instances.events.create(
        "approve", account_id=id, workflow_name="sdk-order", instance_id="one", body={"by": "Ada"}
    )
    assert sent.instance_id == "one"
    eventually(lambda: status("one") == "complete")
    told = loose.workflows.instances.get("one", account_id=id, workflow_name="sdk-order")
    output: object = told.output
    assert output == {"price": 8, "by": "Ada"} and told.success
    where: Variant3From = {"name": "approval", "type": "waitForEvent"}
    instances.status.edit("one", account_id=id, workflow_name="sdk-order", status="restart", from_=where)
    eventually(lambda: status("one") == "waiting")
    instances.status.edit("two", account_id=id, workflow_name="sdk-order", status="terminate")
    eventually(lambda: status("two") == "terminated")
    with pytest.raises(cloudflare.BadRequestError) as late:
        instances.status.edit("two", account_id=id, workflow_name="sdk-order", status="pause")
    assert [error.code for error in late.value.errors] == [10401]
    assert strict.workflows.delete("sdk-order", account_id=id).status == "ok"


def test_errors_are_of_their_classes(account: Dev, strict: Cloudflare, contract: Contract, id: str) -> None:
    with pytest.raises(cloudflare.NotFoundError) as missing:
        strict.workflows.get("nobody", account_id=id)
    assert missing.value.errors[0].code == 10200
    with pytest.raises(cloudflare.NotFoundError) as absent:
        strict.workers.scripts.settings.get("nobody", account_id=id)
    assert absent.value.errors[0].code == 10007
    with pytest.raises(cloudflare.BadRequestError) as invalid:
        strict.workers.scripts.update("bad", account_id=id, metadata={"main_module": "index.js"}, files=[])
    assert invalid.value.errors[0].code == 10021
    stranger = strict.with_options(api_token="not-the-token")
    with pytest.raises(cloudflare.AuthenticationError) as unknown:
        stranger.user.tokens.verify()
    assert unknown.value.errors[0].code == 10000
