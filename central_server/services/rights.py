"""What a store's operations on its stock mean at central: sales, and rights to promise.

Held in memory over rows that are locked; the push writes them at its end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Lease, Location, Replica
from central_server.services.succession import Standing
from sync.clock import Clock
from sync.domain.escrow import NO_TERMS, EscrowPolicy, LeaseTerms, Rights, Share
from sync.domain.ids import OpId
from sync.domain.inventory import StockEffect, StockReason
from sync.domain.silence import USUAL_MS
from sync.domain.stock_operations import (
    FloorSold,
    GenerationClosed,
    RightsGranted,
    RightsRecalled,
    SkuUnits,
    StockOperation,
)
from sync.domain.transitions import Consequence, ConsequenceKind
from sync.protocol.rows import StockRow, Watermark

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

VOID_RIGHTS = Consequence(
    ConsequenceKind.NO_EFFECT,
    "This device does not speak for its store any more: what it granted or took back is void.",
)
CLOCK_STEP_MS = 10_000


class SharedStock:
    """One location's rights and sales during one push."""

    def __init__(self, unit: "Unit", location: Location) -> None:
        self._unit = unit
        self._location = location
        self._rows: dict[str, StockRow] = {}
        self._kept_marks: dict[str, Watermark] = {}
        self._touched: set[str] = set()
        self._lease = unit.leases.get(location.id)
        self._kept_lease = self._lease

    def load(self, operations: Iterable[object], *, all_rights: bool = False) -> None:
        """Lock what these operations are about; with `all_rights` whatever was ever granted."""
        skus = self._unit.leases.skus_with_rights(self._location.id) if all_rights else set()
        for operation in operations:
            match operation:
                case RightsGranted(granted=units) | RightsRecalled(wanted=units):
                    skus.update(one.sku for one in units)
                case FloorSold(lines=units):
                    skus.update(one.sku for one in units)
                case _:
                    pass
        if skus:
            self._rows = self._unit.stock.lock_rows(self._location.id, skus)
            self._kept_marks = {sku: row.watermark for sku, row in self._rows.items()}

    def apply(self, operation: StockOperation, op_id: OpId) -> tuple[StockEffect, ...]:
        """Take one operation in and return how the book moves by it."""
        match operation:
            case RightsGranted():
                self._grant(operation, op_id)
            case RightsRecalled():
                self._give_back(operation, op_id)
            case GenerationClosed():
                self._open_generation(operation.generation + 1)
            case FloorSold():
                self._note(operation.lines, op_id)
                return tuple(
                    StockEffect(one.sku, -one.units, 0, StockReason.FLOOR_SOLD)
                    for one in operation.lines
                )
        return ()

    def _grant(self, operation: RightsGranted, op_id: OpId) -> None:
        self._open_generation(operation.generation)
        for one in operation.granted:
            row = self._rows[one.sku]
            rights = row.rights.with_grant(operation.generation, one.units)
            self._rows[one.sku] = replace(row, rights=rights)
        self._note(operation.granted, op_id)

    def _give_back(self, operation: RightsRecalled, op_id: OpId) -> None:
        """Lower central's own right first: the store raises its own when it hears of it."""
        for one in operation.wanted:
            row = self._rows[one.sku]
            if row.rights.generation == operation.generation:
                rights = row.rights.with_return(one.units - row.rights.returned)
                self._rows[one.sku] = replace(row, rights=rights)
        self._note(operation.wanted, op_id)

    def _note(self, lines: Sequence[SkuUnits], op_id: OpId) -> None:
        watermark = Watermark(op_id.replica_id, op_id.epoch, op_id.seq)
        for one in lines:
            self._rows[one.sku] = replace(self._rows[one.sku], watermark=watermark)
            self._touched.add(one.sku)

    def _open_generation(self, generation: int) -> None:
        """Begin a generation; rights of older ones are worth nothing from now on.

        Of a place that shares no more nothing is worth anything, and none begins a lease.
        """
        if self._lease is None and not self._location.escrow.enabled:
            return
        lease = self._lease or _first_lease(self._unit, self._location.id)
        self._lease = replace(lease, generation=max(lease.generation, generation))

    def broken(self, sku: str, moved: tuple[int, int]) -> int:
        """Return how many promised units of `sku` have nothing behind them.

        `moved` is how far (on hand, allocated) have moved since the row was locked.
        Rights that central has not used are given up first.
        """
        row = self._rows[sku]
        share = self._share(row, moved)
        if share.floor < 0 < share.online:
            row = replace(row, rights=row.rights.with_return(-share.floor))
            self._rows[sku] = row
            share = self._share(row, moved)
        return max(0, -share.floor)

    def _share(self, row: StockRow, moved: tuple[int, int]) -> Share:
        online = 0
        if self._lease is not None:
            online = row.rights.within(self._lease.generation).online
        return Share(row.sku, row.on_hand + moved[0], row.allocated + moved[1], online)

    def pass_over(self, operation: object, op_id: OpId) -> None:
        """Let rows include an operation that has no effect."""
        if isinstance(operation, RightsGranted):
            self._note(operation.granted, op_id)
        elif isinstance(operation, RightsRecalled):
            self._note(operation.wanted, op_id)
        elif isinstance(operation, FloorSold):
            self._note(operation.lines, op_id)

    def set_aside(self, operation: object | None, last_seq: int) -> None:
        """Let both sides agree where an operation on rights is never to count.

        Its store has acted by it. What it gave counts as given back, what it ended has
        ended, and a request that nobody answers binds nobody. What cannot be read (None)
        may be any of these: all rights are void, and a generation begins that is beyond any
        in which the store can be by its first `last_seq` operations.
        """
        match operation:
            case RightsGranted():
                self._give_at_once_back(operation)
            case GenerationClosed() if self._lease is not None:
                self._open_generation(operation.generation + 1)
            case None:
                self._void(last_seq)
            case _:
                pass

    def _give_at_once_back(self, operation: RightsGranted) -> None:
        if self._lease is not None:
            self._open_generation(operation.generation)
        for one in operation.granted:
            row = self._rows[one.sku]
            if row.rights.generation <= operation.generation:
                before = row.rights.within(operation.generation)
                rights = before.with_grant(operation.generation, one.units)
                rights = rights.with_return(one.units - before.granted)
                self._rows[one.sku] = replace(row, rights=rights)

    def _void(self, last_seq: int) -> None:
        """Void rights in the rows: a promise that waits for one reads it anew, not the lease."""
        open_now = self._lease or _first_lease(self._unit, self._location.id)
        following = open_now.generation + last_seq + 1
        for sku, row in self._rows.items():
            self._rows[sku] = replace(row, rights=Rights(following))
            self._touched.add(sku)
        if self._lease is not None:
            self._open_generation(following)

    def keep_later_marks(self, standing: Standing) -> None:
        """Let no row's watermark go back, after an operation that was settled late."""
        for sku in self._touched:
            row = self._rows[sku]
            mark = standing.later(self._kept_marks[sku], row.watermark)
            self._rows[sku] = replace(row, watermark=mark)

    def flush(self) -> frozenset[str]:
        """Write rights and the lease's generation; return the SKUs whose rows changed."""
        if self._touched:
            rows = [self._rows[sku] for sku in self._touched]
            self._unit.stock.set_rights(self._location.id, rows)
        if self._lease is not None and self._lease != self._kept_lease:
            if self._kept_lease is None:
                self._unit.leases.save(self._lease)
            else:
                self._unit.leases.raise_generation(self._location.id, self._lease.generation)
        return frozenset(self._touched)


def extend_lease(
    unit: "Unit", location: Location, token_ms: int, now_ms: int, terms: LeaseTerms | None = None
) -> int:
    """Let central promise on the newest of its own times that the store has seen.

    A token is central's own time: a push that was delayed for hours carries an old
    one and extends nothing. One from the future is no token of this central. `terms` are
    those by which the store takes its rights back (None: it does not say): it may not have
    heard of what holds now, and goes by what it has until then.
    Returns the generation of rights; 0 where the location does not share by escrow.
    """
    kept = unit.leases.get(location.id)
    is_over = terms is None or terms == NO_TERMS or kept is None
    if is_over and not location.escrow.enabled:
        if kept is not None:
            unit.leases.drop(location.id)
        return 0
    policy = location.escrow if terms is None else location.escrow.bounded_by(terms)
    token_ms = token_ms if policy.enabled else 0
    lease = _extended(kept or _first_lease(unit, location.id), policy, token_ms, now_ms)
    if lease != kept:
        unit.leases.save(lease)
    return lease.generation if location.escrow.enabled else 0


def are_taken(unit: "Unit", location: Location, token_ms: int) -> bool:
    """Return whether the terms of a push, whose token this is, bound whatever may be promised.

    Not on a token that did not count: a push that is still under way may bring a later one than
    the lease has, with longer terms that were said with it.
    """
    lease = unit.leases.get(location.id)
    return lease is None or 0 < token_ms <= lease.token_ms


def _extended(lease: Lease, policy: EscrowPolicy, token_ms: int, now_ms: int) -> Lease:
    """Return a lease on a newer token; on the one that it has it can only end sooner."""
    is_newer = lease.token_ms < token_ms <= now_ms
    newest = token_ms if is_newer else lease.token_ms
    until, confirm_by = policy.lease_end_ms(newest), policy.confirm_by_ms(newest)
    if not is_newer:
        until, confirm_by = min(lease.until_ms, until), min(lease.confirm_by_ms, confirm_by)
    return replace(lease, token_ms=newest, until_ms=until, confirm_by_ms=confirm_by)


def _first_lease(unit: "Unit", location_id: str) -> Lease:
    """Begin behind what was ever granted there: since then central may have promised without."""
    return Lease(location_id, unit.leases.newest_generation(location_id) + 1, 0, 0, 0)


def keep_time(unit: "Unit", clock: Clock) -> None:
    """Notice a clock of central's that was set back, before anything is promised by it.

    A lease counts by this clock alone, and no store can see it run twice through
    the same hour: all leases end, and what is not confirmed lapses, until each
    store has been heard again. Noted seldom, so that orders do not wait for each
    other here; the margin of a lease is longer than what goes unnoticed.

    The clock is read once the time that was noted is known: a reading from before the
    transaction had its turn would be older than what others noted meanwhile.
    """
    seen = unit.meta.clock_ms()
    now_ms = clock.now_ms()
    if now_ms < seen - CLOCK_STEP_MS:
        unit.leases.end_all(now_ms)
        unit.fulfillments.end_confirmations(now_ms)
        unit.meta.set_clock(now_ms)
    elif now_ms > seen + CLOCK_STEP_MS:
        unit.meta.set_clock(now_ms)


def note_gap(unit: "Unit", replica: Replica, now_ms: int) -> None:
    """Keep that a store was cut off until now, for the sizing of its floor."""
    last = replica.last_contact_ms
    if last is not None and now_ms - last > USUAL_MS:
        unit.leases.add_gap(replica.location_id, last, now_ms)


def shut_out(unit: "Unit", replica: Replica, now_ms: int) -> None:
    """Let a device speak for its store no more; nothing is promised that it would never hear of.

    What it granted stays on the books until its successor begins a generation (`renew`).
    One that was replaced before has no say in what its successor granted.
    """
    if replica.enabled:
        unit.replicas.set_enabled(replica.id, enabled=False)
        unit.leases.end(replica.location_id, now_ms)


def renew(unit: "Unit", location: Location) -> None:
    """Void what a retired device had granted: a new one begins with a generation of its own.

    From here on nothing is promised from a location that shares by escrow before its
    machine has granted it.
    """
    lease = unit.leases.get(location.id)
    if lease is not None or location.escrow.enabled:
        following = _first_lease(unit, location.id)
        if lease is not None:
            following = replace(following, generation=lease.generation + 1)
        unit.leases.save(following)
