"""Orders that wait for the rest of their goods: what is there already is kept for them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from central_server.services.availability import Question
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.services.promises import Ask
from central_server.sourcing.receipts import Receipt
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.inventory import StockReason
from sync.domain.operations import FulfillmentRejected
from tests.central_server.services.test_backorders import arrive, later
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_promise_rules import ONLY_HERE, publish, shown
from tests.central_server.services.test_routing_rules import publish as publish_routing
from tests.central_server.services.test_unfillable_again import pickup_of_nobody
from tests.central_server.services.test_waiting_room import GRACE, unfillable
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

DAY_MS = 86_400_000


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
    assert entry["terms"]["waiting"] == 10
    assert sum(part["units"] for part in entry["explained"]) == entry["terms"]["raw"] == 0


def test_a_promise_that_moves_leaves_them_there(world):
    """What S002 gives up, and the near store could take over, goes to another."""
    moved = world.place(("SKU-1", 8), at="S002").order_id
    (work,) = world.fulfillments(moved)
    due = world.clock.now_ms() + DAY_MS
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 8, due))
    order_id = later(world, 12).order_id
    device = world.device("S002")
    device.do(FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    device.push()
    assert [one.location_id for one in world.fulfillments(moved) if one.total("open")] == ["S003"]
    arrive(world, "R1", 18)
    assert [one.location_id for one in world.fulfillments(order_id)] == ["S001"]


def test_a_parcel_in_its_grace_leaves_its_units_to_no_one_who_waits(shipping):
    """Eight of the near store's ten are kept for it: who wants twelve lacks ten, not two."""
    publish_routing(shipping, GRACE)
    parcel, _ = place(shipping, ("SKU-1", 8))
    due = shipping.clock.now_ms() + DAY_MS
    shipping.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 9, due))
    with pytest.raises(InsufficientStock):
        later(shipping, 12)
    shipping.parts.central.supply.expect(Receipt("R2", "S001", "SKU-1", 1, due))
    order_id = later(shipping, 12).order_id
    shipping.clock.advance(31 * 60_000)
    assert shipping.parts.central.waiting.run() == 1
    assert [one.location_id for one in shipping.fulfillments(parcel)] == ["S001"]
    shipping.parts.central.supply.close("R2")
    arrive(shipping, "R1", 20)
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S001"]


def test_of_those_whose_goods_came_short_the_oldest_is_served_first(world):
    """Five each want what comes, and only eight came: the first gets its five."""
    publish(world, ONLY_HERE)
    world.place(("SKU-1", 10), at="S001")
    due = world.clock.now_ms() + DAY_MS
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 10, due))
    first = later(world, 5).order_id
    world.clock.advance(1)
    second = later(world, 5).order_id
    arrive(world, "R1", 18)
    assert [one.location_id for one in world.fulfillments(first)] == ["S001"]
    assert world.fulfillments(second) == []
    assert [one["unsourced"] for one in world.order(second)["lines"]] == [5]
    assert shown(world) == 0, "what is left is the second's, whatever somebody decides"


def test_who_waits_for_nothing_on_its_way_keeps_no_store(shipping):
    """Of an order that nobody can fill the network keeps units; its store serves who is there."""
    order_id = pickup_of_nobody(shipping)
    assert [one["unsourced"] for one in shipping.order(order_id)["lines"]] == [2]
    assert (shown(shipping), network(shipping, Ask())) == (10, 28)


def test_of_two_that_wait_at_once_each_is_sent_what_the_other_keeps(workers):
    """Both want twelve of the ten that are there: ten are kept once, and fourteen are sent."""
    workers.first.parts.intake.carriers(CARRIERS)

    def order(number: int) -> None:
        world = workers.at(number)
        new = replace(world.new_order(("SKU-1", 12)), transfer=True)
        identity = RequestIdentity("test", f"at-once-{number}", "body")
        world.parts.central.orders.place(new, identity)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(order, range(2)))
    coming = workers.first.parts.central.supply.coming("SKU-1")
    assert sorted(int(str(one["units"])) for one in coming) == [2, 12]


def test_who_is_let_wait_by_a_person_comes_behind_what_is_promised_there(shipping):
    """Three too many are promised at a store: of four that come to it, one is free."""
    order_id = unfillable(shipping)
    shipping.place(("SKU-1", 10), at="S002")
    shipping.parts.intake.stock([StockItem("S002", "SKU-1", 7)], "count", StockReason.IMPORT)
    due = shipping.clock.now_ms() + 8 * DAY_MS
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
