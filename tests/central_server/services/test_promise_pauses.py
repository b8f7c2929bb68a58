"""What a store did not find is not asked of it for a while, and not promised to parcels either."""

from collections.abc import Mapping
from typing import Any

import pytest

from central_server.config import THRESHOLDS
from central_server.services import availability_feed
from central_server.services.availability_feed import LOOK_MS, AvailabilityPublisher
from central_server.services.baskets import Basket
from central_server.services.catalogue_intake import StockItem
from central_server.services.kits import KitPromises
from central_server.services.order_capture import NewLine
from central_server.services.places import Where
from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import Ask, Promises
from central_server.sourcing.promise_rules import PromiseRule, RuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.inventory import StockReason
from tests.central_server.services.test_availability_feed import read, work_off
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_promise_rules import publish
from tests.support.central_world import PLACES, SKUS, World
from tests.support.statements import statements

DAY_MS = 24 * 3_600_000
SHIP = Ask(method="ship")
ELSEWHERE = [name for name, _, _ in PLACES if name != "S001"]


@pytest.fixture
def alone(shipping: World) -> World:
    """Only one store has the goods, but for one unit: what that store will not find."""
    rest = [StockItem(name, sku, 0) for name in ELSEWHERE for sku in SKUS]
    rest.append(StockItem("S002", "SKU-1", 1))
    shipping.parts.intake.stock(rest, "count", StockReason.IMPORT)
    return shipping


def lose_one(world: World) -> None:
    """Let the store not find one of two units, so that it is not asked for these goods."""
    _, (order,) = place(world, ("SKU-1", 2))
    store = world.device("S001")
    store.do(
        op.FulfillmentAccepted(order.id),
        op.LineShortPicked(order.id, order.lines[0].line, 1, ShortReason.NOT_FOUND),
    )
    store.push_all()


def shown(world: World, memory: PromiseMemory, ask: Ask = SHIP) -> int:
    """Return what may be promised of SKU-1, in whichever way it is asked."""
    now, skus = world.clock.now_ms(), ["SKU-1"]
    with world.database.read() as view:
        units = Promises(view, now).network(skus, ask)["SKU-1"].quantity
        free: Mapping[str, Mapping[str, int]] = Promises(view, now).free(skus, ask)
        assert sum(one.get("SKU-1", 0) for one in free.values()) == units
        at = Promises(view, now).at(skus, ask, [name for name, _, _ in PLACES])
        assert sum(one["SKU-1"].quantity for one in at.values()) == units
        assert (
            sum(PromiseMemory().places(Promises(view, now), skus, ask)["SKU-1"].values()) == units
        )
        assert sum(memory.places(Promises(view, now), skus, ask)["SKU-1"].values()) == units
        assert (
            KitPromises(Promises(view, now), skus, memory).network(ask)["SKU-1"].quantity == units
        )
    return units


@pytest.mark.parametrize("is_ruled", [False, True])
def test_what_is_paused_is_promised_to_no_parcel(alone: World, is_ruled):
    """Not shown and not sold until the pause is over, whatever rules offer; fetched it may be."""
    memory = PromiseMemory()
    if is_ruled:
        publish(alone, PromiseRule("r", RuleKind.OFFER, offered=True, methods=("ship",)))
    assert shown(alone, memory) == 11
    lose_one(alone)
    assert (shown(alone, memory), shown(alone, memory, Ask())) == (0, 8)
    with pytest.raises(InsufficientStock):
        place(alone, ("SKU-1", 1))
    alone.clock.advance(DAY_MS - 1)
    assert shown(alone, memory) == 0
    alone.clock.advance(1)
    assert shown(alone, memory) == 8
    place(alone, ("SKU-1", 8))
    assert shown(alone, memory) == 0


def test_the_feed_hears_of_a_pause_and_of_its_end(alone: World, monkeypatch):
    """At the next look, not with the next sweep: nothing moves where it is over."""
    monkeypatch.setattr(availability_feed, "SWEEP_MS", 7 * DAY_MS)
    publisher = AvailabilityPublisher(alone.database, alone.clock, THRESHOLDS)
    work_off(publisher)
    _, cursor = read(alone, method="ship")
    lose_one(alone)
    alone.clock.advance(LOOK_MS)
    work_off(publisher)
    delta, cursor = read(alone, cursor, method="ship")
    assert delta == {"SKU-1": 0}
    alone.clock.advance(DAY_MS)
    work_off(publisher)
    assert read(alone, cursor, method="ship")[0] == {"SKU-1": 8}


def test_a_basket_is_kept_from_no_store_by_the_pause_of_other_goods(alone: World):
    """What it does not ask for has no say in where it comes from."""
    lose_one(alone)

    def sent(sku: str) -> object:
        basket = Basket((NewLine(sku, 1),), Where((), (39.96, -83.0), 50))
        ship = alone.parts.central.baskets.answer(basket)["ship"]
        assert isinstance(ship, dict)
        return ship["complete"]

    assert (sent("SKU-1"), sent("SKU-2")) == (False, True)


def test_pauses_are_read_at_once_for_all_that_is_asked(alone: World, monkeypatch):
    """One query of a question about parcels, and none of one about pickups."""
    lose_one(alone)
    for ask, queries in ((SHIP, 1), (Ask(), 0)):
        with alone.database.read() as view, statements(monkeypatch) as said:
            promises = Promises(view, alone.clock.now_ms())
            promises.network(SKUS, ask)
            promises.at(SKUS, ask)
            promises.free(SKUS, ask)
        assert sum("routing_pauses" in one for one in said) == queries


def test_a_paused_store_is_named_where_it_is_said_why_others_ship(alone: World):
    """It has the goods, and is nearest: left out, and said to be, not as if it had nothing."""
    lose_one(alone)
    alone.parts.intake.stock([StockItem("S002", "SKU-1", 9)], "count", StockReason.IMPORT)
    order_id, _ = place(alone, ("SKU-1", 1))
    why: Any = alone.parts.central.routing.why(order_id)
    found = {one["location_id"]: one["finding"] for one in why["decisions"][-1]["candidates"]}
    assert (found["S001"], found["S002"]) == ("excluded", "chosen")


def test_an_order_of_many_lines_reads_pauses_once(shipping: World, monkeypatch):
    """Not one query for each line, while its rows are locked."""

    def asked(*lines: tuple[str, int]) -> int:
        with statements(monkeypatch) as said:
            place(shipping, *lines)
        return sum("routing_pauses" in one for one in said)

    assert asked(*((sku, 1) for sku in SKUS)) == asked((SKUS[0], 1))
