"""A changed value as text: whatever changed, the text says the new value."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from stepwell.editor.text import retext


def test_the_text_says_the_new_value() -> None:
    for seed in range(1500):
        random = Random(seed)
        before = _value(random)
        after = _changed(random, before)
        text = json.dumps(before, indent=random.choice([None, 2, "\t"]))
        assert json.loads(retext(text, before, after)) == after, (text, after)


def test_keys_keep_the_order_of_the_text() -> None:
    assert retext('{"b": 1, "a": [2]}', {"b": 1, "a": [2]}, {"a": [3], "b": 1}) == '{"b": 1, "a": [3]}'


def _value(random: Random, depth: int = 0) -> Any:
    kind = random.random()
    if depth > 3 or kind < 0.3:
        return random.choice([1, 2, "a", "b", None, True])
    if kind < 0.65:
        return {key: _value(random, depth + 1) for key in random.sample("abcdef", random.randint(0, 4))}
    made = [_value(random, depth + 1) for _ in range(random.randint(0, 4))]
    return [{"id": random.choice("xyz"), "v": one} if random.random() < 0.5 else one for one in made]


def _changed(random: Random, value: Any) -> Any:
    """Members gone, new, changed, and in another order."""
    if random.random() < 0.15:
        return _value(random, 2)
    if isinstance(value, dict):
        items = [(key, _changed(random, one)) for key, one in value.items() if random.random() > 0.1]
        return dict(random.sample(items, len(items)))
    if isinstance(value, list):
        listed = [_changed(random, one) for one in value if random.random() > 0.1]
        return random.sample(listed, len(listed)) if random.random() < 0.4 else listed
    return value
