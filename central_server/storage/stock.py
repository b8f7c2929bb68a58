"""Stock by (location, SKU): positions, promises, and effects."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from central_server.records import LedgerEntry, StockSums
from central_server.storage import network_locks, stock_places
from central_server.storage.bulk import (
    among,
    find_many,
    insert_many,
    update_among,
    update_many,
    upsert_many,
)
from central_server.storage.prepared import Prepared
from central_server.storage.raw import Together
from central_server.storage.stock_ledger import StockLedger
from central_server.storage.stock_places import POSITIONS
from central_server.storage.stock_rows import (
    POSITION,
    RIGHTS,
    ROW_COLUMNS,
    STOCK_KEY,
    WITH_LEASE,
    OpeningStock,
    stock_row_of,
)
from central_server.storage.tables import STOCK
from sync.domain.escrow import Rights, fixed_floor
from sync.domain.inventory import StockPosition, StockReason, available_to_promise
from sync.domain.silence import FloorBySilence, held_back
from sync.protocol.rows import StockRow

_OPENING = ("location_id", "sku", "on_hand", "allocated", "floor", "safety_stock", "aisle")
_RETURNING = ", ".join(f"stock.{name}" for name in ROW_COLUMNS)
_ALLOCATE = "allocated = stock.allocated + v.allocated, promised = stock.promised + v.promised"
_THIS_ROW = "stock.location_id = v.location_id AND stock.sku = v.sku"

_AT_PLACE = STOCK.c.location_id == bindparam("place")
_EVERYWHERE = Prepared(lambda engine: POSITIONS.where(engine.among(STOCK.c.sku, "skus")))
_AT_PLACES = Prepared(
    lambda engine: POSITIONS.where(
        engine.among(STOCK.c.sku, "skus"), engine.among(STOCK.c.location_id, "places")
    )
)
_LOCKED = Prepared(
    lambda engine: (
        POSITIONS.where(_AT_PLACE, engine.among(STOCK.c.sku, "skus"))
        .order_by(STOCK.c.sku)
        .with_for_update(of=STOCK)
    )
)
_ALL_AT = select(*(STOCK.c[name] for name in ROW_COLUMNS)).where(_AT_PLACE).order_by(STOCK.c.sku)
_ALL_ROWS = Prepared(lambda _: _ALL_AT)
_ROWS = {
    False: Prepared(lambda engine: _ALL_AT.where(engine.among(STOCK.c.sku, "skus"))),
    True: Prepared(
        lambda engine: _ALL_AT.where(engine.among(STOCK.c.sku, "skus")).with_for_update()
    ),
}


def by_the_books(position: StockPosition) -> int:
    """Return what may be promised where no rule has a say."""
    return available_to_promise(position).quantity


class Stock:
    """The table `stock`, whose ledger it writes. Rows are locked in (location, SKU) order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ledger = StockLedger(connection)

    def positions(
        self, skus: Collection[str], now_ms: int, location_ids: Collection[str] | None = None
    ) -> list[StockPosition]:
        """Return the positions of `skus` everywhere, or at some locations, in one query.

        Where a location shares by escrow, its floor is what central may not promise
        at `now_ms`: all of it once the lease is over. While the store is silent, more is
        held back of what is left.
        """
        if location_ids is None:
            rows = _EVERYWHERE.rows(self._connection, skus=skus)
        else:
            rows = _AT_PLACES.rows(self._connection, skus=skus, places=location_ids)
        return [self.position(row, now_ms) for row in rows]

    def fullest(self, sku: str, most: int, now_ms: int) -> tuple[list[StockPosition], StockSums]:
        """Return the positions of a SKU where most of it is not allocated, so many of them.

        And the sums over all its positions, of the same statement.
        """
        rows = list(stock_places.FULLEST.rows(self._connection, sku=sku, most=most))
        sums = stock_places.stock_sums(*rows[0][-3:]) if rows else StockSums()
        return [self.position(row[:-3], now_ms) for row in rows], sums

    def sums(self, skus: Collection[str]) -> dict[str, StockSums]:
        """Return the sums over all locations, by SKU."""
        rows = stock_places.SUMS.rows(self._connection, skus=skus)
        return {row[0]: stock_places.stock_sums(*row[1:]) for row in rows}

    def carrying(self, skus: Collection[str], location_ids: Collection[str]) -> set[str]:
        """Return which of the locations have, or had, any of `skus`."""
        return {
            row[0]
            for row in stock_places.CARRYING.rows(self._connection, skus=skus, places=location_ids)
        }

    def positions_at(self, keys: Sequence[tuple[str, str]], now_ms: int) -> list[StockPosition]:
        """Return the positions of (location, SKU) that there are, in one query."""
        rows = find_many(self._connection, STOCK, STOCK_KEY, keys, what=POSITION, joins=WITH_LEASE)
        return [self.position(row, now_ms) for row in rows]

    def position(self, row: Sequence[Any], now_ms: int) -> StockPosition:
        """Return what central may promise of a row of `POSITIONS` at `now_ms`."""
        return _position(row, now_ms)

    def everywhere(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return (on hand, allocated) by (location, SKU), of all stock."""
        wanted = select(STOCK.c.location_id, STOCK.c.sku, STOCK.c.on_hand, STOCK.c.allocated)
        return {
            (place, sku): (one, two) for place, sku, one, two in self._connection.execute(wanted)
        }

    def rows(self, location_id: str, skus: Collection[str] | None = None) -> list[StockRow]:
        """Return a location's stock as its feed carries it: all of it, or these SKUs."""
        if skus is None:
            rows = _ALL_ROWS.rows(self._connection, place=location_id)
        else:
            rows = _ROWS[False].rows(self._connection, place=location_id, skus=skus)
        return [stock_row_of(row) for row in rows]

    def reserve(
        self,
        location_id: str,
        lines: Sequence[tuple[str, int]],
        source: str,
        now_ms: int,
        limit: Callable[[StockPosition], int] = by_the_books,
    ) -> bool:
        """Allocate all of `lines` (SKU, units) at one location, or nothing; say which.

        A line is promised only if central may promise that much of it at `now_ms`: `limit`
        is asked of the locked positions, and knows the rules (`services.promises.reserve`).
        Lines of the same SKU count together. Writes the ledger too.
        """
        totals = _totals(lines)
        if not totals:
            return True
        found = {one.sku: one for one in self._lock(location_id, totals, now_ms)}
        for sku, quantity in totals.items():
            if sku not in found or limit(found[sku]) < quantity:
                return False
        rows = [
            (location_id, sku, quantity, quantity if found[sku].is_shared else 0)
            for sku, quantity in totals.items()
        ]
        self.allocate(rows)
        reason = StockReason.ALLOCATED
        self.append_ledger(
            [
                LedgerEntry(location_id, sku, 0, q, reason, source, now_ms)
                for sku, q in totals.items()
            ]
        )
        return True

    def allocate(self, rows: Sequence[tuple[str, str, int, int]]) -> None:
        """Add (location, SKU, allocated, promised) to locked rows."""
        changed = update_many(
            self._connection,
            STOCK,
            (*STOCK_KEY, "allocated", "promised"),
            rows,
            sets=_ALLOCATE,
            where=_THIS_ROW,
            returning="stock.sku",
        )
        assert len(changed) == len(rows), "a locked position changed"

    def lock_network(self, skus: Collection[str]) -> None:
        """Let nobody else promise of what is kept of these SKUs in all, until the commit."""
        network_locks.lock(self._connection, skus)

    def share_network(self, skus: Collection[str]) -> None:
        """Let nobody begin to keep something of these SKUs in all, until the commit.

        Who promises at one place alone, or moves a promise, takes it before asking whether
        anything is kept: an order that is to wait (`lock_network`) waits for those under way,
        and they for it.
        """
        network_locks.share(self._connection, skus)

    def _lock(
        self, location_id: str, skus: Collection[str], now_ms: int
    ) -> Sequence[StockPosition]:
        """Lock positions in SKU order and return them."""
        rows = _LOCKED.rows(self._connection, place=location_id, skus=skus)
        return [self.position(row, now_ms) for row in rows]

    def lock_rows(self, location_id: str, skus: Collection[str]) -> dict[str, StockRow]:
        """Lock rows in SKU order and return them by SKU; a SKU without one gets an empty one."""
        wanted = sorted(skus)
        insert_many(
            self._connection, STOCK, _OPENING,
            [(location_id, sku, 0, 0, 0, 0, "") for sku in wanted],
            " ON CONFLICT (location_id, sku) DO NOTHING",
        )  # fmt: skip
        rows = _ROWS[True].rows(self._connection, place=location_id, skus=wanted)
        return {row[0]: stock_row_of(row) for row in rows}

    def set_rights(self, location_id: str, rows: Sequence[StockRow]) -> None:
        """Write rights and watermark of locked rows, in bulk."""
        columns = ("location_id", "sku", *RIGHTS, "op_replica", "op_epoch", "op_seq")
        update_many(
            self._connection,
            STOCK,
            columns,
            [
                (
                    location_id, row.sku, row.rights.generation, row.rights.granted,
                    row.rights.promised, row.rights.returned, row.watermark.replica_id,
                    row.watermark.epoch, row.watermark.seq,
                )
                for row in sorted(rows, key=lambda row: row.sku)
            ],
            sets=", ".join(f"{name} = v.{name}" for name in columns[2:]),
            where=_THIS_ROW,
            returning="stock.sku",
        )  # fmt: skip

    def apply_effects(
        self,
        location_id: str,
        effects: Mapping[str, tuple[int, int]],
        ledger: Sequence[LedgerEntry],
    ) -> list[StockRow]:
        """Add (on hand, allocated) per SKU, write the ledger, and return the rows after it.

        `effects` are the sums per SKU of what `ledger` lists. A SKU that the
        location never had gets a row: what a store did is never refused.
        """
        self.append_ledger(ledger)
        if not effects:
            return []
        skus = sorted(effects)
        if len(self._lock(location_id, skus, 0)) < len(skus):
            self.lock_rows(location_id, skus)
        changed = update_many(
            self._connection,
            STOCK,
            ("location_id", "sku", "on_hand", "allocated"),
            [(location_id, sku, *effects[sku]) for sku in skus],
            sets="on_hand = stock.on_hand + v.on_hand, allocated = stock.allocated + v.allocated",
            where=_THIS_ROW,
            returning=_RETURNING,
        )
        return [stock_row_of(row) for row in changed]

    def set_opening(
        self,
        items: Sequence[OpeningStock],
        source: str,
        now_ms: int,
        reason: StockReason = StockReason.OPENING,
    ) -> None:
        """Set what is on hand, in bulk; allocations stay. The ledger gets the differences.

        The floor share follows from the percentage (`sync.domain.escrow.fixed_floor`); where
        stock is shared, a floor that sizing has set stays.
        """
        wanted = {(item.location_id, item.sku): item for item in items}
        ordered = [wanted[key] for key in sorted(wanted)]
        before = self.lock_all(wanted)
        sized = self._sized([one for one in ordered if one.is_shared])
        rows = [
            (
                item.location_id, item.sku, item.on_hand, 0,
                _floor_of(item, sized.get((item.location_id, item.sku))),
                item.safety_stock, item.aisle,
            )
            for item in ordered
        ]  # fmt: skip
        upsert_many(self._connection, STOCK, _OPENING, rows, keep=("allocated",))
        moved = ((item, item.on_hand - before[item.location_id, item.sku]) for item in ordered)
        self.append_ledger(
            [
                LedgerEntry(item.location_id, item.sku, units, 0, reason, source, now_ms)
                for item, units in moved
                if units
            ]
        )

    def lock_all(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Lock the rows of (location, SKU) and return what is on hand by them.

        Those without a row get an empty one: where there is nothing to lock, somebody else's
        first movement would be overwritten.
        """
        found = self._on_hand(keys)
        if missing := sorted(set(keys) - found.keys()):
            insert_many(
                self._connection, STOCK, _OPENING,
                [(*key, 0, 0, 0, 0, "") for key in missing],
                " ON CONFLICT (location_id, sku) DO NOTHING",
            )  # fmt: skip
            found |= self._on_hand(missing)
        return found

    def _on_hand(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        rows = self._connection.execute(
            select(STOCK.c.location_id, STOCK.c.sku, STOCK.c.on_hand)
            .where(
                among(self._connection, STOCK.c.location_id, {place for place, _ in keys}),
                among(self._connection, STOCK.c.sku, {sku for _, sku in keys}),
            )
            .order_by(STOCK.c.location_id, STOCK.c.sku)
            .with_for_update()
        )
        return {(location_id, sku): on_hand for location_id, sku, on_hand in rows}

    def _sized(self, items: Sequence[OpeningStock]) -> dict[tuple[str, str], tuple[int, int]]:
        """Return (floor, what is free) of those of locked rows whose floor sizing has set."""
        keys = [(one.location_id, one.sku) for one in items]
        what = ", ".join(
            f"stock.{name}" for name in (*STOCK_KEY, "floor", "on_hand", "allocated", "silence")
        )
        rows = find_many(self._connection, STOCK, STOCK_KEY, keys, what=what) if keys else ()
        return {
            (place, sku): (floor, on_hand - allocated)
            for place, sku, floor, on_hand, allocated, silence in rows
            if silence
        }

    def set_floors(self, location_id: str, floors: Mapping[str, int]) -> None:
        """Set how many floor rights a location should keep, by SKU, in bulk and in SKU order."""
        update_many(
            self._connection,
            STOCK,
            ("location_id", "sku", "floor"),
            [(location_id, sku, units) for sku, units in sorted(floors.items())],
            sets="floor = v.floor",
            where=_THIS_ROW,
            returning="stock.sku",
        )

    def set_figures(self, location_id: str, figures: Mapping[str, tuple[int, int]]) -> None:
        """Set (floor, safety stock) by SKU, in bulk and in SKU order."""
        update_many(
            self._connection,
            STOCK,
            ("location_id", "sku", "floor", "safety_stock"),
            [(location_id, sku, *both) for sku, both in sorted(figures.items())],
            sets="floor = v.floor, safety_stock = v.safety_stock",
            where=_THIS_ROW,
            returning="stock.sku",
        )

    def sized_places(self) -> set[str]:
        """Return the locations some of whose floors sizing has set."""
        wanted = select(STOCK.c.location_id).where(STOCK.c.silence != "").distinct()
        return set(self._connection.execute(wanted).scalars())

    def silences(self, location_id: str) -> dict[str, str]:
        """Return what each SKU of a location needs while it is silent, as it was set."""
        wanted = select(STOCK.c.sku, STOCK.c.silence).where(STOCK.c.location_id == location_id)
        found: dict[str, str] = dict(self._connection.execute(wanted).all())
        return found

    def set_silences(self, location_id: str, silences: Mapping[str, str]) -> None:
        """Set what central leaves a silent location of each SKU (`FloorBySilence.text`)."""
        update_many(
            self._connection,
            STOCK,
            ("location_id", "sku", "silence"),
            [(location_id, sku, text) for sku, text in sorted(silences.items())],
            sets="silence = v.silence",
            where=_THIS_ROW,
            returning="stock.sku",
        )

    def allocate_among(
        self,
        together: Together,
        rows: Sequence[tuple[str, str, int, int]],
        entries: Sequence[LedgerEntry],
    ) -> None:
        """Do as `allocate` and `append_ledger`, among other statements."""
        update_among(
            together, STOCK, (*STOCK_KEY, "allocated", "promised"), rows, sets=_ALLOCATE,
            where=_THIS_ROW,
        )  # fmt: skip
        self._ledger.append_among(together, entries)

    def append_ledger(self, entries: Sequence[LedgerEntry]) -> None:
        """Append what was moved."""
        self._ledger.append(entries)


def _floor_of(item: OpeningStock, sized: tuple[int, int] | None) -> int:
    """Return the floor of what is set; `sized` is (floor, what was free) where sizing set it.

    Sizing keeps no more than is free: a floor that was all of it says little of goods that
    come now, and counts only where it is more than the share.
    """
    share = fixed_floor(item.on_hand - item.for_orders, item.floor_percent)
    if sized is None:
        return share
    floor, free = sized
    return floor if floor < free else max(floor, share)


def _totals(lines: Sequence[tuple[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for sku, quantity in lines:
        totals[sku] = totals.get(sku, 0) + quantity
    return dict(sorted(totals.items()))


def _position(row: Sequence[Any], now_ms: int) -> StockPosition:
    location_id, sku, on_hand, allocated, floor, safety_stock, *rights = row[:-4]
    silence, generation, until_ms, token_ms = row[-4:]
    if generation is None:
        return StockPosition(location_id, sku, on_hand, allocated, floor, safety_stock)
    granted = Rights(*rights).within(generation).online if now_ms < until_ms else 0
    # Never more than the book has: a count at central may have lowered it since the grant.
    online = min(granted, max(0, on_hand - allocated))
    kept = on_hand - allocated - online
    wanted = FloorBySilence.of(silence).wanted(now_ms - token_ms)
    return StockPosition(
        location_id, sku, on_hand, allocated, kept, safety_stock, is_shared=True,
        held_back=held_back(online, kept, wanted),
    )  # fmt: skip
