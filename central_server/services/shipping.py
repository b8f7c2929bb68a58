"""Giving a parcel order, or a part that was given up, to the locations that the rules choose.

`parcel_routing` decides; here stock and capacity are taken, and work is made of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from central_server.records import Location, Order, Trace
from central_server.services.capacity import Claim
from central_server.services.decisions import Chosen, Decision
from central_server.services.errors import NotInTime
from central_server.services.order_views import Document, deliveries_of, delivery_document
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask, reserve
from central_server.services.promising import Assignment, accept_by_ms, assign, by_sku, hold
from central_server.services.transfer_receipts import expect_later
from central_server.shipping_records import RoutingPause
from central_server.sourcing.engine.plan import Shipment as PlannedShipment
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.shipping import CarrierChoice, offers_method
from sync.domain.delivery import DeliveryDays
from sync.domain.flows import ship
from sync.domain.fulfillment import FulfillmentOrder, evolve_order
from sync.domain.opening import DAY_MINUTES, moment_of
from sync.domain.shipping import Address, Shipment

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

TRIES = 5
NUMBERS_AHEAD = 4
"""Label numbers that travel with an order: for its boxes, and for labels that are void."""
ADDRESS: TypeAdapter[Address] = TypeAdapter(Address)


@dataclass(frozen=True, slots=True)
class Part:
    """What one location sends, reserved there already."""

    location: Location
    units: Mapping[int, int]
    choice: CarrierChoice
    delivery: DeliveryDays
    """On which days the customer gets it, as it stands now."""
    claim: Claim | None = None
    accept_by_ms: int | None = None
    """By when the location has to accept it, or it goes elsewhere."""

    def told(self, fulfillment_id: str) -> dict[str, object]:
        """Return what the timeline keeps of it: who sends it, and what the customer is told."""
        return {
            "fulfillment_id": fulfillment_id, "location_id": self.location.id,
            "delivery": delivery_document(self.delivery),
        }  # fmt: skip


@dataclass
class Shipping:
    """How an order was divided: parts by location, and what nobody can give (units by line)."""

    parts: list[Part] = field(default_factory=list)
    missing: dict[int, int] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)


def barred(
    unit: "View",
    order_id: str,
    skus: Collection[str],
    now_ms: int,
    more: Collection[RoutingPause] = (),
) -> frozenset[str]:
    """Return the locations that are not asked now, `more` pauses included."""
    held = [one for one in more if one.order_id == order_id or one.sku in skus]
    return frozenset(
        one.location_id for one in (*unit.shipping.paused(order_id, skus, now_ms), *held)
    )


class First(Protocol):
    """A plan that was made before the transaction (`foresight`)."""

    @property
    def decision(self) -> Decision:
        """The plan, and what it was made from."""
        ...

    @property
    def document(self) -> Document:
        """The plan as it is stored."""
        ...

    def is_about(
        self, routing: ParcelRouting, order: Order, units: Mapping[int, int],
        excluded: frozenset[str],
    ) -> bool:  # fmt: skip
        """Return whether the same is asked now, by the same rules."""
        ...


def divide(
    unit: "Unit",
    order: Order,
    units: Mapping[int, int],
    excluded: frozenset[str],
    *,
    source: str,
    routing: ParcelRouting,
    is_moved: bool = False,
    first: First | Chosen | None = None,
    promised_by_ms: int | None = None,
) -> Shipping:
    """Reserve `units` (by line) of a parcel order as the rules of routing have it.

    Decided anew where another order was faster; what is reserved by then stays, and counts
    for the shipments that the rule allows.
    Tried `first`: locations that were chosen for it before, or a plan that was made before,
    if it is about the same. What was told before (`promised_by_ms`) is kept where all of it can be.
    """
    only, plan = (first, None) if isinstance(first, Chosen) else (None, first)
    found = Shipping(missing={line: count for line, count in units.items() if count})
    ask = Ask(order.channel, Method.SHIP.value, is_moved=is_moved)
    if is_moved:
        unit.stock.share_network(by_sku(order, found.missing))  # before the first holds stock
    room: int | None = None  # as many shipments as the rule allows
    for _ in range(TRIES):
        if not found.missing or room == 0:
            break
        if plan is not None and plan.is_about(routing, order, found.missing, excluded):
            decision, document = plan.decision, plan.document
        else:
            decision = _decided(
                routing, order, found.missing, excluded, ask, room, only, promised_by_ms
            )
            document = decision.document(why_so(decision.plan))
        only = plan = None
        if is_moved or not decision.plan.unsourced:
            taken = [_reserved(unit, order, routing, decision, one, source, ask)
                     for one in decision.plan.shipments]  # fmt: skip
        else:
            taken = []  # a new order is promised whole or not at all
        found.traces.append(Trace(order.id, routing.now_ms, {**document, "source": source}))
        parts = [part for part in taken if part is not None]
        found.parts += parts
        room = decision.rule.shipments_max - len(parts)
        excluded |= {part.location.id for part in parts}
        for part in parts:
            for line, count in part.units.items():
                found.missing[line] -= count
        found.missing = {line: count for line, count in found.missing.items() if count}
        if None not in taken:
            break
        if decision.plan is not decision.planned:
            # The engine counts a kit as one unit of a day's room: it would choose these again.
            excluded |= {one.location_id for one in decision.plan.shipments}
    return found


def _decided(
    routing: ParcelRouting,
    order: Order,
    units: Mapping[int, int],
    excluded: frozenset[str],
    ask: Ask,
    room: int | None,
    only: Chosen | None,
    promised_by_ms: int | None,
) -> Decision:
    """Return the decision as it was chosen, and in time as it was told, if that leaves nothing.

    What was chosen by other rules than those in force by now is not followed. What moves and
    nobody sends by the day it must be there goes late rather than nowhere.
    """
    if only is not None or promised_by_ms is not None:
        bound = routing.decide(
            order, units, excluded, ask, shipments_max=room, only=only,
            promised_by_ms=promised_by_ms,
        )  # fmt: skip
        if not bound.plan.unsourced and bound.follows(only):
            return bound
    found = routing.decide(order, units, excluded, ask, shipments_max=room)
    if order.need_by and ask.is_moved and found.plan.unsourced:
        whenever = replace(order, need_by="")
        late = routing.decide(whenever, units, excluded, ask, shipments_max=room)
        if late.plan.units > found.plan.units:
            return replace(late, need_by=order.need_by, is_missed=True)
    return found


def too_late(
    routing: ParcelRouting, order: Order, units: Mapping[int, int], excluded: frozenset[str],
    ask: Ask,
) -> NotInTime | None:  # fmt: skip
    """Return why a new order goes nowhere, if it is for nothing but the day it must be there."""
    if not order.need_by:
        return None
    found = routing.decide(replace(order, need_by=""), units, excluded, ask)
    sent = [routing.sent(order, found, one) for one in found.plan.shipments]
    days = [one.delivery.latest for one in sent if one is not None]
    if found.plan.unsourced or not days:
        return None
    return NotInTime(order.need_by, max(days).isoformat())


def told_until_ms(
    view: "View", order: FulfillmentOrder, place: Location, now_ms: int,
    told: Mapping[str, object] | None = None,
) -> int | None:  # fmt: skip
    """Return the end of the last day on which the customer was told to get a part, at its place.

    None: nothing was said, or that day is over. `told` is what was said and not written down yet.
    """
    if told is None:
        delivery = deliveries_of(view.orders.events(order.order_id)).get(order.id)
    else:
        delivery = told.get("delivery")
    if not isinstance(delivery, Mapping):
        return None
    latest = date.fromisoformat(str(delivery["latest"]))
    end_ms = moment_of(ZoneInfo(place.timezone), latest, DAY_MINUTES)
    return end_ms if end_ms > now_ms else None


def why_so(plan: SourcingPlan) -> str:
    """Return in words what became of an order."""
    if not plan.shipments:
        return "nobody can ship it"
    if plan.unsourced:
        return "nobody can ship a part of it"
    return "shipped whole" if len(plan.shipments) == 1 else "split"


def _reserved(
    unit: "Unit",
    order: Order,
    routing: ParcelRouting,
    decision: Decision,
    shipment: PlannedShipment,
    source: str,
    ask: Ask,
) -> Part | None:
    """Take the capacity and the stock of one shipment; None where somebody was faster."""
    now_ms = decision.network.now_ms
    place = decision.senders[shipment.location_id].location
    units: dict[int, int] = {}
    for line in shipment.lines:
        units[line.line] = units.get(line.line, 0) + line.quantity
    sent = routing.sent(order, decision, shipment)
    if sent is None:
        return None
    day = sent.day
    use = None if day is None else day.use_of(shipment.units)
    if day is not None and use is not None:
        is_free = unit.capacity.take(place.id, day, use)
        if not is_free:
            return None
    begins_ms = 0 if day is None else day.starts_ms
    if not reserve(unit, place.id, by_sku(order, units), source, now_ms, ask):
        if day is not None and use is not None:
            unit.capacity.give_back(place.id, day.starts_ms, use)
        return None
    claim = None if day is None or use is None else Claim(day.starts_ms, use)
    minutes = decision.rule.accept_minutes
    accept_by = None if minutes is None else accept_by_ms(place, minutes, now_ms, begins_ms)
    return Part(place, units, sent.choice, sent.delivery, claim, accept_by)


def assign_part(
    unit: "Unit", order: Order, part: Part, now_ms: int, random: Random, promise_ms: int
) -> Assignment:
    """Return the fulfillment order for one part, with its label numbers.

    Where it is paid here, its goods are held for that as long as a reservation's.
    """
    made = assign(
        order, part.location, part.units, now_ms, random, promise_ms=promise_ms,
        lease=unit.leases.get(part.location.id),
    )  # fmt: skip
    if order.is_paid_here:
        skus = [line.sku for line in made.order.lines]
        categories = unit.catalogue.categories(skus).values()
        made = hold(made, part.location, categories, now_ms, waits=False)
    numbers = unit.shipping.take_numbers(part.choice.carrier, NUMBERS_AHEAD)
    shipment = Shipment(
        ADDRESS.validate_json(order.ship_to), order.ship_method, part.choice.carrier,
        part.choice.service, numbers,
    )  # fmt: skip
    fulfillment = evolve_order(
        made.order, flow=ship.NAME, shipment=shipment, pickup_code_hash="", proxy_name="",
        promised_by_ms=part.choice.ship_by_ms,
    )  # fmt: skip
    if part.claim is not None:
        claim = part.claim
        unit.capacity.claim(fulfillment.id, part.location.id, claim.starts_ms, claim.use)
    expect_later(unit, order, part.units, part.delivery.latest)
    return Assignment(fulfillment, "")


def shipping_home(unit: "View", point: tuple[float, float], method: str) -> Location | None:
    """Return the nearest location that ships by `method`: its price zone is the order's."""
    places = [one for one in unit.locations.all() if offers_method(one, method)]
    return min(
        places,
        key=lambda one: (haversine_km(*point, one.latitude, one.longitude), one.id),
        default=None,
    )


def point_of(unit: "View", address: Address) -> tuple[float, float]:
    """Return about where an address is: among the locations of its postal code, state, country.

    Postal codes and states mean something within one country; a location without one is
    taken for the address's.
    """
    places = unit.locations.all()
    home = [one for one in places if "" in (one.country, address.country)
            or one.country == address.country]  # fmt: skip
    for near in (
        [one for one in home if one.postal_code[:3] == address.postal_code[:3] != ""],
        [one for one in home if one.state == address.state != ""],
        [one for one in places if one.country == address.country != ""],
        [*places],
    ):
        if near:
            count = len(near)
            return sum(x.latitude for x in near) / count, sum(x.longitude for x in near) / count
    return 0.0, 0.0
