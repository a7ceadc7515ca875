"""What a run was given and did not use, or would have used and was not given: mostly a name that is mistyped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.cli.words import did_you_mean
from stepwell.compiler import Compiled
from stepwell.local.events import EventDelivered, Requested, RunEvent, WaitStarted
from stepwell.local.mock import Mock
from stepwell.local.run import RunOptions


@dataclass(frozen=True)
class Given:
    """What was given with a run. `own_mocks` and `own_env` were named one by one, not by a file of many."""

    graphs: Sequence[Compiled]
    options: RunOptions
    has_params: bool
    own_mocks: Sequence[Mock]
    own_env: Iterable[str]
    variables: Mapping[str, str]


def at_the_start(given: Given) -> list[str]:
    """What can be said before anything runs."""
    return [*_params(given), *_variables(given), *(mock.doubt for mock in given.options.mocks if mock.doubt)]


def at_the_end(given: Given, seen: Sequence[RunEvent]) -> list[str]:
    """What nothing has asked for."""
    return [*_events(given, seen), *_mocks(given, seen)]


def _params(given: Given) -> Iterator[str]:
    main = given.graphs[0]
    if not given.has_params and "event.payload" in (main.source or ""):
        nothing = "undefined" if (main.manifest or {}).get("kind") == "script" else "null"
        yield f"without --params `event.payload` is {nothing}"


def _variables(given: Given) -> Iterator[str]:
    read = {name for graph in given.graphs for name in _read(graph)}
    texts = {name for graph in given.graphs for name in _texts(graph)}
    for name in sorted(texts - given.variables.keys()):
        yield f"`env.{name}` is not given and is undefined: add --env {name}=VALUE"
    if any(finding.slug == "env-dynamic" for graph in given.graphs for finding in graph.diagnostics):
        return  # which names are read cannot be seen
    for name in given.own_env:
        if name not in read:
            yield f"--env {name} is not used: no graph reads `env.{name}`.{did_you_mean(name, read)}"


def _bindings(graph: Compiled) -> Iterable[Mapping[str, Any]]:
    bindings: Iterable[Mapping[str, Any]] = (graph.manifest or {}).get("bindings", ())
    return bindings


def _read(graph: Compiled) -> Iterator[str]:
    return (binding["name"] for binding in _bindings(graph))


def _texts(graph: Compiled) -> Iterator[str]:
    """The variables and secrets that the graph reads and has no value for itself."""
    for binding in _bindings(graph):
        is_text = binding["kind"] in ("string", "secret") and not binding.get("optional")
        if is_text and binding["name"] not in graph.variables:
            yield binding["name"]


def _events(given: Given, seen: Sequence[RunEvent]) -> Iterator[str]:
    delivered = Counter(event.event_type for event in seen if isinstance(event, EventDelivered))
    awaited = dict.fromkeys(event.event_type for event in seen if isinstance(event, WaitStarted))
    for kind, count in Counter(event.type for event in given.options.events).items():
        left = count - delivered[kind]
        if left and not delivered[kind]:
            meant = did_you_mean(kind, awaited) or _waited_for(awaited)
            yield f"--event {kind} was not delivered: nothing waited for it.{meant}"
        elif left:
            yield f"--event {kind} was delivered {delivered[kind]} of {count} times: nothing waited for it any more"


def _waited_for(kinds: Iterable[str]) -> str:
    names = ", ".join(repr(kind) for kind in kinds)
    return f" The run waited for {names}." if names else ""


def _mocks(given: Given, seen: Sequence[RunEvent]) -> Iterator[str]:
    requests = [(event.method, event.url) for event in seen if isinstance(event, Requested)]
    answering = [_first(given.options.mocks, *request) for request in requests]
    for mock in given.own_mocks:
        if mock in answering:
            continue
        earlier = next((_first(given.options.mocks, *one) for one in requests if mock.fits(*one)), None)
        why = f": {earlier.pattern!r} stands before it and answered first" if earlier else ""
        yield f"--mock {mock.pattern!r} answered no request{why}"


def _first(mocks: Iterable[Mock], method: str, url: str) -> Mock | None:
    return next((mock for mock in mocks if mock.fits(method, url)), None)
