"""The grammar of mocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.local.mock import parse_mock


def test_a_json_body() -> None:
    [mock] = parse_mock('GET https://api.test/users/*={"name": "Ann", "status2": 1}')
    assert (mock.method, mock.url) == ("GET", "https://api.test/users/*")
    [answer] = mock.responses
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == b'{"name": "Ann", "status2": 1}'


@pytest.mark.parametrize(
    ("pattern", "method", "url", "fits"),
    [
        ("https://a.test/*", "GET", "https://a.test/x?y=1", True),
        ("https://a.test/*", "GET", "http://a.test/x", False),
        ("https://a.test", "PUT", "https://a.test/", True),
        ("post https://a.test/", "POST", "https://a.test/", True),
        ("POST https://a.test/", "GET", "https://a.test/", False),
        ("https://a.test/?q=1", "GET", "https://a.test/?q=1", True),
        ("https://a.test/?q=1", "GET", "https://a.test/xq=1", False),
        ("https://a.test/[x]", "GET", "https://a.test/[x]", True),
        ("*", "GET", "https://anything.test/", True),
        ("workflow:kid", "POST", "workflow:kid", True),
    ],
)
def test_what_fits(pattern: str, method: str, url: str, fits: bool) -> None:
    [mock] = parse_mock(f"{pattern}=null")
    assert mock.fits(method, url) is fits


def test_the_url_may_hold_equal_signs() -> None:
    [mock] = parse_mock('GET https://a.test/?a=b&c=d={"e": "f=g"}')
    assert mock.url == "https://a.test/?a=b&c=d"
    assert mock.responses[0].body == b'{"e": "f=g"}'


def test_full_responses() -> None:
    [mock] = parse_mock(
        'https://a.test={"$sequence": [{"status": 503}, {"body": "text"}, {"body": [1], "delayMs": 5}]}'
    )
    none, text, array = mock.responses
    assert (none.status, none.body) == (503, b"")
    assert (text.body, text.headers["content-type"]) == (b"text", "text/plain;charset=UTF-8")
    assert (array.body, array.delay_ms, array.headers["content-type"]) == (b"[1]", 5, "application/json")


def test_a_body_that_has_other_keys_is_a_body() -> None:
    [mock] = parse_mock('https://a.test={"status": "shipped", "id": 4}')
    assert (mock.responses[0].status, mock.responses[0].body) == (200, b'{"status": "shipped", "id": 4}')


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mocks.json"
    file.write_text('{"GET https://a.test/": 1, "https://b.test/": {"status": 404}}')
    first, second = parse_mock(f"@{file}")
    assert (first.method, second.responses[0].status) == ("GET", 404)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://a.test/", "write it as"),
        ("https://a.test/={oops}", "is not JSON"),
        ("a.test/x=1", "give the whole URL"),
        ('https://a.test={"status": 42}', "status must be"),
        ('https://a.test={"status": true, "body": 1}', "status must be"),
        ('https://a.test={"body": 1, "delayMs": "x"}', "delayMs must be"),
        ('https://a.test={"body": 1, "headers": {"a": 1}}', "headers must be"),
        ('https://a.test={"$sequence": []}', "at least one answer"),
        ("@/nowhere/at/all.json", "No such file"),
        ("https://a.test/=" + "[" * 100_000, "is not JSON"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_mock(text)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_object(tmp_path: Path) -> None:
    file = tmp_path / "mocks.json"
    file.write_text("[1]")
    with pytest.raises(ValueError, match="must be a JSON object"):
        parse_mock(f"@{file}")
