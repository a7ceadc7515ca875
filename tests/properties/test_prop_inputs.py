"""Any text is answered where code, an expression, a duration, a time, a cron expression or a document is expected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.hostile import bounded
from tests.properties.inputs import TEXTS, assert_answered


@pytest.mark.parametrize("kind", TEXTS)
@bounded(100)
@given(data=st.data())
def test_any_text_is_answered(kind: str, data: st.DataObject) -> None:
    assert_answered(kind, data.draw(TEXTS[kind]))
