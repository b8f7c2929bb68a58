"""Orders of which nobody carries a part and nothing is to come: what a person does about them.

    route again   as if it were placed now
    substitute    another product instead, at the price of the line; the customer has agreed
    cancel        these units only; the rest goes on
    back-order    wait for receipts that give all of it, the earliest first

Whatever is done closes what waits for a person because of it. What was reserved, to be paid
in its store, is only cancelled: anything else would give it away as if it were paid.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Order, OrderEvent, OrderLine
from central_server.services.backorders import claim_receipts
from central_server.services.errors import (
    NotFound,
    NothingToAwait,
    NothingUnsourced,
    ReservedInStore,
    UnknownSkus,
)
from central_server.services.exceptions import close_of_order
from central_server.services.order_giving import Giving, tell
from central_server.services.order_release import release, write_counts
from central_server.services.order_views import Document, deliveries_of, order_document, orders_in
from central_server.services.outlook import Found, Outlook
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.pre_orders import refusal, release_of, sold_in
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku, open_hours, ready_in_ms
from central_server.services.times import rfc3339
from central_server.services.transfer_receipts import offered
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.receipts import claims, inbound
from sync.clock import Clock
from sync.domain.errors import InsufficientStock
from sync.domain.exceptions import ExceptionKind
from sync.domain.orders import OrderStatus
from sync.domain.paying import FLOW as RESERVE
from sync.hub.feed import FeedWriter

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

CANCELLED = "partly_cancelled"
Units = Mapping[int, int]
Work = Callable[["Unit", Order, int], str]
"""Does something at a moment and says what, for the order's timeline."""


class UnfillableDesk:
    """Works off orders that nobody can fill."""

    def __init__(self, database: "Database", clock: Clock, how: Giving) -> None:
        self._database = database
        self._clock = clock
        self._how = how

    def page(self, limit: int) -> list[Document]:
        """Return orders with units that nobody carries, the oldest first."""
        with self._database.read() as view:
            found = view.orders.get_many(view.orders.unfillable(limit))
        orders = sorted(found.values(), key=lambda one: (one.placed_at_ms, one.id))
        return [
            {
                "order_id": one.id, "number": one.number, "placed_at": rfc3339(one.placed_at_ms),
                "customer_name": one.customer_name, "sent": bool(one.ship_to),
                "lines": [
                    {"line": line.line, "sku": line.sku, "name": line.name,
                     "unsourced": line.unsourced}
                    for line in one.lines if line.unsourced
                ],
            }
            for one in orders
        ]  # fmt: skip

    def route_again(self, order_id: str, *, by: str) -> Document:
        """Route what nobody carries, as stock and rules are now.

        Raises `NotFound`, `NothingUnsourced`, `NotReleased` and `InsufficientStock`.
        """

        def work(unit: "Unit", order: Order, now_ms: int) -> str:
            if release_of(unit, sold_in(order, is_open=True), now_ms) is not None:
                raise refusal(unit, order, now_ms, "", is_open=True)
            self._release(unit, order, _unsourced(order), now_ms)
            return "Routed again."

        return self._do(order_id, "routed_again", by, work)

    def substitute(self, order_id: str, line: int, sku: str, *, by: str) -> Document:
        """Send another product instead of a line's units that nobody has, at the line's price.

        Raises `NotFound`, `NothingUnsourced`, `UnknownSkus`, `InsufficientStock`.
        """

        def work(unit: "Unit", order: Order, now_ms: int) -> str:
            old = next((one for one in order.lines if one.line == line), None)
            if old is None or not old.unsourced:
                raise NothingUnsourced(order_id)
            products = unit.catalogue.products({sku})
            if sku not in products:
                raise UnknownSkus((sku,))
            number = max(one.line for one in order.lines) + 1
            new = OrderLine(
                number, sku, products[sku].name, old.unsourced, old.unit_price_minor, old.unsourced
            )
            gone = replace(old, unsourced=0, dropped=old.dropped + old.unsourced)
            lines = tuple(gone if one.line == line else one for one in order.lines)
            unit.orders.add_line(order.id, new)
            changed = replace(order, lines=(*lines, new))
            write_counts(unit, changed)
            self._release(unit, changed, {number: new.unsourced}, now_ms)
            return f"{new.unsourced} x {sku} instead of {old.sku}."

        return self._do(order_id, "substituted", by, work)

    def cancel(self, order_id: str, lines: frozenset[int] | None, *, by: str) -> Document:
        """Give up what nobody carries of some lines, or of all. Raises as the others do."""

        def work(unit: "Unit", order: Order, now_ms: int) -> str:
            given_up = {
                line: units
                for line, units in _unsourced(order).items()
                if lines is None or line in lines
            }
            if not given_up:
                raise NothingUnsourced(order_id)
            left = tuple(
                replace(one, unsourced=0, dropped=one.dropped + one.unsourced)
                if one.line in given_up else one
                for one in order.lines
            )  # fmt: skip
            status = write_counts(unit, replace(order, lines=left))
            if status is OrderStatus.CANCELLED:
                notice = self._how.notices.cancelled(order.number, order.customer_name)
                tell(unit, order, notice, now_ms, self._how)
            return f"Cancelled {sum(given_up.values())} units that nobody has."

        return self._do(order_id, CANCELLED, by, work)

    def back_order(self, order_id: str, *, by: str) -> Document:
        """Let the order wait for goods that are on their way; it is released when they came.

        What is sent is promised as `accept_later` does it: for the earliest date on which
        locations may send all of it. Its customer is told. Raises `NotFound`,
        `NothingUnsourced`, `NothingToAwait`, and `InsufficientStock` where no location expects
        enough, or none that may send it then.
        """

        def work(unit: "Unit", order: Order, now_ms: int) -> str:
            wanted = by_sku(order, _unsourced(order))
            unit.stock.lock_network(sorted(wanted))
            unit.supply.lock_receipts(wanted)
            coming = _sent if order.ship_to else _fetched
            found = coming(unit, order, now_ms, self._how.promise_ms)
            claim_receipts(unit, order, found.taken, now_ms, found.by_ms, found.place)
            notice = self._how.notices.backordered(order, found.place, found.by_ms)
            tell(unit, order, notice, now_ms, self._how, about=f"{order.id}:{now_ms}")
            return f"Promised by {rfc3339(found.by_ms)}."

        return self._do(order_id, "back_ordered", by, work)

    def _release(self, unit: "Unit", order: Order, units: Units, now_ms: int) -> None:
        missing = release(unit, order, units, now_ms, self._how, why="released")
        if missing:
            raise InsufficientStock(by_sku(order, missing))

    def _do(self, order_id: str, kind: str, by: str, work: Work) -> Document:
        now = self._clock.now_ms()

        def change(unit: "Unit") -> Document:
            order = unit.orders.get(order_id, lock=True)
            if order is None:
                raise NotFound("order", order_id)
            carried = orders_in(unit.fulfillments.of_orders([order_id], lock=True)[order_id])
            held = any(one.closed_ms is None for one in unit.holds.of(order_id))
            expected_ms = unit.supply.promised_by(order_id)
            waits = held or any(one.waits for one in carried) or expected_ms is not None
            if not _unsourced(order) or waits:
                raise NothingUnsourced(order_id)
            if kind != CANCELLED and any(one.flow == RESERVE for one in carried):
                raise ReservedInStore(order.number)
            text = work(unit, order, now)
            unit.orders.append_events([OrderEvent(order_id, now, kind, text, by)])
            after = unit.orders.get(order_id)
            assert after is not None
            if not _unsourced(after) or kind == "back_ordered":
                self._close(unit, order_id, now, by, text)
            stored = unit.fulfillments.of_orders([order_id])[order_id]
            told = deliveries_of(unit.orders.events(order_id))
            holds, expected_ms = unit.holds.of(order_id), unit.supply.promised_by(order_id)
            return order_document(after, orders_in(stored), holds, told, expected_ms=expected_ms)

        return self._database.write(change)

    def _close(self, unit: "Unit", order_id: str, now_ms: int, by: str, note: str) -> None:
        """End what waited for a person because nobody could fill an order."""
        feed = FeedWriter(unit.feed)
        close_of_order(unit, feed, order_id, (ExceptionKind.UNSOURCED,), now_ms, by=by, note=note)
        heads = feed.flush()
        unit.after_commit(lambda: self._how.pokes.publish(heads))


def _unsourced(order: Order) -> dict[int, int]:
    return {line.line: line.unsourced for line in order.lines if line.unsourced}


def _sent(unit: "Unit", order: Order, now_ms: int, promise_ms: int) -> Found:
    """Return what a parcel takes of receipts, and by when who delivers it."""
    order = replace(order, need_by="")  # what is late by now goes late rather than nowhere
    outlook = Outlook(unit, order, ParcelRouting(unit, now_ms, promise_ms), None, is_waiting=True)
    found = outlook.first()
    if found is None:
        raise NothingToAwait(order.number) if outlook.is_sent_now() else outlook.refusal()
    return found


def _fetched(unit: "Unit", order: Order, now_ms: int, promise_ms: int) -> Found:
    """Return what a pickup takes of the receipts at its store, and when it is ready there.

    Raises `InsufficientStock` where they do not give all of it: what lies there already was
    given up.
    """
    wanted = by_sku(order, _unsourced(order))
    place = unit.locations.get(order.pickup_location_id)
    assert place is not None
    coming = offered(unit, unit.supply.coming(wanted))
    ask = Ask(order.channel, is_own=True, is_moved=True)
    promised = Promises(unit, now_ms).at(tuple(wanted), ask, [place.id])[place.id]
    taken: dict[str, list[tuple[str, int]]] = {}
    due_ms, missing = now_ms, {}
    for sku, units in wanted.items():
        here = [one for one in coming if (one.sku, one.location_id) == (sku, place.id)]
        found = inbound(here, max(0, -promised[sku].raw), now_ms)
        parts = claims(units, found)
        if parts is None:
            missing[sku] = units - sum(one.units for one in found)
            continue
        taken[sku] = [(one.receipt.id, count) for one, count in parts]
        due_ms = max([due_ms, *(one.due_ms for one, _ in parts)])
    if missing:
        raise InsufficientStock(missing)
    by_ms = promised_by(open_hours(place), due_ms, ready_in_ms(place, promise_ms))
    return Found(taken, by_ms, place)
