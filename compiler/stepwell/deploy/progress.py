"""What a deploy tells as it goes. The stages are those that users of AwaitStep know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a deploy is."""

    INITIALIZING = "INITIALIZING"
    GENERATING_CODE = "GENERATING_CODE"
    CODE_READY = "CODE_READY"
    DETECTING_BINDINGS = "DETECTING_BINDINGS"
    BINDINGS_READY = "BINDINGS_READY"
    CREATING_WORKER = "CREATING_WORKER"
    DEPLOYING = "DEPLOYING"
    WORKER_DEPLOYED = "WORKER_DEPLOYED"
    UPDATING_WORKFLOW = "UPDATING_WORKFLOW"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Event:
    """Something that happened. `worker` None: to all of the deploy."""

    stage: Stage
    message: str
    worker: str | None = None


Listener = Callable[[Event], None]
