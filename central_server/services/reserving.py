"""Reservations in one push, or in one of central's own jobs: begun, expired, served; and money.

The part of `Replication` that is about what stores hold unpaid.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from central_server.money_records import MoneyEntry
from central_server.records import Location, OrderEvent, StoredFulfillment
from central_server.services.capacity import Days
from central_server.services.counter_orders import (
    AlreadyBegun,
    Beginning,
    order_of,
    price_differences,
    tied_by,
)
from central_server.services.follow_ups import PushFollowUps
from central_server.services.notice import expiry_source
from central_server.services.pre_orders import release_of, sold_in
from central_server.services.promises import Ask, reserve
from central_server.services.push_exceptions import ExceptionsOfPush
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import OpId
from sync.domain.inventory import StockEffect
from sync.domain.money_operations import MoneyOperation
from sync.domain.opening import OpenHours
from sync.domain.operations import HoldExpired
from sync.domain.paying import begun
from sync.domain.reservations import hold_end_ms
from sync.domain.reserve_operations import WaitServed
from sync.domain.transitions import Consequence, FulfillmentOperation
from sync.protocol.lines import OperationRecord
from sync.protocol.rows import Watermark

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


def _is_over(order: FulfillmentOrder, before_ms: int) -> bool:
    """Return whether nobody came in time, as the order is now: extended, say, or half paid."""
    ends_ms = order.expires_at_ms
    return not order.is_unsettled and ends_ms is not None and ends_ms < before_ms


Only = Collection[str] | None
"""The orders that a piece of central's own work is about; None: all that are due."""


def among(found: Iterable[StoredFulfillment], only: Only) -> list[StoredFulfillment]:
    """Return those of the orders found that are asked for."""
    return [one for one in found if only is None or one.row.order.id in only]


class Reserving(ABC):
    """What a push, or a job, does with reservations. See `Replication` for the rest."""

    _unit: "Unit"
    _location: Location
    _location_id: str
    _now_ms: int
    _rows: dict[str, FulfillmentOrder]
    _marks: dict[str, Watermark]
    _kept_marks: dict[str, Watermark]
    _ups: PushFollowUps
    _inbox: ExceptionsOfPush
    _served: set[str]
    _has_begun: bool

    @abstractmethod
    def _load(self, fulfillment_ids: Collection[str]) -> None:
        """Load and lock orders with their parts."""

    @abstractmethod
    def _decide(self, operation: FulfillmentOperation, source: str) -> tuple[Consequence, ...]:
        """Apply a decision of central's own."""

    @abstractmethod
    def _count(self, effects: Sequence[StockEffect], cause: object) -> None:
        """Let stock move."""

    def order_here(self, fulfillment_id: str) -> FulfillmentOrder | None:
        """Return an order of this location as it is now, locked; None if it has no such one."""
        if fulfillment_id not in self._rows:
            self._load({fulfillment_id})
        found = self._rows.get(fulfillment_id)
        return found if found is not None and found.location_id == self._location_id else None

    def expire(self, only: Only = None, source: str = "") -> int:
        """Release what nobody paid and the store has not released in time; return how many.

        `source` is the operation that it follows from, where it does.
        """
        grace_ms = self._location.reserve.grace_minutes * 60_000
        over = self._unit.fulfillments.held_until(self._now_ms - grace_ms, self._location_id)
        found = among(over, only)
        self._load({one.row.order.id for one in found})
        orders = [self._rows[one.row.order.id] for one in found]
        over_now = [one.id for one in orders if _is_over(one, self._now_ms - grace_ms)]
        for key in over_now:
            self._decide(HoldExpired(key), source or expiry_source(key))
        return len(over_now)

    def serve_waiting(self, only: Only = None) -> int:
        """Give stock that has come to those who wait for it, in their order; return how many.

        Nobody passes somebody who waits for the same, however much that one waits for.
        """
        found = self._unit.fulfillments.waiting(self._location_id)
        self._load({one.row.order.id for one in found})
        taken: set[str] = set()
        count = 0
        for one in found:
            skus = {line.sku for line in one.row.order.lines}
            is_asked = only is None or one.row.order.id in only
            if is_asked and taken.isdisjoint(skus) and self._serve(one.row.order):
                count += 1
            else:
                taken |= skus
        return count

    def _serve(self, order: FulfillmentOrder) -> bool:
        wanted = order.reserve.wanted if order.reserve is not None else ()
        whole = self._ups.order(order.order_id)
        if release_of(self._unit, sold_in(whole), self._now_ms) is not None:
            return False  # a kit's own date: its components may be there to be sold
        units: Counter[str] = Counter()
        for line, count in zip(order.lines, wanted, strict=True):
            units[line.sku] += count
        source = f"serve:{order.id}"
        ask = Ask(chosen=self._location_id)
        days = Days(self._unit, self._now_ms)
        claim, is_free = days.take(self._location_id, units.total())
        if not is_free:
            return False
        if not reserve(self._unit, self._location_id, units, source, self._now_ms, ask):
            days.give_back(self._location_id, claim)
            return False
        lease = self._unit.leases.get(self._location_id)
        confirm_by_ms = 0 if lease is None else lease.confirm_by_ms
        self._decide(WaitServed(order.id, self._hold_end(order), confirm_by_ms), source)
        if claim is not None:
            self._unit.capacity.claim(order.id, self._location_id, claim.starts_ms, claim.use)
        self._served.update(units)
        return True

    def _hold_end(self, order: FulfillmentOrder) -> int:
        place, skus = self._location, {line.sku for line in order.lines}
        categories = [one.category for one in self._unit.catalogue.products(skus).values()]
        hours = place.reserve.hours_for(categories)
        opening = OpenHours(place.timezone, place.hours, place.closures)
        return hold_end_ms(opening, self._now_ms, hours)

    def _begin(
        self, operation: Beginning, record: OperationRecord, op_id: OpId
    ) -> tuple[Consequence, ...]:
        """Take in an order that began at the store's counter: a fact, or a place in a queue."""
        key = operation.fulfillment_id
        if key in self._rows:
            raise AlreadyBegun(key)
        fulfillment = begun(operation, self._location_id, record.at)
        order = order_of(operation, fulfillment, self._location)
        self._has_begun = True
        self._rows[key] = fulfillment
        self._kept_marks[key] = Watermark()
        self._marks[key] = Watermark(op_id.replica_id, op_id.epoch, op_id.seq)
        self._ups.begin_order(order, fulfillment)
        self._count(tied_by(fulfillment), op_id)
        skus = {line.sku for line in fulfillment.lines}
        prices = self._unit.catalogue.prices(self._location.price_zone, skus)
        text = "On the waiting list" if fulfillment.waits else "Reserved at the counter"
        more = price_differences(operation, prices)
        words = f"{text} of {self._location.name}. {more}".strip()
        data = {"fulfillment_id": key, "location_id": self._location_id}
        self._ups.events.append(
            OrderEvent(
                order.id, self._now_ms, "placed", words, f"{self._location_id}/{record.by}", data

            )
        )  # fmt: skip
        return ()

    def _apply_money(
        self, operation: MoneyOperation, record: OperationRecord, op_id: OpId
    ) -> tuple[Consequence, ...]:
        currency = getattr(operation, "currency", "")
        entry = self._money_entry(op_id, record.by, record.at, record.dev, currency)
        self._has_begun = True
        self._ups.money.post(operation, entry)
        self._inbox.after_money(operation, self._location_id, op_id)
        return ()

    def _money_entry(
        self, source: object, by: str, at_ms: int, dev: str, currency: str = ""
    ) -> MoneyEntry:
        return MoneyEntry(self._location_id, "", 0, currency, str(source), dev, by, at_ms)
