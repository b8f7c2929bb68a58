"""What a plan takes of a network: units of its shelves, and room of its days."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from central_server.sourcing.engine.goals import used
from central_server.sourcing.engine.model import Candidate, DayPart, RoutingOrder, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.timing import ready_ms


class Room(NamedTuple):
    """Room of a part of a day: shipments, their units, and minutes of labor."""

    orders: float
    units: float
    labor: float

    def plus(self, other: "Room") -> "Room":
        """Return both together."""
        mine, theirs = self, other
        return Room(*(one + more for one, more in zip(mine, theirs, strict=True)))

    def within(self, other: "Room") -> bool:
        """Return whether there is so much of it."""
        return all(one <= more for one, more in zip(self, other, strict=True))


def room_of(part: DayPart) -> Room:
    """Return what a part of a day still takes on."""
    return Room(part.orders, part.units, part.labor_minutes)


def needed(one: Candidate, part: DayPart, units: int) -> Room:
    """Return what a shipment of so many units takes of a part of a day."""
    each = one.minutes_per_order if part.minutes_per_order is None else part.minutes_per_order
    per_unit = one.minutes_per_unit if part.minutes_per_unit is None else part.minutes_per_unit
    return Room(1.0, units, each + units * per_unit)


def parts_ready(one: Candidate, ready: int, now_ms: int) -> list[DayPart]:
    """Return the parts of a candidate's day in which a parcel is ready at this instant."""
    return [
        part for part in one.parts or ()
        if part.ends_ms > now_ms
        and ready_ms(one.calendar, max(now_ms, part.starts_ms), one.lead_minutes) == ready
    ]  # fmt: skip


def after(stock: Stock, units: int) -> Stock:
    """Return what is left of a stock from which so many units were taken."""
    prices = stock.prices_minor
    later = prices[min(units, len(prices) - 1) :] if prices else ()
    return replace(stock, units=max(0, stock.units - units), prices_minor=later)


def take(network: Network, plan: SourcingPlan) -> None:
    """Take what a plan uses off a network; what the network does not have is passed over."""
    for (location, sku), units in used(plan).items():
        place = network.number(location)
        shelf = None if place is None else network.shelves(sku).get(place)
        if shelf is not None:
            network.set_stock(location, sku, after(shelf.stock, units))
    for shipment in plan.shipments:
        place = network.number(shipment.location_id)
        if place is not None and network.candidates[place].parts is not None:
            _take_room(network, place, shipment.ready_ms, shipment.units)


def _take_room(network: Network, place: int, ready: int, units: int) -> None:
    one = network.candidates[place]
    alike = parts_ready(one, ready, network.now_ms)
    roomy = (part for part in alike if needed(one, part, units).within(room_of(part)))
    taken = next(roomy, alike[0] if alike else None)
    if taken is None:
        return
    use = needed(one, taken, units)
    left = replace(
        taken, orders=max(0, taken.orders - 1), units=max(0, taken.units - units),
        labor_minutes=max(0.0, taken.labor_minutes - use.labor),
    )  # fmt: skip
    parts = tuple(left if part is taken else part for part in one.parts or ())
    network.set_parts(one.location_id, parts)


def in_turn(
    orders: Iterable[RoutingOrder], network: Network, *, effort_max: int
) -> list[SourcingPlan]:
    """Return the plans that orders get one after the other; `network` is written to."""
    plans = []
    for order in orders:
        plan = plan_order(order, network, effort_max=effort_max)
        take(network, plan)
        plans.append(plan)
    return plans
