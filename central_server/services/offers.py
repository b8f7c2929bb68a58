"""Orders that are offered to several stores at once: the first that claims one gets it.

The units are kept where it would leave if nobody claimed it (`held_units`). A claim is a question
that is answered at once: it locks the order, so of two stores one wins, and a store that is cut
off can claim nothing. What nobody claims in its time is routed like any other order
(`waiting_room`); `offer_time` says when that is.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Order, OrderEvent, OrderHold
from central_server.services.decisions import Chosen, Decision
from central_server.services.errors import NotFound, OfferGone
from central_server.services.offer_time import begun
from central_server.services.order_giving import Giving
from central_server.services.order_release import release
from central_server.services.order_views import Document
from central_server.services.parcel_routing import STORE, ParcelRouting
from central_server.services.pre_orders import release_of, sold_in
from central_server.services.promises import Ask
from central_server.services.promising import by_sku
from central_server.services.shipping import barred
from central_server.services.times import rfc3339, rfc3339_or_none
from central_server.services.waiting_room import WORDS
from central_server.sourcing.engine.plan import Shipment, SourcingPlan
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import HoldKind, RoutingRule
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

OFFERS_MAX = 100


def offer_of(
    unit: "Unit", order: Order, rule: RoutingRule, routing: ParcelRouting, now_ms: int,
    *, is_held: bool,
) -> list[OrderHold]:  # fmt: skip
    """Return the offer of a new order to the best stores that have all of it; none: no offer.

    Of an order that `is_held` for something else it begins once nothing else holds it.
    """
    if not rule.offer_stores:
        return []
    units = {line.line: line.quantity for line in order.lines}
    excluded = barred(unit, order.id, by_sku(order, units), now_ms)
    ask = Ask(order.channel, Method.SHIP.value)
    decision = routing.decide(order, units, excluded, ask, shipments_max=1)
    # Where nobody sits at a terminal, nobody can claim.
    others = {name for name, one in decision.senders.items() if one.location.kind != STORE}
    stores: list[str] = []

    def without(names: Iterable[str]) -> SourcingPlan:
        order = replace(decision.order, excluded=decision.order.excluded | frozenset(names))
        return plan_order(order, decision.network)

    plan = without(others) if others else decision.plan
    while len(stores) < rule.offer_stores and plan.shipments and not plan.unsourced:
        (shipment,) = plan.shipments
        if _is_late(order, routing, decision, shipment):
            others.add(shipment.location_id)
        else:
            stores.append(shipment.location_id)
        plan = without({*others, *stores})
    if not stores:
        return []
    kind, data = HoldKind.OFFER, {"stores": stores, "minutes": rule.offer_minutes}
    offer = OrderHold(order.id, kind.value, now_ms, None, WORDS[kind], data)
    return [offer if is_held else begun(unit, offer, now_ms)]


def _is_late(order: Order, routing: ParcelRouting, decision: Decision, shipment: Shipment) -> bool:
    """Return whether a store would tell the customer a day that is too late for the order."""
    if not order.need_by:
        return False
    # Whoever sends it sends all of it: in lines of the order, what the first would send.
    (first,) = decision.plan.shipments
    sent = routing.sent(order, decision, replace(shipment, lines=first.lines))
    return sent is not None and sent.delivery.latest.isoformat() > order.need_by


class OfferDesk:
    """Shows a store what it may claim, and takes its claims."""

    def __init__(self, database: "Database", clock: Clock, how: Giving) -> None:
        self._database = database
        self._clock = clock
        self._how = how

    def offers(self, location_id: str) -> list[Document]:
        """Return what a location may claim now, the oldest first."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            # One that has not begun, as something else holds its order, has no end yet.
            waiting = view.holds.waiting(
                HoldKind.OFFER.value, OFFERS_MAX, names=location_id, beyond_ms=now
            )
            mine = [one for one in waiting if _is_for(one, location_id, now)]
            ids = {one.order_id for one in mine}
            held = {one.order_id for one in view.holds.of_many(ids)
                    if one.kind != HoldKind.OFFER.value}  # fmt: skip
            orders = view.orders.get_many(ids - held)
        return [
            {
                "order_id": one.order_id, "number": orders[one.order_id].number,
                "until": rfc3339_or_none(one.until_ms),
                "placed_at": rfc3339(orders[one.order_id].placed_at_ms),
                "lines": [
                    {"sku": line.sku, "name": line.name, "quantity": line.unsourced}
                    for line in orders[one.order_id].lines if line.unsourced
                ],
            }
            for one in mine if one.order_id in orders
        ]  # fmt: skip

    def claim(self, order_id: str, location_id: str) -> Document:
        """Give an offered order to the location that asks; asking again gives the same answer.

        Raises `NotFound`, and `OfferGone` where another was first, it is over, or the
        location cannot promise all of it any more.
        """
        now = self._clock.now_ms()
        return self._database.write(lambda unit: self._claim(unit, order_id, location_id, now))

    def _claim(self, unit: "Unit", order_id: str, location_id: str, now_ms: int) -> Document:
        order = unit.orders.get(order_id, lock=True)
        if order is None:
            raise NotFound("order", order_id)
        holds = unit.holds.of(order_id)
        offer = next((one for one in holds if one.kind == HoldKind.OFFER.value), None)
        if offer is None:
            raise NotFound("offer", order_id)
        if offer.closed_ms is not None and offer.closed_by == location_id:
            return _claimed(order, location_id)
        others = any(one.closed_ms is None for one in holds if one is not offer)
        if others or not _is_for(offer, location_id, now_ms):
            raise OfferGone(order.number)
        if release_of(unit, sold_in(order, is_open=True), now_ms) is not None:
            raise OfferGone(order.number)  # once the offer is over, it waits for its date
        note = "claimed"
        unit.holds.close(order_id, [HoldKind.OFFER.value], now_ms, by=location_id, note=note)
        units = {line.line: line.unsourced for line in order.lines if line.unsourced}
        only = Chosen(frozenset({location_id}), f"{location_id} was the first to claim it")
        missing = release(unit, order, units, now_ms, self._how, why="claimed", only=only)
        parts = unit.fulfillments.of_orders([order_id])[order_id]
        if missing or any(
            one.row.order.location_id != location_id and one.row.order.total("open")
            for one in parts
        ):
            raise OfferGone(order.number)
        text = f"{location_id} was the first to claim it."
        unit.orders.append_events(
            [OrderEvent(order_id, now_ms, "offer_claimed", text, location_id)]
        )
        return _claimed(order, location_id)


def _is_for(offer: OrderHold, location_id: str, now_ms: int) -> bool:
    stores = offer.data.get("stores")
    is_open = offer.closed_ms is None and (offer.until_ms is None or now_ms < offer.until_ms)
    return is_open and isinstance(stores, list) and location_id in stores


def _claimed(order: Order, location_id: str) -> Document:
    return {"order_id": order.id, "number": order.number, "location_id": location_id}
