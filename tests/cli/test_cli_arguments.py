"""What `run` is given as text."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from stepwell.cli import arguments


def test_json_or_a_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"a": [1]}')
    assert arguments.json_value('{"a": [1]}', "--params") == {"a": [1]}
    assert arguments.json_value(f"@{tmp_path / 'p.json'}", "--params") == {"a": [1]}


@pytest.mark.parametrize("text", ["", "{", "text", "[" * 100_000])
def test_what_is_no_json_is_a_wrong_call(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not JSON"):
        arguments.json_value(text, "--params")


def test_events_keep_their_order() -> None:
    found = arguments.events(['a={"x": "="}', "b", "a=2"])
    assert [(event.type, event.payload) for event in found] == [("a", {"x": "="}), ("b", None), ("a", 2)]


def test_mocks_from_text_and_files(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text('{"ok": true}')
    (tmp_path / "all.json").write_text('{"GET https://a.test/*": 1, "POST https://b.test/x": 2}')
    found = arguments.mocks(
        [
            'https://h.test/?a=1={"x": 1}',
            f"GET https://c.test/=@{tmp_path / 'answer.json'}",
            f"@{tmp_path / 'all.json'}",
        ]
    )
    assert [mock.pattern for mock in found] == [
        "https://h.test/?a=1",
        "GET https://c.test/",
        "GET https://a.test/*",
        "POST https://b.test/x",
    ]
    assert found[1].responses[0].body == b'{"ok": true}'


@pytest.mark.parametrize("text", ["https://a.test/", "a=1", "https://a.test/={", "@nope.json"])
def test_a_mock_that_is_none(text: str) -> None:
    with pytest.raises(click.BadParameter):
        arguments.mocks([text])


def test_variables(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        """# comment
        A=1
        export B = two words # not this
        C="line\\nnext # \\" kept"
        D='$raw\\n'
        E=
        F=a=b#c
        """
    )
    assert arguments.variables(["A=over", "G="], [str(file)]) == {
        "A": "over",
        "B": "two words",
        "C": 'line\nnext # " kept',
        "D": "$raw\\n",
        "E": "",
        "F": "a=b#c",
        "G": "",
    }


@pytest.mark.parametrize("text", ["A", "1A=x", "A B=x", "=x"])
def test_a_variable_that_is_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="NAME=VALUE"):
        arguments.variables([text], [])
    (tmp_path / ".env").write_text(f"X=1\n{text}\n")
    with pytest.raises(click.BadParameter, match="line 2"):
        arguments.variables([], [str(tmp_path / ".env")])
