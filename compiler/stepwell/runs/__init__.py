"""Runs of deployed workflows: started, looked at, waited for, steered."""

from __future__ import annotations

from .async_client import AsyncRuns
from .client import Runs
from .models import Attempt, CodePlace, Failure, Run, RunSummary, StepRun
from .talks import WaitTimeout

__all__ = ["AsyncRuns", "Attempt", "CodePlace", "Failure", "Run", "RunSummary", "Runs", "StepRun", "WaitTimeout"]
