"""What a planner reads about an order: why it went there, what came next, for what it waits."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.records import Order
from central_server.services.candidates import moved
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from sync.domain.orders import PaymentPlace
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World

ROUTE = RoutingRuleKind.ROUTE
DAY_MS = 86_400_000


def sentence(world: World, order_id: str) -> str:
    return str(world.parts.central.routing.why(order_id)["sentence"])


def placed(world: World, new: NewOrder) -> str:
    world.keys += 1
    identity = RequestIdentity("test", f"why-{world.keys}", "body")
    return world.parts.central.orders.place(new, identity).order_id


def test_a_claimed_offer_names_who_claimed_it(shipping):
    """A cheaper store was not faster: the rules have nothing to do with it."""
    publish(shipping, RoutingRule("offer", ROUTE, offer_stores=2))
    order_id, _ = place(shipping)
    held = sentence(shipping, order_id)
    assert "It is held: Offered to stores" in held
    assert "These are S001, S002." in held
    shipping.parts.central.offers.claim(order_id, "S002")
    told = sentence(shipping, order_id)
    assert "S001 without S002, would have cost 0.10 less, but S002 was the first to claim" in told
    assert "ranks lower" not in told


def test_a_held_order_says_why_and_until_when(shipping):
    """Grace ends by its time, fraud when a person clears it."""
    rule = RoutingRule("held", ROUTE, grace_minutes=20, hold_for=(HoldKind.FRAUD,))
    publish(shipping, rule)
    order_id, _ = place(shipping)
    told = sentence(shipping, order_id)
    assert "It is held: Looked at for fraud. A person clears it." in told
    assert "may still change or cancel it. That ends at 2025-11-23T12:33:20.000Z." in told
    shipping.parts.central.waiting.clear(order_id, HoldKind.FRAUD, note="", by="Kim")
    shipping.clock.advance(20 * 60_000)
    shipping.parts.central.waiting.run()
    assert sentence(shipping, order_id).startswith("S001 ships 2 units")


def test_an_order_for_goods_on_their_way_names_them(shipping):
    """Of a supplier: the receipt. Of another store: also which one sends."""
    due = shipping.clock.now_ms() + DAY_MS
    shipping.parts.central.supply.expect(Receipt("R-7", "S001", "SKU-1", 50, due))
    later = replace(shipping.new_order(("SKU-1", 40)), accept_later=True)
    assert sentence(shipping, placed(shipping, later)) == (
        "It waits for goods on their way to S001: 30 of SKU-1 by receipt R-7, due at"
        " 2025-11-24T12:13:20.000Z."
    )
    moved = replace(shipping.new_order(("SKU-2", 12)), transfer=True)
    told = sentence(shipping, placed(shipping, moved))
    assert "goods on their way to S001: 2 of SKU-2 by receipt" in told
    assert "(from Store S002 for order" in told


def test_a_reservation_on_the_waiting_list_says_what_is_lacking(shipping):
    """It is not moved, so nothing is said of other stores; one that is held names its store."""
    new = replace(shipping.new_order(("SKU-1", 11)), payment=PaymentPlace.IN_STORE)
    told = sentence(shipping, placed(shipping, replace(new, waiting_list=True)))
    assert told == (
        "It is reserved at S001, on the waiting list. S001, which the customer chose, lacks 1"
        " of SKU-1."
    )


def test_a_pickup_where_its_customer_chose_says_what_else_there_is(shipping):
    """Nobody else was asked for it; what there is now is told as of now, while it is open."""
    order_id = shipping.place(("SKU-1", 6)).order_id
    told = sentence(shipping, order_id)
    assert told == (
        "S001 gets it ready: the customer chose it and it can promise everything. No other store"
        " was asked. As it is now, the next best choice is S002, 103.977 km away."
    )
    shipping.place(("SKU-1", 6), at="S002")
    assert "As it is now, the next best choice is S003" in sentence(shipping, order_id)
    shipping.place(("SKU-1", 6), at="S003")
    assert "no other store could take it" in sentence(shipping, order_id)
    shipping.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    assert "As it is now" not in sentence(shipping, order_id)


def test_what_else_there_is_for_a_pickup_follows_the_rules(shipping):
    """Not a store that rules leave out, whose day is full, or that would have it ready too late."""
    publish(
        shipping,
        RoutingRule("r", RoutingRuleKind.SERVE, locations=("S002",), enabled=False),
    )
    new = shipping.new_order(("SKU-1", 2))
    tried = shipping.parts.central.routing.dry_run(new)
    assert tried["sentence"].endswith("The next best choice is S003, 203.729 km away.")
    assert "S003" in sentence(shipping, placed(shipping, new))
    publish(shipping, RoutingRule("full", RoutingRuleKind.CAPACITY, locations=("S002",), orders=0))
    assert "S003" in sentence(shipping, placed(shipping, new))
    late = replace(new, need_by="2025-11-23")
    with shipping.database.read() as view:
        (far,) = [one for one in view.locations.all() if one.id == "S003"]
    shipping.parts.intake.locations([replace(far, closures=("2025-11-23",))])
    tried = shipping.parts.central.routing.dry_run(late)
    assert "No other store could take it." in tried["sentence"]


@pytest.mark.parametrize("is_late", [True, False])
def test_a_store_that_has_all_of_it_may_still_not_take_it(shipping, is_late: bool):
    """Full, or too late: it could promise all of it, so nothing else is said of it."""
    names = ("S002", "S003")
    new = replace(shipping.new_order(("SKU-1", 2)), need_by="2025-11-23" if is_late else "")
    if is_late:
        with shipping.database.read() as view:
            others = [one for one in view.locations.all() if one.id in names]
        shipping.parts.intake.locations([replace(one, closures=("2025-11-23",)) for one in others])
    else:
        full = RoutingRule("full", RoutingRuleKind.CAPACITY, locations=names, orders=0)
        publish(shipping, full)
    tried = shipping.parts.central.routing.dry_run(new)
    assert tried["sentence"].endswith(" No other store could take it.")
    told = sentence(shipping, placed(shipping, new))
    assert told.endswith("As it is now, no other store could take it.")


def test_what_else_there_is_is_only_looked_for_where_it_is_told(shipping, monkeypatch):
    """It reads all stores; an order that was moved, or has no store yet, says nothing of it."""
    seen: list[str] = []

    def spied(view: Any, order: Order, *how: Any) -> Any:
        seen.append(order.id)
        return moved(view, order, *how)

    monkeypatch.setattr("central_server.services.pickup_trial.moved", spied)
    here = shipping.place(("SKU-1", 6)).order_id
    elsewhere = shipping.place(("SKU-1", 6)).order_id
    parcel, _ = place(shipping)
    for order_id in (here, elsewhere, parcel):
        sentence(shipping, order_id)
    assert seen == [here]


def test_a_reservation_is_compared_with_nothing(shipping):
    """It is to be paid in its store, so no other is a choice."""
    new = replace(shipping.new_order(("SKU-1", 2)), payment=PaymentPlace.IN_STORE)
    assert "As it is now" not in sentence(shipping, placed(shipping, new))
