"""Orders that are not released to a location yet, and why: grace, and holds of the waiting room.

    grace      the customer may change or cancel; it ends by its time
    others     something has to be found out first: fraud, address, payment; a person clears them
    pre_order  something of it may not be sold before its release date (`pre_orders`)
    room       the days of all who could do it are full (`room`)

Until then its units are kept where it would leave now, or of the network (`held_units`), so
nobody else is promised them, and no location works. With the last hold the order is routed, as
stock and rules are then. What cannot be routed any more waits in the unfillable queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from central_server.records import Order, OrderEvent, OrderHold
from central_server.services import batches, offer_time
from central_server.services.backorders import Awaited, is_asked_later, may_be_granted_yet
from central_server.services.batches import Budget, decide_together
from central_server.services.decisions import Chosen, Decision
from central_server.services.errors import NotFound, NotHeld, OrderChangeInvalid
from central_server.services.held_units import keep_planned
from central_server.services.order_giving import Giving
from central_server.services.order_lines import require_whole_kits
from central_server.services.order_release import Only, release_or_open, write_counts
from central_server.services.order_views import (
    Document,
    deliveries_of,
    hold_document,
    order_document,
    orders_in,
)
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.parcels import SAME_METHOD, Destination, addressed
from central_server.services.piecework import Piece, Piecework
from central_server.services.pre_orders import (
    KIND,
    keep_back,
    look_again,
    promise_again,
    refusal,
    release_of,
    sold_in,
)
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku
from central_server.services.room import TEXT as ROOM_TEXT
from central_server.services.shipping import barred, shipping_home, too_late
from central_server.sourcing.engine.highs import OptimizerMissing
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import HoldKind, RoutingRule
from sync.clock import Clock
from sync.domain.errors import InsufficientStock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit, View

MINUTE_MS = 60_000
WORDS = {
    HoldKind.GRACE: "The customer may still change or cancel it.",
    HoldKind.FRAUD: "Looked at for fraud.",
    HoldKind.ADDRESS: "The address has to be made out.",
    HoldKind.PAYMENT: "The payment has to be cleared.",
    HoldKind.MANUAL: "Held by hand.",
    HoldKind.PRE_ORDER: "It may not be sold yet.",
    HoldKind.OFFER: "Offered to stores: the first that claims it gets it.",
    HoldKind.ROOM: ROOM_TEXT,
}


def holds_of(order_id: str, rule: RoutingRule, now_ms: int) -> list[OrderHold]:
    """Return for what a new order waits by the rule that routes it."""
    kinds = dict.fromkeys(rule.hold_for)  # an older version may say one twice
    found = [OrderHold(order_id, kind.value, now_ms, text=WORDS[kind]) for kind in kinds]
    every_ms = rule.release_every_minutes * MINUTE_MS
    if rule.grace_minutes or every_ms:
        until = now_ms + rule.grace_minutes * MINUTE_MS
        if every_ms:
            until = -(-until // every_ms) * every_ms
        grace = HoldKind.GRACE
        found.append(OrderHold(order_id, grace.value, now_ms, until, WORDS[grace]))
    return found


def let_wait(
    unit: "Unit", order: Order, holds: Sequence[OrderHold], routing: ParcelRouting, now_ms: int,
    decision: Decision | None = None,
) -> Order:  # fmt: skip
    """Write down a new parcel order that waits; its units are kept where it would leave now.

    By `decision`, if this transaction has it already.
    Raises `InsufficientStock`, or `NotInTime`, where it could not be routed even now.
    """
    units = {line.line: line.quantity for line in order.lines}
    wanted = by_sku(order, units)
    unit.stock.lock_network(sorted(wanted))
    excluded = barred(unit, order.id, wanted, now_ms)
    ask = Ask(order.channel, Method.SHIP.value)
    decision = decision or routing.decide(order, units, excluded, ask)
    missing = by_sku(order, {one.line: one.quantity for one in decision.plan.unsourced})
    network = Promises(unit, now_ms).network(wanted, ask)
    is_lacking = False
    for sku, units_wanted in wanted.items():
        lacking = units_wanted - network[sku].quantity
        is_lacking = is_lacking or lacking > 0
        if lacking > missing.get(sku, 0):
            missing[sku] = lacking
    if missing:
        late = too_late(routing, order, units, excluded, ask)
        if late is not None and not is_lacking:
            raise late
        raise InsufficientStock(missing)
    waiting = replace(
        order, lines=tuple(replace(line, unsourced=line.quantity) for line in order.lines)
    )
    unit.orders.insert(waiting)
    unit.holds.open(holds)
    keep_planned(unit, waiting, decision, routing.rules, now_ms)
    events = [
        OrderEvent(order.id, now_ms, "held", one.text, order.channel, {"kind": one.kind})
        for one in holds
    ]
    unit.orders.append_events(events)
    return waiting


@dataclass(frozen=True, slots=True)
class Change:
    """What a customer changes of an order that still waits. Quantities (by line) only shrink."""

    quantities: Mapping[int, int]
    ship_to: Destination | None = None


class WaitingRoom:
    """Works with orders that wait."""

    def __init__(self, database: "Database", clock: Clock, how: Giving) -> None:
        self._database = database
        self._clock = clock
        self._how = how
        self._pieces = Piecework(
            database, clock, how.random, job="waiting", words="was not released"
        )
        self.problem = ""
        """Why orders were not decided together when they were released last."""

    def run(self) -> int:
        """End what is over by its time and release orders; return how many were released.

        Orders that are due at the same time are decided together (`batches`). Nobody passes an
        older order that waits for the grant of the same goods (`Backorders`).
        """
        now = self._clock.now_ms()
        self.problem = ""
        with self._database.read() as view:
            due = view.holds.due(now)
            coming = view.supply.are_coming(due) if due else set()
            ready = [one for one in due if one not in coming]
        if len(ready) > 1:
            self._database.write(lambda unit: _let_go(unit, ready, now))
        with self._database.read() as view:
            chosen = self._together(view, ready, now) if len(ready) > 1 else {}
            awaited = Awaited.now(view, now) if due else Awaited()
        return self._pieces.each(
            (Piece(one, order_id=one) for one in due),
            lambda piece: self._end_due(piece.order_id, chosen.get(piece.order_id), awaited),
        )

    def _together(self, view: "View", due: Sequence[str], now_ms: int) -> dict[str, Chosen]:
        routing = ParcelRouting(view, now_ms, self._how.promise_ms)
        budget = Budget(self._clock.monotonic_ms, batches.SECONDS_MAX)
        try:
            chosen = decide_together(view, routing, due, now_ms, budget)
            if budget.cut:
                self.problem = f"{budget.cut} orders were released one by one: time was over"
            return chosen
        except OptimizerMissing as problem:
            self.problem = f"Orders are released one by one: {problem}"
        except Exception as problem:  # noqa: BLE001 - what is better together waits for no mend
            self.problem = f"Orders were released one by one: {problem}"
        return {}

    def _end_due(self, order_id: str, only: Only, awaited: Awaited) -> int:
        now = self._clock.now_ms()

        def work(unit: "Unit") -> int:
            order = unit.orders.get(order_id, lock=True)
            holds = [one for one in unit.holds.of(order_id) if one.closed_ms is None]
            over = {one.kind for one in holds if one.until_ms is not None and one.until_ms <= now}
            if order is None or not over:
                return 0
            if KIND in over and keep_back(unit, order, now, self._how):
                over.discard(KIND)
            if len(over) == len(holds) and awaited.are_before(unit, order):
                awaited.add(unit, order)
                return 0  # held until the older order has its goods, or does not get them
            unit.holds.close(order_id, over, now, by="central", note="")
            if left := [one for one in holds if one.kind not in over]:
                offer_time.begin_alone(unit, left, now)
                return 0
            return self._release(unit, order, now, only, awaited)

        return self._database.write(work)

    def page(self, kind: str | None, limit: int) -> list[Document]:
        """Return what waits, the oldest first."""
        with self._database.read() as view:
            found = view.holds.waiting(kind, limit)
            orders = view.orders.get_many({one.order_id for one in found})
        return [
            {"order_id": one.order_id, "number": orders[one.order_id].number, **hold_document(one)}
            for one in found
        ]

    def hold(self, order_id: str, kind: HoldKind, *, text: str, by: str) -> Document:
        """Keep an order that waits, or that nobody carries, for one reason more.

        Raises `NotFound`, `NotHeld` where locations have it already, and `OrderChangeInvalid`
        for a release date: that is said of products; for room; and for a grace period or an
        offer, which rules give.
        """
        now = self._clock.now_ms()
        if kind is HoldKind.PRE_ORDER:
            raise OrderChangeInvalid("say the release date of the product instead")
        if kind is HoldKind.ROOM:
            raise OrderChangeInvalid("it waits for room by itself, where days are full")
        if kind in {HoldKind.GRACE, HoldKind.OFFER}:
            raise OrderChangeInvalid(f"{kind.value!r} comes from rules of routing: use 'manual'")

        def work(unit: "Unit") -> Document:
            order = self._waiting(unit, order_id)
            offer_time.stop(unit, unit.holds.of(order_id))
            unit.holds.open([OrderHold(order_id, kind.value, now, text=text or WORDS[kind])])
            event = OrderEvent(order_id, now, "held", text or WORDS[kind], by, {"kind": kind.value})
            unit.orders.append_events([event])
            return self._document(unit, order)

        return self._database.write(work)

    def clear(self, order_id: str, kind: HoldKind, *, note: str, by: str) -> Document:
        """End a hold; with the last one the order is routed. Repeating it changes nothing.

        Raises `NotFound`, `NotHeld` where there was no such hold, and `NotReleased` where
        it may not be sold yet.
        """
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            order = unit.orders.get(order_id, lock=True)
            if order is None:
                raise NotFound("order", order_id)
            holds = unit.holds.of(order_id)
            if kind.value not in {one.kind for one in holds}:
                raise NotHeld(order_id)
            left = [one for one in holds if one.closed_ms is None and one.kind != kind.value]
            still = {one.kind for one in holds if one.closed_ms is None}
            if kind.value not in still:
                return self._document(unit, order)
            skus = sold_in(order, is_open=True)
            if kind is HoldKind.PRE_ORDER and release_of(unit, skus, now) is not None:
                hint = ": change its release date instead"
                raise refusal(unit, order, now, hint, is_open=True)
            unit.holds.close(order_id, [kind.value], now, by=by, note=note)
            text = f"No longer held: {note or WORDS[kind]}"
            event = OrderEvent(order_id, now, "hold_cleared", text, by, {"kind": kind.value})
            unit.orders.append_events([event])
            offer_time.begin_alone(unit, left, now)
            if not left:
                may_wait = kind is not HoldKind.ROOM  # who ends that does not want to wait
                self._release(unit, order, now, None, Awaited(), may_wait=may_wait)
            return self._document(unit, order)

        return self._database.write(work)

    def change(self, order_id: str, change: Change, *, by: str) -> Document:
        """Change an order that no location has yet.

        Raises `NotFound`, `NotHeld` where it is too late, and `OrderChangeInvalid`.
        """
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            order = _changed(unit, self._waiting(unit, order_id), change)
            unit.orders.set_destination(order)
            write_counts(unit, order)
            if change.ship_to is not None:
                promise_again(unit, order, now, self._how)
            if order.ship_to:
                self._plan_anew(unit, order, now)
            look_again(unit, order, now)
            event = OrderEvent(order_id, now, "changed", "Changed before its release.", by)
            unit.orders.append_events([event])
            return self._document(unit, order)

        return self._database.write(work)

    def _plan_anew(self, unit: "Unit", order: Order, now_ms: int) -> None:
        """Keep the units of a parcel order that was changed where it would leave now.

        What nobody could send now is kept of the network.
        """
        units = {line.line: line.unsourced for line in order.lines if line.unsourced}
        wanted = by_sku(order, units)
        unit.stock.lock_network(sorted({line.sku for line in order.lines}))
        unit.holds.let_go([order.id])
        routing = ParcelRouting(unit, now_ms, self._how.promise_ms)
        ask = Ask(order.channel, Method.SHIP.value, is_moved=True)
        excluded = barred(unit, order.id, wanted, now_ms)
        decision = routing.decide(order, units, excluded, ask)
        keep_planned(unit, order, decision, routing.rules, now_ms)

    def _waiting(self, unit: "Unit", order_id: str) -> Order:
        order = unit.orders.get(order_id, lock=True)
        if order is None:
            raise NotFound("order", order_id)
        if not any(one.closed_ms is None for one in unit.holds.of(order_id)):
            raise NotHeld(order_id)
        return order

    def _release(
        self,
        unit: "Unit",
        order: Order,
        now_ms: int,
        only: Only,
        awaited: Awaited,
        *,
        may_wait: bool = True,
    ) -> int:
        units = {line.line: line.unsourced for line in order.lines if line.unsourced}
        if not units or keep_back(unit, order, now_ms, self._how):
            return 0
        if unit.supply.are_coming([order.id]):
            return 0  # once they came, `Backorders` releases it
        if may_be_granted_yet(unit, order, now_ms):
            awaited.add(unit, order)
            return 0  # and once they are granted
        if is_asked_later(unit, order, now_ms, self._how.promise_ms):
            return 0
        unit.supply.end_claims_of(order.id, now_ms)
        text = f"Nobody can send all of order {order.number}"
        missing = release_or_open(
            unit, order, units, now_ms, self._how, text, only, may_wait=may_wait
        )
        return int(missing is not None)

    def _document(self, unit: "Unit", order: Order) -> Document:
        found = unit.orders.get(order.id)
        assert found is not None
        stored = unit.fulfillments.of_orders([order.id])[order.id]
        told = deliveries_of(unit.orders.events(order.id))
        holds, expected_ms = unit.holds.of(order.id), unit.supply.promised_by(order.id)
        return order_document(found, orders_in(stored), holds, told, expected_ms=expected_ms)


def _let_go(unit: "Unit", due: Sequence[str], now_ms: int) -> None:
    """Let orders that are due have each other's units: they are decided together."""
    unit.holds.let_go(set(due) - batches.still_held(unit, due, now_ms))


def _changed(unit: "Unit", order: Order, change: Change) -> Order:
    if unit.supply.promised_by(order.id) is not None:
        raise OrderChangeInvalid("it waits for goods on their way: cancel it and place it anew")
    if change.ship_to is not None and not order.ship_to:
        raise OrderChangeInvalid("it is fetched at a store: cancel it and place it anew")
    lines = []
    for line in order.lines:
        wanted = change.quantities.get(line.line, line.unsourced)
        if wanted > line.unsourced:
            raise OrderChangeInvalid(f"line {line.line} has {line.unsourced}: place a new order")
        dropped = line.dropped + line.unsourced - wanted
        lines.append(replace(line, unsourced=wanted, dropped=dropped))
    if unknown := change.quantities.keys() - {line.line for line in order.lines}:
        raise OrderChangeInvalid(f"there is no line {min(unknown)}")
    kits = {new.kit for old, new in zip(order.lines, lines, strict=True) if new.kit and new != old}
    require_whole_kits(lines, kits, {one.line: one.unsourced for one in lines})
    if not any(line.unsourced for line in lines):
        raise OrderChangeInvalid("nothing would be left of it: cancel it instead")
    order = replace(order, lines=tuple(lines))
    if change.ship_to is None:
        return order
    method = order.ship_method if change.ship_to.method == SAME_METHOD else change.ship_to.method
    to = replace(change.ship_to, method=method)
    point = to.point(unit)
    if shipping_home(unit, point, method) is None:
        raise OrderChangeInvalid(f"no location ships by {method}")
    return addressed(order, to, point)
