"""What products weigh: read from the import, and what parcels cost by it."""

from dataclasses import replace

import pytest

from central_server.records import ShippingRate
from central_server.services.carrier_file import CarrierFile
from tests.central_server.services.test_availability import with_kit
from tests.central_server.services.test_parcels import place
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, SWIFT, parcel_order


@pytest.fixture
def shipping(world: World) -> World:
    """Swift takes up to two kilograms a box; another carrier comes too, for what is heavier."""
    cargo = replace(SWIFT, carrier="harbor", services=("standard",))
    rates = (
        ShippingRate("swift", "standard", 500, 400, "USD", 3),
        ShippingRate("swift", "standard", 2_000, 500, "USD", 3),
        ShippingRate("harbor", "standard", 40_000, 800, "USD", 3),
    )
    world.parts.intake.carriers(CarrierFile(CARRIERS.carriers, rates, {"*": (SWIFT, cargo)}))
    return world


def freight(world: World, *lines: tuple[str, int]) -> int:
    """Return what a parcel costs by the decision, the kilometers left out."""
    found = world.parts.central.routing.dry_run(parcel_order(*lines))
    return int(round(found["terms"]["freight"], -2))


def test_a_parcel_costs_what_its_goods_weigh(shipping):
    """As long as nobody weighed it, a unit is half a kilogram; then what the product weighs."""
    assert freight(shipping, ("SKU-1", 2)) == 500
    shipping.parts.intake.weights({"SKU-1": 100, "SKU-2": 3_000})
    assert freight(shipping, ("SKU-1", 2)) == 400
    assert freight(shipping, ("SKU-2", 1)) == 800
    assert freight(shipping, ("SKU-1", 1), ("SKU-2", 1)) == 800


def test_the_carrier_is_one_that_takes_the_weight(shipping):
    """Of light and of heavy goods, also where a kit is made of them."""
    shipping.parts.intake.weights({"SKU-1": 100, "SKU-2": 3_000})
    with_kit(shipping)
    for lines, carrier in (
        ((("SKU-1", 3),), "swift"), ((("SKU-2", 1),), "harbor"), ((("KIT", 1),), "harbor"),
    ):  # fmt: skip
        (part,) = place(shipping, *lines)[1]
        assert part.shipment is not None
        assert part.shipment.carrier == carrier, lines
