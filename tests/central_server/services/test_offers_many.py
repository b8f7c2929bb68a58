"""More offers than one answer shows."""

from central_server.services import offers
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, NOWHERE


def test_what_is_offered_to_others_hides_nothing_from_a_store(world: World, monkeypatch):
    """However many older offers there are for other stores, a store sees its own."""
    monkeypatch.setattr(offers, "OFFERS_MAX", 2)
    world.parts.intake.carriers(CARRIERS)
    here = RoutingRule(
        "east",
        RoutingRuleKind.ROUTE,
        locations=("S001",),
        value_from_minor=2000,
        offer_stores=1,
        offer_minutes=60,
    )
    there = RoutingRule(
        "rest", RoutingRuleKind.ROUTE, locations=("S003",), offer_stores=1, offer_minutes=60
    )
    publish(world, here, there)
    for _ in range(3):
        place(world, ("SKU-1", 2), to=NOWHERE)
        world.clock.advance(1)
    order_id, _ = place(world, ("SKU-2", 1))
    (seen,) = world.parts.central.offers.offers("S003")
    assert seen["order_id"] == order_id
    assert len(world.parts.central.offers.offers("S001")) == 2


def test_what_a_person_holds_hides_no_offer_from_a_store(world: World, monkeypatch):
    """However many older orders wait for a person first, a store sees what it may claim."""
    monkeypatch.setattr(offers, "OFFERS_MAX", 2)
    world.parts.intake.carriers(CARRIERS)
    held = RoutingRule(
        "dear",
        RoutingRuleKind.ROUTE,
        value_from_minor=2000,
        hold_for=(HoldKind.FRAUD,),
        offer_stores=2,
        offer_minutes=30,
    )
    free = RoutingRule("rest", RoutingRuleKind.ROUTE, offer_stores=2, offer_minutes=30)
    publish(world, held, free)
    for _ in range(2):
        place(world, ("SKU-1", 2))
        world.clock.advance(1)
    order_id, _ = place(world, ("SKU-1", 1))
    assert [one["order_id"] for one in world.parts.central.offers.offers("S001")] == [order_id]
