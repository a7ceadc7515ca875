"""Which arms need no function of their own: those that are one call, or nothing."""

from __future__ import annotations

from stepwell.lower.program import (
    Arm,
    Body,
    Child,
    Concurrent,
    Constant,
    Custom,
    Do,
    Inline,
    Name,
    Parallel,
    Race,
    Request,
    Sleep,
    SleepUntil,
    Statement,
    Undefined,
    Wait,
    Work,
)

Container = Parallel | Race | Concurrent


def single(container: Container, arm: Arm) -> Statement | None:
    """The statement that is all of an arm, when the promise it makes is worth what the arm is worth."""
    only = arm.block[0] if len(arm.block) == 1 and not is_record(arm) else None
    if not isinstance(only, Do | Inline | Sleep | SleepUntil | Wait | Child):
        return None
    return only if _worth(only, arm, _discards(container, arm)) else None


def is_safe(only: Statement, script: bool) -> bool:
    """Whether nothing throws while the promise of a single statement is made.

    If something did, the arms of a parallel behind it would never start.
    """
    match only:
        case Do():
            return not (script and isinstance(only.work, Request | Custom))
        case Sleep():
            return isinstance(only.duration, Constant)
        case SleepUntil():
            return isinstance(only.time, Constant)
        case Wait():
            return isinstance(only.event_type, Constant) and isinstance(only.timeout, Constant)
        case Child():
            return isinstance(only.input, Name | Constant | None)
        case _:
            return True


def bare_body(only: Statement | None, container: Container, script: bool) -> Body | None:
    """The user's body that a statement calls at once, when it may be the arm's own function.

    There it must declare no name that the function's parameters have.
    """
    work: Work | None = None
    if isinstance(only, Inline):
        work = only.body
    elif isinstance(only, Do) and script and only.settings is None:
        work = only.work
    if not isinstance(work, Body) or work.context != "none":
        return None
    names = {container.item, container.index} if isinstance(container, Concurrent) else set()
    return work if names.isdisjoint(work.code.facts.bound) else None


def is_trivial(arm: Arm) -> bool:
    """Whether an arm does nothing, and has a value that cannot throw."""
    return not arm.block and not is_record(arm) and isinstance(arm.value, Name | Constant | Undefined | None)


def is_record(arm: Arm) -> bool:
    """Whether an arm returns a record of what it hands out."""
    return arm.record or bool(arm.gives)


def _discards(container: Container, arm: Arm) -> bool:
    """Whether nothing is done with the value of an arm."""
    if container.bind is not None or not isinstance(container, Parallel):
        return container.bind is None
    parts = zip(container.arms, container.parts, strict=False)
    return not any(part for other, part in parts if other is arm)


def _worth(only: Statement, arm: Arm, discarded: bool) -> bool:
    bind = getattr(only, "bind", None)
    if isinstance(only, Sleep | SleepUntil) or (discarded and arm.value is None):
        return arm.value is None and (bind is None or bind.new)
    return bind is not None and bind.new and arm.value == Name(bind.name)
