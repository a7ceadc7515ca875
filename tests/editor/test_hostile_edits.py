"""Edits of documents in any state: an answer, never a traceback; text and value agree; nothing else is touched."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell import edit
from stepwell.edit import Edited
from tests.properties.documents import mutated

ids = st.sampled_from(["zz", "a", "b", "n1", "x y", "event", "fetch", "class", "é", "{{a}}", "", "\ud800"])
WISHES = ("id", "name", "delete", "keep", "insert", "extract")


def _done(document: Any, wish: str, target: str, new: str) -> Any:
    if wish == "id":
        return edit.rename(document, target, id=new)
    if wish == "name":
        return edit.rename(document, target, name=new)
    if wish == "insert":
        return edit.insert(document, target, {"type": "step", "data": {"code": "return 1;"}})
    if wish == "extract":
        return edit.extract(document, [target], name=new)
    return edit.delete(document, target, keep=("*",) if wish == "keep" else ())


def _targets(document: Any, key: str) -> list[str]:
    inner = document.get("ir") if isinstance(document, dict) and "nodes" not in document else document
    listed = inner.get(key) if isinstance(inner, dict) else None
    found = [one.get("id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [one for one in found if isinstance(one, str)]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated(), st.sampled_from(WISHES), ids, st.data())
def test_an_answer_to_every_wish(document: Any, wish: str, new: str, data: st.DataObject) -> None:
    targets = _targets(document, "edges" if wish == "insert" else "nodes")
    target = data.draw(st.sampled_from(targets)) if targets else "nobody"
    before = copy.deepcopy(document)
    try:
        done = _done(document, wish, target, new)
    except edit.UnknownNode as error:
        assert error.node_id == target
        return
    assert document == before
    json.dumps(done.to_json())
    if isinstance(done, Edited) and _is_text(document):
        text = json.dumps(document, indent=data.draw(st.sampled_from([None, 1, 4, "\t"])))
        told = _done(text, wish, target, new)
        assert json.loads(told.document) == done.document
    elif not isinstance(done, Edited):
        assert done.findings


def _is_text(document: Any) -> bool:
    """Whether JSON can say it."""
    try:
        return bool(json.loads(json.dumps(document, allow_nan=False)) == document)
    except (TypeError, ValueError):
        return False
