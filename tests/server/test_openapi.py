"""The OpenAPI document and the server hold each other to their word (schemathesis)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stepwell.server.app import make_app
from tests.server.door import Served, served
from tests.server.world import build, routes

EXAMPLES: Final = 12
"""For each route."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def public(new_database: Callable[[], str]) -> Iterator[Served]:
    """A server of this module's own, for its requests make and remove whatever they like."""
    with served(new_database()) as running:
        yield running


APP: Final[FastAPI] = make_app(None)  # type: ignore[arg-type]
"""For its document alone: nothing is asked of it."""
API: Final[Any] = schemathesis.openapi.from_dict(APP.openapi())


@pytest.mark.parametrize("name", [route.name for route in routes(APP)])
def test_every_route_answers_as_the_document_says(public: Served, name: str) -> None:
    """Whatever comes in, what is allowed and what is not; with ids that are there as often as with others."""
    who = public.caller()
    world, headers = build(public, who), {"Authorization": f"Bearer {who.key}"}
    base, turn = str(public.http.base_url), itertools.count()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategies.one_of(*(API.find_operation_by_id(name).as_strategy(mode) for mode in GenerationMode)))
    def ask(case: Any) -> None:
        if next(turn) % 2:
            case.path_parameters = {one: getattr(world, one, id) for one, id in (case.path_parameters or {}).items()}
        answer = case.call(base_url=base, headers=headers, timeout=60)
        # 503 tells of Cloudflare, which is not reached here.
        case.validate_response(answer, checks=CHECKS if answer.status_code != 503 else CHECKS[1:])

    ask()


def test_the_document_tells_all_routes() -> None:
    paths = APP.openapi()["paths"]
    for route in routes(APP):
        operation = paths[route.path][route.method.lower()]
        assert operation["operationId"] == route.name and operation["x-scope"] == route.scope
        assert operation["security"] == [{"key": []}]
        assert operation["description"], route.name
        assert {"401", "403", "404", "422", "429"} <= set(operation["responses"]), route.name
        assert ("requestBody" in operation) == route.has_body
