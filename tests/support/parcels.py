"""Carriers for tests: one whose label numbers travel ahead, one that sells each label."""

from central_server.records import ShippingRate
from central_server.services.carrier_file import CarrierFile
from central_server.services.order_capture import Customer, NewLine, NewOrder
from central_server.services.parcels import Destination
from central_server.shipping_records import ShippingCarrier
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain import ship_operations as so
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.orders import Channel
from sync.domain.paying import price_of
from sync.domain.shipping import Address, CarrierPickup

HOME = Address("Jo Pike", "12 Elm Street", "Columbus", "43215", "US", state="OH")
NOWHERE = Address("Jo Pike", "1 No Street", "Nowhere", "00012", "US")
SWIFT = CarrierPickup("swift", "Swift Parcel", (990,) * 5 + (720, 0), ("standard",))
HARBOR = CarrierPickup("harbor", "Harbor Express", (1080,) * 5 + (0, 0), ("express",))
CARRIERS = CarrierFile(
    (ShippingCarrier("swift", "Swift Parcel", "SW"), ShippingCarrier("harbor", "Harbor Express")),
    (
        ShippingRate("swift", "standard", 50_000, 690, "USD", 3),
        ShippingRate("harbor", "express", 50_000, 1990, "USD", 1),
    ),
    {"*": (SWIFT, HARBOR)},
)


def parcel_order(
    *lines: tuple[str, int], method: str = "standard", to: Address = HOME, email: str = "jo@x.test"
) -> NewOrder:
    """Return an order that is sent; near S001 unless the address says otherwise."""
    wanted = tuple(NewLine(sku, units) for sku, units in lines or (("SKU-1", 2),))
    return NewOrder(
        "", Channel.WEB, "USD", Customer("Jo", email, "+1 555-0100"), wanted,
        ship_to=Destination(to, method, 39.96, -83.0),
    )  # fmt: skip


def whole_parcel(order: FulfillmentOrder, box: int = 1) -> tuple[object, ...]:
    """Return everything that a store does with a parcel order, in one box with a number ahead."""
    return (*listed_parcel(order, box), so.HandedToCarrier(order.id, box))


def sold_box(order: FulfillmentOrder, box: int = 1) -> res.ReservationConverted:
    """Return the sale by which everything of a parcel that is paid here leaves in one box."""
    lines = tuple(op.LineQuantity(one.line, one.allocated) for one in order.lines)
    return res.ReservationConverted(order.id, lines, price_of(order, lines), box)


def listed_parcel(order: FulfillmentOrder, box: int = 1) -> tuple[object, ...]:
    """Return everything that a store does with a parcel order before its carrier comes."""
    assert order.shipment is not None
    key, number = order.id, order.shipment.numbers[0]
    lines = tuple(op.LineQuantity(one.line, one.allocated) for one in order.lines)
    return (
        op.WaveAssigned(key, "T1-1", "A1"),
        *(op.LinePicked(key, one.line, one.allocated) for one in order.lines),
        so.BoxPacked(key, box, 900, lines),
        so.LabelPrinted(key, box, "swift", "standard", number),
        so.Manifested(key, box, "swift-1"),
    )
