"""`run` from the outside: the real compiler, the real runtime."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.cli.cli_calls import Said, process, stepwell

SMALL = '{"items": [{"price": 20, "quantity": 3}]}'
LARGE = '{"items": [{"price": 200, "quantity": 3}]}'
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A first project, with the tests standing in its folder."""
    stepwell("init", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _example(name: str, *arguments: str) -> Said:
    folder = EXAMPLES / name
    inputs = ("--params", f"@{folder / 'params.json'}", "--mock", f"@{folder / 'mocks.json'}")
    return stepwell("run", folder / f"{name}.json", *inputs, *arguments)


def test_a_run_that_completes(project: Path) -> None:
    said = stepwell("run", "order.json", "--params", SMALL)
    assert (said.code, said.err) == (0, "")
    assert '✓ Price  {"total": 60}\n' in said.out
    assert '  "status": "confirmed"' in said.out


def test_an_event_is_delivered_when_it_is_waited_for(project: Path) -> None:
    said = stepwell("run", "order.json", "--params", LARGE, "--event", 'approval={"by": "Ada"}')
    assert said.code == 0
    assert '→ event approval  {"by": "Ada"}' in said.out
    assert '"approvedBy": "Ada"' in said.out


def test_without_the_event_time_passes_and_the_run_errs(project: Path) -> None:
    said = stepwell("run", "order.json", "--params", LARGE)
    assert said.code == 1
    assert "3 days skipped" in said.out
    assert '  node approval "Approval"' in said.out


def test_json_is_one_document_and_nothing_else(project: Path) -> None:
    said = stepwell("run", "order.json", "--params", SMALL, "--json")
    assert (said.code, said.err) == (0, "")
    document = json.loads(said.out)
    assert document["status"] == "complete"
    assert document["output"]["total"] == 60
    assert [(step["name"], step["nodeId"]) for step in document["steps"]] == [
        ("Price", "price"),
        ("Confirm", "confirm"),
    ]


def test_an_error_names_its_node(project: Path) -> None:
    document = json.loads(stepwell("run", "order.json", "--json").out)
    assert document["status"] == "errored"
    assert document["error"]["nodeId"] == "price"
    assert "the order has no items" in json.dumps(document["error"])


def test_a_graph_with_errors_could_not_be_run(project: Path) -> None:
    Path("order.json").write_text(Path("order.json").read_text().replace("price.total", "prize.total"))
    said = stepwell("run", "order.json", "--json")
    assert said.code == 3
    assert json.loads(said.out)["status"] == "not-run"
    assert "unknown-reference" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--params", "{"),
        ("--event", "a={"),
        ("--mock", "x"),
        ("--env", "1=2"),
        ("--timeout", "0"),
        ("--timeout", "x"),
    ],
)
def test_a_wrong_call(project: Path, arguments: tuple[str, str]) -> None:
    assert stepwell("run", "order.json", *arguments).code == 2


def test_a_run_that_takes_too_long(project: Path) -> None:
    said = stepwell("run", "order.json", "--params", LARGE, "--real-time", "--timeout", "1.5")
    assert said.code == 3
    assert "did not end within 1.5 seconds" in said.err
    assert "Approval (it waits for the event approval: --event 'approval=JSON')" in said.err


def test_ctrl_c_ends_a_run(project: Path) -> None:
    command = [sys.executable, "-m", "stepwell.cli", "run", "order.json", "--params", LARGE, "--real-time"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    # A shell that runs the tests in the background has its children ignore Ctrl-C.
    listening = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=environment, preexec_fn=listening
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        for line in running.stdout:
            if "waits for an event" in line:
                break
        running.send_signal(signal.SIGINT)
        try:
            assert running.wait(20) == 130
        finally:
            running.kill()
        assert running.stderr.read().strip() == "stepwell: interrupted"


def test_the_graph_may_come_from_standard_input(project: Path) -> None:
    assert process("run", "-", "--params", SMALL, stdin=Path("order.json").read_bytes()).code == 0


def test_a_request_without_a_mock_says_how_to_mock_it() -> None:
    said = stepwell("run", EXAMPLES / "supplier-quotes" / "supplier-quotes.json", "--params", '{"sku": "a"}')
    assert said.code == 1
    assert said.out.count("add --mock 'POST https://north.example.com/quotes=JSON'") == 1


def test_what_was_given_and_not_used_is_said(project: Path) -> None:
    given = ("--params", SMALL, "--event", "aproval=1", "--env", "A=1", "--mock", "https://a.test/=1")
    said = stepwell("run", "order.json", *given)
    assert said.code == 0
    assert [line.partition(" ")[2].split()[1:3] for line in said.err.splitlines()] == [
        ["--env", "A"],
        ["--event", "aproval"],
        ["--mock", "'https://a.test/'"],
    ]
    assert len(json.loads(stepwell("run", "order.json", *given, "--json").out)["notes"]) == 3
    assert "without --params `event.payload` is null" in stepwell("run", "order.json").err


def test_a_script_that_says_nothing_begins_with_its_outcome() -> None:
    said = _example("payment-webhook", "--env", "WEBHOOK_SECRET=other")
    assert said.out.startswith("errored (HTTP 500)")


@pytest.mark.parametrize(
    ("event", "status"),
    [('approval={"approved": true}', "shipped"), ('approval={"approved": false}', "cancelled")],
)
def test_the_order_example(event: str, status: str) -> None:
    said = _example("order-approval", "--env", "PAYMENTS_KEY=k", "--event", event, "--json")
    assert said.code == 0
    assert json.loads(said.out)["output"]["status"] == status


def test_the_order_example_with_a_refused_card() -> None:
    refusal = 'POST https://payments.example.com/charges={"status": 402, "body": "no funds"}'
    folder = EXAMPLES / "order-approval"
    said = stepwell(
        "run", folder / "order-approval.json", "--params", f"@{folder / 'params.json'}", "--mock", refusal,
        "--mock", f"@{folder / 'mocks.json'}", "--event", 'approval={"approved": true}', "--json",
    )  # fmt: skip
    assert said.code == 0
    document = json.loads(said.out)
    assert document["output"]["status"] == "payment failed"
    assert "Release stock" in [step["name"] for step in document["steps"]]


def test_the_report_example() -> None:
    url = "https://chat.example.com/hooks/reports"
    said = _example("nightly-report", "--env", "SHOP_TOKEN=t", "--env", f"CHAT_WEBHOOK_URL={url}", "--json")
    assert said.code == 0
    assert json.loads(said.out)["output"]["report"]["revenue"] == 220.4


@pytest.mark.parametrize(
    ("arguments", "status"), [((), "expired"), (("--event", 'offer-accepted={"by": "b"}'), "ordered")]
)
def test_the_quotes_example(arguments: tuple[str, ...], status: str) -> None:
    said = _example("supplier-quotes", *arguments, "--json")
    assert said.code == 0
    assert json.loads(said.out)["output"] == {"deal": {"supplier": "West", "price": 1095, "status": status}}


def test_the_webhook_example() -> None:
    good = _example("payment-webhook", "--env", "WEBHOOK_SECRET=whsec-test", "--json")
    assert json.loads(good.out)["output"] == {"received": {"id": "evt-9", "handled": True}}
    bad = _example("payment-webhook", "--env", "WEBHOOK_SECRET=other", "--json")
    assert bad.code == 1
    assert json.loads(bad.out)["httpStatus"] == 500


def test_a_script_takes_no_events() -> None:
    assert _example("payment-webhook", "--env", "WEBHOOK_SECRET=x", "--event", "a=1").code == 2


def test_the_examples_are_clean() -> None:
    said = stepwell("check", EXAMPLES)
    assert (said.code, said.out) == (0, "0 errors, 0 warnings in 5 files\n")
