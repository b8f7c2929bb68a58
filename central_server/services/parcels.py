"""Taking an order that is sent to an address: where it goes, and who sends which part of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from central_server.records import Location, Order, OrderEvent
from central_server.services.errors import NotPriced
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask
from central_server.services.promising import by_sku
from central_server.services.shipping import (
    ADDRESS,
    First,
    Part,
    Shipping,
    assign_part,
    barred,
    divide,
    point_of,
    too_late,
)
from central_server.sourcing.promise_rules import Method
from sync.domain.delivery import DeliveryDays
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.shipping import Address
from sync.protocol.rows import FulfillmentRow

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

SAME_METHOD = ""
"""Of another address for an order: sent as fast as before."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order is sent and how fast."""

    address: Address
    method: str = "standard"
    latitude: float | None = None
    longitude: float | None = None

    def point(self, unit: "View") -> tuple[float, float]:
        """Return where distances are measured from; about there, if nobody said where."""
        if self.latitude is None or self.longitude is None:
            return point_of(unit, self.address)
        return self.latitude, self.longitude


@dataclass(frozen=True, slots=True)
class Parcels:
    """The fulfillment orders of a parcel order, and where each is done."""

    orders: tuple[FulfillmentOrder, ...]
    places: tuple[Location, ...]
    deliveries: tuple[DeliveryDays, ...]
    """On which days each is delivered."""
    bodies: Mapping[str, str]
    """The orders' rows as JSON, by id, as they were written down."""


def accept_times(orders: Iterable[FulfillmentOrder], parts: Iterable[Part]) -> dict[str, int]:
    """Return by when each fulfillment order has to be accepted, where rules say so (ms)."""
    return {
        one.id: part.accept_by_ms
        for one, part in zip(orders, parts, strict=True)
        if part.accept_by_ms is not None
    }


def addressed(order: Order, to: Destination, point: tuple[float, float]) -> Order:
    """Return `order` as one that is sent; nobody fetches it anywhere."""
    return replace(
        order, pickup_location_id="", ship_to=ADDRESS.dump_json(to.address).decode(),
        ship_method=to.method, latitude=point[0], longitude=point[1],
    )  # fmt: skip


def promise_parcels(
    unit: "Unit", order: Order, now_ms: int, random: Random, routing: ParcelRouting,
    excluded: frozenset[str] = frozenset(),
    first: First | None = None,
) -> Parcels:  # fmt: skip
    """Reserve, assign and write a new order, or raise `InsufficientStock` and keep nothing.

    Raises `NotPriced` where what is to be paid costs nothing, and `NotInTime`.

    None of it comes from `excluded` locations; `first` is a plan that was made before.
    """
    units = {line.line: line.quantity for line in order.lines}
    free = tuple(line.sku for line in order.lines if not line.unit_price_minor)
    if order.is_paid_here and free:
        raise NotPriced(free, "of the order", order.currency)
    excluded |= barred(unit, order.id, by_sku(order, units), now_ms)
    found = divide(unit, order, units, excluded, source=order.id, routing=routing, first=first)
    if found.missing:
        ask = Ask(order.channel, Method.SHIP.value)
        if late := too_late(routing, order, units, excluded, ask):
            raise late
        raise InsufficientStock(by_sku(order, found.missing))
    unit.orders.insert(order)
    return write_parts(unit, order, found, now_ms, random, routing.promise_ms, why="placed")


def write_parts(
    unit: "Unit", order: Order, found: Shipping, now_ms: int, random: Random, promise_ms: int,
    *, why: str,
) -> Parcels:  # fmt: skip
    """Make what was reserved the work of the locations that have it, and write it down."""
    made = [assign_part(unit, order, part, now_ms, random, promise_ms) for part in found.parts]
    orders = tuple(one.order for one in made)
    bodies = unit.fulfillments.upsert_many([FulfillmentRow(one) for one in orders])
    unit.fulfillments.set_accept_by(accept_times(orders, found.parts))
    for trace in found.traces:
        unit.orders.add_trace(trace)
    events = [
        OrderEvent(
            order.id, now_ms, why, f"{part.location.name} sends it.", order.channel,
            part.told(one.id),
        )
        for one, part in zip(orders, found.parts, strict=True)
    ]  # fmt: skip
    unit.orders.append_events(events)
    places = tuple(part.location for part in found.parts)
    return Parcels(orders, places, tuple(part.delivery for part in found.parts), bodies)
