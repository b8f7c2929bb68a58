"""Cancelling what the customer still expects. Repeating it changes nothing and answers the same."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import LedgerEntry, Order, OrderEvent, StoredFulfillment
from central_server.services.errors import AlreadyHandedOver, NotFound
from central_server.services.exceptions import (
    close_of_order,
    open_as_it_stands,
    owed_record,
    put_back_record,
)
from central_server.services.mail import mail_item
from central_server.services.notice import NOTHING_CHARGED, NoticesByFlow
from central_server.services.order_views import Document, order_document, orders_in, progress
from sync.clock import Clock
from sync.domain.exceptions import ExceptionKind
from sync.domain.fulfillment import FulfillmentOrder, cancel_open
from sync.domain.money import amount_words
from sync.domain.paying import owed_back
from sync.domain.transitions import stock_effects
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, FulfillmentRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

ENDED_WITH_IT = (ExceptionKind.UNSOURCED, ExceptionKind.PROMISE_BROKEN)
"""What nobody has to do any more once the whole order is cancelled, and the customer told."""


class Cancellation:
    """Cancels orders."""

    def __init__(
        self,
        database: "Database",
        notices: NoticesByFlow,
        *,
        clock: Clock,
        random: Random,
        pokes: Pokes,
    ) -> None:
        self.database = database
        self._notices = notices
        self.clock = clock
        self.random = random
        self.pokes = pokes

    def cancel(self, order_id: str, *, reason: str, actor: str) -> Document:
        """Cancel everything that is still open and return the order as it is then.

        Raises `AlreadyHandedOver` where nothing is open because the customer has
        goods of it. What a store has in its hands becomes work to put back.
        """
        now = self.clock.now_ms()
        return self.database.write(lambda unit: self.cancel_in(unit, order_id, reason, actor, now))

    def cancel_in(
        self, unit: "Unit", order_id: str, reason: str, actor: str, now_ms: int
    ) -> Document:
        """Cancel within a transaction of others; raises as `cancel` does."""
        order = unit.orders.get(order_id, lock=True)
        if order is None:
            raise NotFound("order", order_id)
        stored = unit.fulfillments.of_orders([order_id], lock=True)[order_id]
        before = orders_in(stored)
        state = progress(order, before)
        if state.pending == 0:
            if state.fulfilled:
                raise AlreadyHandedOver(order_id)
            return order_document(order, before)
        dropped = _without_unsourced(order)
        after = tuple(cancel_open(one) for one in before)
        feed = FeedWriter(unit.feed)
        unit.orders.set_statuses({order_id: progress(dropped, after).status.value})
        if dropped != order:
            unit.orders.set_line_counts(
                {(order_id, line.line): (line.unsourced, line.dropped) for line in dropped.lines}
            )
        unit.supply.end_claims_of(order_id, now_ms)
        kinds = [one.kind for one in unit.holds.of(order_id) if one.closed_ms is None]
        if kinds:
            unit.holds.close(order_id, kinds, now_ms, by=actor, note="cancelled")
        unit.capacity.release([one.id for one in before if one.total("open")])
        write_changed(unit, feed, stored, after, now_ms)
        text = f"Cancelled: {reason}" if reason else "Cancelled."
        unit.orders.append_events([OrderEvent(order_id, now_ms, "cancelled", text, actor)])
        self._tell(unit, order, after, now_ms)
        source = f"cancelled by {actor}"
        in_hand = [
            put_back_record(one, now_ms, self.random, source)
            for one in after
            if one.total("to_put_back")
        ]
        owed = [
            owed_record(new, now_ms, self.random, source)
            for old, new in zip(before, after, strict=True)
            if new.shipment is not None and owed_back(new) > owed_back(old)
        ]
        open_as_it_stands(unit, feed, in_hand + owed)
        close_of_order(
            unit, feed, order_id, ENDED_WITH_IT, now_ms, by=actor, note="The order is cancelled."
        )
        heads = feed.flush()
        unit.after_commit(lambda: self.pokes.publish(heads))
        return order_document(dropped, after)

    def _tell(
        self, unit: "Unit", order: Order, after: Sequence[FulfillmentOrder], now_ms: int
    ) -> None:
        if not order.customer_email:
            return
        words = self._notices.of(after[0].flow if after else "")
        notice = words.cancelled(order.number, order.customer_name, _money_words(unit, after))
        item = mail_item(
            key=f"{notice.kind}:{order.id}", to=order.customer_email, notice=notice,
            now_ms=now_ms, random=self.random,
        )  # fmt: skip
        unit.outbox.add([item])


def _money_words(unit: "Unit", after: Sequence[FulfillmentOrder]) -> str:
    """Say what of the customer's money stays and what goes back, where they paid in a store."""
    said = []
    if any(one.reserve is not None and one.spent_minor for one in after):
        said.append("What you have taken is paid and stays yours.")
    for one in after:
        owed = owed_back(one)
        if owed:
            place = unit.locations.get(one.location_id)
            name = one.location_id if place is None else place.name
            said.append(f"{name} gives you {amount_words(owed, one.currency)} back.")
    return " ".join(said) or NOTHING_CHARGED


def _without_unsourced(order: Order) -> Order:
    """Return `order` with the units that nobody carries given up."""
    lines = tuple(
        replace(line, dropped=line.dropped + line.unsourced, unsourced=0) for line in order.lines
    )
    return replace(order, lines=lines)


def write_changed(
    unit: "Unit",
    feed: FeedWriter,
    stored: list[StoredFulfillment],
    after: tuple[FulfillmentOrder, ...],
    now_ms: int,
) -> None:
    """Write the fulfillment orders that changed, and the stock that is free again."""
    pairs = [(one, new) for one, new in zip(stored, after, strict=True) if one.row.order != new]
    rows = [FulfillmentRow(new, one.row.watermark) for one, new in pairs]
    bodies = unit.fulfillments.upsert_many(rows)
    for one, new in sorted(pairs, key=lambda pair: pair[1].location_id):
        scope = store_scope(new.location_id)
        feed.put_body(scope, Entity.FULFILLMENT, new.id, bodies[new.id])
        _release(unit, feed, one.row.order, new, now_ms)


def _release(
    unit: "Unit",
    feed: FeedWriter,
    before: FulfillmentOrder,
    after: FulfillmentOrder,
    now_ms: int,
) -> None:
    totals: dict[str, tuple[int, int]] = {}
    ledger = []
    for effect in stock_effects(before, after, None):
        on_hand, allocated = totals.get(effect.sku, (0, 0))
        totals[effect.sku] = (on_hand + effect.on_hand, allocated + effect.allocated)
        ledger.append(
            LedgerEntry(
                after.location_id, effect.sku, effect.on_hand, effect.allocated, effect.reason,
                after.order_id, now_ms,
            )
        )  # fmt: skip
    for row in unit.stock.apply_effects(after.location_id, totals, ledger):
        feed.put(store_scope(after.location_id), Entity.STOCK, row.sku, row)
