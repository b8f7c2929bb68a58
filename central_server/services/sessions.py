"""Sessions of devices: a challenge of central's, a signature over it, a token for a quarter hour.

Everything is decided by central's clock. A store's clock is only measured.
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from central_server.records import Replica
from central_server.services.exceptions import mind_clock
from central_server.services.rights import note_gap
from central_server.services.scopes import scopes_of
from central_server.services.tokens import (
    DeviceSession,
    SessionKeys,
    same,
    signature_is_valid,
)
from sync.clock import Clock
from sync.hub.feed import FeedWriter
from sync.protocol import errors
from sync.protocol.lines import genesis
from sync.protocol.session import Challenge, HelloAnswer, HelloRequest, ScopeHead
from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


class Sessions:
    """Opens sessions and recognizes them."""

    def __init__(
        self,
        database: "Database",
        keys: SessionKeys,
        clock: Clock,
        random: Random,
        *,
        poll_seconds: int,
    ) -> None:
        self._random = random
        self._poll_seconds = poll_seconds
        self._database = database
        self._keys = keys
        self._clock = clock

    def challenge(self) -> Challenge:
        """Return a nonce to sign. Nothing is stored: the nonce carries central's time, sealed."""
        return Challenge(nonce=self._keys.nonce(self._clock.now_ms()))

    def session(self, token: str) -> DeviceSession | None:
        """Return whose token this is; None where it is not valid (any more)."""
        return self._keys.session(token, self._clock.now_ms())

    def hello(self, request: HelloRequest) -> HelloAnswer:
        """Check who speaks and open a session.

        A journal that central cannot follow (gap, fork, stale epoch) is no reason
        to refuse: the push says so, and receiving goes on. A device that was revoked
        or retired is let in only to hand over what it did; it is told nothing.
        """
        received = self._clock.now_ms()
        protocol = min(request.protocol_max, PROTOCOL_VERSION)
        if protocol < max(request.protocol_min, LOWEST_SERVED):
            raise errors.VersionUnsupported(
                "no common protocol version", min=LOWEST_SERVED, max=PROTOCOL_VERSION
            )
        replica, heads, server_id, incarnation, generation = self._database.write(
            lambda unit: self._meet(unit, request, received)
        )
        is_same_epoch = replica.epoch == request.epoch
        start = genesis(request.replica_id, request.epoch)
        return HelloAnswer(
            protocol=protocol,
            server_id=server_id,
            incarnation=incarnation,
            session_token=self._keys.token(replica.id, received),
            session_seconds=self._keys.session_seconds,
            received_at_ms=received,
            answered_at_ms=self._clock.now_ms(),
            last_seq=replica.last_seq if is_same_epoch else 0,
            last_hash=(replica.last_hash if is_same_epoch else start).hex(),
            heads=tuple(heads),
            poll_seconds=self._poll_seconds,
            generation=generation,
        )

    def _meet(
        self, unit: "Unit", request: HelloRequest, now_ms: int
    ) -> tuple[Replica, Sequence[ScopeHead], str, int, int]:
        replica = unit.replicas.get(request.replica_id)
        if replica is None or not (replica.enabled or request.backlog):
            raise errors.ReplicaDisabled("this replica is revoked, retired or unknown: enrol again")
        self._authenticate(replica, request, now_ms)
        location = unit.locations.get(replica.location_id)
        assert location is not None
        if replica.enabled:  # what one that is shut out was silent for is no outage of its store
            note_gap(unit, replica, now_ms)
        offset_ms = request.sent_at_ms - now_ms
        unit.replicas.save_hello(
            replica.id, app_version=request.app_version, backlog=request.backlog,
            clock_offset_ms=offset_ms, now_ms=now_ms,
        )  # fmt: skip
        feed = FeedWriter(unit.feed)
        if replica.enabled:  # the clock of a device that is shut out is nobody's business
            mind_clock(unit, feed, replica, offset_ms, now_ms, self._random)
        feed.flush()
        identity = unit.meta.get()
        assert identity is not None
        heads = unit.journal.heads(scopes_of(location)) if replica.enabled else ()
        lease = unit.leases.get(location.id) if replica.enabled else None
        generation = 0 if lease is None else lease.generation
        return replica, heads, identity.server_id, identity.incarnation, generation

    def _authenticate(self, replica: Replica, request: HelloRequest, now_ms: int) -> None:
        if not self._keys.nonce_is_valid(request.nonce, now_ms):
            raise errors.NotAuthentic("the challenge is not central's, or older than a minute")
        text = request.signed_text()
        if not signature_is_valid(replica.public_key, request.signature, text):
            raise errors.NotAuthentic("the signature is not this device's")
        if not same(replica.install_nonce, request.install_nonce):
            raise errors.DuplicateReplica(
                "another installation uses this replica's name: enrol this one anew"
            )
