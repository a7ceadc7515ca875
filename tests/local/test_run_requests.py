"""Requests of a run, answered from mocks or refused; scripts; batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from stepwell.bundle.toolchain import ensure
from stepwell.local.config import ServiceRef, WorkerSpec
from stepwell.local.events import Outcome, Requested, RunEvent, StepFailed, StepRetrying
from stepwell.local.run import Job, RunFailed, RunOptions, run_batch, run_script
from stepwell.local.runtime import RuntimeFailed
from tests.local.local_workers import of, options, play, script, workflow

GET = "return step.do('get', async () => (await fetch('https://api.test/v1/users?id=7')).json());"


def test_a_request_without_a_mock_fails_its_step() -> None:
    outcome, told = play(workflow(GET))
    [request] = of(Requested, told)
    assert (request.method, request.url, request.status, request.mocked) == (
        "GET",
        "https://api.test/v1/users?id=7",
        None,
        False,
    )
    assert request.hint is not None
    assert "--mock 'GET https://api.test/v1/users*=JSON'" in request.hint
    [failed] = of(StepFailed, told)
    assert (failed.attempts, failed.error.name, failed.error.message) == (
        1,
        "NonRetryableError",
        request.hint,
    )
    assert outcome.status == "errored"


def test_a_refused_request_fails_even_a_step_that_ignores_the_answer() -> None:
    outcome, _ = play(workflow("await step.do('fire', async () => { await fetch('https://api.test/'); });"))
    assert outcome.status == "errored"


def test_answers_come_in_turn() -> None:
    body = """return step.do("get", { retries: { limit: 5, delay: "1 minute" } }, async () => {
      const answer = await fetch("https://api.test/jobs", { method: "POST", body: "x".repeat(100000) });
      if (!answer.ok) throw new Error(answer.status + " " + (await answer.text()));
      return [answer.headers.get("x-who"), await answer.json()];
    });"""
    mock = """post https://api.test/*={"$sequence": [{"status": 503, "body": "busy"},
      {"status": 429, "delayMs": 20}, {"body": {"ok": true}, "headers": {"X-Who": "mock"}}]}"""
    outcome, told = play(workflow(body), options(mock))
    assert outcome.output == ["mock", {"ok": True}]
    assert [request.status for request in of(Requested, told)] == [503, 429, 200]
    assert of(StepRetrying, told)[0].error.message == "503 busy"


def test_a_slow_answer_holds_the_clock() -> None:
    body = """
    const nap = step.sleep("nap", "30 seconds").then(() => "nap");
    const got = (async () => (await fetch("https://api.test/")).text())();
    return Promise.race([nap, got]);"""
    outcome, _ = play(workflow(body), options('https://api.test={"body": "slow", "delayMs": 400}'))
    assert outcome.output == "slow"


class _Hello(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b"got " + body + b" " + str(self.headers.get("x-stepwell-token")).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hello() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_the_network_when_allowed(hello: str) -> None:
    body = f"""return step.do("call", async () => {{
      const answer = await fetch("{hello}", {{ method: "POST", body: "me" }});
      return [answer.status, await answer.text()];
    }});"""
    outcome, told = play(workflow(body), options(allow_network=True))
    assert outcome.output == [201, "got me None"]
    assert [(request.status, request.mocked) for request in of(Requested, told)] == [(201, False)]


def test_a_network_that_fails() -> None:
    body = "await step.do('call', { retries: { limit: 1, delay: 1 } }, async () => fetch('http://127.0.0.1:9/'));"
    outcome, told = play(workflow(body), options(allow_network=True))
    assert outcome.error is not None
    assert "GET http://127.0.0.1:9/ failed" in outcome.error.message
    assert len(of(Requested, told)) == 2


def _script(spec: WorkerSpec, chosen: RunOptions) -> tuple[Outcome, list[RunEvent]]:
    told: list[RunEvent] = []
    return run_script(ensure(), spec, chosen, on_event=told.append), told


def test_a_script_answers() -> None:
    body = "const { a } = await request.json(); console.log(request.method); return Response.json({ a: a + 1 });"
    outcome, told = _script(script(body), options(params={"a": 1}))
    assert (outcome.status, outcome.output, outcome.http_status) == ("complete", {"a": 2}, 200)
    assert [type(event).__name__ for event in told] == ["Logged"]


def test_a_script_fails() -> None:
    body = """try { await fetch("https://api.test/x"); }
    catch (error) { return Response.json({ message: error.message }, { status: 500 }); }"""
    outcome, told = _script(script(body), options())
    assert (outcome.status, outcome.http_status) == ("errored", 500)
    assert outcome.error is not None
    assert "no mock answers GET https://api.test/x" in outcome.error.message
    assert of(Requested, told)[0].status is None


def test_a_script_that_throws_and_one_that_hangs() -> None:
    outcome, _ = _script(script("throw new Error('uncaught');"), options())
    assert (outcome.status, outcome.http_status) == ("errored", 500)
    with pytest.raises(RunFailed, match=r"did not answer within 0\.3 seconds"):
        _script(script("await scheduler.wait(5000); return new Response();"), options(timeout=0.3))


def test_a_script_calls_another() -> None:
    caller = script(
        "return env.OTHER.fetch('https://invoke/', { method: 'POST' });",
        services={"OTHER": ServiceRef("other")},
    )
    other = WorkerSpec("other", {"w.js": "export default { fetch: () => new Response('hey') };"}, "w.js", "2026-06-01")
    told: list[RunEvent] = []
    assert run_script(ensure(), caller, options(), on_event=told.append, children=[other]).output == "hey"


def test_many_workers_in_one_process_each_with_its_own_clock_and_mocks() -> None:
    jobs = [
        Job(
            workflow(
                f"await step.sleep('nap', '{n + 1} days');"
                "return step.do('t', async () => (await fetch('https://api.test/')).json());"
            ),
            options(f"https://api.test/={n}"),
        )
        for n in range(12)
    ]
    outcomes = run_batch(ensure(), jobs)
    assert [outcome.output if isinstance(outcome, Outcome) else outcome for outcome in outcomes] == list(range(12))
    slept = [outcome.slept_ms / 86_400_000 for outcome in outcomes if isinstance(outcome, Outcome)]
    assert [round(days) for days in slept] == list(range(1, 13))


def test_a_batch_leaves_out_what_does_not_load() -> None:
    jobs = [
        Job(workflow("return 1;")),
        Job(workflow("not a program")),
        Job(script("return new Response('\"two\"')"), script=True),
        Job(workflow("await step.do('slow', async () => scheduler.wait(9000));"), options(timeout=0.3)),
    ]
    one, broken, two, slow = run_batch(ensure(), jobs)
    assert isinstance(one, Outcome)
    assert one.output == 1
    assert isinstance(broken, RuntimeFailed)
    assert list(broken.faults) == ["main"]
    assert isinstance(two, Outcome)
    assert two.output == "two"
    assert isinstance(slow, RunFailed)
