"""Looks after what nobody asks for: runs whose start was lost half way, runs that go on, deploys that were cut off."""

from __future__ import annotations

import logging
import threading
from typing import Final

from sqlalchemy import update

from . import running
from .database import now
from .errors import Problem
from .house import House
from .tables import DeploymentRow
from .vault import WrongKeys

_LOG: Final = logging.getLogger("stepwell.server")
_SECOND: Final = 1_000_000
_EVERY_SECONDS: Final = 15.0
_PENDING_AFTER: Final = 30 * _SECOND
_STALE_AFTER: Final = 60 * _SECOND
_AT_ONCE: Final = 20
"""Runs looked at in one round. Cloudflare allows 1,200 calls in five minutes for a user."""
_DEPLOY_AT_MOST: Final = 30 * 60 * _SECOND


class Keeper:
    """A thread. Several servers on one database may each have theirs: looking twice changes nothing."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends once the round that is under way has ended."""
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                keep(self._house)
            except Exception:  # the thread must outlive any fault; the next round tries again
                _LOG.exception("looking after runs failed")
            self._stop.wait(_EVERY_SECONDS)


def keep(house: House, *, pending_after: int = _PENDING_AFTER) -> None:
    """One round. `pending_after`: how old a start must be before it is looked after, in microseconds."""
    moment = now()
    rows = running.pending(house, moment - pending_after, _AT_ONCE)
    rows += running.stale(house, moment - _STALE_AFTER, _AT_ONCE)
    for row in rows:
        try:
            running.look(house, row)
        except (Problem, WrongKeys) as problem:
            _LOG.info("run %s: %s", row.id, problem)
            running.postpone(house, row)
        except Exception:  # of one run; the others must not wait for it for ever
            _LOG.exception("run %s", row.id)
            running.postpone(house, row)
    with house.database.write() as session:
        cut_off = update(DeploymentRow).where(
            DeploymentRow.status == "running", DeploymentRow.created_at < moment - _DEPLOY_AT_MOST
        )
        words = "the server stopped while it deployed; deploy again, it goes on where it stopped"
        session.execute(cut_off.values(status="failed", error=words, finished_at=moment))
