"""Orders that are offered to several stores: one claim wins, and what nobody claims is routed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from central_server.services.errors import NotFound, OfferGone
from central_server.services.times import rfc3339
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

ROUTE = RoutingRuleKind.ROUTE
MINUTE_MS = 60_000
OFFER = RoutingRule("offer", ROUTE, offer_stores=2, offer_minutes=20)


@pytest.fixture
def shipping(world: World) -> World:
    """The small central with carriers; every order is offered to its two best stores."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, OFFER)
    return world


def offered(world: World, place_id: str) -> list[dict[str, Any]]:
    return [dict(one) for one in world.parts.central.offers.offers(place_id)]


def test_the_best_stores_see_it_and_the_first_claim_wins(shipping):
    """Two stores see the order, the third does not; whoever is first has the work at once."""
    order_id, parts = place(shipping)
    assert parts == []
    assert [len(offered(shipping, one)) for one in ("S001", "S002", "S003")] == [1, 1, 0]
    (seen,) = offered(shipping, "S002")
    assert (seen["order_id"], seen["lines"][0]["quantity"]) == (order_id, 2)
    desk = shipping.parts.central.offers
    with pytest.raises(OfferGone):
        desk.claim(order_id, "S003")
    won = desk.claim(order_id, "S002")
    assert won["location_id"] == "S002"
    assert desk.claim(order_id, "S002") == won
    with pytest.raises(OfferGone, match="another store has it"):
        desk.claim(order_id, "S001")
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S002"]
    assert offered(shipping, "S001") == []
    kinds = [one["kind"] for one in shipping.order(order_id)["timeline"]]
    assert kinds == ["held", "claimed", "offer_claimed"]
    shipping.check_books()


def test_of_claims_at_the_same_moment_one_wins(workers):
    """Both stores claim at once, several times; one has the order, once."""
    workers.first.parts.intake.carriers(CARRIERS)
    publish(workers.first, OFFER)
    order_id, _ = place(workers.first)

    def claim(number: int) -> str:
        desk, store = workers.at(number).parts.central.offers, ("S001", "S002")[number // 2 % 2]
        try:
            return str(desk.claim(order_id, store)["location_id"])
        except OfferGone:
            return ""

    with ThreadPoolExecutor(6) as pool:
        won = {one for one in pool.map(claim, range(8)) if one}
    assert len(won) == 1
    assert [one.location_id for one in workers.first.fulfillments(order_id)] == [*won]
    workers.first.check_books()


def test_what_nobody_claims_is_routed_when_its_time_is_over(shipping):
    """No store has it for its minutes; then it is given to the best, and claims come too late."""
    shipping.open_stores()
    order_id, _ = place(shipping)
    shipping.clock.advance(20 * MINUTE_MS)
    assert offered(shipping, "S001") == []
    assert shipping.parts.central.waiting.run() == 1
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S001"]
    with pytest.raises(OfferGone):
        shipping.parts.central.offers.claim(order_id, "S002")


def test_an_order_is_not_offered_while_it_waits_for_something_else(shipping):
    """Held for fraud too, it is shown to stores only once that is cleared."""
    publish(shipping, RoutingRule("both", ROUTE, offer_stores=2, hold_for=(HoldKind.FRAUD,)))
    order_id, _ = place(shipping)
    assert offered(shipping, "S001") == []
    with pytest.raises(OfferGone):
        shipping.parts.central.offers.claim(order_id, "S001")
    shipping.parts.central.waiting.clear(order_id, HoldKind.FRAUD, note="ok", by="Kim")
    assert len(offered(shipping, "S001")) == 1


def test_a_store_that_cannot_promise_it_any_more_does_not_get_it(shipping):
    """Its stock went over the counter meanwhile: the claim is refused and the offer stays open."""
    order_id, _ = place(shipping, ("SKU-1", 2))
    shipping.database.write(
        lambda unit: unit.stock.apply_effects("S001", {"SKU-1": (-9, 0)}, [])
    )  # fmt: skip
    with pytest.raises(OfferGone):
        shipping.parts.central.offers.claim(order_id, "S001")
    assert shipping.fulfillments(order_id) == []
    assert shipping.parts.central.offers.claim(order_id, "S002")["location_id"] == "S002"


def test_what_no_store_has_alone_is_not_offered(shipping):
    """It is split by the rules at once."""
    _, parts = place(shipping, ("SKU-1", 12))
    assert [one.location_id for one in parts] == ["S001", "S002"]
    with pytest.raises(NotFound):
        shipping.parts.central.offers.claim(parts[0].order_id, "S001")


def test_only_stores_are_offered_anything(shipping):
    """At a warehouse nobody sits at a terminal: the two best that may claim are stores."""
    with shipping.database.read() as view:
        near = view.locations.get("S001")
    assert near is not None
    shipping.parts.intake.locations([replace(near, kind="dc")])
    place(shipping)
    assert [len(offered(shipping, one)) for one in ("S001", "S002", "S003")] == [0, 1, 1]


GRACE = RoutingRule("grace", ROUTE, grace_minutes=30, offer_stores=2, offer_minutes=30)


def test_an_offer_begins_when_the_grace_is_over(shipping):
    """Its minutes do not run while no store may claim it: each has all of them, after the grace."""
    shipping.open_stores()
    publish(shipping, GRACE)
    order_id, _ = place(shipping)
    room = shipping.parts.central.waiting
    shipping.clock.advance(31 * MINUTE_MS)
    assert room.run() == 0
    (seen,) = offered(shipping, "S002")
    assert seen["until"] == rfc3339(shipping.clock.now_ms() + 30 * MINUTE_MS)
    shipping.clock.advance(29 * MINUTE_MS)
    assert room.run() == 0
    assert shipping.parts.central.offers.claim(order_id, "S002")["location_id"] == "S002"


def test_an_offer_begins_when_a_person_clears_the_last_hold(shipping):
    """However long that took, stores have its minutes; claimed by none, it is routed after them."""
    shipping.open_stores()
    publish(shipping, replace(GRACE, grace_minutes=5, hold_for=(HoldKind.FRAUD,)))
    order_id, _ = place(shipping)
    room = shipping.parts.central.waiting
    shipping.clock.advance(45 * MINUTE_MS)
    assert room.run() == 0
    why = shipping.parts.central.routing.why(order_id)["sentence"]
    assert "Stores may claim it once nothing else holds it." in why
    room.clear(order_id, HoldKind.FRAUD, note="ok", by="Kim")
    assert len(offered(shipping, "S001")) == 1
    shipping.clock.advance(29 * MINUTE_MS)
    assert room.run() == 0
    shipping.clock.advance(MINUTE_MS)
    assert room.run() == 1
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S001"]


def test_the_time_of_an_offer_stops_while_a_person_holds_it(shipping):
    """Held by hand until long after it would have been over, it is offered again for all of it."""
    shipping.open_stores()
    order_id, _ = place(shipping)
    room = shipping.parts.central.waiting
    room.hold(order_id, HoldKind.MANUAL, text="", by="Kim")
    shipping.clock.advance(45 * MINUTE_MS)
    assert room.run() == 0
    assert offered(shipping, "S001") == []
    room.clear(order_id, HoldKind.MANUAL, note="", by="Kim")
    assert shipping.parts.central.offers.claim(order_id, "S001")["location_id"] == "S001"
