"""What the routes share: the database, the vault, rates, clients of accounts, tools."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stepwell.graph.nodes import Nodes

from .accounts import Accounts
from .database import Database
from .rates import Rates
from .vault import Vault

if TYPE_CHECKING:
    from stepwell.bundle.toolchain import Toolchain

DEPLOYS_AT_ONCE = 8


@dataclass(frozen=True)
class House:
    """All of it. `toolchain` None: graphs with TypeScript cannot be compiled here."""

    database: Database
    vault: Vault
    rates: Rates
    accounts: Accounts
    toolchain: Toolchain | None = None
    nodes: Nodes = field(default_factory=Nodes)
    """The custom nodes that graphs may use."""
    deploys: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(DEPLOYS_AT_ONCE, thread_name_prefix="deploy")
    )

    def close(self) -> None:
        """Lets deploys that are under way end, then closes everything."""
        self.deploys.shutdown()
        self.accounts.close()
        self.database.close()
