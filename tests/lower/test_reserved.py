"""Names of the scaffold are kept for it only where it has them."""

from __future__ import annotations

from stepwell import compile_artifact
from tests.properties.documents import edge, graph, node


def test_value_and_output_are_names_like_others() -> None:
    made = compile_artifact(graph(node("a", name="value"), node("b", name="output", code="return {{a}};")))
    assert made.js is not None
    assert "const value = await" in made.js
    assert "const output = await" in made.js
    assert "return output;" in made.js


def test_what_an_arm_hands_on_is_not_named_like_what_it_is_worth() -> None:
    """`{ value: other, value }` would lose one of them."""
    nodes = [node("r", "race"), node("a", name="value"), node("b"), node("c"), node("after")]
    nodes[-1]["data"]["code"] = 'return [{{r}}, {{a ?? "none"}}];'
    edges = [edge("r", "a", "one"), edge("a", "b"), edge("r", "c", "two"), edge("r", "after", "then")]
    made = compile_artifact(graph(*nodes, edges=edges))
    assert made.js is not None
    assert "value: b, value_2 }" in made.js
