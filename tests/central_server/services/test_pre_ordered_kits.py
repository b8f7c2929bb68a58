"""A kit with a release date of its own: its components are sold, and it is not, by no door."""

from dataclasses import replace

import pytest

from central_server.records import Price, Product
from central_server.services.baskets import Basket
from central_server.services.errors import NotReleased, OfferGone
from central_server.services.order_capture import NewLine
from central_server.services.places import Where
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from sync.domain.orders import PaymentPlace
from tests.central_server.services.test_pre_orders import DAY_MS, holds, order, release, run
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order

DAYS = 4


@pytest.fixture
def kits(world: World) -> World:
    """Both SKUs are sold together as a kit; whatever carriers take is sent."""
    world.parts.intake.carriers(CARRIERS)
    world.parts.intake.products([Product("KIT", "Both of them")])
    world.parts.intake.prices([Price("EAST", "KIT", 1500, "USD")])
    world.parts.central.supply.set_bundle("KIT", {"SKU-1": 1, "SKU-2": 1})
    return world


def dated(world: World) -> int:
    return release(world, DAYS, "KIT")


def kinds(world: World, order_id: str) -> list[str]:
    return [one["kind"] for one in world.order(order_id)["holds"] if one["closed_at"] is None]


def test_a_parcel_of_it_waits_for_its_date(kits):
    """All of it could be sent today."""
    dated(kits)
    with pytest.raises(NotReleased):
        order(kits, parcel_order(("KIT", 2)), may_wait=False)
    placed = order(kits, parcel_order(("KIT", 2)))
    assert kits.fulfillments(placed.order_id) == []
    assert [kind for kind, _, _ in holds(kits, placed)] == ["pre_order"]
    kits.clock.advance(DAYS * DAY_MS)
    assert run(kits) == 1
    assert kits.fulfillments(placed.order_id) != []


def test_a_reservation_of_it_waits_on_the_list_until_its_date(kits):
    """The store has all of it, and holds it from the date on."""
    dated(kits)
    new = replace(kits.new_order(("KIT", 2)), payment=PaymentPlace.IN_STORE, waiting_list=True)
    placed = order(kits, new, may_wait=False)
    (held,) = kits.fulfillments(placed.order_id)
    assert (held.waits, kits.stock("S001")) == (True, (10, 0))
    kits.parts.holds.run()
    assert [one.waits for one in kits.fulfillments(placed.order_id)] == [True]
    kits.clock.advance(DAYS * DAY_MS)
    kits.parts.holds.run()
    (held,) = kits.fulfillments(placed.order_id)
    assert (held.waits, kits.stock("S001")) == (False, (10, 2))


def test_a_basket_says_of_it_what_its_order_gets(kits):
    """Nobody has it ready today; it is ready when a pre-order of it is promised."""
    dated(kits)
    basket = Basket((NewLine("KIT", 2),), Where(("S001",), None, 500.0))
    (here,) = kits.parts.central.baskets.answer(basket)["pickup"]
    assert (here["complete"], here["lacking"], here["promised_by"]) == (False, {}, None)
    placed = order(kits, kits.new_order(("KIT", 2)))
    assert here["promised_later"] == kits.order(placed.order_id)["promised_by"]


def test_a_store_claims_none_before_its_date(kits):
    """It was offered before the date was said; when the offer is over, it waits for the date."""
    rule = RoutingRule("offer", RoutingRuleKind.ROUTE, offer_stores=2, offer_minutes=20)
    publish(kits, rule)
    placed = order(kits, parcel_order(("KIT", 2)))
    dated(kits)
    with pytest.raises(OfferGone):
        kits.parts.central.offers.claim(placed.order_id, "S001")
    kits.clock.advance(DAY_MS)
    assert (run(kits), kits.fulfillments(placed.order_id)) == (0, [])
    assert kinds(kits, placed.order_id) == ["pre_order"]


def test_nobody_routes_it_again_before_its_date(kits):
    """No store has the order any more; a person is told from when on one may."""
    placed = order(kits, kits.new_order(("KIT", 2)))
    dated(kits)
    for _ in range(3):
        (work,) = [one for one in kits.fulfillments(placed.order_id) if one.total("open")]
        device = kits.device(work.location_id)
        device.do(op.FulfillmentRejected(work.id, ShortReason.DISPLAY_ONLY))
        device.push()
    desk = kits.parts.central.unfillable
    with pytest.raises(NotReleased, match="KIT may not be sold before"):
        desk.route_again(placed.order_id, by="Kim")
    kits.clock.advance(DAYS * DAY_MS)
    desk.route_again(placed.order_id, by="Kim")
    assert [one for one in kits.fulfillments(placed.order_id) if one.total("open")] != []
