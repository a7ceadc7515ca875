"""A flow's file of 400 lines, warm: how long it takes to read it, to check it, to write it, to make each kind of edit.

    python -m benchmarks.flow

Each figure is the median of many runs in this process, beside what LibCST's parse alone takes, which is the floor.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import libcst

from stepwell import check
from stepwell.flow import apply, read, write

READ_MS: Final = 150
EDIT_MS: Final = 250
_ROUNDS: Final = 15

_PART: Final = '''
    # Part {n}: whoever has paid is shipped to.
    charge_{n} = flow.http(
        "Charge {n}",
        "https://payments.example.com/charges/{n}",
        method="POST",
        headers={{"Authorization": "Bearer {{{{env.PAYMENTS_KEY}}}}"}},
        body={{"order": ref(order).id, "amount": ref(order).total}},
        retries=retry(3, "5 seconds", "exponential"),
    )
    with flow.branch("Paid {n}?") as paid_{n}:
        with paid_{n}.when(ref(charge_{n}).body.paid == True, label="yes"):
            flow.step("Ship {n}", js("""
                const address = {{{{read_order.address}}}};
                return {{ address, at: {n} }};
            """))
        with paid_{n}.otherwise(label="no"):
            flow.wait_for_event("Retry {n}", "payment-retry", timeout="3 days")
'''
_HEAD: Final = """from stepwell.flow import js, ref, retry, workflow

with workflow("Orders") as flow:
    order = flow.step("Read order", js("return event.payload;"))
"""
EDITS: Final[dict[str, dict[str, Any]]] = {
    "set a field": {"op": "set", "node": "charge_9", "field": "data/url", "value": "https://pay.example.com/"},
    "change a condition": {"op": "condition", "node": "paid_9", "label": "yes", "value": "{{charge_9.body.paid}}"},
    "add a node": {"op": "add", "node": {"id": "n", "type": "step", "name": "N", "data": {"code": "return 1;"}}, "after": "ship_9"},
    "remove a node": {"op": "remove", "node": "charge_9"},
    "rename a node": {"op": "rename", "node": "charge_9", "to": "payment"},
    "move a node": {"op": "move", "node": "retry_9", "after": "charge_12"},
    "connect": {"op": "connect", "source": "read_order", "target": "charge_9"},
}  # fmt: skip


def flow_of(lines: int) -> str:
    """A flow's file of about so many lines."""
    text, number = _HEAD, 0
    while text.count("\n") < lines:
        number += 1
        text += _PART.format(n=number)
    return text


def median(do: Callable[[], object]) -> float:
    """Milliseconds; once before it is measured."""
    do()
    took = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        do()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def main() -> None:
    text = flow_of(400)
    reading = read(text)
    assert reading.ok and reading.document is not None
    print(f"{text.count(chr(10))} lines, {len(reading.document['nodes'])} nodes; milliseconds, warm")
    _line("LibCST parses it", median(lambda: libcst.parse_module(text)))
    _line("read", median(lambda: read(text)), READ_MS)
    _line("read, and places of all nodes", median(lambda: _places(text)))
    _line("read and checked", median(lambda: check(read(text))))
    _line("written anew", median(lambda: write(reading.document)))
    for name, edit in EDITS.items():
        assert apply(text, [edit]).text is not None
        _line(name, median(lambda edit=edit: apply(text, [edit])), EDIT_MS)  # type: ignore[misc]


def _places(text: str) -> None:
    reading = read(text)
    for number in range(len(reading.sites)):
        assert reading.place(f"/nodes/{number}") is not None


def _line(name: str, took: float, limit: int | None = None) -> None:
    told = "" if limit is None else f"  of {limit}{'' if took < limit else '  TOO SLOW'}"
    print(f"  {name:<32} {took:7.1f}{told}")


if __name__ == "__main__":
    main()
