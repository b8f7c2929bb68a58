"""Central in the same process: for tests and the simulation.

Everything that crosses is made into bytes and read back, refusals included, so
that nothing passes here that could not pass on a wire. What central raises
beside `ProtocolError` is not caught: in a test it is a finding.
"""

import json
from collections.abc import Iterator
from typing import Protocol, TypeVar

from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.errors import NotAuthentic, ProtocolRefused, Unreachable
from sync.protocol.session import (
    PUSH_BYTES_MAX,
    Challenge,
    HelloAnswer,
    HelloRequest,
    Message,
    OperationsHeader,
    Poke,
    PullHeader,
    PushAnswer,
    PushHeader,
    SnapshotManifest,
)
from sync.transport.frames import PULL_BYTES_MAX, pack, unpack
from sync.transport.problems import document_of, refusal_of

M = TypeVar("M", bound=Message)


class CentralSide(Protocol):
    """What central offers to a store that is in the same process."""

    def challenge(self) -> str:
        """Return a nonce."""
        ...

    def hello(self, request: HelloRequest) -> HelloAnswer:
        """Check the signature and open a session."""
        ...

    def push(self, replica_id: str, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        """Take a push of the replica that holds the session."""
        ...

    def pull(
        self, replica_id: str, scope: str, incarnation: int, after: int, limit: int
    ) -> PullPage:
        """Return a page of the feed."""
        ...

    def operations(
        self, replica_id: str, of_replica: str, epoch: int, from_seq: int
    ) -> OperationsPage:
        """Return what central has of a replica's operations."""
        ...

    def manifest(self, replica_id: str, scope: str) -> SnapshotManifest:
        """Return what the newest snapshot consists of."""
        ...

    def part(self, replica_id: str, manifest: SnapshotManifest, part: int) -> bytes:
        """Return one part of it."""
        ...

    def subscribe(self, replica_id: str) -> Iterator[Poke | None]:
        """Yield pokes, None as a sign of life."""
        ...


class LocalEndpoint:
    """A `SyncEndpoint` over a `CentralSide`."""

    def __init__(self, central: CentralSide) -> None:
        self._central = central
        self._replica_id = ""

    def end_session(self) -> None:
        """Forget the session, as its expiry would; the next call raises `NotAuthentic`."""
        self._replica_id = ""

    def challenge(self) -> str:
        """Return a nonce to sign."""
        try:
            return _copy(Challenge(nonce=self._central.challenge())).nonce
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal

    def hello(self, request: HelloRequest) -> HelloAnswer:
        """Open a session; later calls speak for this replica."""
        try:
            answer = _copy(self._central.hello(_copy(request)))
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal
        self._replica_id = request.replica_id
        return answer

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        """Send operations."""
        frame = unpack(PushHeader, pack(header, lines), PUSH_BYTES_MAX)
        try:
            return _copy(self._central.push(self._replica(), *frame))
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        """Fetch a page of the feed."""
        try:
            page = self._central.pull(self._replica(), scope, incarnation, after, limit)
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal
        header, lines = unpack(PullHeader, pack(page.header, page.lines), PULL_BYTES_MAX)
        if len(lines) != header.count:
            raise Unreachable(f"{header.count} rows were announced, {len(lines)} came")
        return PullPage(header, lines)

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        """Fetch what central has of this store's own operations."""
        try:
            page = self._central.operations(self._replica(), replica_id, epoch, from_seq)
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal
        packed = pack(page.header, page.lines)
        return OperationsPage(*unpack(OperationsHeader, packed, PULL_BYTES_MAX))

    def manifest(self, scope: str) -> SnapshotManifest:
        """Return what the newest snapshot of `scope` consists of."""
        try:
            return _copy(self._central.manifest(self._replica(), scope))
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal

    def snapshot_part(self, manifest: SnapshotManifest, part: int) -> bytes:
        """Fetch one part of a snapshot's file."""
        try:
            return self._central.part(self._replica(), _copy(manifest), part)
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal

    def pokes(self) -> Iterator[Poke | None]:
        """Yield pokes as they come, None as a sign of life."""
        try:
            for poke in self._central.subscribe(self._replica()):
                yield None if poke is None else _copy(poke)
        except ProtocolRefused as refusal:
            raise _told(refusal) from refusal

    def _replica(self) -> str:
        if not self._replica_id:
            raise NotAuthentic("no session; say hello first")
        return self._replica_id


def _copy(message: M) -> M:
    return type(message).model_validate_json(message.model_dump_json())


def _told(refusal: ProtocolRefused) -> ProtocolRefused:
    return refusal_of(json.loads(json.dumps(document_of(refusal))))
