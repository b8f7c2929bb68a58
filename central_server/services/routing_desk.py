"""What planners ask of routing: where an order would go, and why one went where it went."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from central_server.records import Order, Trace
from central_server.services.backorders import asked_again_ms
from central_server.services.errors import (
    NotFound,
    ShippingNotOffered,
    UnknownLocation,
)
from central_server.services.order_capture import NewOrder, date_to_wait_for, priced_lines
from central_server.services.order_views import Document, orders_in
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.parcels import Destination, addressed
from central_server.services.pickup_trial import demand_of, next_choice, pickup_trial
from central_server.services.promises import Ask
from central_server.services.promising import by_sku, open_hours
from central_server.services.shipping import barred, shipping_home, too_late
from central_server.services.times import rfc3339
from central_server.services.why import is_where_chosen, other_words, pickup_sentence, waits_for
from central_server.sourcing.capacity import CapacityUse, PartOfDay, parts_of_day
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import RoutingRuleSet
from sync.clock import Clock
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.orders import PaymentPlace

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View


class RoutingDesk:
    """Answers planners; takes nothing and changes nothing."""

    def __init__(self, database: "Database", clock: Clock, *, promise_ms: int) -> None:
        self._database = database
        self._clock = clock
        self._promise_ms = promise_ms

    def dry_run(self, new: NewOrder, version: int | None = None) -> dict[str, Any]:
        """Return where an order would go now, by the rules in force or by those of a version.

        Raises what placing it would, but for missing stock: that is part of the answer. Of what
        may wait (`accept_later`) it says where it would go now, late or not; a transfer that
        comes too late is refused.
        """
        now = self._clock.now_ms()
        with self._database.read() as view:
            rules = rules_of(view, version, now)
            if new.ship_to is not None:
                document = self._parcels(view, new, new.ship_to, rules, now)
            else:
                order = _trial(view, new, new.location_id, now)
                document = pickup_trial(view, new, order, rules, now, self._promise_ms)
        return {"at": rfc3339(now), **document}

    def _parcels(
        self, view: "View", new: NewOrder, to: Destination, rules: RoutingRuleSet, now_ms: int
    ) -> Document:
        home = shipping_home(view, to.point(view), to.method)
        if home is None:
            raise ShippingNotOffered(to.method)
        order = addressed(_trial(view, new, home.id, now_ms), to, to.point(view))
        units = {line.line: line.quantity for line in order.lines}
        excluded = barred(view, order.id, by_sku(order, units), now_ms)
        routing = ParcelRouting(view, now_ms, self._promise_ms, rules)
        routing.require_comparable(order)
        date_to_wait_for(view, new, order, now_ms)
        ask = Ask(order.channel, Method.SHIP.value)
        decision = routing.decide(order, units, excluded, ask)
        if decision.plan.unsourced and not new.accept_later:
            late = too_late(routing, order, units, excluded, ask)
            if late is not None:
                raise late
        missing = {one.line: one.quantity for one in decision.plan.unsourced}
        return {
            **decision.document("dry run"),
            "unsourced": by_sku(order, missing),
        }

    def capacity(self) -> list[dict[str, Any]]:
        """Return the parts of today that have limits, with what is taken of each, by location."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            rules = view.routing_rules.in_force(now)
            places = view.locations.all() if rules.limits_capacity else ()
            parts = {
                one.id: parts_of_day(
                    rules.capacities_of(one.id, one.region, one.kind), open_hours(one), now
                )
                for one in places
            }
            limited = [place for place, found in parts.items() if found]
            used = view.capacity.used(limited, now) if limited else {}
        return [
            _part(place, part, part.used_of(used.get(place, {})))
            for place in sorted(limited)
            for part in parts[place]
        ]

    def why(self, order_id: str) -> dict[str, Any]:
        """Return why an order went where it went, in sentences. Raises `NotFound`."""
        with self._database.read() as view:
            order = view.orders.get(order_id) or view.orders.get_by_number(order_id)
            if order is None:
                raise NotFound("order", order_id)
            traces = view.orders.traces(order.id)
            holds, receipts = view.holds.of(order.id), view.supply.claimed_by(order.id)
            _, places = view.supply.came(order.id)
            again_ms = asked_again_ms(view, order, self._clock.now_ms())
            parts = orders_in(view.fulfillments.of_orders([order.id])[order.id])
            other = self._other(view, order, traces[-1:], parts)
        decisions = [_decision(one) for one in traces]
        told = [f"{decisions[-1]['sentence']}{other}"] if decisions else []
        if not any(one.waits for one in parts):
            told += waits_for(order, holds, receipts, places, again_ms)
        return {
            "order_id": order.id,
            "number": order.number,
            "sentence": " ".join(told) or "It was not routed yet.",
            "decisions": decisions,
        }

    def _other(
        self,
        view: "View",
        order: Order,
        newest: Sequence[Trace],
        parts: Sequence[FulfillmentOrder],
    ) -> str:
        """Return what else there is now for a pickup that its chosen store still works on."""
        units = {line.line: line.open for part in parts for line in part.lines if line.open}
        if not newest or not units or order.is_paid_here:
            return ""
        chosen = view.locations.get(order.pickup_location_id)
        if chosen is None or not is_where_chosen(dict(newest[-1].trace)):
            return ""
        asked, now_ms = demand_of(order, units, chosen), self._clock.now_ms()
        other = next_choice(view, order, asked, None, now_ms, self._promise_ms)
        return other_words(other, was_placed=True)


def _part(place: str, part: PartOfDay, used: CapacityUse) -> dict[str, Any]:
    limit = part.limit
    return {
        "location_id": place,
        "rule": part.rule.id,
        "from": rfc3339(part.starts_ms),
        "until": rfc3339(part.ends_ms),
        "orders": {"taken": used.orders, "limit": limit.orders},
        "units": {"taken": used.units, "limit": limit.units},
        "labor_seconds": {"taken": used.labor_seconds, "limit": limit.labor_seconds},
    }


def rules_of(view: "View", version: int | None, now_ms: int) -> RoutingRuleSet:
    """Return the rules of a version, draft or not, or those in force. Raises `NotFound`."""
    if version is None:
        return view.routing_rules.in_force(now_ms)
    found = view.routing_rules.get(version)
    if found is None:
        raise NotFound("version of routing rules", str(version))
    return RoutingRuleSet(found.version, found.rules)


def _trial(view: "View", new: NewOrder, location_id: str, now_ms: int) -> Order:
    place = view.locations.get(location_id)
    if place is None:
        raise UnknownLocation(location_id)
    lines = priced_lines(view, new, place)
    total = sum(line.quantity * line.unit_price_minor for line in lines)
    return Order(
        "dry-run", "", new.channel.value, place.id, new.currency, total, now_ms, lines,
        customer_tier=new.customer_tier,
        payment="" if new.payment is PaymentPlace.ONLINE else new.payment.value,
        need_by=new.need_by,
    )  # fmt: skip


def _decision(one: Trace) -> Document:
    sentence = one.trace.get("sentence") or pickup_sentence(dict(one.trace))
    return {"at": rfc3339(one.at_ms), **one.trace, "sentence": str(sentence)}
