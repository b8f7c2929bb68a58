"""The seam between the store's half and whatever carries it to central."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from sync.protocol.session import (
    HelloAnswer,
    HelloRequest,
    OperationsHeader,
    Poke,
    PullHeader,
    PushAnswer,
    PushHeader,
    SnapshotManifest,
)


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """Operations of a replica as central has them: a header, and the lines byte for byte."""

    header: OperationsHeader
    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PullPage:
    """One page of the feed: its header, and the rows as lines still to be read."""

    header: PullHeader
    lines: tuple[bytes, ...]


class SyncEndpoint(Protocol):
    """Central as the edge sees it. Every method may raise any `ProtocolError`.

    After `Unreachable` the caller does not know whether central acted; every
    call can therefore be repeated for ever.
    """

    def challenge(self) -> str:
        """Return a nonce to sign."""
        ...

    def hello(self, request: HelloRequest) -> HelloAnswer:
        """Open a session; later calls use its token."""
        ...

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        """Send a contiguous run of operations (none is allowed: an idle cycle)."""
        ...

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        """Fetch the rows of `scope` after a cursor."""
        ...

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        """Fetch what central has of this store's own operations, from a place on.

        `replica_id` is this replica, or one that this location had before.
        """
        ...

    def manifest(self, scope: str) -> SnapshotManifest:
        """Return what the newest snapshot of `scope` consists of."""
        ...

    def snapshot_part(self, manifest: SnapshotManifest, part: int) -> bytes:
        """Fetch one part of a snapshot's file."""
        ...

    def pokes(self) -> Iterator[Poke | None]:
        """Yield pokes as they come, None as a sign of life; ends when the stream closes."""
        ...
