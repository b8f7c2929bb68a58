"""The hub's calls for devices that hold a session (what a transport needs of central).

A store may follow three scopes: the catalogue, its zone's prices, its own rows.
Anything else is refused whoever asks.
"""

from functools import partial
from typing import TYPE_CHECKING

from central_server.ports import Snapshots
from central_server.records import Location, Replica
from central_server.services.errors import NotFound, ScopeMissing
from central_server.services.judging import Judging, LateStuck
from central_server.services.refusing import Refusing
from central_server.services.replication import Replication
from central_server.services.rights import are_taken, extend_lease, keep_time, note_gap
from central_server.services.scopes import scopes_of
from sync.domain.escrow import LeaseTerms
from sync.hub.acceptor import accept
from sync.hub.epochs import read_operations
from sync.hub.feed import FeedPage, read_page
from sync.protocol import errors
from sync.protocol.endpoint import OperationsPage
from sync.protocol.session import OPS_PER_PUSH_MAX, PushAnswer, PushHeader, SnapshotManifest
from sync.protocol.snapshot import has_snapshot
from sync.protocol.verdicts import VerdictStatus

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View


class SyncService:
    """Push, pull and snapshots. Safe to call from many threads."""

    def __init__(
        self,
        judging: Judging,
        snapshots: Snapshots,
    ) -> None:
        self._database = judging.database
        self._judging = judging
        self._snapshots = snapshots
        self._retried: tuple[type[Exception], ...] = (LateStuck, *judging.poison)

    def push(self, replica_id: str, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        """Take a push of the replica that holds the session: one transaction, one answer."""
        if header.replica_id not in {"", replica_id}:
            raise errors.NotAuthentic("the session is another replica's")
        header = header.model_copy(update={"replica_id": replica_id})
        if len(lines) > OPS_PER_PUSH_MAX:
            raise errors.FrameUnreadable(f"more than {OPS_PER_PUSH_MAX} operations in one push")
        try:
            return self._accept(replica_id, header, lines)
        except self._retried:
            self._move_late(replica_id)
        try:
            return self._accept(replica_id, header, lines, are_late_moved=True)
        except self._judging.poison as problem:
            return self._accept_part(replica_id, header, lines, problem)

    def _move_late(self, replica_id: str) -> None:
        """Move what the store was too late to confirm, each promise by itself.

        One that cannot be moved is the job's to tell people of.
        """
        now = self._judging.clock.now_ms()
        with self._database.read() as view:
            _, location = _sender_of(view, replica_id)
            late = [one.row.order.id for one in view.fulfillments.lapsed(now, location.id)]
        for key in late:
            try:
                self._database.write(partial(self._move, location, key, now))
            except self._judging.poison:
                continue
            except self._judging.trouble:
                raise
            except Exception:  # noqa: BLE001, S112 - the job meets it, too
                continue

    def _move(self, location: Location, key: str, now_ms: int, unit: "Unit") -> None:
        keep_time(unit, self._judging.clock)
        applier = Replication(unit, self._judging, location, now_ms)
        applier.lapse(frozenset({key}))
        applier.flush()
        unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))

    def _accept(
        self,
        replica_id: str,
        header: PushHeader,
        lines: tuple[bytes, ...],
        poison: Exception | None = None,
        *,
        are_late_moved: bool = False,
    ) -> PushAnswer:
        now = self._judging.clock.now_ms()

        def work(unit: "Unit") -> PushAnswer:
            replica, location = _sender_of(unit, replica_id)
            scopes = scopes_of(location) if replica.enabled else ()
            keep_time(unit, self._judging.clock)
            if replica.enabled:
                note_gap(unit, replica, now)
            if poison is None:
                applier = Replication(
                    unit, self._judging, location, now, are_late_moved=are_late_moved
                )
            else:
                applier = Refusing(poison, unit, self._judging, location, now)
            answer = accept(
                unit.journal, applier, header, lines,
                scopes=scopes, now_ms=now, incarnation=unit.feed.incarnation(),
            )  # fmt: skip
            if replica.enabled:
                # Whichever is earlier: a clock that was set back meanwhile has ended all leases.
                until = min(now, self._judging.clock.now_ms())
                token, terms = _token(header, answer), _terms(header)
                generation = extend_lease(unit, location, token, until, terms)
                if answer.heads:
                    answer = answer.model_copy(update={"generation": generation})
                if header.confirm_terms and are_taken(unit, location, token):
                    answer = answer.model_copy(update={"terms_taken": True})
            unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))
            return answer

        return self._database.write(work)

    def _accept_part(
        self, replica_id: str, header: PushHeader, lines: tuple[bytes, ...], problem: Exception
    ) -> PushAnswer:
        """Take as much of a push as can be written; the store sends the rest again.

        The operation before which nothing more can be written is quarantined by
        itself, so one impossible row never holds up the queue behind it.
        """
        count = len(lines) // 2
        while count:
            try:
                part = _first_of(header, count)
                return self._accept(replica_id, part, lines[:count], are_late_moved=True)
            except self._judging.poison:
                count //= 2
        if not lines:
            raise problem
        return self._accept(replica_id, _first_of(header, 1), lines[:1], poison=problem)

    def page(
        self, replica_id: str, scope: str, incarnation: int, after: int, limit: int
    ) -> FeedPage:
        """Return a page of the feed, its bodies as they are stored."""
        with self._database.read() as view:
            self._check_scope(view, replica_id, scope)
            return read_page(view.feed, scope, incarnation=incarnation, after=after, limit=limit)

    def operations(
        self, replica_id: str, of_replica: str, epoch: int, from_seq: int
    ) -> OperationsPage:
        """Return what central has of a replica's operations: the caller's own, or its location's.

        A device that was enrolled anew takes over what it did under its former name.
        """
        with self._database.read() as view:
            location = _location_of(view, replica_id)
            state = view.journal.replica_state(of_replica or replica_id)
            if state is None:
                raise NotFound("replica", of_replica)
            if state.location_id != location.id:
                raise ScopeMissing(f"replica:{of_replica}")
            return read_operations(view.journal, state, epoch, from_seq)

    def location_of(self, replica_id: str) -> str:
        """Return where a device belongs."""
        with self._database.read() as view:
            return _location_of(view, replica_id).id

    def scopes(self, replica_id: str) -> tuple[str, ...]:
        """Return the scopes that a device follows."""
        with self._database.read() as view:
            return scopes_of(_location_of(view, replica_id))

    def manifest(self, replica_id: str, scope: str) -> SnapshotManifest:
        """Return what the newest snapshot of a scope consists of; it is built if need be."""
        self._check_snapshot(replica_id, scope)
        return self._snapshots.manifest(scope)

    def kept_manifest(self, replica_id: str, scope: str, sha256: str) -> SnapshotManifest | None:
        """Return what a snapshot consists of that a store is in the middle of; None: it is gone."""
        self._check_snapshot(replica_id, scope)
        return self._snapshots.kept(scope, sha256)

    def snapshot_bytes(self, manifest: SnapshotManifest, start: int, end: int) -> bytes:
        """Return bytes `start` to `end` (both included) of a snapshot's file."""
        size = manifest.part_bytes
        parts = range(start // size, end // size + 1)
        content = b"".join(self._snapshots.part(manifest, part) for part in parts)
        skipped = parts.start * size
        return content[start - skipped : end + 1 - skipped]

    def _check_snapshot(self, replica_id: str, scope: str) -> None:
        with self._database.read() as view:
            self._check_scope(view, replica_id, scope)
        if not has_snapshot(scope):
            raise NotFound("snapshot", scope)

    def _check_scope(self, view: "View", replica_id: str, scope: str) -> None:
        if scope not in scopes_of(_location_of(view, replica_id)):
            raise ScopeMissing(scope)


def _first_of(header: PushHeader, count: int) -> PushHeader:
    """Return the header of a push of which only the first operations are looked at.

    No lease goes on with it: that nothing more is to come was said of the whole, and
    the rest may end the very rights that central would promise on.
    """
    unsent = header.backlog + header.count - count
    return header.model_copy(update={"count": count, "backlog": unsent, "lease_ms": 0})


def _token(header: PushHeader, answer: PushAnswer) -> int:
    """Return the token of a push; none where central holds back what the store has just sent.

    The store sends none as long as rights wait at central, but that these do it hears
    only from this answer.
    """
    is_held = any(one.status is VerdictStatus.QUARANTINED for one in answer.verdicts)
    return 0 if is_held else header.lease_ms


def _terms(header: PushHeader) -> LeaseTerms | None:
    """Return the terms of a push, in ms; None where its program does not say any."""
    return None if header.terms is None else LeaseTerms(*(1000 * one for one in header.terms))


def _sender_of(view: "View", replica_id: str) -> tuple[Replica, Location]:
    """Return the device that pushes, and where it belongs or belonged; `enabled` says which."""
    replica = view.replicas.get(replica_id)
    if replica is None:
        raise errors.ReplicaDisabled("this replica is unknown: enrol again")
    location = view.locations.get(replica.location_id)
    assert location is not None, "a replica's location exists (foreign key)"
    return replica, location


def _location_of(view: "View", replica_id: str) -> Location:
    """Return where a device belongs; a revoked one belongs nowhere."""
    return _home_of(view, replica_id)[1]


def _home_of(view: "View", replica_id: str) -> tuple[Replica, Location]:
    """Return a device and where it belongs; a revoked one belongs nowhere."""
    replica = view.replicas.get(replica_id)
    if replica is None or not replica.enabled:
        raise errors.ReplicaDisabled("this replica is revoked, retired or unknown: enrol again")
    location = view.locations.get(replica.location_id)
    assert location is not None, "a replica's location exists (foreign key)"
    return replica, location
