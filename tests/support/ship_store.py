"""Parcel orders for the store in memory: carriers that come, orders in every state."""

from dataclasses import replace

from sync.clock import Clock
from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.flows.ship import NAME
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.reservations import DAY_MS, Reservation
from sync.domain.shipping import Address, CarrierPickup, Shipment
from tests.support.fake_store import FakeStore, make_order, make_store

SWIFT = CarrierPickup("swift", "Swift Parcel", (990,) * 5 + (720, 0), ("standard",))
HARBOR = CarrierPickup("harbor", "Harbor Express", (1080,) * 5 + (0, 0), ("express",))
ADDRESS = Address("Rosa Eastman", "12 Elm Street", "Dayton", "45402", "US", state="OH")


def parcel(
    number: int,
    now_ms: int,
    *,
    quantities: tuple[int, ...] = (2, 1),
    due_minutes: int = 90,
    carrier: str = "swift",
) -> FulfillmentOrder:
    """Return a parcel order; Swift gives its label numbers ahead, Harbor sells each label."""
    order = make_order(number, now_ms, quantities=quantities, due_minutes=due_minutes)
    numbers = tuple(f"SW{number:03}{place:06}" for place in range(4)) if carrier == "swift" else ()
    service = "standard" if carrier == "swift" else "express"
    address = replace(ADDRESS, name=order.customer_name)
    shipment = Shipment(address, service, carrier, service, numbers)
    return replace(order, flow=NAME, shipment=shipment, pickup_code_hash="")


def paid_here(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return a parcel order as one that is paid in the store within a day, 10.00 a unit."""
    until_ms = order.placed_at_ms + DAY_MS
    lines = tuple(replace(line, unit_price_minor=1_000) for line in order.lines)
    return replace(
        order, lines=lines, expires_at_ms=until_ms, reserve=Reservation(until_ms, until_ms)
    )


def ship_store(clock: Clock, orders: int = 0) -> FakeStore:
    """Return the small store with two carriers and so many new parcel orders."""
    store = make_store(clock)
    assert store.row is not None
    store.row = replace(store.row, carriers=(SWIFT, HARBOR))
    for number in range(orders):
        carrier = "harbor" if number % 3 == 2 else "swift"
        due = 25 * number - 20
        store.add(parcel(number, clock.now_ms(), due_minutes=due, carrier=carrier))
    return store


def busy_ship_store(clock: Clock) -> FakeStore:
    """Return a store with parcel orders in every state."""
    store = ship_store(clock, 12)
    for place, order in enumerate([*store.orders.values()]):
        if place % 6:
            _work(store, order, place % 6)
    rows = [*store.orders]
    store.perform(op.WaveAssigned(rows[0], "T1-0302-1", "A103", 1), by="A103", dev="T1")
    store.perform(op.WaveAssigned(rows[6], "T1-0302-1", "A103", 2), by="A103", dev="T1")
    store.settle()
    return store


def _work(store: FakeStore, order: FulfillmentOrder, far: int) -> None:
    def do(operation: object) -> None:
        store.perform(operation, by="A103", dev="T1")

    key = order.id
    assert order.shipment is not None
    for line in order.lines:
        do(op.LinePicked(key, line.line, line.allocated))
    if far == 1:
        return
    lines = tuple(op.LineQuantity(line.line, line.allocated) for line in order.lines)
    do(so.BoxPacked(key, 1, 1250, lines))
    if far == 2:
        return
    carrier, service = order.shipment.carrier, order.shipment.service
    if not order.shipment.numbers:
        do(so.LabelRequested(key, 1, carrier, service))
        return
    do(so.LabelPrinted(key, 1, carrier, service, order.shipment.numbers[0]))
    if far >= 4:
        do(so.Manifested(key, 1, "swift-T1-0302-1100"))
    if order.order_number.endswith("10"):
        store.cancel(key)
