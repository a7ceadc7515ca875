"""Events, sub-workflows and other Workers on the real runtime."""

from __future__ import annotations

from stepwell.local.config import ServiceRef, WorkflowRef
from stepwell.local.events import EventDelivered, RunEnded, WaitEnded, WaitStarted, WaitTimedOut
from tests.local.local_workers import of, options, play, workflow

RACE = """
    const approval = step.waitForEvent("approval", { type: "approval", timeout: "7 days" });
    const late = step.sleep("day", "1 day").then(() => "late");
    return Promise.race([approval.then((event) => event.payload.by), late]);"""
SLEEP_FIRST = """
    const late = step.sleep("day", "1 day").then(() => "late");
    const approval = step.waitForEvent("approval", { type: "approval", timeout: "7 days" });
    return Promise.race([approval.then((event) => event.payload.by), late]);"""
POLL = """
    const id = await step.do("start", async () => (await env.CHILD.create({ params: event.payload })).id);
    for (let i = 0; ; i++) {
      const status = await step.do("status " + i, async () => {
        const { status, output, error } = await (await env.CHILD.get(id)).status();
        return { status, output: output ?? null, error: error ?? null };
      });
      if (["complete", "errored"].includes(status.status)) return status;
      await step.sleep("nap " + i, 1000 * 2 ** i);
    }"""


def test_an_approval_beats_a_days_sleep() -> None:
    outcome, told = play(workflow(RACE), options(events=[("approval", {"by": "Ann"})]))
    assert outcome.output == "Ann"
    assert outcome.slept_ms == 0
    assert of(EventDelivered, told)[0].payload == {"by": "Ann"}
    assert of(WaitEnded, told)[0].event_type == "approval"


def test_without_an_approval_the_sleep_wins() -> None:
    for body in (RACE, SLEEP_FIRST):
        outcome, told = play(workflow(body))
        assert outcome.output == "late"
        assert 86_399_000 < outcome.slept_ms < 86_401_000
        assert of(WaitTimedOut, told) == []


def test_a_wait_times_out() -> None:
    body = "await step.waitForEvent('wait', { type: 'never', timeout: '3 days' });"
    outcome, told = play(workflow(body), options(events=[("other", 1)]))
    assert outcome.status == "errored"
    assert outcome.error is not None
    assert "WorkflowTimeoutError" in outcome.error.message
    assert (of(WaitStarted, told)[0].event_type, of(WaitTimedOut, told)[0].event_type) == ("never", "never")
    assert of(WaitTimedOut, told)[0].place.at_ms >= 3 * 86_400_000
    assert outcome.steps[0].outcome == "failed"


def test_each_event_goes_to_one_wait_in_order() -> None:
    body = """
    const got = [];
    for (let i = 0; i < 2; i++) {
      got.push((await step.waitForEvent("w" + i, { type: "tick", timeout: "1 day" })).payload);
      await step.sleep("nap" + i, "2 hours");
    }
    const third = await step.waitForEvent("w2", { type: "tick", timeout: "1 day" }).catch(() => "none");
    return [...got, third];"""
    outcome, told = play(workflow(body), options(events=[("tick", 1), ("tick", 2)]))
    assert outcome.output == [1, 2, "none"]
    assert len(of(EventDelivered, told)) == 2


def test_two_waits_at_once_get_an_event_each() -> None:
    body = """
    const wait = (name) => step.waitForEvent(name, { type: "go", timeout: "2 days" }).then((e) => e.payload);
    return Promise.all([wait("one"), wait("two")]);"""
    outcome, _ = play(workflow(body), options(events=[("go", "a"), ("go", "b")]))
    assert outcome.output == ["a", "b"]


def test_code_runs_again_after_a_long_sleep_and_steps_do_not() -> None:
    body = """
    globalThis.runs = (globalThis.runs ?? 0) + 1;
    const first = await step.do("once", async () => (globalThis.steps = (globalThis.steps ?? 0) + 1));
    await step.sleep("long", "2 days");
    return [globalThis.runs, first, globalThis.steps];"""
    outcome, _ = play(workflow(body))
    assert outcome.output == [2, 1, 1]


def test_a_child_workflow_sleeps_and_answers() -> None:
    child = workflow("await step.sleep('long', '3 hours'); return { got: event.payload };", name="kid", workflow="kid")
    parent = workflow(POLL, foreign={"CHILD": WorkflowRef("kid", "kid")})
    outcome, told = play(parent, options(params={"x": 1}), [child])
    assert outcome.output == {"status": "complete", "output": {"got": {"x": 1}}, "error": None}
    assert [event.place.workflow for event in of(RunEnded, told)] == ["kid", "main"]
    assert of(RunEnded, told)[-1].place.at_ms > 3 * 3_600_000


def test_an_event_reaches_a_child() -> None:
    child = workflow(
        "return (await step.waitForEvent('w', { type: 'ok', timeout: '9 days' })).payload;",
        name="kid",
        workflow="kid",
    )
    parent = workflow(POLL, foreign={"CHILD": WorkflowRef("kid")})
    outcome, _ = play(parent, options(events=[("ok", 7)]), [child])
    assert outcome.output == {"status": "complete", "output": 7, "error": None}


def test_a_mock_answers_for_a_workflow() -> None:
    parent = workflow(POLL, foreign={"CHILD": WorkflowRef("kid", "elsewhere")})
    outcome, _ = play(parent, options('workflow:kid={"done": true}'))
    assert outcome.output == {"status": "complete", "output": {"done": True}, "error": None}


def test_a_mock_fails_for_a_workflow() -> None:
    parent = workflow(POLL, foreign={"CHILD": WorkflowRef("kid")})
    outcome, _ = play(parent, options('workflow:kid={"status": 500, "body": "out of stock"}'))
    assert isinstance(outcome.output, dict)
    assert outcome.output["error"] == {"name": "Error", "message": "out of stock"}


def test_a_workflow_that_is_not_there_says_how_to_give_it() -> None:
    outcome, _ = play(workflow(POLL, foreign={"CHILD": WorkflowRef("kid")}))
    assert outcome.error is not None
    assert "--mock 'workflow:kid=JSON'" in outcome.error.message
    assert outcome.error.name == "NonRetryableError"


def test_a_service_that_is_not_there() -> None:
    body = """return step.do("call", async () => {
      const answer = await env.BILLING.fetch("https://invoke/charge", { method: "POST", body: "{}" });
      return answer.json();
    });"""
    spec = workflow(body, services={"BILLING": ServiceRef("billing")})
    outcome, _ = play(spec)
    assert outcome.error is not None
    assert outcome.error.message.startswith("the Worker billing is not part of this run")
    assert "--mock 'POST https://invoke/charge=JSON'" in outcome.error.message
    assert play(spec, options('POST https://invoke/*={"ok": 1}'))[0].output == {"ok": 1}
