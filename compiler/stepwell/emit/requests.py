"""What a module asks of the helpers `request` and `retry`, which are printed with that and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from stepwell.javascript.facts import Form
from stepwell.lower.program import Body, Code, Constant, Custom, Do, Expr, Items, Record, Request, Template, Work


@dataclass(frozen=True, slots=True)
class Asked:
    """What at least one request of a module has."""

    query: bool = False
    headers: bool = False
    sparse: bool = False
    """Headers of which one may be `null` or `undefined`, and is left out then."""
    own_type: bool = False
    """Headers that may say what type the body is."""
    own_key: bool = False
    """Headers that may hold a key of the user's own."""
    body: bool = False
    raw: bool = False
    """A body that need not be JSON: text, bytes, a form."""
    key: bool = False
    via: bool = False
    """A service binding."""
    lenient: bool = False
    """An answer that is not ok is no error."""
    timeout: bool = False
    """A time limit of its own: a step has one, a script has no steps."""

    @property
    def anything(self) -> bool:
        """Whether a request has more than a method and an address."""
        return any(getattr(self, one.name) for one in fields(self))


def asked(steps: Sequence[Do], script: bool) -> Asked:
    """What the steps that are requests have."""
    requests = [step.work for step in steps if isinstance(step.work, Request)]
    bodies = [one.body for one in requests if one.body is not None]
    return Asked(
        query=any(one.query is not None for one in requests),
        headers=any(one.headers is not None for one in requests),
        sparse=any(one.headers is not None and not _is_dense(one.headers) for one in requests),
        own_type=any(_may_have(one.headers, "content-type") for one in requests),
        own_key=any(_may_have(one.headers, "idempotency-key") for one in requests),
        body=bool(bodies),
        raw=not all(_is_json(body) for body in bodies),
        key=any(one.key for one in requests),
        via=any(one.binding is not None for one in requests),
        lenient=not all(one.throws for one in requests),
        timeout=script and any(step.settings is not None and step.settings.timeout != "" for step in steps),
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """What at least one of a script's steps has that its own `retry` runs."""

    context: bool
    """Work that reads `ctx`."""
    timeout: bool
    backoffs: frozenset[str]
    """How delays grow, of those that are tried again."""


def is_retried(step: Do) -> bool:
    """Whether a script needs its own `retry` for a step: a request has its own timeout."""
    return step.settings is not None and (step.settings.limit > 0 or _is_limited(step))


def tried(steps: Sequence[Do]) -> Tried:
    """What the steps of a script have that are retried."""
    retried = [step for step in steps if is_retried(step)]
    return Tried(
        context=any(_reads_context(step.work) for step in retried),
        timeout=any(_is_limited(step) for step in retried),
        backoffs=frozenset(step.settings.backoff for step in retried if step.settings and step.settings.limit > 0),
    )


def _is_limited(step: Do) -> bool:
    return step.settings is not None and step.settings.timeout != "" and not isinstance(step.work, Request)


def _reads_context(work: Work) -> bool:
    match work:
        case Request():
            return work.key
        case Body():
            return work.context != "none"
        case _:
            return isinstance(work, Custom)


def _is_json(body: Expr) -> bool:
    """Whether a body can only be an object or an array as JSON has them, or a constant that is no text."""
    match body:
        case Constant():
            return not isinstance(body.value, str)
        case Code():
            return body.facts.form in (Form.OBJECT, Form.ARRAY)
        case _:
            return isinstance(body, Record | Items)


def _is_dense(headers: Expr) -> bool:
    """Whether each header is known to have a value."""
    match headers:
        case Constant(value=dict()):
            return None not in headers.value.values()
        case Record():
            return all(_is_dense_value(value) for _, value in headers.entries)
        case _:
            return False


def _may_have(headers: Expr | None, name: str) -> bool:
    match headers:
        case None:
            return False
        case Constant(value=dict()):
            return name in {str(key).strip().lower() for key in headers.value}
        case Record():
            return name in {key.strip().lower() for key, _ in headers.entries}
        case _:
            return True


def _is_dense_value(value: Expr) -> bool:
    return isinstance(value, Template) or (isinstance(value, Constant) and value.value is not None)
