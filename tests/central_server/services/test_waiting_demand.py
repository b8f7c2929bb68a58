"""Demand that nobody carries yet: kept where it is fetched, and of the stock that serves it."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.records import Location
from central_server.services.availability import Question
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.services.promises import Ask
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.promise_terms import Both, kept_for_waiting
from central_server.sourcing.receipts import Receipt
from sync.domain.errors import InsufficientStock
from sync.domain.inventory import StockReason
from tests.central_server.services.test_backorders import arrive, later
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_promise_rules import shown
from tests.central_server.services.test_routing_rules import publish as publish_routing
from tests.central_server.services.test_waiting_room import GRACE, unfillable
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

DAY_MS = 86_400_000
SHIP = Ask(method=Method.SHIP.value)


@pytest.fixture
def shipping(world: World) -> World:
    """The small central, with carriers at every store."""
    world.parts.intake.carriers(CARRIERS)
    return world


def network(world: World, ask: Ask) -> int:
    """Return what the network may promise of SKU-1: from memory, and the same by the books."""
    units = set()
    for explain in (False, True):
        question = Question(("SKU-1",), of_network=True, ask=ask, explain=explain)
        answer: dict[str, Any] = world.parts.central.availability.answer(question)
        units.add(answer["network"][0]["available_to_promise"])
    assert len(units) == 1
    return int(units.pop())


def test_units_at_the_store_are_kept_for_who_waits_there(world):
    """Ten are there and eight come: however much others have, the ten are not sold meanwhile."""
    due = world.clock.now_ms() + DAY_MS
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 8, due))
    order_id = later(world, 12).order_id
    assert (shown(world), shown(world, "S002"), network(world, Ask())) == (0, 10, 20)
    (other,) = world.fulfillments(world.place(("SKU-1", 1), at="S001").order_id)
    assert other.location_id == "S002"
    arrive(world, "R1", 18)
    (order,) = world.fulfillments(order_id)
    assert (order.location_id, order.total("allocated")) == ("S001", 12)
    assert shown(world) == 6


def test_units_at_the_store_are_kept_while_the_rest_is_sent_there(shipping):
    """The same where what is lacking comes from another location."""
    new = replace(shipping.new_order(("SKU-1", 12)), transfer=True)
    shipping.parts.central.orders.place(new, RequestIdentity("test", "transfer", "body"))
    assert (shown(shipping), shown(shipping, "S002")) == (0, 8)
    question = Question(("SKU-1",), ("S001",), explain=True)
    answer: dict[str, Any] = shipping.parts.central.availability.answer(question)
    (entry,) = answer["availability"]
    assert entry["terms"]["unsourced"] == 10
    assert sum(part["units"] for part in entry["explained"]) == entry["terms"]["raw"] == 0


def with_warehouse(world: World, units: int) -> None:
    """A distribution center that only ships."""
    center = Location(
        "DC1", "Center", latitude=41.0, longitude=-83.0, timezone="America/New_York",
        price_zone="EAST", kind="dc", pickup_enabled=False,
    )  # fmt: skip
    world.parts.intake.locations([center])
    picked_up = {**CARRIERS.pickups, "DC1": CARRIERS.pickups["*"]}
    world.parts.intake.carriers(replace(CARRIERS, pickups=picked_up))
    world.parts.intake.stock([StockItem("DC1", "SKU-1", units)], "opening")


def test_parcels_that_wait_leave_pickups_what_only_stores_have(shipping):
    """Thirty in their grace are served by the warehouse: each store still gives what it has."""
    with_warehouse(shipping, 500)
    publish_routing(shipping, GRACE)
    place(shipping, ("SKU-1", 30))
    assert (network(shipping, Ask()), network(shipping, SHIP)) == (30, 500)
    for store in ("S001", "S002", "S003"):
        assert shown(shipping, store) == 10
        shipping.place(("SKU-1", 10), at=store)
    with pytest.raises(InsufficientStock):
        shipping.place(("SKU-1", 1))


def test_parcels_that_wait_for_more_than_the_warehouse_has_take_of_stores(shipping):
    """Of thirty, twenty-five are at the warehouse: five of the stores' are kept for them."""
    with_warehouse(shipping, 25)
    publish_routing(shipping, GRACE)
    place(shipping, ("SKU-1", 30))
    assert (network(shipping, Ask()), network(shipping, SHIP)) == (25, 25)
    shipping.place(("SKU-1", 10), at="S001")
    shipping.place(("SKU-1", 10), at="S002")
    assert shown(shipping, "S003") == 5
    with pytest.raises(InsufficientStock):
        shipping.place(("SKU-1", 6), at="S003")


@pytest.mark.parametrize(
    ("waiting", "method", "places", "kept"),
    [
        ({}, Method.PICKUP, {}, 0),
        ({"S1": 4, "S2": 1}, Method.PICKUP, {}, 5),
        ({"": 7}, Method.SHIP, {}, 7),
        ({"": 7}, Method.PICKUP, {}, 7),
        ({"": 7}, Method.PICKUP, {"S1": Both(9, 9), "DC": Both(0, 5)}, 2),
        ({"": 7, "S1": 1}, Method.PICKUP, {"S1": Both(2, 4), "DC": Both(0, 9)}, 1),
        ({"S1": 4}, Method.SHIP, {"S1": Both(0, 4)}, 0),
        ({"S1": 4}, Method.SHIP, {"S1": Both(3, 4), "S2": Both(0, 9)}, 3),
        ({"S1": 4, "": 2}, Method.SHIP, {"S2": Both(0, 9)}, 6),
    ],
)
def test_what_is_kept_of_one_method_for_who_waits(waiting, method, places, kept):
    """Own demand whole; that of the other method beyond what only it may have."""
    assert kept_for_waiting(waiting, method, places) == kept


def test_who_is_let_wait_by_a_person_comes_behind_what_is_promised_there(shipping):
    """Three too many are promised at a store: of four that come to it, one is free."""
    order_id = unfillable(shipping)
    shipping.place(("SKU-1", 10), at="S002")
    shipping.parts.intake.stock([StockItem("S002", "SKU-1", 7)], "count", StockReason.IMPORT)
    due = shipping.clock.now_ms() + DAY_MS
    supply, desk = shipping.parts.central.supply, shipping.parts.central.unfillable
    supply.expect(Receipt("PO-1", "S002", "SKU-1", 4, due))
    with pytest.raises(InsufficientStock):
        desk.back_order(order_id, by="Kim")
    supply.expect(Receipt("PO-1", "S002", "SKU-1", 5, due))
    desk.back_order(order_id, by="Kim")


def test_what_is_on_its_way_changes_no_rule(world):
    """A receipt that is told, moved or closed makes no reader of availability begin anew."""

    def revision() -> int:
        with world.database.read() as view:
            return int(view.promise_signs.head().revision)

    before = revision()
    due = world.clock.now_ms() + DAY_MS
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 8, due))
    later(world, 12)
    assert network(world, Ask()) == 20
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 9, due + DAY_MS))
    world.parts.central.supply.close("R1")
    assert revision() == before
    assert network(world, Ask()) == 18
