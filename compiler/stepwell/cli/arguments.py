"""What `run` is given as text: JSON or a file of it, events, mocks, variables. Bad text is a wrong call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.inputs import read

if TYPE_CHECKING:
    from stepwell.local.mock import Mock
    from stepwell.local.run import PendingEvent

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[^=#\s]+)\s*=\s*(?P<value>.*?)\s*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def json_value(text: str, option: str) -> Any:
    """JSON, or `@FILE` with JSON in it."""
    source, words = (read(text[1:]).text, text[1:]) if text.startswith("@") else (text, "it")
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as error:
        quoting = "" if text.startswith("@") else " Text is written with quotes: '\"text\"'."
        raise click.BadParameter(f"{words} is not JSON: {error}.{quoting}", param_hint=option) from error


def events(texts: Iterable[str]) -> tuple[PendingEvent, ...]:
    """`TYPE=JSON`, `TYPE=@FILE`, or `TYPE` for an event without a payload."""
    from stepwell.local.run import PendingEvent

    parts = [text.partition("=") for text in texts]
    return tuple(
        PendingEvent(kind, json_value(payload, f"--event {kind}") if equals else None)
        for kind, equals, payload in parts
    )


def mocks(texts: Iterable[str]) -> tuple[Mock, ...]:
    """`PATTERN=JSON`, `PATTERN=@FILE`, or `@FILE` with an object of patterns and answers."""
    return tuple(mock for text in texts for mock in _mocks(text))


def _mocks(text: str) -> list[Mock]:
    from stepwell.local.mock import make_mock, parse_mock

    pattern, is_file, path = text.rpartition("=@")
    try:
        if is_file and "=" not in path:
            return [make_mock(pattern, json_value(f"@{path}", f"--mock {pattern}"))]
        return parse_mock(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--mock") from error


def variables(texts: Iterable[str], files: Iterable[str]) -> dict[str, str]:
    """The variables of all files, then those given one by one."""
    found: dict[str, str] = {}
    for path in files:
        found |= file_of_variables(read(path).text, path, "--env-file")
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise click.BadParameter(f"{text!r}: write NAME=VALUE.", param_hint="--env")
        found[name] = value
    return found


def headers(texts: Iterable[str]) -> dict[str, str]:
    """Headers of a request."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise click.BadParameter(f"{text!r}: write NAME=VALUE.", param_hint="--header")
        found[name] = value
    return found


def file_of_variables(text: str, name: str, option: str) -> dict[str, str]:
    """Lines `NAME=VALUE` with comments and quotes, as `.env` files have them. No message holds a value."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None or not _NAME.fullmatch(parts["name"]):
            raise click.BadParameter(f"{name}, line {number}: write NAME=VALUE.", param_hint=option)
        found[parts["name"]] = _unquoted(parts["value"])
    return found


def _unquoted(value: str) -> str:
    double = re.fullmatch(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?', value)
    if double:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), double[1])
    single = re.fullmatch(r"'([^']*)'\s*(?:#.*)?", value)
    return single[1] if single else re.sub(r"\s+#.*", "", value)
