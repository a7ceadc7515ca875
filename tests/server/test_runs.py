"""Deploys and runs over HTTP, against the local account."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from stepwell.server.running import PARAMS_BYTES
from tests.deploy.graphs import graph
from tests.dev.account import Dev, eventually
from tests.runs.graphs import FAILS, SCRIPT
from tests.server.door import Caller, Served, connect, events, workflow


class Shop:
    """Somebody with a workflow that waits (or fails), deployed."""

    def __init__(self, who: Caller, account: Dev, name: str) -> None:
        self.who, self.name = who, name
        self.connection = connect(who, account)
        self.id = workflow(who, graph(name, FAILS))
        self.path = f"/workflows/{self.id}"
        self.deployed = who.post(f"{self.path}/deploy", {"connectionId": self.connection})

    def trigger(self, params: Any = None, **more: Any) -> Any:
        """Starts a run."""
        return self.who.post(f"{self.path}/trigger", {"connectionId": self.connection, "params": params, **more})

    def send(self, instance: str, payload: Any = None, event_type: str = "go", **more: Any) -> httpx.Response:
        """Sends an event."""
        params = {"instanceId": instance, "eventType": event_type, "payload": payload}
        ask = {"connectionId": self.connection, "params": params}
        return self.who.call("POST", f"{self.path}/trigger", ask, **more)

    def run(self, id: str) -> Any:
        """A run as it is now."""
        return self.who.get(f"{self.path}/runs/{id}")

    def ends(self, id: str, status: str) -> Any:
        """A run once it has a status."""
        eventually(lambda: self.run(id)["status"] == status)
        return self.run(id)

    def count(self) -> int:
        """How many runs are told of."""
        return len(self.who.get(f"{self.path}/runs?limit=100")["data"])


@pytest.fixture(scope="module")
def shop(server: Served, account: Dev) -> Shop:
    return Shop(server.caller(), account, "Orders")


# Runs


def test_a_run_from_its_start_to_its_end(shop: Shop) -> None:
    run = shop.trigger({"id": 7})
    assert run["status"] == "queued" and run["workflowId"] == shop.id and run["connectionId"] == shop.connection
    assert run["versionId"] == shop.deployed["versionId"] and run["deploymentId"] == shop.deployed["deploymentId"]
    waiting = shop.ends(run["id"], "paused")
    assert waiting["providerStatus"] == "waiting" and waiting["output"] is waiting["error"] is None
    assert shop.run(run["instanceId"]) == waiting
    sent = shop.send(run["instanceId"], {"ok": True})
    assert sent.status_code == 200 and sent.json()["id"] == run["id"] and sent.json()["eventType"] == "go"
    assert shop.ends(run["id"], "complete")["output"] == {"id": 7}
    assert shop.who.get("/runs?status=complete")["data"][0]["id"] == run["id"]
    assert shop.who.get("/runs?status=terminated")["data"] == []


def test_a_run_that_fails_says_why(shop: Shop) -> None:
    run = shop.trigger({"fail": True})
    shop.who.post(f"{shop.path}/runs/{run['id']}/terminate")
    failing = workflow(shop.who, graph("Fails", "throw new NonRetryableError('no luck');", waits=False))
    path = f"/workflows/{failing}"
    shop.who.post(f"{path}/deploy", {"connectionId": shop.connection})
    run = shop.who.post(f"{path}/trigger", {"connectionId": shop.connection})
    eventually(lambda: shop.who.get(f"{path}/runs/{run['id']}")["status"] == "errored")
    told = shop.who.get(f"{path}/runs/{run['id']}?steps=true")
    assert isinstance(told["error"], str) and "NonRetryableError" in told["error"]
    [step] = told["steps"]
    assert (step["name"], step["nodeId"], step["status"]) == ("Start", "start", "errored")
    assert "no luck" in step["error"] and step["attempts"] == 1


def test_a_run_is_steered(shop: Shop) -> None:
    run = shop.trigger()
    path = f"{shop.path}/runs/{run['id']}"
    shop.ends(run["id"], "paused")
    assert shop.who.post(f"{path}/pause")["providerStatus"] == "paused"
    assert shop.who.refused("POST", f"{path}/pause")[0] == 409
    assert shop.who.post(f"{path}/resume")["ok"] is True
    assert shop.who.post(f"{path}/terminate")["status"] == "terminated"
    for action in ("pause", "resume", "terminate"):
        assert shop.who.refused("POST", f"{path}/{action}")[0] == 409
    again = shop.who.post(f"{path}/restart")
    assert again["ok"] is True and again["status"] != "terminated"
    shop.ends(run["id"], "paused")
    status, words = shop.who.refused("POST", f"{path}/restart", {"fromNode": "nothing"})
    assert status == 422 and "start" in words
    assert shop.who.post(f"{path}/restart", {"fromNode": "wait"})["ok"] is True
    shop.ends(run["id"], "paused")
    shop.send(run["instanceId"])
    shop.ends(run["id"], "complete")


def test_runs_that_are_not_there(shop: Shop) -> None:
    for id in ("run_nothing", "9d3f1a2b-4c5e-6d7f-8a9b-0c1d2e3f4a5b"):
        assert shop.who.refused("GET", f"{shop.path}/runs/{id}") == (404, "Run not found")
        for action in ("pause", "resume", "terminate", "restart"):
            assert shop.who.refused("POST", f"{shop.path}/runs/{id}/{action}") == (404, "Run not found")


def test_a_run_that_others_started_is_found(shop: Shop, account: Dev) -> None:
    """A schedule, the Worker's own URL, Cloudflare's dashboard."""
    started = account.worker(shop.deployed["serviceName"], "/", "POST", json={"id": 9}).json()["instanceId"]
    told = shop.run(started)
    assert told["instanceId"] == started and told["versionId"] == shop.deployed["versionId"]
    assert shop.run(told["id"])["instanceId"] == started
    shop.ends(told["id"], "paused")
    with ThreadPoolExecutor(6) as pool:
        other = account.worker(shop.deployed["serviceName"], "/", "POST", json={}).json()["instanceId"]
        assert len({one["id"] for one in pool.map(lambda _: shop.run(other), range(6))}) == 1


def test_params(shop: Shop) -> None:
    """100 KB of JSON, counted as it is sent; `event.payload` is what was sent."""
    most = {"a": "x" * (PARAMS_BYTES - len('{"a":""}'))}
    assert shop.trigger(most)["status"] == "queued"
    status, words = shop.who.refused(
        "POST", f"{shop.path}/trigger", {"connectionId": shop.connection, "params": {"a": most["a"] + "x"}}
    )
    assert status == 413 and "102,400" in words
    two_bytes = {"a": "é" * (PARAMS_BYTES // 2 + 1)}
    assert (
        shop.who.refused("POST", f"{shop.path}/trigger", {"connectionId": shop.connection, "params": two_bytes})[0]
        == 413
    )
    for odd in ("a\0b", "🚀 Ωμέγα", [1, None, {"a": [True]}], 0, "", False, {"": ""}, "\u2028"):
        run = shop.trigger({"id": odd})
        shop.ends(run["id"], "paused")
        shop.send(run["instanceId"])
        assert shop.ends(run["id"], "complete")["output"] == ({"id": odd})


def test_output_of_every_shape_can_be_told(shop: Shop) -> None:
    """What a workflow gives may hold what UTF-8 or a reader of JSON cannot take."""
    code = """
      let deep = 1; for (let i = 0; i < 150; i++) deep = [deep];
      return [{ half: "a\\ud800", zero: "\\0" }, { deep }, "x".repeat(200000)][event.payload.n];
    """
    id = workflow(shop.who, graph("Shapes", code, waits=False))
    path = f"/workflows/{id}"
    shop.who.post(f"{path}/deploy", {"connectionId": shop.connection})

    def output(n: int) -> Any:
        run = shop.who.post(f"{path}/trigger", {"connectionId": shop.connection, "params": {"n": n}})
        eventually(lambda: shop.who.get(f"{path}/runs/{run['id']}")["status"] == "complete")
        told = shop.who.get(f"{path}/runs/{run['id']}?steps=true")
        assert told["steps"]
        return told["output"]

    assert output(0)["zero"] == "\0" and output(0)["half"][0] == "a"
    assert output(2) == "x" * 200_000
    nested = output(1)
    assert isinstance(nested, str) and json.loads(nested)["deep"][0][0]
    listed = {one["outputLeftOut"]: one["output"] for one in shop.who.get(f"{path}/runs")["data"]}
    assert len(shop.who.get("/runs?status=complete&limit=4")["data"]) == 4
    assert listed.keys() == {True, False} and listed[True] is None and listed[False] is not None


# Events


def test_an_event_never_starts_a_run(shop: Shop) -> None:
    before = shop.count()
    answer = shop.send("9d3f1a2b-4c5e-6d7f-8a9b-0c1d2e3f4a5b")
    assert (answer.status_code, answer.json()) == (404, {"error": "Instance not found"})
    assert shop.send("no id at all!").status_code == 404
    assert shop.count() == before


def test_an_event_for_a_run_that_has_ended(shop: Shop) -> None:
    run = shop.trigger()
    shop.who.post(f"{shop.path}/runs/{run['id']}/terminate")
    answer = shop.send(run["instanceId"])
    assert answer.status_code == 409 and "terminated" in answer.json()["error"]


def test_an_event_for_a_run_by_its_own_id(shop: Shop) -> None:
    run = shop.trigger({"id": 3})
    shop.ends(run["id"], "paused")
    assert shop.send(run["id"]).json()["instanceId"] == run["instanceId"]
    shop.ends(run["id"], "complete")


@pytest.mark.parametrize("event_type", ["", "a b", "a/b", "ä", "x" * 101])
def test_events_that_are_none(shop: Shop, event_type: str) -> None:
    run = shop.trigger()
    assert shop.send(run["instanceId"], event_type=event_type).status_code == 422


def test_what_does_not_wait_takes_no_event_for_params(shop: Shop) -> None:
    """The same params mean an event whatever is deployed, as they do at the Worker's own URL."""
    id = workflow(shop.who, graph("Waitless", waits=False))
    shop.who.post(f"/workflows/{id}/deploy", {"connectionId": shop.connection})
    params = {"instanceId": "nobody", "eventType": "go", "payload": 1}
    ask = {"connectionId": shop.connection, "params": params}
    assert shop.who.refused("POST", f"/workflows/{id}/trigger", ask) == (404, "Instance not found")
    for plain in ({"eventType": "go"}, {"instanceId": "nobody"}, {"instanceId": 1, "eventType": "go"}):
        assert shop.who.post(f"/workflows/{id}/trigger", {"connectionId": shop.connection, "params": plain})


# Deploys


def test_a_workflow_that_is_not_deployed(shop: Shop) -> None:
    id = workflow(shop.who, graph("Idle"))
    ask = {"connectionId": shop.connection}
    assert shop.who.refused("POST", f"/workflows/{id}/trigger", ask)[0] == 409
    assert shop.who.refused("POST", f"/workflows/{id}/takedown", ask) == (
        404,
        "The workflow is not deployed with this connection",
    )
    empty = shop.who.post("/workflows", {"name": "Empty"})["id"]
    status, words = shop.who.refused("POST", f"/workflows/{empty}/deploy", ask)
    assert status == 400 and words.startswith("No version to use")


def test_renaming_loses_no_runs(shop: Shop, account: Dev) -> None:
    """Nor does a graph of another name: the Worker and its workflow keep the names of the first deploy."""
    own = Shop(shop.who, account, "Before")
    run = own.trigger({"id": 1})
    own.who.patch(own.path, {"name": "After"})
    own.who.post(f"{own.path}/versions", {"ir": graph("After", FAILS)})
    again = own.who.post(f"{own.path}/deploy", {"connectionId": own.connection})
    assert again["serviceName"] == own.deployed["serviceName"] and again["workflowName"] == own.deployed["workflowName"]
    own.ends(run["id"], "paused")
    assert own.send(run["instanceId"]).status_code == 200
    ended = own.ends(run["id"], "complete")
    assert ended["versionId"] == own.deployed["versionId"] != again["versionId"]
    assert own.trigger()["versionId"] == again["versionId"]


def test_a_deploy_is_told_in_stages(shop: Shop) -> None:
    id = workflow(shop.who, graph("Streamed"))
    path = f"/workflows/{id}"
    answer = shop.who.call("POST", f"{path}/deploy-stream", {"connectionId": shop.connection})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    *stages, (last, result) = events(answer.text)
    assert {name for name, _ in stages} == {"progress"} and last == "result"
    told = [data["progress"] for _, data in stages]
    assert told == sorted(told) and told[0] == 5 and told[-1] == 100
    assert [data["stage"] for _, data in stages][:3] == ["INITIALIZING", "GENERATING_CODE", "CODE_READY"]
    assert result["success"] is True and result["serviceName"] == "streamed" and result["url"]
    [row] = shop.who.get(f"{path}/deployments")["data"]
    assert row["id"] == result["deploymentId"] and row["status"] == "success" and row["finishedAt"]
    assert shop.who.get(f"{path}/full")["activeDeployment"]["id"] == row["id"]
    again = shop.who.post(f"{path}/deploy", {"connectionId": shop.connection})
    assert again["success"] and again["changed"] is False


def test_a_deploy_goes_on_when_its_client_leaves(shop: Shop) -> None:
    id = workflow(shop.who, graph("Left"))
    path = f"/api/workflows/{id}/deploy-stream"
    headers = {"authorization": f"Bearer {shop.who.key}"}
    with shop.who.http.stream("POST", path, json={"connectionId": shop.connection}, headers=headers) as answer:
        assert next(answer.iter_lines()).startswith("event: progress")
    eventually(lambda: shop.who.get(f"/workflows/{id}/deployments")["data"][0]["status"] == "success")


def test_a_stream_tells_what_went_wrong(shop: Shop) -> None:
    id = workflow(shop.who, graph("Bound", "return env.KV_CACHE.get('a');"))
    ask = {"connectionId": shop.connection}
    *stages, (last, result) = events(shop.who.call("POST", f"/workflows/{id}/deploy-stream", ask).text)
    assert last == "result" and result["success"] is False and "KV_CACHE" in result["error"]
    assert stages[-1][1]["stage"] == "FAILED"
    [row] = shop.who.get(f"/workflows/{id}/deployments")["data"]
    assert row["status"] == "failed" and "KV_CACHE" in row["error"]
    answer = shop.who.call("POST", f"/workflows/{id}/deploy", ask)
    assert answer.status_code == 422 and answer.json()["success"] is False and "KV_CACHE" in answer.json()["error"]
    assert shop.who.post(f"/workflows/{id}/deploy", {**ask, "provision": True})["success"]


def test_what_lacks_is_asked_for_in_the_words_of_the_api(shop: Shop) -> None:
    """Who deploys over HTTP has neither options nor a project file."""
    id = workflow(shop.who, graph("Words", "return [env.RATE, await env.KV_WORDS.get('a')];"))
    ask = {"connectionId": shop.connection}
    answer = shop.who.call("POST", f"/workflows/{id}/deploy", ask).json()
    assert answer["error"].endswith(
        "say it under config.bindings, make a variable KV_WORDS_BINDING_ID, or send provision: true"
    )
    [warning] = shop.who.post(f"/workflows/{id}/deploy", {**ask, "provision": True})["warnings"][:1]
    assert (
        warning
        == "words: the code reads env.RATE, which has no value: give it one (POST /api/env-vars), then deploy again"
    )


def test_a_function_says_where_it_is_called(shop: Shop) -> None:
    script = {**SCRIPT, "metadata": {"name": "Called", "version": 1}}
    id = workflow(shop.who, script)
    ask = {"connectionId": shop.connection}
    words = "This is a function: it has no runs. Call its Worker"
    assert shop.who.refused("POST", f"/workflows/{id}/trigger", ask) == (400, words)
    url = shop.who.post(f"/workflows/{id}/deploy", ask)["url"]
    assert shop.who.refused("POST", f"/workflows/{id}/trigger", ask) == (400, f"{words} at {url}")


@pytest.mark.parametrize(
    "config",
    [
        {"routes": [{"pattern": "", "zoneName": "a"}]},
        {"customDomains": "a"},
        {"compatibilityDate": "2026-13-99x"},
        {"limits": {"cpuMs": 0}},
        {"observability": {"enabled": True, "headSamplingRate": 2}},
        {"queueConsumers": [{"queue": "q", "maxRetries": 101}]},
        {"bindings": {"KV": 1}},
        {"more": 1},
    ],
)
def test_configs_that_are_wrong(shop: Shop, config: Any) -> None:
    ask = {"connectionId": shop.connection, "config": config}
    answer = shop.who.call("POST", f"{shop.path}/deploy", ask)
    assert answer.status_code == 422 and answer.json()["details"][0]["path"].startswith("config.")


@pytest.mark.parametrize(
    "config",
    [
        {"cronTriggers": ["every day"]},
        {"cronTriggers": [""]},
        {"customDomains": ["\0"]},
        {"customDomains": ["no such host"]},
        {"compatibilityDate": "2026-13-99"},
        {"compatibilityFlags": ["no_such_flag", "\0"]},
        {"routes": [{"pattern": "ä b", "zoneName": "nowhere.example"}]},
        {"limits": {"cpuMs": 10**300}},
        {"bindings": {"": ""}},
        {"bindings": {"NOTHING": "x" * 5_000}},
        {"placement": {"mode": "smart"}, "observability": False},
        {"queueConsumers": [{"queue": "a b"}]},
    ],
)
def test_no_config_breaks_the_server(shop: Shop, config: Any) -> None:
    """What only a deploy finds is refused, or Cloudflare's own answer is told; nothing of it holds for the next one."""
    ask = {"connectionId": shop.connection, "config": config}
    answer = shop.who.call("POST", f"{shop.path}/deploy", ask)
    assert answer.status_code in (200, 409, 422, 502), answer.text
    assert "pydantic" not in answer.text
    assert shop.who.post(f"{shop.path}/deploy", {"connectionId": shop.connection, "config": {}})["success"]


def test_a_config_holds_until_another_comes(shop: Shop, account: Dev) -> None:
    id = workflow(shop.who, graph("Daily"))
    ask = {"connectionId": shop.connection}
    first = shop.who.post(f"/workflows/{id}/deploy", {**ask, "config": {"cronTriggers": ["0 5 * * *"]}})
    shop.who.post(f"/workflows/{id}/versions", {"ir": graph("Daily", "return 2;")})
    shop.who.post(f"/workflows/{id}/deploy", ask)
    path = f"/workers/scripts/{first['serviceName']}/schedules"
    assert [one["cron"] for one in account.api("GET", path)["schedules"]] == ["0 5 * * *"]
    shop.who.post(f"/workflows/{id}/deploy", {**ask, "config": {}})
    assert account.api("GET", path)["schedules"] == []


def test_variables_and_secrets_reach_the_worker(shop: Shop, account: Dev) -> None:
    code = "return [env.REGION, env.API_KEY, env.SHARED].join();"
    script = json.loads(json.dumps(SCRIPT))
    script["metadata"]["name"] = "Variables"
    script["nodes"][0]["data"]["code"] = code
    id = workflow(shop.who, script)
    for name, value in {"SHARED": "all", "UNUSED": "x", "GLOBAL": "s3cret"}.items():
        shop.who.post("/env-vars", {"name": name, "value": value, "isSecret": name == "GLOBAL"})
    own = [{"name": "REGION", "value": "eu"}, {"name": "API_KEY", "value": "{{global.env.GLOBAL}}"}]
    shop.who.patch(f"/workflows/{id}", {"envVars": own})
    deployed = shop.who.post(f"/workflows/{id}/deploy", {"connectionId": shop.connection})
    told = account.worker(deployed["serviceName"], "/", "POST", json={}).json()
    assert told == {"twice": "eu,s3cret,all"}
    settings = account.api("GET", f"/workers/scripts/{deployed['serviceName']}/settings")
    kinds = {one["name"]: one["type"] for one in settings["bindings"]}
    assert kinds == {"API_KEY": "secret_text", "REGION": "plain_text", "SHARED": "plain_text"}
    shop.who.patch(f"/workflows/{id}", {"envVars": [{"name": "API_KEY", "value": "{{global.env.NOTHING}}"}]})
    status, words = shop.who.refused("POST", f"/workflows/{id}/deploy", {"connectionId": shop.connection})
    assert status == 422 and "NOTHING" in words


def test_a_locked_version_stays_deployed(shop: Shop) -> None:
    id = workflow(shop.who, graph("Locked"))
    path, ask = f"/workflows/{id}", {"connectionId": shop.connection}
    first = shop.who.post(f"{path}/deploy", ask)
    shop.who.patch(f"{path}/versions/{first['versionId']}", {"locked": True})
    shop.who.post(f"{path}/versions", {"ir": graph("Locked", "return 2;")})
    status, words = shop.who.refused("POST", f"{path}/deploy", ask)
    assert status == 409 and "locked" in words
    assert shop.who.post(f"{path}/deploy", {**ask, "versionId": first["versionId"]})["success"]
    shop.who.patch(f"{path}/versions/{first['versionId']}", {"locked": False})
    assert shop.who.post(f"{path}/deploy", ask)["changed"] is True


def test_one_workflow_does_not_write_over_another(shop: Shop, server: Served, account: Dev) -> None:
    """In the same project or another's, and not over a Worker that was not deployed from here."""
    account.deploy("theirs", "export default { fetch() { return new Response('theirs'); } }")
    for who, name in ((shop.who, "Orders"), (server.caller(), "Orders"), (shop.who, "Theirs")):
        id, connection = workflow(who, graph(name)), connect(who, account)
        status, words = who.refused("POST", f"/workflows/{id}/deploy", {"connectionId": connection})
        assert status == 409 and "replace: true" in words, words
    ask = {"connectionId": connection, "replace": True}
    assert shop.who.post(f"/workflows/{id}/deploy", ask)["success"]  # nobody's here
    id, connection = workflow(shop.who, graph("Orders")), shop.connection
    status, words = shop.who.refused("POST", f"/workflows/{id}/deploy", {**ask, "connectionId": connection})
    assert status == 409 and "belongs to another workflow" in words


def test_deploys_at_the_same_time(shop: Shop) -> None:
    """Of one workflow, and of two that would have the same Worker: one of them gets it."""
    ids = [workflow(shop.who, graph("Twins")) for _ in range(2)]

    def deploy(id: str) -> httpx.Response:
        return shop.who.call("POST", f"/workflows/{id}/deploy", {"connectionId": shop.connection})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(deploy, ids * 2))
    assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
    good = {answer.json()["deploymentId"] for answer in answers if answer.status_code == 200}
    owners = [id for id in ids if good & {one["id"] for one in shop.who.get(f"/workflows/{id}/deployments")["data"]}]
    assert len(owners) == 1


def test_a_takedown(shop: Shop, account: Dev) -> None:
    own = Shop(shop.who, account, "Gone")
    run = own.trigger()
    own.ends(run["id"], "paused")
    assert own.who.refused("DELETE", own.path)[0] == 409
    told = own.who.post(f"{own.path}/takedown", {"connectionId": own.connection})
    assert told["success"] is True and "worker gone" in told["removed"]
    assert account.call("GET", f"/workers/scripts/{own.deployed['serviceName']}/settings").status_code == 404
    assert own.run(run["id"])["status"] == "terminated"
    ask = {"connectionId": own.connection}
    assert own.who.refused("POST", f"{own.path}/trigger", ask)[0] == 409
    assert own.who.refused("POST", f"{own.path}/takedown", ask)[0] == 404
    [row] = own.who.get(f"{own.path}/deployments")["data"]
    assert row["removedAt"]
    again = own.who.post(f"{own.path}/deploy", ask)
    assert again["success"] and own.trigger()["status"] == "queued"
    own.who.post(f"{own.path}/takedown", ask)
    assert own.who.delete(own.path) == {"ok": True}


def test_a_takedown_of_what_others_have_removed(shop: Shop, account: Dev) -> None:
    own = Shop(shop.who, account, "Removed")
    account.api("DELETE", f"/workers/scripts/{own.deployed['serviceName']}?force=true")
    status, words = own.who.refused("POST", f"{own.path}/trigger", {"connectionId": own.connection})
    assert status == 502 and words.startswith("the run was not started: Cloudflare says")
    assert own.who.post(f"{own.path}/takedown", {"connectionId": own.connection})["success"]


def test_tokens_are_tried(shop: Shop, account: Dev) -> None:
    token, id = account.env["CLOUDFLARE_API_TOKEN"], account.env["CLOUDFLARE_ACCOUNT_ID"]

    def verify(**credentials: Any) -> Any:
        return shop.who.post("/connections/verify-token", {"credentials": credentials})

    good = verify(apiToken=token, accountId=id)
    assert good["valid"] is True and [one["id"] for one in good["accounts"]] == [id] and good["error"] is None
    assert verify(apiToken=token)["valid"] is True
    assert verify(apiToken=token, accountId="f" * 32)["valid"] is False
    wrong = verify(apiToken="wrong", accountId=id)
    assert wrong["valid"] is False and wrong["accounts"] == [] and wrong["error"]
