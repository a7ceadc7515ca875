"""One request, one run: repeated, at the same time, on two servers, and when a server is killed in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from stepwell.server.database import now
from tests.deploy.graphs import graph
from tests.dev.account import Dev, eventually
from tests.server.between import Pass, between
from tests.server.door import Caller, Served, connect, served, workflow
from tests.server.killed import Storm, faults
from tests.server.process import ServeProcess


class Once:
    """A workflow that waits for an event, deployed."""

    def __init__(self, who: Caller, account: Dev, name: str) -> None:
        self.who, self.account = who, account
        self.connection = connect(who, account)
        self.id = workflow(who, graph(name))
        deployed = who.post(f"/workflows/{self.id}/deploy", {"connectionId": self.connection})
        self.flow: str = deployed["workflowName"]

    def trigger(self, params: Any = None, key: str | None = None, **more: Any) -> httpx.Response:
        """A trigger."""
        headers = {"idempotency-key": key} if key is not None else {}
        ask = {"connectionId": self.connection, "params": params, **more}
        return self.who.call("POST", f"/workflows/{self.id}/trigger", ask, headers=headers)

    def instances(self) -> set[str]:
        """What Cloudflare has."""
        return {one["id"] for one in self.account.api("GET", f"/workflows/{self.flow}/instances?per_page=100")}

    def run(self, id: str) -> Any:
        """A run as it is now."""
        return self.who.get(f"/workflows/{self.id}/runs/{id}")


@pytest.fixture(scope="module")
def once(server: Served, account: Dev) -> Once:
    return Once(server.caller(), account, "Once")


# Repeated


def test_a_key_starts_one_run(once: Once) -> None:
    first, again = once.trigger({"a": 1}, "k1"), once.trigger({"a": 1}, "k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert once.trigger({"a": 1}).json()["id"] != first.json()["id"]  # nothing without a key is a repetition
    answer = once.trigger({"a": 2}, "k1")
    assert (answer.status_code, answer.json()) == (422, {"error": "this Idempotency-Key was used for another request"})


def test_a_wished_id_starts_one_run(once: Once) -> None:
    once.trigger({"a": 0})  # others without a key do not come into it
    first, again = once.trigger({"a": 1}, instanceId="wish-1"), once.trigger({"a": 1}, instanceId="wish-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] and first.json()["instanceId"] == "wish-1"
    answer = once.trigger({"a": 2}, instanceId="wish-1")
    assert (answer.status_code, answer.json()) == (409, {"error": "this instanceId was used for another request"})
    assert once.trigger({"a": 1}, "k2", instanceId="wish-1").json()["id"] == first.json()["id"]


def test_a_wished_id_that_others_have(once: Once) -> None:
    """An instance that was not started here is nobody's repetition."""
    once.account.api("POST", f"/workflows/{once.flow}/instances", json={"instance_id": "theirs"})
    answer = once.trigger({"a": 1}, instanceId="theirs")
    assert answer.status_code == 409 and "not started here" in answer.json()["error"]
    assert once.run("theirs")["instanceId"] == "theirs"  # it can be looked at


def test_keys_are_of_one_workflow(once: Once) -> None:
    other = Once(once.who, once.account, "Other")
    assert once.trigger(None, "shared").json()["id"] != other.trigger(None, "shared").json()["id"]


def test_a_key_is_for_a_run_or_an_event(once: Once) -> None:
    run = once.trigger(None, "either").json()
    eventually(lambda: once.run(run["id"])["status"] == "paused")
    event = {"instanceId": run["instanceId"], "eventType": "go"}
    assert once.trigger(event, "either").status_code == 422
    assert once.trigger(event, "an event").status_code == 200
    assert once.trigger(None, "an event").status_code == 422


def test_an_event_with_a_key_is_sent_once(once: Once) -> None:
    run = once.trigger().json()
    event = {"instanceId": run["instanceId"], "eventType": "go", "payload": 1}
    assert once.trigger(event, "e1").status_code == 200
    eventually(lambda: once.run(run["id"])["status"] == "complete")
    assert once.trigger(event, "e1").status_code == 200  # without the key it would be 409: the run has ended
    assert once.trigger(event).status_code == 409
    assert once.trigger({**event, "payload": 2}, "e1").status_code == 422


def test_an_event_whose_sender_died(once: Once, server: Served) -> None:
    """For a minute it may be on its way still; then it is sent again."""
    run = once.trigger().json()
    eventually(lambda: once.run(run["id"])["status"] == "paused")
    event = {"instanceId": run["instanceId"], "eventType": "go", "payload": 1}
    assert once.trigger(event, "e2").status_code == 200
    change = "UPDATE sent_events SET sent = {}, created_at = {} WHERE idempotency_key = 'e2'"
    with server.house.database.write() as session:
        session.connection().exec_driver_sql(change.format("false", now()))
    eventually(lambda: once.run(run["id"])["status"] == "complete")
    answer = once.trigger(event, "e2")
    assert answer.status_code == 409 and int(answer.headers["retry-after"]) > 0
    with server.house.database.write() as session:
        session.connection().exec_driver_sql(change.format("false", 1))
    assert once.trigger(event, "e2").status_code == 409  # it was sent again, and the run has ended


# At the same time


@pytest.mark.parametrize("how", ["key", "id"])
def test_the_same_request_many_times_at_once(once: Once, how: str) -> None:
    before = once.instances()
    more: dict[str, Any] = {"key": "burst"} if how == "key" else {"instanceId": "burst"}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: once.trigger({"a": 1}, **more), range(24)))
    assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert len(once.instances() - before) == 1


def test_the_same_event_many_times_at_once(new_database: Callable[[], str], account: Dev) -> None:
    """One request sends it; the others say that it is being sent, or was."""
    with between(account.base) as way, served(new_database(), way.base) as server:
        once = Once(server.caller(), account, "Event burst")
        run = once.trigger().json()
        eventually(lambda: once.run(run["id"])["status"] == "paused")
        event = {"instanceId": run["instanceId"], "eventType": "go", "payload": 1}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: once.trigger(event, "event burst"), range(8)))
        sent = [call for call in way.calls if "/events/" in str(call)]
    assert len(sent) == 1, sent
    assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
    assert 200 in {answer.status_code for answer in answers}


# Killed


@pytest.fixture
def killed(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., ServeProcess]]:
    """Makes servers in processes of their own."""
    with ExitStack() as stack:
        yield lambda base, url=None: stack.enter_context(ServeProcess(url or new_database(), tmp_path, base))


@pytest.mark.parametrize("how", ["key", "id"])
def test_killed_between_cloudflares_answer_and_the_write(
    account: Dev, killed: Callable[..., ServeProcess], how: str
) -> None:
    """The run is there, and the same request gives it."""
    with between(account.base) as way:
        server = killed(way.base)
        once = Once(server.caller(), account, f"Killed {how}")

        def kill(method: str, path: str, go_on: Pass) -> httpx.Response | None:
            answer = go_on()
            if method == "POST" and path.endswith("/instances"):
                server.kill()
            return answer

        way.meddle = kill
        more: dict[str, Any] = {"key": "k"} if how == "key" else {"instanceId": "wish"}
        with pytest.raises(httpx.TransportError):
            once.trigger({"a": 1}, **more)
        way.meddle = None
        [instance] = once.instances()
        server.start()
        [row] = once.who.get(f"/workflows/{once.id}/runs")["data"]
        assert row["instanceId"] == instance
        again = once.trigger({"a": 1}, **more)
        assert again.status_code == 200 and again.json()["id"] == row["id"]
        eventually(lambda: once.run(row["id"])["status"] == "paused")
        assert once.instances() == {instance}


def test_killed_before_cloudflare_was_asked(account: Dev, killed: Callable[..., ServeProcess]) -> None:
    with between(account.base) as way:
        server = killed(way.base)
        once = Once(server.caller(), account, "Killed before")

        def kill(method: str, path: str, go_on: Pass) -> httpx.Response | None:
            if method == "POST" and path.endswith("/instances"):
                server.kill()
                return None
            return go_on()

        way.meddle = kill
        with pytest.raises(httpx.TransportError):
            once.trigger(None, "k")
        way.meddle = None
        assert once.instances() == set()
        server.start()
        again = once.trigger(None, "k")
        assert again.status_code == 200 and once.instances() == {again.json()["instanceId"]}


def test_killed_while_it_deploys(account: Dev, killed: Callable[..., ServeProcess]) -> None:
    """The Worker may be there half; deploying again goes on, and a takedown finds it."""
    with between(account.base) as way:
        server = killed(way.base)
        who = server.caller()
        id, connection = workflow(who, graph("Half")), connect(who, account)

        def kill(method: str, path: str, go_on: Pass) -> httpx.Response | None:
            answer = go_on()
            if method == "PUT":
                server.kill()
            return answer

        way.meddle = kill
        with pytest.raises(httpx.TransportError):
            who.call("POST", f"/workflows/{id}/deploy", {"connectionId": connection})
        way.meddle = None
        server.start()
        assert who.refused("DELETE", f"/workflows/{id}")[0] == 409
        assert who.post(f"/workflows/{id}/deploy", {"connectionId": connection})["success"]
        assert who.post(f"/workflows/{id}/takedown", {"connectionId": connection})["success"]


@pytest.mark.parametrize("servers", [1, 2])
def test_kills_in_the_middle_of_many_triggers(
    account: Dev, killed: Callable[..., ServeProcess], new_database: Callable[[], str], servers: int
) -> None:
    """None is lost and none doubled. `python -m tests.server.killed 1000` does it with more."""
    url = new_database()
    started = [killed(account.base, url) for _ in range(servers)]
    seen = Storm(started, account).rage(48, 2, at_once=8)
    assert faults(seen, 48) == []
    assert seen.kills == 2 and len(seen.instances) >= 24
