"""What the edge needs from the store: somewhere to put what central says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sync.domain.escrow import EscrowPolicy, Share
from sync.domain.fulfillment import FulfillmentOrder
from sync.protocol.endpoint import PullPage
from sync.protocol.session import SnapshotManifest


@dataclass(frozen=True, slots=True)
class ScopeCursor:
    """How far this replica has followed a scope."""

    scope: str
    incarnation: int = 0
    rev: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What the daemon last knew of its connection, for people."""

    now_ms: int
    error: str = ""
    contact: bool = False
    """Whether central answered in this round."""
    halted: bool = False
    """Whether sending has stopped until somebody acts (a fork, a revoked device)."""
    clock_offset_ms: int = 0
    """Central's clock minus this machine's."""


@dataclass(frozen=True, slots=True)
class LeaseToken:
    """Central's time in the newest answer that came, and when it came by this machine."""

    token_ms: int = 0
    boot_id: str = ""
    mono_ms: int = 0


class SharedBook(Protocol):
    """The store's stock as it is divided between the store and central."""

    def policy(self) -> EscrowPolicy:
        """Return how this store shares its stock."""
        ...

    def catch_up(self) -> None:
        """Bring what follows from the journal up to its head."""
        ...

    def order(self, key: str) -> FulfillmentOrder | None:
        """Return a fulfillment order as the store sees it."""
        ...

    def changed(self) -> list[str]:
        """Return the SKUs that may be divided otherwise than when last evaluated."""
        ...

    def evaluated(self) -> None:
        """Note that everything that is known now has been looked at."""
        ...

    def shares(self, skus: Sequence[str]) -> list[Share]:
        """Return how these SKUs are divided now."""
        ...

    def answered(self, skus: Sequence[str]) -> dict[str, int]:
        """Return up to which stock operation central's row of each SKU includes everything."""
        ...

    def unconfirmed(self) -> list[str]:
        """Return promises that this store has not confirmed yet."""
        ...

    def unacknowledged(self) -> list[str]:
        """Return promises that central may move: it has said of none that it is confirmed."""
        ...

    def token(self) -> LeaseToken:
        """Return the newest token."""
        ...

    def keep_token(self, token: LeaseToken) -> None:
        """Keep a newer token."""
        ...


class ReplicaWriter(Protocol):
    """replica.db: disposable, rebuilt from central whenever in doubt."""

    def cursor(self, scope: str) -> ScopeCursor:
        """Return the cursor of a scope; zero for one never pulled."""
        ...

    def cursors(self) -> Sequence[ScopeCursor]:
        """Return the cursors of all scopes that this replica follows."""
        ...

    def keep_only(self, scopes: Sequence[str]) -> None:
        """Forget scopes that central no longer lists for this store."""
        ...

    def apply_page(self, page: PullPage) -> bool:
        """Take a page in, in one transaction with the cursor.

        Returns False where the scope's checksum then differs from central's:
        the caller resets the scope and reads it again.
        """
        ...

    def reset(self, scope: str, reason: str) -> None:
        """Forget a scope's rows and cursor; keep what the store's own work still needs."""
        ...

    def install(self, manifest: SnapshotManifest, file: Path) -> None:
        """Take a verified, unpacked snapshot in, in one transaction with the cursor."""
        ...

    def flush(self) -> None:
        """Have all that was taken in on the disk: the journal is about to build on it.

        Costs nothing where nothing was taken in since. Raises `OSError`.
        """
        ...

    def refold(self) -> None:
        """Bring the view up to the journal's head."""
        ...

    def report(self, report: SyncReport) -> None:
        """Record how the connection stands."""
        ...
