"""Keeps the folded view of fulfillment orders: view = fold(rules, pending, base).

Every write of a view happens inside the replica's write transaction and folds
central's newest row with the journal's committed operations, so it does not
matter whether the terminal or the daemon comes first.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import NamedTuple

from pydantic import ValidationError

from store_client.replica.database import ReplicaDatabase, chunks, placeholders
from store_client.replica.effects import Effect, keep_effects, still_done
from sync.domain.errors import UnknownFlow
from sync.domain.flows import flow_named, status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.paying import begun
from sync.domain.reserve_operations import BEGINNINGS
from sync.edge.fold import Folded, fold
from sync.edge.journal import Journal
from sync.edge.sqlite import Connection
from sync.protocol.adapters import adapter
from sync.protocol.lines import OperationRecord, decode_line
from sync.protocol.rows import FulfillmentRow, Watermark
from sync.protocol.verdicts import VerdictStatus

_NEW_ROW = (
    "INSERT INTO fulfillments (id, rev, base, base_seq, view, pending, provisional,"
    " flow, status, active, urgency, order_number, customer_name, promised_by_ms,"
    " staging_spot, units_open, units_to_pick, units_to_put_back)"
    " VALUES (?, ?, ?, 0, '', 0, 0, '', '', 0, 0, '', '', 0, '', 0, 0, 0)"
)
_NEW_VIEW = (
    "UPDATE fulfillments SET base_seq = ?, view = ?, provisional = ?, flow = ?, status = ?,"
    " active = ?, urgency = ?, order_number = ?, customer_name = ?, promised_by_ms = ?,"
    " expires_at_ms = ?, staging_spot = ?, units_open = ?, units_to_pick = ?,"
    " units_to_put_back = ?, unconfirmed = ?, base_unconfirmed = ?, pending = ? WHERE id = ?"
)
OWN_REV = 0
"""Of a row that began here and that central has not sent: no checksum of a scope counts it."""
BEGINNING_KINDS = tuple(
    str(one.default) for kind in BEGINNINGS for one in fields(kind) if one.name == "kind"
)
NOT_TAKEN_IN = (None, VerdictStatus.QUARANTINED)
"""What central said of the beginning of an order that it does not have, or not yet."""
_NAMES_NO_ORDER = re.compile(":|^rights$")
"""What operations may be about beside orders: a sale, an exception, a drawer, rights."""

URGENCY: dict[FulfillmentStatus, int] = {
    FulfillmentStatus.READY_FOR_PICKUP: 2,
    FulfillmentStatus.PARTIALLY_PICKED_UP: 2,
    FulfillmentStatus.PARTIALLY_CONVERTED: 2,
    FulfillmentStatus.WAITLISTED: 2,
    FulfillmentStatus.REFUND_DUE: 0,
}
"""Board order: 0 put back now, 1 work for us, 2 waiting for the customer, 3 closed."""


class _Included(NamedTuple):
    """The last operation of the journal that the views include."""

    epoch: int
    seq: int
    hash: str
    """Hex; of an epoch without operations that of its begin."""
    held: str
    """Which operations were outside of central's rows."""


class _Base(NamedTuple):
    """What central said last of an order, and what the store holds about it."""

    key: str
    base: str
    is_gone: bool
    """Whether central took it away, or has forgotten it: it was restored to before it."""


class Views:
    """Folds and reads views."""

    def __init__(self, database: ReplicaDatabase, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def catch_up(self) -> None:
        """Fold operations that the views do not include yet (a crash, or another terminal)."""
        if self._included() == self._head():
            return
        with self._database.writing() as connection:
            self.catch_up_within(connection)

    def catch_up_within(self, connection: Connection) -> None:
        """Do the same inside a write transaction that is already open."""
        before, head = self._included(), self._head()
        if before == head:
            return
        is_followed = self._follows(before, head)
        touched = self._journal.aggregates_after(before.seq if is_followed else 0)
        if not is_followed or before.held != head.held:  # what was folded may not count any more
            rows = connection.execute(
                "SELECT id FROM fulfillments WHERE pending > 0"
                " OR (gone AND id IN (SELECT fulfillment_id FROM pending_effects))"
            )
            touched |= {key for (key,) in rows.fetchall()}
        if before.held != head.held:
            touched |= self._journal.outside_of_rows()
        self.refold(connection, touched)
        connection.execute("UPDATE included SET epoch = ?, seq = ?, hash = ?, held = ?", head)

    def _follows(self, included: _Included, head: _Included) -> bool:
        """Return whether the journal goes on from what the views include.

        By the hash: a journal that was put back begins its next epoch with a number
        that may have been used before, under another name.
        """
        if included.epoch != head.epoch or included.seq > head.seq:
            return False
        known = self._journal.hash_at(included.seq, self._journal.lives.newest)
        return known is not None and known.hex() == included.hash

    def put_bases(
        self, connection: Connection, rows: Iterable[tuple[str, int, str | None]]
    ) -> None:
        """Take central's rows (id, rev, body or None for a tombstone) and fold them."""
        rows = list(rows)
        connection.executemany(
            f"{_NEW_ROW} ON CONFLICT (id) DO UPDATE SET rev = excluded.rev,"
            " base = excluded.base, gone = 0",
            [row for row in rows if row[2] is not None],
        )
        connection.executemany(
            "UPDATE fulfillments SET gone = 1, rev = ? WHERE id = ?",
            [(rev, key) for key, rev, body in rows if body is None],
        )
        self.refold(connection, [key for key, _, _ in rows])

    def refold(self, connection: Connection, keys: Iterable[str]) -> None:
        """Recompute the views of `keys` from their bases and the journal."""
        for part in chunks(sorted(keys)):
            rows = connection.execute(
                f"SELECT id, base, gone, rev FROM fulfillments WHERE id IN ({placeholders(part)})",
                part,
            ).fetchall()
            bases = []
            for key, base, gone, rev in rows:
                if rev == OWN_REV and not self._has_begun(key):
                    _forget(connection, key)
                else:
                    bases.append(_Base(key, base, bool(gone)))
            for key in set(part).difference(key for key, *_ in rows):
                bases += self._begin(connection, key)
            self._refold(connection, bases)

    def _has_begun(self, key: str) -> bool:
        """Return whether the journal has an order's beginning: not refused, nor set aside.

        One that this version cannot read may be a beginning.
        """
        line = self._journal.first_line(key)
        if line is None or self._journal.first_answer(key) is VerdictStatus.REFUSED:
            return False
        record = self._first(key)
        return record is None or type(record.op) in BEGINNINGS

    def _begin(self, connection: Connection, key: str) -> list[_Base]:
        """Give an order that began at this store's counter a base of its own, until central's.

        Return it; nothing where there is no such order.
        """
        record = None if _NAMES_NO_ORDER.search(key) else self._first(key)
        if record is None or type(record.op) not in BEGINNINGS:
            return []
        order = begun(record.op, self._journal.identity.location_id, record.at)
        first = self._journal.lives.all[0]
        mark = Watermark(first.replica_id, first.epoch, 0)  # it includes nothing that was done here
        base = adapter(FulfillmentRow).dump_json(FulfillmentRow(order, mark)).decode()
        connection.execute(_NEW_ROW, (key, OWN_REV, base))
        return [_Base(key, base, is_gone=False)]

    def _first(self, key: str) -> OperationRecord | None:
        """Return the first operation on an order; None if there is none that this version reads."""
        line = self._journal.first_line(key)
        try:
            return None if line is None else decode_line(line)
        except ValueError:
            return None  # for a newer version

    def _refold(self, connection: Connection, bases: Sequence[_Base]) -> None:
        """Write the views of at most a chunk of orders, and what their work moves.

        One that this version cannot read stays as it was: its row is kept for a newer one,
        and is on no board of this one.
        """
        if not bases:
            return
        identity, lives = self._journal.identity, self._journal.lives
        rows = {one.key: row for one in bases if (row := _readable(one.base)) is not None}
        after = {
            key: lives.included(row.watermark, identity.replica_id) for key, row in rows.items()
        }
        begun_by = {
            key: lives.begun_by(row.watermark, identity.replica_id) for key, row in rows.items()
        }
        pending = self._journal.pending(after, begun_by)
        gone = [one.key for one in bases if one.is_gone]
        outside = self._journal.moved_outside(gone) if gone else {}
        unsent: set[str] = set()
        """Of orders that central took away, those with work of ours that it never heard of."""
        if gone:
            unsent = self._journal.aggregates_after(self._journal.acked_seq())
            unsent -= self._journal.outside_of_rows()
        values = []
        moved: dict[str, Sequence[Effect]] = {}
        for one in bases:
            if (row := rows.get(one.key)) is None:
                continue
            records = pending.get(one.key, [])
            folded = fold(row.order, records)
            columns = _columns(row.order, folded, is_work=not one.is_gone or one.key in unsent)
            values.append((after[one.key], *columns, len(records), one.key))
            moved[one.key] = folded.effects
            if one.is_gone:
                moved[one.key] = still_done(folded.order, outside.get(one.key))
        connection.executemany(_NEW_VIEW, values)
        keep_effects(connection, moved)

    def forget_all(self, connection: Connection) -> None:
        """Forget what central said of orders. Those with work of ours keep their last base.

        An order that began here and that central has not taken in is none of these:
        central, which never had it, would not bring it back.
        """
        unsent = self._journal.aggregates_after(self._journal.acked_seq())
        untaken = unsent.union(self._journal.held_back(BEGINNING_KINDS))
        rows = connection.execute(
            "SELECT id, rev FROM fulfillments WHERE rev = ? OR pending > 0"
            " OR id IN (SELECT value FROM json_each(?))",
            (OWN_REV, json.dumps(sorted(untaken))),
        ).fetchall()
        own = [(key, rev) for key, rev in rows if self._is_only_ours(key)]
        for key, rev in own:
            if rev != OWN_REV:  # of a central that was restored to before it
                connection.execute("DELETE FROM fulfillments WHERE id = ?", (key,))
                self._refold(connection, self._begin(connection, key))
        kept = [key for key, _ in own]
        connection.execute(
            "UPDATE fulfillments SET gone = 1 WHERE id NOT IN (SELECT value FROM json_each(?))",
            (json.dumps(kept),),
        )
        connection.execute(
            "DELETE FROM fulfillments WHERE gone = 1"
            " AND id NOT IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(self._journal.aggregates_after(0))),),
        )
        unsettled = self._journal.outside_of_rows() | unsent
        left = connection.execute(
            "SELECT id FROM fulfillments WHERE gone = 1"
            " AND (id IN (SELECT fulfillment_id FROM pending_effects)"
            " OR id IN (SELECT value FROM json_each(?)))",
            (json.dumps(sorted(unsettled)),),
        ).fetchall()
        self.refold(connection, [key for (key,) in left])

    def settle_own(self) -> None:
        """Show orders that began here as long as central holds them back, and not once refused."""
        own = self._database.all("SELECT id FROM fulfillments WHERE rev = ?", (OWN_REV,))
        changed = [key for (key,) in own if not self._has_begun(key)]
        changed += [
            key
            for key in self._journal.held_back(BEGINNING_KINDS)
            if self._database.one("SELECT 1 FROM fulfillments WHERE id = ? AND NOT gone", (key,))
            is None
        ]
        if changed:
            with self._database.writing() as connection:
                connection.executemany(  # kept as one of central's before it was held back
                    "DELETE FROM fulfillments WHERE id = ? AND gone = 1",
                    [(key,) for key in changed],
                )
                self.refold(connection, changed)

    def _is_only_ours(self, key: str) -> bool:
        """Return whether an order began here, and central does not have it, or not yet."""
        if self._journal.first_answer(key) not in NOT_TAKEN_IN:
            return False
        record = self._first(key)
        return record is not None and type(record.op) in BEGINNINGS

    def drop_gone(self) -> None:
        """Forget orders that central took away, once it has all that was done to them.

        What it holds back of that counts on: with the order as it was last, or alone where
        that is nowhere any more, as in a replica that was made anew.
        """
        held = {key for key in self._journal.outside_of_rows() if not _NAMES_NO_ORDER.search(key)}
        gone = {key for (key,) in self._database.all("SELECT id FROM fulfillments WHERE gone = 1")}
        over = gone - held if self._journal.backlog() == 0 else set()
        alone = self._without_order(held)
        if not (over or alone or gone & held):
            return
        moved = self._journal.moved_outside(sorted(alone))
        with self._database.writing() as connection:
            for part in chunks(sorted(over | alone)):
                keep_effects(
                    connection, {key: [(*one, 0) for one in moved.get(key, ())] for key in part}
                )
                connection.execute(
                    f"DELETE FROM fulfillments WHERE id IN ({placeholders(part)})", part
                )
            self.refold(connection, gone & held)

    def _without_order(self, held: Iterable[str]) -> set[str]:
        """Return of which orders work is held or counted, and no row is here, gone or not."""
        rows = self._database.all(
            "SELECT key FROM (SELECT value AS key FROM json_each(?)"
            " UNION SELECT fulfillment_id FROM pending_effects)"
            " WHERE NOT EXISTS (SELECT 1 FROM fulfillments WHERE id = key)",
            (json.dumps(sorted(held)),),
        )
        return {key for (key,) in rows}

    def order(self, key: str) -> FulfillmentOrder | None:
        """Return the view of one fulfillment order."""
        row = self._database.one("SELECT view FROM fulfillments WHERE id = ?", (key,))
        return (
            None if row is None or not row[0] else adapter(FulfillmentOrder).validate_json(row[0])
        )

    def effects_on(self, skus: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return (on hand, allocated) by SKU: what work that central's rows lack moved, in units.

        SKUs that no such work moved are left out.
        """
        found: dict[str, tuple[int, int]] = {}
        for part in chunks(sorted(skus)):
            rows = self._database.all(
                "SELECT sku, sum(on_hand), sum(allocated) FROM pending_effects"
                f" WHERE sku IN ({placeholders(part)}) GROUP BY sku",
                part,
            )
            found.update((sku, (on_hand, allocated)) for sku, on_hand, allocated in rows)
        return found

    def effects(self) -> list[tuple[str, int, int]]:
        """Return (SKU, on hand, allocated) of all work that central's rows lack."""
        return self._database.all("SELECT sku, on_hand, allocated FROM pending_effects")

    def _included(self) -> _Included:
        row = self._database.one("SELECT epoch, seq, hash, held FROM included WHERE id = 1")
        return _Included(*row)

    def _head(self) -> _Included:
        head = self._journal.head()
        epoch, held = self._journal.identity.epoch, self._journal.digest_of_held()
        return _Included(epoch, head.seq, head.hash.hex(), held)


def _readable(base: str) -> FulfillmentRow | None:
    """Return a base as this version reads it; None where it is for a newer one."""
    try:
        row = adapter(FulfillmentRow).validate_json(base)
        flow_named(row.order.flow)
    except (ValidationError, UnknownFlow):
        return None
    return row


def _forget(connection: Connection, key: str) -> None:
    """Drop an order that began here, and of which a journal that was put back knows nothing."""
    keep_effects(connection, {key: ()})
    connection.execute("DELETE FROM fulfillments WHERE id = ?", (key,))


def _columns(base: FulfillmentOrder, folded: Folded, *, is_work: bool) -> tuple[object, ...]:
    """Return what `_NEW_VIEW` sets of an order's view, but for what the journal says.

    What is no work for this store any more is on no board; it is found by its number.
    """
    order = folded.order
    status = status_of(order)
    units_open = order.total("open")
    put_back = order.total("to_put_back")
    active = is_work and bool(units_open or put_back or order.is_unsettled or order.waits)
    urgency = 0 if put_back and not units_open else URGENCY.get(status, 1)
    return (
        adapter(FulfillmentOrder).dump_json(order).decode(), int(folded.provisional),
        order.flow, status.value, int(active), urgency if active else 3, order.order_number,
        order.customer_name, order.promised_by_ms, order.expires_at_ms, order.staging_spot,
        units_open, order.total("to_pick"), put_back, int(order.is_unconfirmed and units_open > 0),
        int(base.is_unconfirmed),
    )  # fmt: skip
