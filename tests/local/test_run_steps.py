"""Steps, retries, sleeps and results on the real runtime."""

from __future__ import annotations

import re
import time

import pytest

from stepwell.bundle.toolchain import ensure
from stepwell.local.events import (
    Failure,
    Logged,
    RunEvent,
    SleepEnded,
    SleepStarted,
    StepCompleted,
    StepFailed,
    StepRetrying,
    StepStarted,
)
from stepwell.local.run import RunFailed, run_workflow
from stepwell.local.runtime import RuntimeFailed
from tests.local.local_workers import of, options, play, workflow


def test_a_step_and_its_result() -> None:
    outcome, told = play(
        workflow("return await step.do('add', async () => event.payload.a + 1);"), options(params={"a": 2})
    )
    assert (outcome.status, outcome.output, outcome.error) == ("complete", 3, None)
    assert [type(event) for event in told[:2]] == [StepStarted, StepCompleted]
    assert [(step.name, step.kind, step.attempts, step.outcome, step.output) for step in outcome.steps] == [
        ("add", "do", 1, "completed", 3)
    ]


def test_retries_pass_without_waiting() -> None:
    body = """
    const config = { retries: { limit: 3, delay: "1 hour", backoff: "exponential" } };
    return step.do("flaky", config, async (ctx) => {
      if (ctx.attempt < 4) throw new TypeError("not yet " + ctx.attempt);
      return ctx.attempt;
    });"""
    outcome, told = play(workflow(body))
    assert outcome.output == 4
    assert [event.delay_ms for event in of(StepRetrying, told)] == [3_600_000, 7_200_000, 14_400_000]
    assert of(StepRetrying, told)[0].error == Failure("TypeError", "not yet 1")
    assert [event.attempt for event in of(StepStarted, told)] == [1, 2, 3, 4]
    assert 25_000_000 < outcome.slept_ms < 25_300_000
    assert outcome.wall_ms < 5_000


def test_a_failing_run() -> None:
    body = "await step.do('bad', { retries: { limit: 1, delay: 5 } }, async () => { throw new Error('boom'); });"
    outcome, told = play(workflow(body))
    assert (outcome.status, outcome.output) == ("errored", None)
    assert outcome.error == Failure("Error", "boom")
    assert of(StepFailed, told)[0].attempts == 2
    assert outcome.steps[0].error == Failure("Error", "boom")


def test_a_non_retryable_error_keeps_its_words() -> None:
    outcome, told = play(workflow("await step.do('no', async () => { throw new NonRetryableError('give up'); });"))
    assert outcome.error == Failure("NonRetryableError", "give up")
    assert of(StepFailed, told)[0].attempts == 1


def test_a_year_passes_in_a_moment() -> None:
    began = time.monotonic()
    outcome, told = play(workflow("await step.sleep('year', '365 days'); return 'late';"))
    assert outcome.output == "late"
    assert of(SleepStarted, told)[0].duration_ms == 365 * 86_400_000
    assert of(SleepEnded, told)[0].place.at_ms >= 365 * 86_400_000
    assert time.monotonic() - began < 2


def test_real_time_waits() -> None:
    outcome, _ = play(workflow("await step.sleep('short', 400);"), options(real_time=True))
    assert outcome.slept_ms == 0
    assert outcome.wall_ms >= 400


def test_a_slow_step_holds_the_clock() -> None:
    body = """
    const hour = step.sleep("hour", "1 hour").then(() => "hour");
    const slow = step.do("slow", async () => { await scheduler.wait(500); return "slow"; });
    return Promise.race([hour, slow]);"""
    outcome, _ = play(workflow(body))
    assert outcome.output == "slow"
    assert outcome.slept_ms == 0


def test_timers_of_several_arms_come_in_their_order() -> None:
    body = """
    const order = [];
    await Promise.all([3, 1, 2].map(async (hours) => {
      await step.sleep("sleep " + hours, hours + " hours");
      order.push(await step.do("work " + hours, async () => { await scheduler.wait(20); return hours; }));
    }));
    return order;"""
    outcome, _ = play(workflow(body))
    assert outcome.output == [1, 2, 3]


def test_a_step_that_times_out() -> None:
    config = "{ timeout: 100, retries: { limit: 0, delay: 0 } }"
    outcome, _ = play(workflow(f"await step.do('slow', {config}, async () => scheduler.wait(2000));"))
    assert outcome.error == Failure("Error", "WorkflowTimeoutError: Execution timed out after 100ms")


def test_console_lines_stand_between_a_steps_start_and_end() -> None:
    told: list[RunEvent] = []
    body = "await step.do('talk', async () => { console.log('hi', {a: 1}); console.error('ouch'); });"
    run_workflow(ensure(), workflow(body), options(), on_event=told.append)
    assert [(line.level, line.text) for line in of(Logged, told)] == [
        ("log", "hi { a: 1 }"),
        ("error", "ouch"),
    ]
    assert isinstance(told[0], StepStarted)


def test_values_that_json_cannot_hold() -> None:
    outcome, _ = play(workflow("return { big: await step.do('big', async () => 12n), none: undefined };"))
    assert outcome.output == {"big": "12"}


def test_equal_names_are_numbered() -> None:
    outcome, _ = play(workflow("for (let i = 0; i < 2; i++) await step.do('a-1', async () => i); return null;"))
    assert [step.name for step in outcome.steps] == ["a-1", "a-1 #2"]


def test_a_worker_that_does_not_load() -> None:
    with pytest.raises(RuntimeFailed, match=r"the Worker main does not load: Uncaught SyntaxError: .*worker\.js:7"):
        play(workflow("this is no program"))


def test_a_run_that_takes_too_long() -> None:
    with pytest.raises(RunFailed, match=r"did not end within 0\.5 seconds: it stands at slow"):
        play(workflow("await step.do('slow', async () => scheduler.wait(5000));"), options(timeout=0.5))


def test_a_run_that_nothing_wakes() -> None:
    body = "await (await env.SELF.get(event.instanceId)).pause(); await step.sleep('never', 1000);"
    spec = workflow(body)
    own = spec.workflows[0]
    bound = type(spec)(**{**vars(spec), "workflows": (type(own)(own.name, own.class_name, "SELF"),)})
    with pytest.raises(RunFailed, match="nothing can happen any more"):
        play(bound)


def test_a_missing_binding_says_so() -> None:
    message = "binding AI (ai) has no local counterpart in `stepwell run`"
    outcome, _ = play(workflow("await step.do('put', async () => env.AI.run('m', {}));", missing={"AI": message}))
    assert outcome.error == Failure("NonRetryableError", message)


def test_a_value_with_a_cycle() -> None:
    body = "return step.do('cycle', async () => { const a = {}; a.a = a; return a; });"
    outcome, _ = play(workflow(body))
    assert outcome.status == "complete"
    assert outcome.output == "[a value that JSON cannot hold]"


def test_code_that_never_lets_go() -> None:
    with pytest.raises(RunFailed, match="did not end within 1 second:"):
        play(workflow("await step.do('spin', async () => { for (;;); });"), options(timeout=1))


@pytest.mark.parametrize("wait", ["step.sleep('x', NaN)", "step.sleep('x', Infinity)"])
def test_times_that_are_no_numbers(wait: str) -> None:
    with pytest.raises(RunFailed, match="it stands at x"):
        play(workflow(f"await {wait};"), options(timeout=1))


def test_a_wait_for_nothing() -> None:
    outcome, _ = play(workflow("await step.waitForEvent('w', { timeout: 5 });"))
    assert outcome.error is not None
    assert "WorkflowTimeoutError" in outcome.error.message


def test_the_workflow_keeps_its_name() -> None:
    outcome, _ = play(workflow("return event.workflowName;", workflow="my-flow"))
    assert outcome.output == "my-flow"


def test_errors_know_where_they_arose() -> None:
    body = """
    try {
      await step.do("first", { retries: { limit: 0, delay: 1 } }, async () => {
        return nobody.there;
      });
    } catch {}
    return nobody.here;"""
    outcome, _ = play(workflow(body))
    [first] = outcome.steps
    assert first.error is not None and outcome.error is not None
    inside, between = (re.findall(r"(\w+\.js):(\d+)", error.stack or "") for error in (first.error, outcome.error))
    assert inside[0][0] == between[0][0] == "worker.js"
    assert int(between[0][1]) - int(inside[0][1]) == 3


def test_a_time_out_has_no_place() -> None:
    body = """
    const config = { retries: { limit: 0, delay: 1 }, timeout: 20 };
    await step.do("slow", config, async () => { await scheduler.wait(60); });"""
    outcome, _ = play(workflow(body))
    assert outcome.error is not None and outcome.steps[0].error is not None and outcome.steps[0].error.stack is None
