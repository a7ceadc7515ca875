"""Clients of the accounts that connections lead to, kept for a while: a new one costs a TLS handshake."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from stepwell.cloudflare import Cloudflare

from .errors import Problem
from .tables import ConnectionRow
from .vault import Vault

_KEPT: Final = 64
_ATTEMPTS: Final = 3
_LONGEST_WAIT_SECONDS: Final = 5.0
_TIMEOUT_SECONDS: Final = 20.0
_TOKEN: Final = re.compile(r"[!-~]{1,1000}")
ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Accounts:
    """Clients by connection, the least used one given up first. Safe in several threads.

    `base_url` is where Cloudflare's API is: one for the whole server, so that nobody can have it call elsewhere.
    A call is made at most `attempts` times.
    """

    def __init__(self, base_url: str, vault: Vault, attempts: int = _ATTEMPTS) -> None:
        self.base_url = base_url
        self._attempts = attempts
        self._vault = vault
        self._lock = threading.Lock()
        self._clients: OrderedDict[tuple[str, int], Cloudflare] = OrderedDict()

    def of(self, connection: ConnectionRow) -> Cloudflare:
        """The client of a connection. It may be used by several requests at once."""
        known = (connection.id, connection.updated_at)
        with self._lock:
            if known in self._clients:
                self._clients.move_to_end(known)
                return self._clients[known]
        made = self.fresh(connection)
        with self._lock:
            self._clients[known] = made
            if len(self._clients) > _KEPT:
                self._clients.popitem(last=False)  # closed once the requests that hold it are done
        return made

    def fresh(self, connection: ConnectionRow, secrets: Sequence[str] = ()) -> Cloudflare:
        """A client of its own; what it says never holds `secrets`."""
        token = json.loads(self._vault.open(connection.credentials))["apiToken"]
        return self.client(token, connection.account, secrets)

    def client(self, token: str, account: str, secrets: Sequence[str] = ()) -> Cloudflare:
        """A client for a token. Raises `Problem` 422 for what cannot be one."""
        if not _TOKEN.fullmatch(token):
            raise Problem(422, "credentials.apiToken holds characters that no token has")
        if not ACCOUNT.fullmatch(account):
            raise Problem(422, "credentials.accountId is not an account's id")
        return Cloudflare(
            token,
            account,
            self.base_url,
            secrets=secrets,
            timeout=_TIMEOUT_SECONDS,
            attempts=self._attempts,
            max_wait=_LONGEST_WAIT_SECONDS,
        )

    def close(self) -> None:
        """Ends all connections."""
        for client in self._clients.values():
            client.close()
