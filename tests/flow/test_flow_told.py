"""Findings about a flow's graph say what to write in its file."""

from __future__ import annotations

import pytest

from stepwell import check
from stepwell.flow import read

HEAD = "from stepwell.flow import js, manual, ref, workflow\nwith workflow('a', trigger=manual()) as flow:\n"


def told(*lines: str) -> list[tuple[str, str | None]]:
    """Each finding's slug and hint, in the order in which they are shown."""
    return [(one.slug, one.hint) for one in check(read(HEAD + "".join(f"    {line}\n" for line in lines)))]


def a_loop(code: str, over: str = "for_each('Each item', [1])") -> tuple[str, ...]:
    return (
        "order = flow.step('Read order', js('return {};'))",
        f"with flow.{over} as each:",
        f"    flow.step('A', {code})",
    )


@pytest.mark.parametrize(
    ("lines", "slug", "written"),
    [
        (a_loop("js('return {{each.item}};')"), "unknown-reference", "`{{item}}` for the item, `{{i}}` for the index"),
        (a_loop("js('return each.item;')"), "unknown-name", "`{{item}}` for the item, `{{i}}` for the index"),
        (a_loop("js('return {{each.item}};')", "for_each('Each', [1], item='one', index='n')"), "impossible-reference", "`{{one}}` for the item, `{{n}}` for the index"),
        (a_loop("js('return {{each.index}};')", "times('Thrice', 3)"), "unknown-reference", "`{{i}}` for the index"),
        ((*a_loop("js('return 1;')"), "flow.step('B', js('return {{each}};'))"), "unknown-reference", "`{{each_item}}`"),
        (a_loop("js('return {{order.total}};')"), "unknown-reference", "`{{read_order}}`"),
        (("order = flow.step('Read order', js('return {};'))", "flow.http('Get', 'https://example.com/{{order.id}}')"), "unknown-reference", "`{{read_order}}`"),
        (("with flow.try_('T') as t:", "    with t.try_():", "        flow.step('A', js('return 1;'))", "    with t.catch() as c:", "        flow.step('B', js('return {{c.error.message}};'))"), "unknown-reference", "`{{err}}` for the error"),
    ],
)  # fmt: skip
def test_a_variable_of_the_file_in_code_and_text(lines: tuple[str, ...], slug: str, written: str) -> None:
    [(found, hint)] = told(*lines)
    assert found == slug
    assert hint is not None and hint.endswith(f"is a variable of this file; code and text write {written}")


def test_other_names_are_told_of_as_in_json() -> None:
    assert told("a = flow.step('A', js('return 1;'))", "flow.step('B', js('return {{aa}};'))") == [
        ("unknown-reference", "Did you mean `a`?")
    ]
    lines = ("b = flow.step('A', js('return {{b}};'))", "flow.step('B', js('return 1;'))")
    assert told(*lines) == [("impossible-reference", "`b` (B) runs after `a` (A)")]


def test_two_nodes_of_one_name() -> None:
    lines = ["flow.step('A', js('return 1;'))", "flow.step('B', js('return 1;'))", "flow.step('A', js('return 1;'))"]
    assert told(*lines) == [
        (
            "duplicate-node",
            'the first one is in line 3; an id is made from the name; give one of them another: `id="a_2"`',
        )
    ]
    lines[2] = "flow.step('C', js('return 1;'), id='a')"
    assert told(*lines) == [("duplicate-node", 'the first one is in line 3; give one of them another: `id="a_2"`')]


def test_a_node_that_is_named_by_its_name() -> None:
    assert told("flow.step('A', js('return 1;'))", "flow.step('B', js('return 1;'), after='A')") == [
        ("dangling-edge", "Did you mean `a`?")
    ]


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        (("with flow.while_('W', js('false')):", "    pass"), "put a node into its block"),
        (("flow.times('W', 3)",), "write `with flow.times(…):`, and put a node into its block"),
        (("with flow.parallel('P'):", "    pass"), "put a node into each arm: `with ….arm(label):`"),
        (("with flow.branch('B'):", "    pass"), "add its arms in its block: `with ….when(condition):`, `with ….otherwise():`"),
        (("with flow.try_('T') as t:", "    with t.try_():", "        flow.step('A', js('return 1;'))"), "put a node into the arms `with ….try_():` and `with ….catch():`"),
    ],
)  # fmt: skip
def test_a_container_without_anything_in_it(lines: tuple[str, ...], hint: str) -> None:
    assert [one for _, one in told(*lines)] == [hint]


def test_an_argument_that_is_called_otherwise_in_json() -> None:
    assert told("flow.step('A', js('return 1;'), retries='many')") == [("schema", "here it is the argument `retries`")]
    assert told("flow.step('A', js('return 1;'), timeout=[])") == [("schema", None)]
