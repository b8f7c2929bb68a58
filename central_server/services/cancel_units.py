"""Cancelling units of an order that goes on: the customer does without these, the rest still comes.

Where stores have it, they hear of it with their next pull: units that are not picked yet are
expected no more, picked ones are put back. A store that was away and has handed them over
wins, as after a cancellation of the whole order (`refund_to_void`). Money is the channel's: the
answer, the timeline and the message to the customer name what is not charged, or given back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from central_server.records import Order, OrderEvent
from central_server.services.cancel import Cancellation, write_changed
from central_server.services.errors import (
    NotFound,
    OrderChangeInvalid,
    ReservedInStore,
)
from central_server.services.exceptions import (
    close_of_order,
    open_as_it_stands,
    put_back_record,
)
from central_server.services.idempotency import Answered, RequestIdentity, answer_once
from central_server.services.mail import mail_item
from central_server.services.notice import PARTLY_CANCELLED, partly_cancelled
from central_server.services.order_release import write_counts
from central_server.services.order_views import deliveries_of, order_document, orders_in
from central_server.services.pre_orders import look_again
from central_server.services.promising import compact
from central_server.services.unfillable import CANCELLED
from central_server.services.units_to_cancel import Taken, pending_of, taken_off
from sync.domain.exceptions import ExceptionKind
from sync.domain.fulfillment import FulfillmentOrder, cancel_units
from sync.domain.money import amount_words
from sync.domain.paying import FLOW as RESERVE
from sync.hub.feed import FeedWriter

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

Units = Mapping[int, int]
"""Units by line."""
Parts = Sequence[FulfillmentOrder]


class UnitCancellation:
    """Cancels units of orders, each request once."""

    def __init__(self, whole: Cancellation) -> None:
        """`whole` cancels orders of which nothing would be left."""
        self._whole = whole

    def cancel(
        self, order_id: str, units: Units, identity: RequestIdentity, *, reason: str, actor: str
    ) -> Answered:
        """Cancel `units` (by line) that the customer still expects; asked again, the same answer.

        Raises `NotFound`; `AlreadyHandedOver` where the customer has some of them;
        `ReservedInStore` for what is paid in a store; `OrderChangeInvalid` for units that
        there are not, parts of kits, and what waits for goods on their way.
        """
        whole = self._whole
        now = whole.clock.now_ms()

        def cancelled(unit: "Unit") -> str:
            return compact(self._cancel(unit, order_id, units, reason, actor, now))

        return whole.database.write(
            lambda unit: answer_once(unit, identity, now, lambda: cancelled(unit))
        )

    def _cancel(
        self, unit: "Unit", order_id: str, units: Units, reason: str, actor: str, now_ms: int
    ) -> dict[str, object]:
        order = unit.orders.get(order_id, lock=True)
        if order is None:
            raise NotFound("order", order_id)
        stored = unit.fulfillments.of_orders([order_id], lock=True)[order_id]
        parts = orders_in(stored)
        if order.is_paid_here or any(one.flow == RESERVE for one in parts):
            raise ReservedInStore(order.number)
        taken = taken_off(order, parts, units)
        if units == {line: count for line, count in pending_of(order, parts).items() if count}:
            return self._whole.cancel_in(unit, order_id, reason, actor, now_ms)
        if taken.dropped and unit.supply.promised_by(order_id) is not None:
            taken = _of_what_is_carried(order, parts, units)
        after = tuple(
            cancel_units(one, taken.parts[one.id]) if one.id in taken.parts else one
            for one in parts
        )
        left = _without(order, taken)
        if taken.dropped:
            # What is left is planned at its release: the network keeps it until then.
            unit.stock.lock_network(sorted({line.sku for line in order.lines}))
            unit.holds.let_go([order_id])
        feed = FeedWriter(unit.feed)
        unit.capacity.release(
            [new.id for old, new in zip(parts, after, strict=True)
             if old.total("open") and not new.total("open")]
        )  # fmt: skip
        write_changed(unit, feed, stored, after, now_ms)
        write_counts(unit, left)
        if taken.dropped:
            look_again(unit, left, now_ms)
        if order != left and not any(line.unsourced for line in left.lines):
            kinds = (ExceptionKind.UNSOURCED,)
            close_of_order(unit, feed, order_id, kinds, now_ms, by=actor, note="Cancelled.")
        self._put_back(unit, feed, parts, after, actor, now_ms)
        self._tell(unit, left, units, after, reason, actor, now_ms)
        heads = feed.flush()
        pokes = self._whole.pokes
        unit.after_commit(lambda: pokes.publish(heads))
        told = deliveries_of(unit.orders.events(order_id))
        holds, expected_ms = unit.holds.of(order_id), unit.supply.promised_by(order_id)
        return order_document(left, after, holds, told, expected_ms=expected_ms)

    def _put_back(
        self, unit: "Unit", feed: FeedWriter, before: Parts, after: Parts, actor: str, now_ms: int
    ) -> None:
        due = [
            put_back_record(new, now_ms, self._random, f"cancelled by {actor}")
            for old, new in zip(before, after, strict=True)
            if new.total("to_put_back") > old.total("to_put_back")
        ]
        open_as_it_stands(unit, feed, due)

    def _tell(
        self, unit: "Unit", order: Order, units: Units, parts: Parts, reason: str, actor: str,
        now_ms: int,
    ) -> None:  # fmt: skip
        """Note on the timeline what was cancelled, and write to the customer."""
        before = [one for one in unit.orders.events(order.id) if one.kind == CANCELLED]
        gone, left = _words(order, units), _words(order, pending_of(order, parts))
        price = sum(units.get(line.line, 0) * line.unit_price_minor for line in order.lines)
        amount = amount_words(price, order.currency)
        why = f" ({reason})" if reason else ""
        text = f"Cancelled: {', '.join(gone)}{why}. {amount} are not charged, or given back."
        data = {"units": {str(line): count for line, count in units.items()}, "amount_minor": price}
        unit.orders.append_events([OrderEvent(order.id, now_ms, CANCELLED, text, actor, data)])
        if not order.customer_email:
            return
        notice = partly_cancelled(order.number, order.customer_name, gone, left, amount)
        item = mail_item(
            key=f"{PARTLY_CANCELLED}:{order.id}:{len(before) + 1}", to=order.customer_email,
            notice=notice, now_ms=now_ms, random=self._random,
        )  # fmt: skip
        unit.outbox.add([item])

    @property
    def _random(self) -> Random:
        return self._whole.random


def _of_what_is_carried(order: Order, parts: Parts, units: Units) -> Taken:
    """Return where `units` are cancelled of an order whose other units wait for receipts.

    Those are claimed as a whole, so locations give up theirs. Raises `OrderChangeInvalid`
    where they have too few.
    """
    carried = replace(order, lines=tuple(replace(line, unsourced=0) for line in order.lines))
    there = pending_of(carried, parts)
    if any(count > there[line] for line, count in units.items()):
        raise OrderChangeInvalid("it waits for goods on their way: cancel all of it, or wait")
    return taken_off(carried, parts, units)


def _without(order: Order, taken: Taken) -> Order:
    """Return `order` without what is cancelled of the units that nobody carries."""
    lines = tuple(
        replace(line, unsourced=line.unsourced - count, dropped=line.dropped + count)
        if (count := taken.dropped.get(line.line)) else line
        for line in order.lines
    )  # fmt: skip
    return replace(order, lines=lines)


def _words(order: Order, units: Units) -> list[str]:
    """Return units as people read them: `2 x Mug`."""
    return [f"{count} x {line.name}" for line in order.lines if (count := units.get(line.line))]
