"""A dry run of what is fetched says what placing it does: reserved, with a transfer, or paid."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import NotInTime
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder
from central_server.sourcing.promise_rules import PromiseRule, RuleKind
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain.errors import InsufficientStock
from sync.domain.orders import PaymentPlace
from tests.central_server.services.test_full_days import at
from tests.central_server.services.test_promise_rules import publish as promise_by
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World

IN_STORE = PaymentPlace.IN_STORE


@pytest.fixture
def lacking(shipping: World) -> World:
    """S001 has one of SKU-1, S002 and S003 have ten."""
    shipping.parts.intake.stock([StockItem("S001", "SKU-1", 1)], "few")
    return shipping


def two(world: World, **how: Any) -> NewOrder:
    """Return an order of two, fetched at S001."""
    return replace(world.new_order(("SKU-1", 2), at="S001"), **how)


def tried(world: World, new: NewOrder) -> dict[str, Any]:
    return dict(world.parts.central.routing.dry_run(new))


def placed(world: World, new: NewOrder) -> str:
    world.keys += 1
    identity = RequestIdentity("test", f"dry-{world.keys}", "body")
    return world.parts.central.orders.place(new, identity).order_id


def test_a_reservation_that_its_store_lacks_goes_nowhere_else(lacking: World):
    """What is placed is refused, or on the list of that store: no other is told as its place."""
    new = two(lacking, payment=IN_STORE)
    found = tried(lacking, new)
    assert (found["taken"], found["unsourced"]) == (None, {"SKU-1": 1})
    assert found["sentence"] == (
        "It is not reserved, and no other store is asked."
        " S001, which the customer chose, lacks 1 of SKU-1."
    )
    with pytest.raises(InsufficientStock):
        placed(lacking, new)
    listed = replace(new, waiting_list=True)
    found = tried(lacking, listed)
    assert found["taken"] is None
    assert found["sentence"].startswith("It is reserved at S001, on the waiting list.")
    assert [one.location_id for one in lacking.fulfillments(placed(lacking, listed))] == ["S001"]


def test_a_reservation_that_its_store_has_is_held_there(lacking: World):
    """Unless its day is full: then nobody else holds it either."""
    new = two(lacking, payment=IN_STORE)
    one = replace(new, lines=(replace(new.lines[0], quantity=1),))
    assert tried(lacking, one)["taken"] == "S001"
    publish(lacking, RoutingRule("d", RoutingRuleKind.CAPACITY, locations=("S001",), orders=0))
    found = tried(lacking, one)
    assert found["taken"] is None
    assert "S001, which the customer chose, has no room left in its day." in found["sentence"]


@pytest.mark.parametrize("payment", [PaymentPlace.ONLINE, IN_STORE])
def test_a_pickup_with_a_transfer_waits_where_it_was_chosen(lacking: World, payment: PaymentPlace):
    """The answer is who would send what is lacking; the order itself moves nowhere."""
    new = two(lacking, payment=payment, transfer=True)
    found = tried(lacking, new)
    assert (found["taken"], found["chosen"], found["unsourced"]) == ("S002", "S001", {})
    words = found["sentence"]
    assert words.startswith("S001, which the customer chose, lacks 1 of SKU-1: it ")
    assert "until a transfer brings that. S002 ships 1 unit by swift standard" in words
    order_id = placed(lacking, new)
    assert at(lacking, order_id) == []
    with lacking.database.read() as view:
        (coming,) = view.supply.coming(["SKU-1"])
    assert (coming.location_id, coming.units) == ("S001", 1)


def test_a_transfer_that_nobody_sends_says_what_is_lacking(lacking: World):
    """As placing it is refused."""
    gone = [StockItem(name, "SKU-1", 0) for name in ("S002", "S003")]
    lacking.parts.intake.stock(gone, "gone")
    new = two(lacking, transfer=True)
    assert tried(lacking, new)["unsourced"] == {"SKU-1": 1}
    with pytest.raises(InsufficientStock):
        placed(lacking, new)


def test_nothing_is_sent_to_where_it_is_not_offered(lacking: World):
    """One of two products is not fetched there: all of that is lacking, with a transfer or not."""
    no = PromiseRule("no", RuleKind.OFFER, skus=("SKU-1",), locations=("S001",), offered=False)
    promise_by(lacking, no)
    new = replace(lacking.new_order(("SKU-1", 2), ("SKU-2", 1), at="S001"), transfer=True)
    found = tried(lacking, new)
    assert (found["taken"], found["unsourced"]) == (None, {"SKU-1": 2})
    with pytest.raises(InsufficientStock):
        placed(lacking, new)


@pytest.mark.parametrize("is_offered", [True, False])
def test_who_may_wait_gets_it_as_without_a_transfer_that_nobody_sends(lacking: World, is_offered):
    """Others have it and send no parcels, or nothing is sent there: one of them gets it ready."""
    no = PromiseRule("no", RuleKind.OFFER, skus=("SKU-1",), locations=("S001",), offered=False)
    if is_offered:
        no = replace(no, methods=("ship",), locations=("S002", "S003"))
    promise_by(lacking, no)
    new = replace(lacking.new_order(("SKU-1", 2), ("SKU-2", 1), at="S001"), transfer=True)
    assert tried(lacking, new)["taken"] is None
    new = replace(new, accept_later=True)
    found = tried(lacking, new)
    assert (found["taken"], found["unsourced"]) == ("S002", {})
    assert at(lacking, placed(lacking, new)) == ["S002"]


@pytest.mark.parametrize("may_wait", [False, True])
def test_a_transfer_that_comes_too_late_is_refused_as_it_is_when_placed(lacking: World, may_wait):
    """What is sent is there days later: with the same day that could be."""
    new = two(lacking, transfer=True, need_by="2025-11-24", accept_later=may_wait)
    possible = []
    for ask in (tried, placed):
        with pytest.raises(NotInTime) as refusal:
            ask(lacking, new)
        possible.append(refusal.value.possible_by)
    assert possible[0] == possible[1]
