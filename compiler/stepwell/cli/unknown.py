"""What was named and is not there: which was meant, else which there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from stepwell.cli.faults import Failed
from stepwell.cli.words import did_you_mean

if TYPE_CHECKING:
    from stepwell.cloudflare import Cloudflare
    from stepwell.runs import Runs

_SHOWN = 5
_SEARCHED = 100
"""So many of the newest runs are looked through for one that may have been meant."""


def unknown_worker(api: Cloudflare, name: str) -> Failed:
    """There is no Worker of that name."""
    return Failed(f"there is no Worker {name} in the account.{_meant(name, _workers(api))}")


def unknown_workflow(runs: Runs, name: str, near: str = "") -> Failed:
    """There is no workflow of that name; a Worker of a script has none."""
    names = runs.workflows()
    if name in _workers(runs.api) and name.lower() not in map(str.lower, names):
        return Failed(f"the Worker {name} has no workflow of that name: a script has no runs, `stepwell call` calls it")
    return Failed(f"there is no workflow {name} in the account.{near or _meant(name, names)}")


def unknown_run(runs: Runs, id: str, workflow: str | None) -> Failed:
    """There is no run of that id, in one workflow or in any."""
    from stepwell.cli.runs import newest

    names = [workflow] if workflow is not None else runs.workflows()
    known = {run.id: run.workflow for run in islice(newest(runs, names), _SEARCHED)}
    where = f"{workflow} has no run {id}." if workflow is not None else f"there is no run {id}."
    meant = did_you_mean(id, known)
    if meant or not known:
        return Failed(where + (meant or " There are none."))
    last = ", ".join(f"{one} ({of})" for one, of in islice(known.items(), _SHOWN - 2))
    return Failed(f"{where} The newest: {last}. `stepwell runs` lists them")


@contextmanager
def of_workflow(runs: Runs, name: str | None, near: str = "") -> Iterator[None]:
    """Calls about a workflow, where one is named: when that is not there, which there are; `near` is said first."""
    from stepwell.cloudflare import ApiError

    try:
        yield
    except ApiError as error:
        if name is not None and error.missing and name not in runs.workflows():
            raise unknown_workflow(runs, name, near) from None
        raise


def _workers(api: Cloudflare) -> list[str]:
    return [str(one["id"]) for one in api.get("workers/scripts")]


def _meant(name: str, known: Collection[str]) -> str:
    """Which was meant, else a few of those there are."""
    if not known:
        return " There are none."
    shown, more = sorted(known)[:_SHOWN], len(known) - _SHOWN
    return did_you_mean(name, known) or f" There are: {', '.join(shown)}{f' and {more:,} more' if more > 0 else ''}."
