"""Runs of deployed workflows: started, looked at, waited for, steered."""

from __future__ import annotations

from .client import Runs, WaitTimeout
from .models import Attempt, Failure, Run, RunSummary, StepRun

__all__ = ["Attempt", "Failure", "Run", "RunSummary", "Runs", "StepRun", "WaitTimeout"]
