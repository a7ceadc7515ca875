"""Errors of the API, and what a user can do about them. Codes: `docs/deploy.md` names their sources."""

from __future__ import annotations

from typing import Final

_TOKEN: Final = "the token is refused: check CLOUDFLARE_API_TOKEN"
_PERMISSIONS: Final = (
    ("/workers/routes", "Workers Routes Write (of the zone)"),
    ("/zones", "Zone Read"),
    ("/storage/kv", "Workers KV Storage Write"),
    ("/d1", "D1 Write"),
    ("/r2", "Workers R2 Storage Write"),
    ("/queues", "Queues Write"),
    ("/workers", "Workers Scripts Write"),
    ("/workflows", "Workers Scripts Write"),
    ("", "Account Settings Read"),
)
"""The permission group that a path needs, by a part of it; the first that fits."""

_ADVICE: Final = {
    7000: "check CLOUDFLARE_API_BASE_URL: it ends in /client/v4",
    7003: "there is no such account, or the token does not reach it: check CLOUDFLARE_ACCOUNT_ID or account_id",
    9106: _TOKEN,
    10027: "the Worker is too large: 64 MiB is the limit",
    10053: "a variable and a secret have the same name: rename one of them",
    10057: "a binding to inherit is not on the live Worker: give it a value",
    10063: "the account needs a workers.dev subdomain: open Workers & Pages once in the dashboard",
    10068: "the Worker handles no event; a graph always has a handler, so this is a fault of stepwell",
    10208: "schedules of workflows need a paid plan",
    10022: "a route's pattern is wrong: it is written like example.com/path/*",
}


class ApiError(Exception):
    """A call that failed: `status` 0 when there was no answer. The message is in the API's words."""

    def __init__(self, method: str, path: str, status: int, code: int | None, message: str) -> None:
        super().__init__(message)
        self.method, self.path, self.status, self.code, self.message = method, path, status, code, message

    def __str__(self) -> str:
        number = f" (code {self.code})" if self.code is not None else f" (HTTP {self.status})" if self.status else ""
        return f"{self.method} {self.path}: {self.message}{number}"

    @property
    def missing(self) -> bool:
        """Whether the thing asked for is not there; not so where the account or the path itself is wrong."""
        return self.status == 404 and self.code not in (7000, 7003)

    @property
    def advice(self) -> str | None:
        """What the user can do."""
        if self.status in (401, 403) or self.code in (10000, 9109):
            if self.path.endswith("/tokens/verify"):
                return _TOKEN
            return f"{_TOKEN}; this call needs the permission `{self._permission()}` on this account"
        if self.status == 429:
            return "Cloudflare limits 1,200 calls in five minutes for each user: wait and run it again"
        if self.status == 0:
            return "is the API reachable, and CLOUDFLARE_API_BASE_URL right? Run it again, it goes on where it stopped"
        if self.status >= 500:
            return "Cloudflare or the way to it has trouble: run it again, it goes on where it stopped"
        return _ADVICE.get(self.code or 0)

    def _permission(self) -> str:
        return next(name for part, name in _PERMISSIONS if part in self.path)


class Unsure(ApiError):
    """A call whose outcome is not known: it may have been done. Look before it is made again."""
