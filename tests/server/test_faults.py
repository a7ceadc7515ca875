"""What goes wrong at Cloudflare and on the way there: it is told as what it is, and nothing is lost or done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from stepwell.server.keeper import keep
from stepwell.server.tables import RunRow
from stepwell.server.vault import Vault
from tests.deploy.graphs import graph
from tests.dev.account import Dev, eventually
from tests.server.between import Between, Meddle, Pass, between, refusal, result
from tests.server.door import Served, connect, served, workflow


@pytest.fixture(scope="module")
def way(account: Dev) -> Iterator[Between]:
    with between(account.base) as made:
        yield made


@pytest.fixture(scope="module")
def behind(new_database: Callable[[], str], way: Between) -> Iterator[Served]:
    """A server that reaches the account through `way`."""
    with served(new_database(), way.base, attempts=2) as running:
        yield running


class Flow:
    """A workflow that is deployed."""

    def __init__(self, server: Served, account: Dev, name: str) -> None:
        self.server, self.who, self.account = server, server.caller(), account
        who = self.who
        self.connection = connect(who, account)
        self.id = workflow(who, graph(name))
        self.path = f"/workflows/{self.id}"
        self.deployed = who.post(f"{self.path}/deploy", {"connectionId": self.connection})

    def trigger(self, **more: Any) -> httpx.Response:
        """A trigger, whatever comes of it."""
        params, headers = more.pop("params", None), more.pop("headers", {})
        ask = {"connectionId": self.connection, "params": params, **more}
        return self.who.call("POST", f"{self.path}/trigger", ask, headers=headers)

    def instances(self) -> set[str]:
        """What Cloudflare has."""
        path = f"/workflows/{self.deployed['workflowName']}/instances?per_page=100"
        return {one["id"] for one in self.account.api("GET", path)}

    def change(self, statement: str) -> None:
        """Changes rows behind the server's back."""
        with self.server.house.database.write() as session:
            session.connection().exec_driver_sql(statement)

    def runs(self) -> set[str]:
        """What the server tells of."""
        return {one["instanceId"] for one in self.who.get(f"{self.path}/runs?limit=100")["data"]}


@pytest.fixture(scope="module")
def flow(behind: Served, account: Dev) -> Flow:
    return Flow(behind, account, "Faults")


@pytest.fixture(autouse=True)
def straight(way: Between) -> Iterator[None]:
    """Every test begins and ends with a way on which nothing happens."""
    way.meddle = None
    yield
    way.meddle = None


def on(verb: str, end: str, fault: Callable[[Pass], httpx.Response | None], times: int = 99) -> Meddle:
    """Has calls whose method and path end so go wrong, the first times."""
    left = [times]

    def meddle(method: str, path: str, go_on: Pass) -> httpx.Response | None:
        if method == verb and path.partition("?")[0].endswith(end) and left[0]:
            left[0] -= 1
            return fault(go_on)
        return go_on()

    return meddle


def lost(go_on: Pass) -> None:
    """Done, and nobody hears of it."""
    go_on()


@pytest.mark.parametrize(
    ("fault", "status", "words", "code"),
    [
        (lambda go_on: refusal(500), 502, "Cloudflare's answer was lost", 10001),
        (lambda go_on: refusal(503, 10013, "come back later"), 502, "Cloudflare's answer was lost", 10013),
        (lambda go_on: refusal(400, 10400, "no luck"), 502, "Cloudflare says: no luck (code 10400)", 10400),
        (lambda go_on: refusal(401, 10000, "Authentication error"), 502, "give the connection another one", 10000),
        (lambda go_on: refusal(403, 9109, "Unauthorized"), 502, "give the connection another one", 9109),
        (lambda go_on: refusal(429, 971, "slow down", **{"retry-after": "3600"}), 503, "slow down", 971),
        (lambda go_on: refusal(404, 7003, "no such account"), 502, "no such account", 7003),
        (lambda go_on: httpx.Response(502, text="<html>bad gateway</html>"), 502, "Bad Gateway", None),
        (lambda go_on: None, 502, "Cloudflare's answer was lost", None),
        (lambda go_on: result("[" * 5_000), 502, "cut off", None),
        (lambda go_on: refusal(400, 1, "half a \ud83d and a \0"), 502, "half a ? and a \ufffd", 1),
    ],
)  # fmt: skip
def test_a_start_that_fails(
    flow: Flow, way: Between, fault: Callable[[Pass], httpx.Response | None], status: int, words: str, code: int | None
) -> None:
    """It is told with Cloudflare's code and text; trying again with the same key starts the run, once."""
    key, before = {"idempotency-key": f"{status} {words} {code}".encode("ascii", "replace").decode()}, flow.instances()
    way.meddle = on("POST", "/instances", fault)
    answer = flow.trigger(headers=key)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert words in told["error"] and told["provider"]["name"] == "cloudflare" and told["provider"]["code"] == code
    assert ("retry-after" in answer.headers) == (status == 503)
    assert flow.instances() == before
    way.meddle = None
    again = flow.trigger(headers=key)
    assert again.status_code in (200, 201), again.text
    assert flow.trigger(headers=key).json()["id"] == again.json()["id"]
    assert flow.instances() - before == {again.json()["instanceId"]}
    assert flow.instances() == flow.runs() & flow.instances()


@pytest.mark.parametrize("times", [1, 2])
def test_an_answer_that_is_lost_loses_no_run(flow: Flow, way: Between, times: int) -> None:
    """The instance is looked up before it is made again: it is there once."""
    before = flow.instances()
    way.meddle = on("POST", "/instances", lost, times)
    answer = flow.trigger()
    assert answer.status_code == 201
    assert flow.instances() - before == {answer.json()["instanceId"]}


def test_a_start_of_which_nothing_is_known(flow: Flow, way: Between) -> None:
    """Every answer is lost, and looking is too: the run is there afterwards, whoever asks."""
    before, key = flow.instances(), {"idempotency-key": "unknown"}

    def gone(method: str, path: str, go_on: Pass) -> httpx.Response | None:
        if method == "POST":
            go_on()
        return None

    way.meddle = gone
    answer = flow.trigger(headers=key)
    assert answer.status_code in (502, 503)
    assert "repeat it with the same Idempotency-Key" in answer.json()["error"]
    way.meddle = None
    [instance] = flow.instances() - before
    [row] = [one for one in flow.who.get(f"{flow.path}/runs")["data"] if one["instanceId"] == instance]
    assert flow.who.get(f"{flow.path}/runs/{row['id']}")["status"] in ("running", "paused", "queued")
    again = flow.trigger(headers=key)
    assert again.status_code == 200 and again.json()["id"] == row["id"]
    assert flow.instances() - before == {instance}


def test_who_looks_after_runs_finds_them(flow: Flow, way: Between, behind: Served) -> None:
    """Nobody asks for it: the keeper finds out whether a run began."""
    before = flow.instances()
    way.meddle = lambda method, path, go_on: (go_on(), None)[1] if method == "POST" else refusal(500)
    assert flow.trigger().status_code == 502
    way.meddle = None
    [instance] = flow.instances() - before
    [row] = [one for one in flow.who.get(f"{flow.path}/runs")["data"] if one["instanceId"] == instance]
    assert row["status"] == "queued"
    keep(behind.house, pending_after=0)
    [row] = [one for one in flow.who.get(f"{flow.path}/runs")["data"] if one["instanceId"] == instance]
    assert row["providerStatus"] != "queued"


def test_one_run_of_which_nonsense_is_told_keeps_no_other(flow: Flow, way: Between, behind: Served) -> None:
    first, second = flow.trigger().json(), flow.trigger().json()
    flow.change(f"UPDATE runs SET seen_at = 1 WHERE id = '{first['id']}'")
    flow.change(f"UPDATE runs SET seen_at = 2 WHERE id = '{second['id']}'")
    way.meddle = on(
        "GET", f"/instances/{first['instanceId']}", lambda go_on: result('{"status": "errored", "error": 1}')
    )
    keep(behind.house)
    told = {one["id"]: one for one in flow.who.get(f"{flow.path}/runs?limit=2")["data"]}
    assert told[first["id"]]["error"] == "failed"
    flow.change(f"UPDATE runs SET seen_at = 1, status = 'running' WHERE id = '{first['id']}'")
    flow.change(f"UPDATE runs SET seen_at = 2 WHERE id = '{second['id']}'")
    way.meddle = on("GET", f"/instances/{first['instanceId']}", lambda go_on: result("{}"))
    keep(behind.house)
    with behind.house.database.read() as session:
        ours = RunRow.id.in_([first["id"], second["id"]])
        assert min(session.scalars(select(RunRow.seen_at).where(ours))) > 2


def test_a_run_whose_connection_was_removed_has_ended(behind: Served, account: Dev) -> None:
    flow = Flow(behind, account, "Removed")
    run = flow.trigger().json()
    flow.change(f"UPDATE connections SET removed_at = 1, credentials = '' WHERE id = '{flow.connection}'")
    flow.change(f"UPDATE runs SET seen_at = 1 WHERE id = '{run['id']}'")
    keep(behind.house)
    told = flow.who.get(f"{flow.path}/runs/{run['id']}")
    assert told["status"] == "terminated" and "connection of the run was removed" in told["error"]


def test_a_run_that_never_began_says_so(flow: Flow, way: Between, behind: Served) -> None:
    """After some minutes it is known that it never will; the same key starts it then."""
    key = {"idempotency-key": "never"}
    way.meddle = on("POST", "/instances", lambda go_on: refusal(500))
    assert flow.trigger(headers=key).status_code == 502
    way.meddle = None
    row = flow.who.get(f"{flow.path}/runs")["data"][0]
    assert flow.who.get(f"{flow.path}/runs/{row['id']}")["status"] == "queued"
    flow.change(f"UPDATE runs SET created_at = 1 WHERE id = '{row['id']}'")
    keep(behind.house)
    told = flow.who.get(f"{flow.path}/runs/{row['id']}")
    assert told["status"] == "errored" and "never started" in told["error"]
    again = flow.trigger(headers=key)
    assert again.status_code == 200 and again.json()["id"] == row["id"]
    eventually(lambda: flow.who.get(f"{flow.path}/runs/{row['id']}")["status"] == "paused")
    assert flow.who.get(f"{flow.path}/runs/{row['id']}")["error"] is None


@pytest.mark.parametrize(
    ("action", "fault", "status"),
    [
        ("", lambda go_on: refusal(500), 502),
        ("", lambda go_on: None, 502),
        ("", lambda go_on: result("[" * 3000 + "]" * 3000), 502),
        ("?steps=true", lambda go_on: refusal(429, 971, "slow down", **{"retry-after": "3600"}), 503),
        ("/pause", lambda go_on: refusal(500), 502),
        ("/resume", lambda go_on: refusal(401), 502),
        ("/terminate", lambda go_on: None, 502),
        ("/restart", lambda go_on: refusal(503), 502),
    ],
)
def test_runs_when_cloudflare_fails(
    flow: Flow, way: Between, action: str, fault: Callable[[Pass], httpx.Response | None], status: int
) -> None:
    run = flow.trigger().json()
    path = f"{flow.path}/runs/{run['id']}"
    eventually(lambda: flow.who.get(path)["status"] == "paused")
    flow.change(f"UPDATE runs SET seen_at = 1 WHERE id = '{run['id']}'")
    verb = "PATCH" if action.startswith("/") else "GET"
    way.meddle = lambda method, path, go_on: fault(go_on) if method == verb else go_on()
    answer = flow.who.call("GET" if verb == "GET" else "POST", path + action)
    assert answer.status_code in (status, 503), answer.text
    assert answer.json()["provider"]["name"] == "cloudflare"
    assert "Idempotency-Key" not in answer.text
    if verb == "PATCH" and answer.status_code == 502:
        assert ("nothing was done" in answer.text) != ("answer was lost" in answer.text)
    way.meddle = None
    assert flow.who.get(path)["id"] == run["id"]


def test_an_event_whose_answer_is_lost(flow: Flow, way: Between) -> None:
    """It is known neither way: the answer says so, and the same key sends it again."""
    run = flow.trigger().json()
    eventually(lambda: flow.who.get(f"{flow.path}/runs/{run['id']}")["status"] == "paused")
    event = {"instanceId": run["instanceId"], "eventType": "go", "payload": 1}
    key = {"idempotency-key": "event lost"}
    way.meddle = on("POST", "/events/go", lambda go_on: refusal(500))
    lost = flow.trigger(params=event, headers=key)
    assert lost.status_code == 502 and "repeat it with the same Idempotency-Key" in lost.json()["error"]
    way.meddle = None
    assert flow.trigger(params=event, headers=key).status_code == 200
    eventually(lambda: flow.who.get(f"{flow.path}/runs/{run['id']}")["status"] == "complete")
    assert flow.trigger(params=event, headers=key).status_code == 200  # sent already; the run is over


@pytest.mark.parametrize("at", [0, 3, 6, 9])
@pytest.mark.parametrize("kind", ["fails", "lost"])
def test_a_deploy_that_stops_goes_on_when_it_is_repeated(
    behind: Served, way: Between, account: Dev, at: int, kind: str
) -> None:
    """Whichever call to Cloudflare fails, and however often."""
    who = behind.caller()
    id, connection = workflow(who, graph(f"Stops {at} {kind}")), connect(who, account)
    seen = [0]

    def meddle(method: str, path: str, go_on: Pass) -> httpx.Response | None:
        seen[0] += 1
        if seen[0] <= at:
            return go_on()
        if kind == "lost" and method != "GET":
            go_on()
        return refusal(500) if kind == "fails" else None

    way.meddle = meddle
    answer = who.call("POST", f"/workflows/{id}/deploy", {"connectionId": connection})
    assert answer.status_code in (502, 503), answer.text
    told = answer.json()
    assert told["success"] is False and told["provider"]["name"] == "cloudflare"
    [row] = who.get(f"/workflows/{id}/deployments")["data"]
    assert row["status"] == "failed" and row["error"] == told["error"]
    way.meddle = None
    done = who.post(f"/workflows/{id}/deploy", {"connectionId": connection})
    assert done["success"] and who.post(f"/workflows/{id}/trigger", {"connectionId": connection})
    assert who.post(f"/workflows/{id}/takedown", {"connectionId": connection})["success"]


@pytest.mark.parametrize("at", [0, 3, 6, 9])
def test_a_takedown_while_it_is_deployed(behind: Served, way: Between, account: Dev, at: int) -> None:
    """Whenever it comes, nothing stays in the account that cannot be taken down from here."""
    flow = Flow(behind, account, f"Meanwhile {at}")
    flow.who.post(f"{flow.path}/versions", {"ir": graph(f"Meanwhile {at}", "return 2;")})
    seen, removed = [0], list[httpx.Response]()

    def meddle(method: str, path: str, go_on: Pass) -> httpx.Response | None:
        seen[0] += 1
        if seen[0] == at + 1:
            removed.append(flow.who.call("POST", f"{flow.path}/takedown", {"connectionId": flow.connection}))
        return go_on()

    way.meddle = meddle
    deployed = flow.who.call("POST", f"{flow.path}/deploy", {"connectionId": flow.connection})
    way.meddle = None
    assert [one.status_code for one in removed] == [200], deployed.text
    if at == 0:  # the deploy has not looked yet at what is there
        assert deployed.status_code == 200 and flow.trigger().status_code == 201
    assert deployed.status_code in (200, 502), deployed.text  # 502: what it deployed to is gone
    again = flow.who.call("POST", f"{flow.path}/takedown", {"connectionId": flow.connection})
    assert again.status_code in (200, 404), again.text
    live = account.api("GET", "/workers/scripts")
    assert flow.deployed["serviceName"] not in {one["id"] for one in live}


def test_tokens_and_secrets_are_cut_out_of_what_cloudflare_says(behind: Served, way: Between, account: Dev) -> None:
    who = behind.caller()
    token = account.env["CLOUDFLARE_API_TOKEN"]
    id, connection = workflow(who, graph("Echo", "return env.API_KEY;")), connect(who, account)
    who.post("/env-vars", {"name": "API_KEY", "value": "hunter2-hunter2", "isSecret": True})
    way.meddle = lambda method, path, go_on: refusal(400, 1, f"wrong: {token} and hunter2-hunter2")
    ask = {"connectionId": connection}
    for path in (f"/workflows/{id}/deploy", f"/workflows/{id}/deploy-stream"):
        text = who.call("POST", path, ask).text
        assert "[hidden]" in text and token not in text and "hunter2" not in text
    credentials = {"apiToken": token, "accountId": account.env["CLOUDFLARE_ACCOUNT_ID"]}
    told = who.post("/connections/verify-token", {"credentials": credentials})
    assert told["valid"] is False and token not in told["error"]


def test_a_secret_that_nobody_can_open(behind: Served, account: Dev, way: Between) -> None:
    """The wrong secret keys: said to who runs the server, and other projects go on."""
    who, other = behind.caller(), Flow(behind, account, "Other")
    connection = connect(who, account)
    id = workflow(who, graph("Sealed"))
    sealed = Vault([Fernet.generate_key().decode()]).seal('{"apiToken": "x"}')
    other.change(f"UPDATE connections SET credentials = '{sealed}' WHERE id = '{connection}'")
    status, words = who.refused("POST", f"/workflows/{id}/deploy", {"connectionId": connection})
    assert status == 500 and words.startswith("a secret of the project cannot be opened")
    assert other.trigger().status_code == 201
    run = other.trigger().json()
    other.change(f"UPDATE connections SET credentials = '{sealed}', updated_at = 1 WHERE id = '{other.connection}'")
    before, key = other.runs(), {"idempotency-key": "sealed"}
    assert other.trigger().status_code == 500 and other.runs() == before
    event = {"instanceId": run["instanceId"], "eventType": "go"}
    answers = [other.trigger(params=event, headers=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [500, 500]  # and not 409: no request sends it now
