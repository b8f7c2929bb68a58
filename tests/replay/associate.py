"""What an associate does with one order: the same each time for the same order.

Most are picked, staged, made ready and handed over. Some are declined, some
come up short, some are cancelled by the customer while the goods are in hand,
some are handed over although a cancellation is on its way.
"""

from collections.abc import Callable
from enum import StrEnum
from zlib import crc32

from store_client.replica.store import Store
from sync.domain import operations as op
from sync.domain.fulfillment import (
    FulfillmentOrder,
    PickupProof,
    ProofKind,
    RefusalReason,
    ShortReason,
)

DAY_MS = 86_400_000
SPOTS = ("A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4")
Cancel = Callable[[FulfillmentOrder], bool]
"""Cancels at central, as the customer; returns whether central did."""


class Fate(StrEnum):
    """How an order ends, or how far this visit takes it."""

    REJECTED = "rejected"
    SHORT = "short_picked"
    CANCELLED = "cancelled_while_in_hand"
    HANDED_OVER_ANYWAY = "handed_over_while_cancelled"
    REFUSED = "refused_at_the_counter"
    WAITS = "left_at_the_hold_shelf"
    PLAIN = "handed_over"


_PER_MILLE = (
    (30, Fate.REJECTED),
    (70, Fate.SHORT),
    (40, Fate.CANCELLED),
    (20, Fate.HANDED_OVER_ANYWAY),
    (20, Fate.REFUSED),
    (80, Fate.WAITS),
)


def fate_of(order: FulfillmentOrder, *, first_visit: bool) -> Fate:
    """Return what will become of `order`; after the first visit only the plain way is left."""
    if not first_visit:
        return Fate.PLAIN
    text = (
        f"{order.customer_name}/{order.location_id}/{order.lines[0].sku}/{order.total('allocated')}"
    )
    draw = crc32(text.encode()) % 1000
    for share, fate in _PER_MILLE:
        if draw < share:
            return fate
        draw -= share
    return Fate.PLAIN


class Associate:
    """Works at one store's replica. The network plays no part in any of it."""

    def __init__(self, store: Store, cancel: Cancel) -> None:
        self._store = store
        self._cancel = cancel
        self._by = f"A-{store.location_id}"

    def work(self, fulfillment_id: str, fate: Fate) -> FulfillmentOrder:
        """Take one order as far as its fate says."""
        order = self._order(fulfillment_id)
        if order.total("to_put_back"):
            order = self._put_back(order)
        if order.total("open") == 0:
            return order
        if fate is Fate.REJECTED:
            return self._do(op.FulfillmentRejected(order.id, ShortReason.STORE_BUSY))
        order = self._pick(order, short=fate is Fate.SHORT)
        if order.total("open") == 0:
            return order
        if fate in {Fate.CANCELLED, Fate.HANDED_OVER_ANYWAY} and not self._cancel(order):
            fate = Fate.PLAIN
        order = self._stage(order)
        if fate in {Fate.CANCELLED, Fate.WAITS}:
            return order
        if fate is Fate.REFUSED:
            refused = next(line for line in order.lines if line.deliverable)
            order = self._do(op.LineRefused(order.id, refused.line, 1, RefusalReason.CHANGED_MIND))
        return self._put_back(self._hand_over(order))

    def _order(self, fulfillment_id: str) -> FulfillmentOrder:
        order = self._store.fulfillment(fulfillment_id)
        assert order is not None, f"{fulfillment_id} left the store while it was open"
        return order

    def _do(self, operation: object) -> FulfillmentOrder:
        return self._store.perform(operation, by=self._by, dev="D1")  # type: ignore[arg-type]

    def _pick(self, order: FulfillmentOrder, *, short: bool) -> FulfillmentOrder:
        if order.accepted_at_ms is None:
            order = self._do(op.FulfillmentAccepted(order.id))
        for line in order.lines:
            found = line.to_pick - 1 if short and line.to_pick else line.to_pick
            if found:
                order = self._do(op.LinePicked(order.id, line.line, found))
            if found < line.to_pick:
                order = self._do(op.LineShortPicked(order.id, line.line, 1, ShortReason.NOT_FOUND))
            short = False
        return order

    def _stage(self, order: FulfillmentOrder) -> FulfillmentOrder:
        if order.ready_at_ms is not None or not order.total("deliverable"):
            return order
        if not order.staging_spot:
            spot = SPOTS[crc32(order.id.encode()) % len(SPOTS)]
            order = self._do(op.Staged(order.id, spot))
        now_ms = self._store.clock.now_ms()
        return self._do(op.MarkedReady(order.id, now_ms, now_ms + 7 * DAY_MS))

    def _hand_over(self, order: FulfillmentOrder) -> FulfillmentOrder:
        lines = tuple(
            op.LineQuantity(line.line, line.deliverable) for line in order.lines if line.deliverable
        )
        if not lines:
            return order
        kind = ProofKind.ID_CHECK if crc32(order.id.encode()) % 5 == 0 else ProofKind.PICKUP_CODE
        document = "passport" if kind is ProofKind.ID_CHECK else ""
        proof = PickupProof(kind, order.customer_name or "Somebody", document=document)
        return self._do(op.HandedOver(order.id, lines, proof))

    def _put_back(self, order: FulfillmentOrder) -> FulfillmentOrder:
        for line in order.lines:
            if line.to_put_back:
                order = self._do(op.PutBack(order.id, line.line, line.to_put_back))
        return order
