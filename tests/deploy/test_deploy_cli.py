"""The commands that speak to an account, as users and CI meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.deploy.shop import TRIGGER, Sent, Shop, asks, calls, graph, refusal, waits

HTTP = {"type": "http"}


def script(name: str, *codes: str, **more: Any) -> dict[str, Any]:
    """A graph without a workflow."""
    return graph(name, *codes, kind="script", trigger=HTTP, **more)


def bound(name: str) -> dict[str, Any]:
    """A graph that binds a namespace, a database, a bucket and a queue, and consumes one named after the graph."""
    return {"ir": graph(name), "triggerCode": TRIGGER.replace("function Jobs", f"function Jobs{name.replace(' ', '')}")}


def saying(place: str, status: int, code: int, message: str) -> Callable[[Sent], httpx.Response | None]:
    """The account says no at one place."""
    return lambda sent: refusal(status, code, message) if sent.place == place else None


# Exit codes and forms


def test_exit_codes_of_plan(shop: Shop) -> None:
    shop.project(flow=graph("Exits"))
    assert shop.call("plan").code == 0
    assert shop.call("plan", "--detailed-exitcode").code == 4
    assert shop.written == []
    shop.deploy()
    assert shop.call("plan", "--detailed-exitcode").code == 0
    shop.project('[settings]\nbindings = { JOBS_QUEUE = "jobs-exits" }', flow=bound("Exits"))
    said = shop.call("plan", "--detailed-exitcode")
    assert said.code == 1 and "nothing can be deployed" in said.out


def test_json_is_one_document(shop: Shop) -> None:
    shop.project(flow=graph("As Json"))
    said = shop.call("plan", "--json")
    told = json.loads(said.out)
    assert said.err == "" and told["problems"] == [] and told["changes"] == len(told["workers"][0]["changes"])
    [worker] = told["workers"]
    assert worker.keys() == {"name", "graph", "exists", "version", "changes", "warnings", "problems"}
    assert {one["kind"] for one in worker["changes"]} == {"created"}
    said = shop.call("deploy", "--yes", "--json")
    events = [json.loads(line) for line in said.out.splitlines()]
    stages = [one["stage"] for one in events]
    assert said.err == "" and stages[0] == "INITIALIZING" and stages[-1] == "COMPLETED"
    order = ["GENERATING_CODE", "CODE_READY", "DETECTING_BINDINGS", "BINDINGS_READY", "CREATING_WORKER"]
    order += ["WORKER_DEPLOYED", "UPDATING_WORKFLOW", "COMPLETED"]
    assert [one for one in stages if one in order] == order
    assert events[-1]["workers"][0]["urls"] == [f"{shop.account.origin.replace('localhost', 'as-json.localhost')}/"]
    assert events[-1]["calls"] == len(shop.sent)
    nothing = json.loads(shop.call("deploy", "--yes", "--json").out.splitlines()[-1])
    assert nothing["changed"] is False and nothing["workers"][0]["version"] == events[-1]["workers"][0]["version"]


def test_markdown_is_a_table_that_nothing_breaks_out_of(shop: Shop) -> None:
    shop.project('[settings]\nvars = { A = "a|b`c\\n| x | <script>" }', flow=graph("In Markdown"))
    said = shop.call("plan", "--markdown")
    assert said.code == 0 and said.out.startswith("### stepwell plan: ")
    rows = [line for line in said.out.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert shop.call("plan", "--markdown", "--json").code == 2


def test_a_graph_with_errors_is_not_deployed(shop: Shop) -> None:
    shop.project(good=graph("Good One"), bad=graph("Bad", "return {{nobody}};"))
    said = shop.call("deploy", "--yes")
    assert said.code == 1 and "SW301" in said.err and "not deployed, because of errors" in said.err
    assert shop.sent == []


# Before anything is sent


def test_nobody_can_be_asked(shop: Shop) -> None:
    shop.project(flow=graph("Unasked"))
    for more in ([], ["--json"]):
        said = shop.call("deploy", *more)
        assert said.code == 1 and "--yes" in said.err and shop.written == []
    shop.deploy()
    for command in ("rollback", "takedown"):
        said = shop.call(command, "unasked", *(["--to", "1"] if command == "rollback" else []))
        assert said.code == 1 and "--yes" in said.err and shop.written == []


def test_no_token(shop: Shop) -> None:
    shop.project(flow=graph("No Token"))
    for value, words in ((None, "CLOUDFLARE_API_TOKEN is not set"), ("  ", "is not set"), ("tök€n", "no token has")):
        shop.monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
        if value is not None:
            shop.monkeypatch.setenv("CLOUDFLARE_API_TOKEN", value)
        said = shop.call("plan")
        assert said.code == 1 and words in said.err and shop.sent == []
        assert value is None or not value.strip() or value not in said.err


def _as_if_far_away(shop: Shop) -> None:
    """The advice is that for Cloudflare itself."""
    shop.monkeypatch.setattr("stepwell.cli.account.is_local", lambda base: False)


def test_a_wrong_token(shop: Shop) -> None:
    _as_if_far_away(shop)
    shop.project(flow=graph("Wrong Token"))
    shop.monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "wrong-token-7f3a")
    said = shop.call("deploy", "--yes")
    assert said.code == 1 and "check CLOUDFLARE_API_TOKEN" in said.err and "wrong-token" not in said.err


@pytest.mark.parametrize(
    ("place", "permission"),
    [
        ("GET /workers/scripts/permitted/settings", "Workers Scripts Write"),
        ("GET /workflows/Permitted", "Workers Scripts Write"),
        ("GET /queues", "Queues Write"),
        ("GET /storage/kv/namespaces", "Workers KV Storage Write"),
        ("GET /d1/database", "D1 Write"),
        ("GET /r2/buckets", "Workers R2 Storage Write"),
        ("GET /zones/ZONE/workers/routes", "Workers Routes Write"),
        ("GET /zones", "Zone Read"),
    ],
)
def test_the_missing_permission_is_named(shop: Shop, place: str, permission: str) -> None:
    shop.project('[settings]\nroutes = ["permitted.example.com/*"]', flow=bound("Permitted"))
    shop.watch(saying(place, 403, 10000, "Authentication error"))
    _as_if_far_away(shop)
    said = shop.call("plan", "--provision")
    assert said.code == 1 and f"needs the permission `{permission}" in said.err, said


def test_tokens_of_an_account_are_taken(shop: Shop) -> None:
    shop.project(flow=graph("Account Token"))
    shop.watch(saying("GET /user/tokens/verify", 401, 1000, "Invalid API Token"))
    shop.deploy()
    assert "GET /tokens/verify" in [one.place for one in shop.sent]


def test_which_account(shop: Shop) -> None:
    shop.project(flow=graph("Which Account"))
    account = shop.account.env["CLOUDFLARE_ACCOUNT_ID"]
    shop.monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID")
    assert shop.call("plan").code == 0  # the only one
    for found, words in (([], "none"), ([{"id": "1", "name": "A"}, {"id": "2", "name": "B"}], "1 (A), 2 (B)")):
        told = {"success": True, "result": found}
        shop.watch(lambda sent, told=told: httpx.Response(200, json=told) if sent.path == "/accounts" else None)  # type: ignore[misc]
        said = shop.call("plan")
        assert said.code == 1 and "which account?" in said.err and words in said.err
    shop.watch()
    assert shop.call("plan", "--account-id", account).code == 0
    shop.project(f'[settings]\naccount_id = "{account}"', flow=graph("Which Account"))
    assert shop.call("plan").code == 0
    assert shop.call("plan", "--account-id", "0" * 32).code == 0  # the project's word counts


def test_environments(shop: Shop) -> None:
    shop.project('[env.staging]\nvars = { STAGE = "s" }', flow=graph("Staged", "return env.STAGE;"))
    shop.deploy("--env", "staging")
    shop.monkeypatch.setenv("CLOUDFLARE_ENV", "staging")
    assert shop.changes() == []
    assert shop.account.api("GET", "/workflows/Staged-staging")["script_name"] == "staged-staging"
    shop.monkeypatch.setenv("CLOUDFLARE_ENV", "stagign")
    for command in (["plan"], ["deploy", "--yes"], ["versions", "flow.json"]):
        said = shop.call(*command)
        assert said.code == 1 and "Did you mean 'staging'?" in said.err, command


def test_one_file_without_a_project(shop: Shop) -> None:
    shop.file("alone.json", graph("Alone"))
    said = shop.call("plan")
    assert said.code == 1 and "there is no stepwell.toml" in said.err
    shop.deploy("alone.json")
    assert shop.account.worker("alone", "/", "POST", json={}).is_success


# What forbids it


def test_a_queue_that_another_worker_consumes(shop: Shop) -> None:
    trigger = "@queue async function Shared(batch, env) { await env.WORKFLOW.create({}); }\n"
    trigger += "@fetch function handler() { return new Response('ok'); }"
    shop.project(flow={"ir": graph("First Eater"), "triggerCode": trigger})
    shop.deploy("--provision")
    shop.project(flow={"ir": graph("Second Eater"), "triggerCode": trigger})
    said = shop.call("deploy", "--yes", "--provision")
    assert said.code == 1 and shop.written == []
    assert "the messages of the queue shared go to the Worker first-eater" in said.err


def test_what_belongs_to_others(shop: Shop) -> None:
    route = 'routes = ["owned.example.com/*"]'
    shop.project(f'[settings]\nname = "owner"\nworkflow = "Owned"\n{route}', flow=graph("Owner"))
    shop.deploy()
    shop.project(f'[settings]\nname = "thief"\nworkflow = "Owned"\n{route}', flow=graph("Thief"))
    said = shop.call("deploy", "--yes")
    assert said.code == 1 and shop.written == []
    assert "the workflow Owned belongs to the Worker owner; choose another name" in said.err
    assert "the route owned.example.com/* belongs to the Worker owner; remove it there first" in said.err


def test_a_binding_without_an_id(shop: Shop) -> None:
    shop.project(flow=graph("Without Id", "return await env.CACHE_KV.get('a');"))
    [problem] = shop.plan()["problems"]
    assert "the binding CACHE_KV (kv_namespace) has no id: set CACHE_KV_BINDING_ID" in problem
    assert "`bindings.CACHE_KV` in stepwell.toml" in problem and "--provision" in problem
    shop.monkeypatch.setenv("CACHE_KV_BINDING_ID", "0" * 32)
    [problem] = shop.plan()["problems"]
    assert f"there is no KV namespace {'0' * 32} in the account" in problem
    shop.monkeypatch.setenv(
        "CACHE_KV_BINDING_ID", shop.account.api("POST", "/storage/kv/namespaces", json={"title": "own"})["id"]
    )
    shop.deploy()
    # the live binding's id counts where nobody says one
    shop.monkeypatch.delenv("CACHE_KV_BINDING_ID")
    assert shop.changes() == []


def test_provision(shop: Shop) -> None:
    shop.project(
        '[settings]\nvars = { REGION = "eu" }\nbindings = { JOBS_QUEUE = "made", BUCKET_FILES = "made-bucket" }',
        flow=bound("Provisioned"),
    )
    problems = " ".join(shop.plan()["problems"])
    assert "there is no queue made in the account; make it, or deploy with --provision" in problems
    assert "there is no R2 bucket made-bucket in the account; make it, or deploy with --provision" in problems
    said = shop.deploy("--provision")
    for made in (
        "kv_namespace provisioned-cache-kv",
        "d1 provisioned-orders-db",
        "the queue made",
        "the bucket made-bucket",
    ):
        assert f"✓ made {made}" in said.out
    assert shop.account.worker("provisioned").json()["region"] == "eu"
    # made once: the next deploy finds them, with the option and without it
    assert shop.changes() == [] and shop.changes("--provision") == []


def test_a_missing_worker_and_a_missing_workflow(shop: Shop) -> None:
    shop.project(flow=graph("Lonely", nodes=[calls("Nobody"), asks("nowhere")]))
    problems = " ".join(shop.plan()["problems"])
    assert "there is no workflow Nobody in the account" in problems
    assert "there is no Worker nowhere in the account" in problems


def test_no_subdomain(shop: Shop) -> None:
    answer = saying("GET /workers/subdomain", 404, 10007, "workers.api.error.subdomain_not_found")
    shop.project(flow=graph("No Subdomain"))
    shop.watch(answer)
    said = shop.call("deploy", "--yes")
    assert said.code == 1 and shop.written == []
    assert "a workflow needs a workers.dev subdomain, and the account has none: open Workers & Pages" in said.err
    shop.project(flow=script("Script Without Subdomain"))
    assert shop.call("deploy", "--yes").code == 0


def test_a_fault_of_the_code_is_led_back(shop: Shop) -> None:
    code = "const first = 1;\nthrow new TypeError('at the top');\nreturn first;"
    shop.project(flow=graph("Led Back", "return 1;", code))

    def answer(sent: Sent) -> httpx.Response | None:
        if sent.place != "PUT /workers/scripts/led-back":
            return None
        lines = sent.parts["worker.js"][1].decode().splitlines()
        line = next(number for number, text in enumerate(lines, 1) if "at the top" in text)
        column = lines[line - 1].index("throw") + 1
        words = f"Uncaught TypeError: at the top\n  at worker.js:{line}:{column} in run"
        return refusal(400, 10021, words)

    shop.watch(answer)
    said = shop.call("deploy", "--yes")
    assert said.code == 1 and "(code 10021)" in said.err
    assert "s2" in said.err and "line 2, column 1" in said.err, said.err


# Percentages


def test_a_part_of_the_requests(shop: Shop) -> None:
    shop.project(flow=script("Gradual"))
    said = shop.call("deploy", "--yes", "--percentage", "10")
    assert said.code == 1 and "a first version answers everything" in said.err and shop.written == []
    shop.deploy()
    shop.project(flow=script("Gradual", "return 2;"))
    shop.deploy("--percentage", "10")
    [live, *_] = shop.account.api("GET", "/workers/scripts/gradual/deployments")["deployments"]
    assert sorted(one["percentage"] for one in live["versions"]) == [10, 90]
    shares = [row["percentage"] for row in json.loads(shop.call("versions", "gradual", "--json").out)]
    assert shares == [10, 90]
    for wrong in ("0", "101", "-1", "x"):
        assert shop.call("deploy", "--yes", "--percentage", wrong).code == 2


def test_a_workflow_is_split_only_between_equal_steps(shop: Shop) -> None:
    shop.project(flow=graph("Split Flow"))
    shop.deploy()
    shop.project(flow=graph("Split Flow", "return 2;"))  # the same steps
    shop.deploy("--percentage", "50")
    shop.project(flow=graph("Split Flow", "return 2;", "return 3;"))
    said = shop.call("deploy", "--yes", "--percentage", "50")
    assert said.code == 1 and "have different steps" in said.err and shop.written == []
    assert shop.call("deploy", "--yes").code == 0


def test_limits_are_not_split(shop: Shop) -> None:
    shop.project(flow=script("Split Limits"))
    shop.deploy()
    shop.project("[settings]\nlimits = { cpu_ms = 50 }", flow=script("Split Limits", "return 2;"))
    said = shop.call("deploy", "--yes", "--percentage", "50")
    assert said.code == 1 and "limits and placement change the whole Worker" in said.err


# Afterwards


def test_the_only_artifact_needs_no_name(shop: Shop) -> None:
    shop.project(flow=script("Lonely"))
    shop.deploy()
    [row] = json.loads(shop.call("versions", "--json").out)
    assert row["number"] == 1
    shop.project(flow=script("Lonely", "return 2;"))
    shop.deploy()
    assert shop.call("drift").code == 0
    assert shop.call("rollback", "--yes").code == 0
    assert shop.call("takedown", "--yes").code == 0
    assert "there is no Worker lonely" in shop.call("versions").err
    shop.project(flow=script("Lonely"), other=script("Other"))
    for command in ("drift", "versions", "rollback", "takedown"):
        said = shop.call(command)
        assert said.code != 0 and "which Worker? The project has flow, other: name one" in said.err


def test_versions(shop: Shop) -> None:
    shop.project(flow=script("Versioned"))
    said = shop.call("versions", "versioned")
    assert said.code == 1 and "there is no Worker versioned in the account" in said.err
    shop.deploy("--message", "the first")
    shop.project(flow=script("Versioned", "return 2;"))
    shop.deploy("--message", "the second")
    rows = json.loads(shop.call("versions", "flow.json", "--json").out)
    assert [(row["number"], row["message"], row["percentage"]) for row in rows] == [
        (2, "the second", 100),
        (1, "the first", 0),
    ]
    said = shop.call("versions", "versioned")
    assert all(row["id"] in said.out and row["message"] in said.out for row in rows)


TRIGGERS = """
[settings]
vars = { REGION = "eu" }
bindings = { JOBS_QUEUE = "triggered", BUCKET_FILES = "triggered-bucket" }
routes = ["triggered.example.com/*"]
domains = ["triggered-shop.example.com"]
crons = ["0 3 * * *"]
workers_dev = true
workflow = "First-Name"
"""


def test_rollback_restores_what_a_version_does_not_carry(shop: Shop) -> None:
    shop.project(TRIGGERS, flow=bound("Triggered"))
    shop.deploy("--provision")
    first = json.loads(shop.call("versions", "triggered", "--json").out)[0]["id"]
    plain = '[settings]\ncrons = ["1 1 * * *"]\nworkers_dev = false\nworkflow = "Second-Name"\n'
    plain += 'routes = ["other.example.com/*"]'
    shop.project(plain, flow=graph("Triggered", "return 'plain';"))
    shop.deploy()
    assert triggers(shop) == {
        "crons": ["1 1 * * *"],
        "workers_dev": False,
        "domains": [],
        "routes": ["other.example.com/*"],
        "consumers": [],
        "workflows": ["Second-Name"],
    }
    said = shop.call("rollback", "triggered", "--yes")
    assert said.code == 0, said
    assert "left the workflow Second-Name with its instances" in said.out  # nothing that runs is ended on the way back
    assert triggers(shop) == {
        "crons": ["0 3 * * *"],
        "workers_dev": True,
        "domains": ["triggered-shop.example.com"],
        "routes": ["triggered.example.com/*"],
        "consumers": ["jobs-triggered"],
        "workflows": ["First-Name", "Second-Name"],
    }
    rows = json.loads(shop.call("versions", "triggered", "--json").out)
    assert [row["id"] for row in rows if row["percentage"] == 100] == [first]
    assert shop.call("drift", "triggered").code == 0
    # forward again, by name
    shop.project(plain, flow=graph("Triggered", "return 'plain';"))
    newest = max(rows, key=lambda row: int(row["number"]))["id"]
    assert shop.call("rollback", "flow.json", "--to", newest, "--yes").code == 0
    assert triggers(shop)["crons"] == ["1 1 * * *"] and triggers(shop)["consumers"] == []
    assert shop.changes() == []
    # `stepwell dev` cannot run two workflows of one class, and then runs nothing at all: the tests after this need it
    assert shop.call("takedown", "triggered", "--yes").code == 0


def triggers(shop: Shop, name: str = "triggered") -> dict[str, Any]:
    """What belongs to a Worker, as the account tells it."""
    api, path = shop.account.api, f"/workers/scripts/{name}"
    [zone] = api("GET", "~/zones", params={"name": "example.com"})
    routes = api("GET", f"~/zones/{zone['id']}/workers/routes")
    return {
        "crons": [one["cron"] for one in api("GET", f"{path}/schedules")["schedules"]],
        "workers_dev": api("GET", f"{path}/subdomain")["enabled"],
        "domains": [one["hostname"] for one in api("GET", "/workers/domains") if one["service"] == name],
        "routes": [one["pattern"] for one in routes if one.get("script") == name],
        "consumers": [
            queue["queue_name"]
            for queue in api("GET", "/queues")
            for one in queue["consumers"]
            if name in (one.get("script"), one.get("script_name"))
        ],
        "workflows": [one["name"] for one in api("GET", "/workflows") if one["script_name"] == name],
    }


def test_rollback_to_nothing(shop: Shop) -> None:
    said = shop.call("rollback", "nobody-here", "--yes")
    assert said.code == 1 and "there is no Worker nobody-here in the account" in said.err
    shop.project(flow=script("Only Once"))
    shop.deploy()
    said = shop.call("rollback", "only-once", "--yes")
    assert said.code == 1 and "no older version was ever deployed" in said.err
    said = shop.call("rollback", "only-once", "--to", "11111111-2222-3333-4444-555555555555", "--yes")
    assert said.code == 1 and shop.account.api("GET", "/workers/scripts/only-once/subdomain")["enabled"]


def test_drift(shop: Shop) -> None:
    shop.project('[settings]\ncrons = ["0 3 * * *"]\nvars = { A = "1" }', flow=graph("Drifting"))
    assert "there is no Worker drifting" in shop.call("drift", "drifting").err
    shop.deploy()
    said = shop.call("drift", "drifting")
    assert said.code == 0 and "is as it was deployed" in said.out
    path = "/workers/scripts/drifting"
    shop.account.api("PUT", f"{path}/schedules", json=[{"cron": "5 5 * * *"}])
    shop.account.api("POST", f"{path}/subdomain", json={"enabled": False})
    shop.account.api("DELETE", "/workflows/Drifting")
    said = shop.call("drift", "flow.json", "--json")
    found = {(one["kind"], one["what"], one["name"]) for one in json.loads(said.out)}
    assert said.code == 1
    assert found == {
        ("changed", "cron", "crons"),
        ("changed", "setting", "workers.dev"),
        ("removed", "workflow", "Drifting"),
    }
    # a deploy brings it back
    shop.deploy()
    assert shop.call("drift", "drifting").code == 0 and shop.changes() == []
    # somebody else's code and variables
    shop.account.deploy("drifting", "export default { fetch() { return new Response('mine') } };")
    said = shop.call("drift", "drifting")
    assert said.code == 1 and "was not deployed by stepwell" in said.err
    assert ("taken over", "worker", "drifting") in shop.changes()


def test_takedown(shop: Shop) -> None:
    shop.project(TRIGGERS.replace("triggered", "ending").replace("First-Name", "Ending"), flow=bound("Ending"))
    shop.deploy("--provision")
    said = shop.call("takedown", "flow.json")
    assert said.code == 1 and shop.written == []
    said = shop.call("takedown", "flow.json", "--yes")
    assert said.code == 0 and "ending is gone" in said.out
    assert [one.split("  ")[0] for one in said.out.splitlines() if one.startswith("  - ")]
    order = [one.split("/")[1] for one in shop.written]
    assert order == ["workflows", "workflows", "queues", "zones", "workers", "workers"]
    assert shop.account.worker("ending").status_code == 404
    assert [one["queue_name"] for one in shop.account.api("GET", "/queues") if one["queue_name"] == "ending"]
    said = shop.call("takedown", "ending", "--yes")
    assert said.code == 0 and "There is nothing of ending" in said.out and shop.written == []


# Projects of several graphs


def test_what_is_called_is_deployed_first(shop: Shop) -> None:
    middle = graph("Middle", nodes=[calls("Bottom")])
    shop.project(
        a_top=graph("Top", nodes=[calls("Middle"), asks("side")]),
        b_middle=middle,
        c_bottom=graph("Bottom"),
        d_side=script("Side"),
    )
    said = shop.deploy()
    uploads = [one.path.rpartition("/")[2] for one in shop.sent if one.method == "PUT" and "/scripts/" in one.path]
    assert uploads.index("bottom") < uploads.index("middle") < uploads.index("top")
    assert uploads.index("side") < uploads.index("top")
    assert [line for line in said.out.splitlines() if line in ("top", "middle", "bottom", "side")][-1] == "top"
    id = shop.account.worker("top", "/", "POST", json={}).json()["instanceId"]
    assert shop.account.ends("Top", id)["output"] is not None
    assert shop.changes() == []


def test_a_circle_is_refused(shop: Shop) -> None:
    shop.project(a=graph("Hen", nodes=[calls("Egg")]), b=graph("Egg", nodes=[calls("Hen")]))
    said = shop.call("deploy", "--yes")
    assert said.code == 1 and "in a circle" in said.err and shop.written == []


def test_one_that_fails_does_not_stop_its_neighbours(shop: Shop) -> None:
    shop.project(a=script("Fails"), b=script("Succeeds"), c=graph("Above", nodes=[asks("fails")]))
    shop.watch(saying("PUT /workers/scripts/fails", 400, 10027, "too large"))
    said = shop.call("deploy", "--yes", "--json")
    told = json.loads(said.out.splitlines()[-1])
    assert said.code == 1 and told["stage"] == "FAILED"
    assert list(told["failures"]) == ["fails"] and told["left"] == ["above"]
    assert "uploaded and deployed the Worker" in told["done"]["succeeds"]
    assert "64 MiB" in told["advice"]["fails"]
    shop.watch()
    assert shop.call("deploy", "--yes").code == 0
    assert shop.changes() == []


def test_living_instances_are_counted(shop: Shop) -> None:
    shop.project(flow=graph("Alive", "return 1;", nodes=[waits()]))
    shop.deploy()
    assert any("TRIGGER_TOKEN is not set" in one for one in shop.plan()["workers"][0]["warnings"])
    shop.account.api("POST", "/workflows/Alive/instances", json={"instance_id": "one"})
    other = graph("Alive", "return 1;", nodes=[waits()])
    other["nodes"][0]["name"] = "Another name"
    shop.project(flow=other)
    [told] = shop.plan()["workers"]
    assert any("1 instances are alive" in one or "1 instance is alive" in one for one in told["warnings"])
    assert any("`Step 1`" in one for one in told["warnings"])
    assert ("renamed", "node", "s1") in [(one["kind"], one["what"], one["name"]) for one in told["changes"]]


def test_an_environment_never_means_the_other_worker(shop: Shop) -> None:
    """`takedown orders --env staging` must not take production down."""
    shop.project("[env.staging]\n", orders=graph("Orders Env"))
    shop.deploy()
    shop.call("deploy", "--yes", "--env", "staging")
    said = shop.call("takedown", "orders-env", "--env", "staging", "--yes")
    assert said.code == 1 and "--env staging says nothing about it" in said.err
    assert shop.account.api("GET", "/workers/scripts/orders-env/settings")
    said = shop.call("takedown", "orders", "--env", "staging", "--yes")
    assert said.code == 0 and "orders-env-staging is gone" in said.out
    assert shop.account.api("GET", "/workers/scripts/orders-env/settings")


def test_names_that_no_worker_can_have(shop: Shop) -> None:
    shop.project('[settings]\nname = "Charge It"\n', flow=graph("Named"))
    said = shop.call("plan")
    assert said.code == 1 and "a Worker cannot be called 'Charge It'" in said.err


def test_a_rollback_never_goes_forward(shop: Shop) -> None:
    for word in ("one", "two", "three"):
        shop.project(flow=graph("Backwards", f"return '{word}';"))
        shop.deploy()
    numbers = {one["number"]: one["id"] for one in json.loads(shop.call("versions", "backwards", "--json").out)}
    for expected in (2, 1):
        assert shop.call("rollback", "backwards", "--yes").code == 0
        rows = json.loads(shop.call("versions", "backwards", "--json").out)
        assert [one["id"] for one in rows if one["percentage"]] == [numbers[expected]]
    said = shop.call("rollback", "backwards", "--yes")
    assert said.code == 1 and "no older version was ever deployed" in said.err
    assert shop.call("rollback", "backwards", "--to", "3", "--yes").code == 0
    assert shop.call("rollback", "backwards", "--to", "77", "--yes").code == 1
