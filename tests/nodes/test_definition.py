"""Definitions: what is refused and how it is told; versions in order; the checksum of bundles."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepwell.graph.definition import checksum, read_definition
from stepwell.graph.versions import precedence
from tests.nodes.helpers import definition


def flaws(**over: Any) -> list[str]:
    read, found = read_definition(definition(**over))
    assert (read is None) == bool(found)
    return [f"{flaw.pointer}: {flaw.message}" for flaw in found]


def test_a_right_one() -> None:
    assert flaws() == []
    assert flaws(runtime={"defaultTimeout": "30 seconds", "defaultRetries": 0, "streaming": True}) == []
    assert flaws(dependencies={"@scope/name": "^1 || 2.x"}, deprecated=True, replacedBy="other") == []


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ({"id": "Say"}, "/id: `id` is lower case letters"),
        ({"id": "step"}, "/id: `step` is a type of stepwell's own"),
        ({"version": "1.0"}, "/version: `version` is three numbers"),
        ({"version": "01.0.0"}, "/version: `version` is three numbers"),
        ({"description": "x" * 121}, "/description: `description` has more than 120"),
        ({"category": "Mail"}, "/category: `category` must be"),
        ({"providers": []}, "/providers: `providers` must be a list that is not empty"),
        ({"colour": "red"}, "/colour: `colour` is no key of a definition"),
        ({"runtime": {"defaultTimeout": "soon"}}, "/runtime/defaultTimeout: `runtime.defaultTimeout` is"),
        ({"dependencies": {"Bad Name": "1"}}, "/dependencies/Bad Name: "),
        ({"dependencies": {"ms": "^^1"}}, "/dependencies/ms: "),
        ({"replacedBy": "say"}, "/replacedBy: "),
    ],
)
def test_what_is_wrong_is_told_where_it_is(over: dict[str, Any], told: str) -> None:
    [flaw] = flaws(**over)
    assert flaw.startswith(told)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"type": "secret"}, "is a secret and has no `envVarName`"),
        ({"type": "secret", "envVarName": "key"}, "as `envVarName`; write upper case"),
        ({"type": "secret", "envVarName": "KEY", "default": "x"}, "would be no secret"),
        ({"type": "select"}, "has no `options`"),
        ({"type": "multiselect", "options": []}, "has no `options`"),
        ({"type": "select", "options": ["a"], "default": "b"}, 'as `default`; it must be "a"'),
        ({"type": "number", "default": "many"}, "as `default`; it must be a number"),
        ({"type": "string", "validation": {"pattern": "("}}, "has a `pattern` that cannot be read"),
    ],
)
def test_fields_that_are_wrong(field: dict[str, Any], told: str) -> None:
    [flaw] = flaws(configSchema={"f": {"label": "F", **field}})
    assert told in flaw and flaw.startswith("/configSchema/f")


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_what_is_no_object(value: object) -> None:
    assert read_definition(value)[0] is None


def test_versions_come_in_their_order() -> None:
    before = [f"1.0.0-{told}" for told in ("alpha", "alpha.1", "alpha.beta", "beta.2", "beta.11", "rc.1")]
    told = [*before, "1.0.0", "1.9.0", "1.10.0"]
    assert sorted(sorted(told), key=precedence) == told


def test_the_checksum_is_that_of_javascript() -> None:
    """The digest was made by Node, over numbers, keys and characters that JSON writes differently there."""
    bundle = json.loads(
        '{"definition":{"id":"x","b":1.0,"a":[1e3,0.1,-0.0,1e21],"z":{"10":1,"2":2,"k":"é\\u2028\\ud800\\u007f/"},'
        '"t":true,"n":null},"templates":{"cloudflare":"export default 1;\\n\\"q\\""}}'
    )
    wanted = "sha256:8f51bd5b74a53f68751e4acf939c92f7e97db11dc80577a5a26c42db39957711"
    assert checksum(bundle["definition"], bundle["templates"]) == wanted
