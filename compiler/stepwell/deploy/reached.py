"""Where a deployed Worker is reached, and where Cloudflare shows it."""

from __future__ import annotations

from urllib.parse import urlsplit

from stepwell.cloudflare import Cloudflare

from .desired import Desired


def is_local(api: Cloudflare) -> bool:
    """Whether the account is one on this machine."""
    return urlsplit(api.base_url).hostname in ("localhost", "127.0.0.1")


def urls(api: Cloudflare, desired: Desired, subdomain: str | None) -> list[str]:
    """The URLs of a Worker: below workers.dev, then its domains. `subdomain` is the account's."""
    base, found = urlsplit(api.base_url), []
    if desired.workers_dev and is_local(api):
        found.append(f"{base.scheme}://{desired.name}.localhost:{base.port}/")
    elif desired.workers_dev and subdomain:
        found.append(f"https://{desired.name}.{subdomain}.workers.dev/")
    return found + [f"https://{hostname}/" for hostname in desired.domains]


def dashboard(api: Cloudflare, worker: str) -> str | None:
    """The Worker's page; an account on this machine has none."""
    if is_local(api):
        return None
    return f"https://dash.cloudflare.com/{api.account}/workers/services/view/{worker}/production"
