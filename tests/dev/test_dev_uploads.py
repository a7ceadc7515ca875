"""What an upload may be: the checks of Cloudflare's side, with its codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dev.account import MODULE, Dev

FETCH = "export default { fetch() { return new Response('ok') } };"
FLOW = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint { async run() {} }
"""


def refusal(account: Dev, js: str = FETCH, name: str = "bad", **metadata: Any) -> tuple[int, str]:
    answer = account.upload(name, js, **metadata)
    told = answer.json()
    assert not told["success"], told
    return told["errors"][0]["code"], told["errors"][0]["message"]


@pytest.mark.parametrize(
    ("js", "metadata", "code", "words"),
    [
        ("const x = ;", {}, 10021, "Uncaught SyntaxError: Unexpected token ';'\n  at index.js:1:10"),
        ("throw new TypeError('top');" + FETCH, {}, 10021, "Uncaught TypeError: top"),
        ("import './nope.js';" + FETCH, {}, 10021, 'No such module "nope.js"'),
        ("export const a = 1;", {}, 10068, "No event handlers"),
        (FLOW + "export default Flow;", {}, 10068, "No event handlers"),
        (FETCH, {"main_module": "other.js"}, 10021, 'No such module "other.js"'),
        (FETCH, {"main_module": None}, 10021, "main_module is missing"),
        (FETCH, {"compatibility_date": "2030-01-01"}, 10021, "2030-01-01"),
        (FETCH, {"compatibility_date": "soon"}, 10021, "Invalid compatibility date"),
        (FETCH, {"compatibility_flags": ["no_such_flag"]}, 10021, "no_such_flag"),
        (FETCH, {"bindings": [{"type": "quantum", "name": "Q"}]}, 10021, 'unknown binding type "quantum"'),
        (FETCH, {"bindings": [{"type": "plain_text", "name": "A"}]}, 10021, "must have text"),
        (FETCH, {"bindings": [{"type": "plain_text", "name": "A b", "text": ""}]}, 10021, "not an identifier"),
        (FETCH, {"bindings": [{"type": "plain_text", "name": "A", "text": "1"}] * 2}, 10021, "more than once"),
        (FETCH, {"bindings": [{"type": "plain_text", "name": "A", "text": "x" * 6000}]}, 10021, "6000 bytes"),
        (FETCH, {"bindings": [{"type": "kv_namespace", "name": "KV", "namespace_id": "0" * 32}]}, 10021, "not found"),
        (FETCH, {"bindings": [{"type": "d1", "name": "DB", "database_id": "x"}]}, 10021, "not found"),
        (FETCH, {"bindings": [{"type": "r2_bucket", "name": "B", "bucket_name": "nope"}]}, 10021, "not found"),
        (FETCH, {"bindings": [{"type": "queue", "name": "Q", "queue_name": "nope"}]}, 10021, "not found"),
        (FETCH, {"bindings": [{"type": "service", "name": "S", "service": "nobody"}]}, 10021, "not found"),
        (
            FETCH,
            {"bindings": [{"type": "workflow", "name": "W", "workflow_name": "w", "class_name": "Nope"}]},
            10021,
            "the class Nope is not exported",
        ),
        (FETCH, {"annotations": {"workers/tag": "x" * 101}}, 10021, "longer than 100 bytes"),
    ],
)  # fmt: skip
def test_refused(account: Dev, js: str, metadata: dict[str, Any], code: int, words: str) -> None:
    told = refusal(account, js, **metadata)
    assert told[0] == code and words in told[1], told
    assert account.refused("GET", "/workers/scripts/bad/settings") == (404, 10007)  # nothing of it was kept


def test_forms_that_cannot_be_read(account: Dev) -> None:
    path = "/workers/scripts/bad"
    assert account.refused("PUT", path, json={"main_module": "x"}) == (400, 10021)
    no_json = [("metadata", (None, "{", "application/json")), ("index.js", ("index.js", FETCH, MODULE))]
    assert account.refused("PUT", path, files=no_json) == (400, 10021)
    only_code = [("index.js", ("index.js", FETCH, MODULE))]
    answer = account.call("PUT", path, files=only_code).json()
    assert answer["errors"] == [{"code": 10021, "message": "could not read content for part metadata"}]
    told = {"main_module": "index.js"}
    odd = [("metadata", (None, json.dumps(told))), ("index.js", ("index.js", FETCH, "text/css"))]
    assert account.refused("PUT", path, files=odd) == (400, 10021)
    assert account.refused("PUT", "/workers/scripts/Bad_Name!", files=only_code) == (400, 10021)
    large = [("metadata", (None, json.dumps(told))), ("index.js", ("index.js", b"/" * (65 * 1024 * 1024), MODULE))]
    assert account.refused("PUT", path, files=large) == (413, 10027)


def test_versions_keep_inherit_and_roll_back(account: Dev) -> None:
    show = "export default { fetch(r, env) { return Response.json([env.A ?? null, env.S ?? null, env.B ?? null]) } };"
    secret = {"type": "secret_text", "name": "S", "text": "hidden"}
    account.deploy("app", show, bindings=[{"type": "plain_text", "name": "A", "text": "1"}, secret])
    first = account.api("GET", "/workers/scripts/app/deployments")["deployments"][0]["versions"][0]["version_id"]
    assert account.worker("app").json() == ["1", "hidden", None]
    account.deploy("app", show, bindings=[{"type": "inherit", "name": "A"}], keep_bindings=["secret_text"])
    assert account.worker("app").json() == ["1", "hidden", None]
    account.deploy("app", show, bindings=[{"type": "inherit", "name": "B", "old_name": "A"}])
    assert account.worker("app").json() == [None, None, "1"]
    strict = account.upload(
        "app", show, path="/workers/scripts/app?bindings_inherit=strict", bindings=[{"type": "inherit", "name": "X"}]
    )
    assert strict.json()["errors"][0]["code"] == 10057
    account.deploy("app", show, bindings=[{"type": "inherit", "name": "X"}])  # without it: dropped, as there
    rollback = {"strategy": "percentage", "versions": [{"version_id": first, "percentage": 100}]}
    account.api("POST", "/workers/scripts/app/deployments", json=rollback)
    assert account.worker("app").json() == ["1", "hidden", None]
    assert "hidden" not in account.call("GET", "/workers/scripts/app/settings").text
    assert "hidden" not in account.call("GET", f"/workers/scripts/app/versions/{first}").text
    gone = {"strategy": "percentage", "versions": [{"version_id": "nope", "percentage": 100}]}
    assert account.refused("POST", "/workers/scripts/app/deployments", json=gone) == (404, 100146)
    half = {"strategy": "percentage", "versions": [{"version_id": first, "percentage": 50}]}
    assert account.refused("POST", "/workers/scripts/app/deployments", json=half) == (400, 10021)


def test_requests_split_between_two_versions(account: Dev) -> None:
    ids = []
    for word in ("one", "two"):
        account.deploy("split", f"export default {{ fetch() {{ return new Response('{word}') }} }}")
        ids.append(account.api("GET", "/workers/scripts/split/versions")["items"][0]["id"])
    parts = [{"version_id": ids[0], "percentage": 40}, {"version_id": ids[1], "percentage": 60}]
    account.api("POST", "/workers/scripts/split/deployments", json={"strategy": "percentage", "versions": parts})
    seen = {account.worker("split").text for _ in range(60)}
    assert seen == {"one", "two"}


def test_secrets(account: Dev) -> None:
    account.deploy(
        "keeper",
        "export default { fetch(r, env) { return Response.json([env.S ?? null, env.P ?? null]) } };",
        bindings=[{"type": "plain_text", "name": "P", "text": "p"}],
    )
    secrets = "/workers/scripts/keeper/secrets"
    put = account.api("PUT", secrets, json={"name": "S", "text": "s3", "type": "secret_text"})
    assert put == {"name": "S", "type": "secret_text"}
    assert account.worker("keeper").json() == ["s3", "p"]
    assert account.api("GET", secrets) == [put] and account.api("GET", f"{secrets}/S") == put
    assert account.refused("PUT", secrets, json={"name": "P", "text": "x", "type": "secret_text"}) == (400, 10053)
    assert account.refused("DELETE", f"{secrets}/NOPE") == (404, 10056)
    account.api("PATCH", f"{secrets}-bulk", json={"secrets": {"S": None}})
    assert account.worker("keeper").json() == [None, "p"]
    assert account.refused(
        "PUT", "/workers/scripts/nobody/secrets", json={"name": "S", "text": "s", "type": "secret_text"}
    ) == (404, 10007)


def test_workflows_are_checked(account: Dev) -> None:
    account.deploy("flows", FLOW + FETCH)
    account.workflow("flow-a", "flows", "Flow")
    assert account.refused("PUT", "/workflows/bad%20name", json={"script_name": "flows", "class_name": "Flow"}) == (
        400,
        10002,
    )
    assert account.refused("PUT", "/workflows/x", json={"script_name": "nobody", "class_name": "Flow"}) == (404, 10007)
    assert account.refused("PUT", "/workflows/x", json={"script_name": "flows", "class_name": "Nope"}) == (400, 10021)
    assert account.refused("PUT", "/workflows/x", json={"script_name": "flows"}) == (400, 10002)
    assert account.refused("GET", "/workflows/x") == (404, 10200)
    instances = "/workflows/flow-a/instances"
    assert account.refused("GET", f"{instances}/nope") == (404, 10400)
    assert account.refused("POST", instances, json={"instance_id": "-bad"}) == (400, 10002)
    assert account.refused("POST", instances, json={"params": "x" * 1_100_000}) == (400, 10002)
    account.api("POST", instances, json={"instance_id": "one"})
    assert account.refused("POST", instances, json={"instance_id": "one"}) == (409, 10002)
    account.ends("flow-a", "one")
    assert account.refused("PATCH", f"{instances}/one/status", json={"status": "pause"}) == (400, 10401)
    assert account.refused("PATCH", f"{instances}/one/status", json={"status": "dance"}) == (400, 10002)
    assert account.refused("POST", f"{instances}/one/events/bad%20type", json={}) == (400, 10002)
    made = account.api("POST", f"{instances}/batch", json=[{"instance_id": "one"}, {"instance_id": "two"}, {}])
    assert made[0]["id"] == "two" and len(made) == 2
    assert account.refused("POST", f"{instances}/batch", json=[{}] * 101) == (400, 10002)


def test_a_workflow_moves_to_another_worker_with_its_instances(account: Dev) -> None:
    waits = FLOW.replace(
        "async run() {}", "async run(e, s) { await s.waitForEvent('w', { type: 'go' }); return this.env.WHO; }"
    )
    for name in ("home", "away"):
        account.deploy(name, waits + FETCH, bindings=[{"type": "plain_text", "name": "WHO", "text": name}])
    account.workflow("mover", "home", "Flow")
    account.api("POST", "/workflows/mover/instances", json={"instance_id": "m"})
    account.workflow("mover", "away", "Flow")
    account.api("POST", "/workflows/mover/instances/m/events/go", json={})
    assert account.ends("mover", "m")["output"] == "away"
    account.api("DELETE", "/workflows/mover")
    account.workflow("mover", "home", "Flow")
    assert account.api("GET", "/workflows/mover/instances") == []


def test_two_workflows_of_one_class(account: Dev) -> None:
    named = FLOW.replace("async run() {}", "async run(event) { return event.workflowName; }")
    account.deploy("shared", named + FETCH)
    for name in ("shared-one", "shared-two", "shared-three"):
        account.workflow(name, "shared", "Flow")
    for name in ("shared-one", "shared-two", "shared-three"):
        account.api("POST", f"/workflows/{name}/instances", json={"instance_id": "i"})
        assert account.ends(name, "i")["output"] == name


def test_deleting_a_worker(account: Dev) -> None:
    account.deploy("target", FETCH)
    account.deploy("user", FETCH, bindings=[{"type": "service", "name": "T", "service": "target"}])
    assert account.refused("DELETE", "/workers/scripts/target")[0] == 400
    account.api("DELETE", "/workers/scripts/target?force=true")
    assert account.worker("target").status_code == 404
    assert account.worker("user").text == "ok"
