"""The published feed: shops hear of what crosses a threshold, and can always catch up."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.config import THRESHOLDS
from central_server.services import availability_feed
from central_server.services.availability import Question
from central_server.services.availability_feed import (
    LOOK_MS,
    SWEEP_MS,
    AvailabilityFeedReader,
    AvailabilityPublisher,
)
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import FeedCursorOver, NotFound
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.promise_rules import PromiseRule, RuleKind
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from central_server.storage.supply import Supply
from tests.central_server.services.test_availability import with_kit
from tests.central_server.services.test_parcels import place as place_parcel
from tests.central_server.services.test_promise_rules import publish
from tests.central_server.services.test_routing_rules import publish as publish_routing
from tests.support.central_world import SKUS, World
from tests.support.statements import statements

ROUTE = RoutingRuleKind.ROUTE


@pytest.fixture
def publisher(world) -> AvailabilityPublisher:
    """Has published everything once."""
    made = AvailabilityPublisher(world.database, world.clock, THRESHOLDS)
    work_off(made)
    return made


def work_off(publisher: AvailabilityPublisher) -> None:
    while publisher.run():
        pass


def read(world: World, after: tuple[int, int] | None = None, method: str = "pickup"):
    feed = world.parts.central.availability_feed
    page, last = feed.page("web", method, after, 100)
    items: list[dict] = page["items"]  # type: ignore[assignment]
    return {one["sku"]: one["available_to_promise"] for one in items}, last


def test_only_what_crosses_a_threshold_is_published(world, publisher):
    """30 to 28 is nothing to a shop, 28 to 24 is; the delta has just that SKU."""
    whole, cursor = read(world)
    assert whole == dict.fromkeys(SKUS, 30)
    assert read(world, method="ship")[0] == {}
    world.place(("SKU-1", 2))
    work_off(publisher)
    assert read(world, cursor) == ({}, cursor)
    world.place(("SKU-1", 4))
    work_off(publisher)
    delta, later = read(world, cursor)
    assert delta == {"SKU-1": 24}
    assert read(world, later)[0] == {}
    assert read(world)[0] == {**whole, "SKU-1": 24}


def test_what_may_not_be_sold_yet_is_sold_out_until_it_may(world, publisher):
    """Shops hear of a new date at once, and of its coming in the next look."""
    _, cursor = read(world)
    at_ms = world.clock.now_ms() + SWEEP_MS // 2
    world.parts.central.supply.set_release("SKU-1", at_ms)
    world.clock.advance(LOOK_MS)
    work_off(publisher)
    delta, cursor = read(world, cursor)
    assert delta == {"SKU-1": 0}
    world.clock.advance(at_ms - world.clock.now_ms())
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-1": 30}


class Counted:
    """A database that counts what is written through it."""

    def __init__(self, world: World) -> None:
        self.read = world.database.read
        self._write = world.database.write
        self.writes = 0

    def write(self, work):
        self.writes += 1
        return self._write(work)


def test_what_crosses_no_threshold_writes_nothing(world):
    """Each write is a commit that orders would wait for; a change of several feeds is one."""
    counted = Counted(world)
    publisher = AvailabilityPublisher(counted, world.clock, THRESHOLDS)  # type: ignore[arg-type]
    work_off(publisher)
    assert counted.writes == 1
    world.place(("SKU-1", 2))
    work_off(publisher)
    assert counted.writes == 1


@pytest.mark.parametrize("passes_ms", [0, LOOK_MS])
def test_what_moves_during_a_round_waits_for_the_next_look(
    world, publisher, monkeypatch, passes_ms
):
    """A SKU that moves all the time is not looked at all the time; a long round looks anyway."""
    monkeypatch.setattr(availability_feed, "BATCH", 1)
    _, cursor = read(world)
    world.place(("SKU-1", 10), ("SKU-2", 10))
    assert publisher.run()
    for place in ("S002", "S003"):
        world.place(("SKU-1", 6), at=place)
    world.clock.advance(passes_ms)
    work_off(publisher)
    again = {"SKU-1": 8 if passes_ms else 20}
    assert read(world, cursor)[0] == {"SKU-2": 20} | again
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-1": 8, "SKU-2": 20}


def test_orders_that_begin_to_wait_are_heard_of_at_the_next_look(shipping, publisher):
    """A parcel that is held moves no stock; nor does its end."""
    publish_routing(shipping, RoutingRule("look", ROUTE, hold_for=(HoldKind.FRAUD,)))
    work_off(publisher)
    _, cursor = read(shipping)
    order_id, _ = place_parcel(shipping, ("SKU-1", 8))
    shipping.clock.advance(LOOK_MS)
    work_off(publisher)
    delta, cursor = read(shipping, cursor)
    assert delta == {"SKU-1": 22}
    shipping.parts.central.cancelling.cancel(order_id, reason="", actor="shop")
    shipping.clock.advance(LOOK_MS)
    work_off(publisher)
    assert read(shipping, cursor)[0] == {"SKU-1": 30}


def test_rules_and_their_time_boxes_are_published(world, publisher):
    """What a rule changes, and what changes back when its time is over."""
    _, cursor = read(world)
    until = world.clock.now_ms() + SWEEP_MS // 2
    publish(
        world,
        PromiseRule("r", RuleKind.OFFER, offered=False, skus=("SKU-2",), effective_until_ms=until),
    )
    work_off(publisher)
    delta, cursor = read(world, cursor)
    assert delta == {"SKU-2": 0}
    world.clock.advance(SWEEP_MS // 2)
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-2": 30}


def test_what_a_clock_that_is_ahead_archived_is_heard_of_when_it_ends(world, publisher):
    """Processes' clocks are seconds apart: by the others' the version holds a little longer."""
    off = PromiseRule("r", RuleKind.OFFER, offered=False, skus=("SKU-2",))
    version = publish(world, off)
    work_off(publisher)
    world.clock.advance(LOOK_MS)
    world.parts.central.promise_rules.archive(version, note="", by="Kim")
    world.clock.advance(-LOOK_MS)
    work_off(publisher)
    _, cursor = read(world)
    world.clock.advance(LOOK_MS)
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-2": 30}


def test_what_could_not_be_looked_at_is_looked_at_again(world, publisher, monkeypatch):
    """A query that fails half-way loses nothing until the next sweep."""
    _, cursor = read(world)
    world.place(("SKU-2", 10))
    with monkeypatch.context() as broken:
        broken.setattr(Supply, "bundles_with", lambda _self, _skus: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            publisher.run()
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-2": 20}


def test_a_clock_that_is_set_back_stops_no_sweep(world, publisher):
    """A day back: what no feed told of is published within one sweep, not a day later."""
    _, cursor = read(world)
    world.clock.advance(-86_400_000)
    work_off(publisher)
    world.database.write(lambda unit: unit.stock.apply_effects("S001", {"SKU-1": (-10, 0)}, []))
    world.clock.advance(SWEEP_MS)
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-1": 20}


def test_kits_move_with_their_components(world, publisher):
    """An order for a component publishes the kit that it is part of."""
    with_kit(world)
    work_off(publisher)
    _, cursor = read(world)
    for place in ("S001", "S002", "S003"):
        world.place(("SKU-1", 9), at=place)
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-1": 3, "KIT": 0}


def test_a_kit_that_is_none_any_more_is_sold_out(world, publisher):
    """It has no stock of its own that a sweep would look at; also a new process tells of it."""
    with_kit(world)
    work_off(publisher)
    _, cursor = read(world)
    world.parts.central.supply.set_bundle("KIT", {})
    world.clock.advance(SWEEP_MS)
    work_off(AvailabilityPublisher(world.database, world.clock, THRESHOLDS))
    assert read(world, cursor)[0] == {"KIT": 0}


def test_a_location_that_offers_nothing_is_heard_of_at_the_next_look(world, publisher):
    """Its row says so, not its stock."""
    _, cursor = read(world)
    with world.database.read() as view:
        place = view.locations.get("S001")
    world.parts.intake.locations([replace(place, pickup_enabled=False)])
    world.clock.advance(LOOK_MS)
    work_off(publisher)
    assert read(world, cursor)[0] == dict.fromkeys(SKUS, 20)


def test_a_receipt_that_does_not_come_is_heard_of_at_the_next_look(world):
    """The order that waited for it wants what is there now: as many as before, of other units."""
    world.parts.intake.stock([StockItem("S001", "SKU-2", 0)], "count")
    supply, now = world.parts.central.supply, world.clock.now_ms()
    supply.expect(Receipt("R1", "S001", "SKU-2", 30, now + 5 * 86_400_000))
    new = replace(world.new_order(("SKU-2", 12)), accept_later=True)
    world.parts.central.orders.place(new, RequestIdentity("test", "later", "body"))
    publisher = AvailabilityPublisher(world.database, world.clock, THRESHOLDS)
    work_off(publisher)
    _, cursor = read(world)
    supply.close("R1", 0)
    world.clock.advance(LOOK_MS)
    work_off(publisher)
    (network,) = world.parts.central.availability.answer(
        Question(("SKU-2",), of_network=True)
    )["network"]  # fmt: skip
    assert read(world, cursor)[0] == {"SKU-2": network["available_to_promise"]}


def test_two_publishers_tell_the_same(world, publisher):
    """A second worker publishes nothing again that the first one has."""
    _, cursor = read(world)
    second = AvailabilityPublisher(world.database, world.clock, THRESHOLDS)
    work_off(second)
    assert read(world, cursor)[0] == {}
    world.place(("SKU-3", 10))
    work_off(second)
    work_off(publisher)
    assert read(world, cursor)[0] == {"SKU-3": 20}


def test_a_cursor_of_another_life_is_over(world, publisher):
    """After a restore of central, a shop takes the whole feed again."""
    _, (life, rev) = read(world)
    with pytest.raises(FeedCursorOver):
        read(world, (life, rev + 1))
    world.parts.begin_new_life()
    with pytest.raises(FeedCursorOver):
        read(world, (life, rev))


def test_thresholds_are_the_retailers(world, publisher):
    """Others than before are published by the first look, and the page says which they are."""
    _, cursor = read(world)
    thirty = AvailabilityPublisher(world.database, world.clock, (1, 30))
    work_off(thirty)
    assert read(world, cursor)[0] == dict.fromkeys(SKUS, 30)
    _, cursor = read(world)
    world.place(("SKU-1", 1))
    work_off(thirty)
    assert read(world, cursor)[0] == {"SKU-1": 29}
    page, _ = AvailabilityFeedReader(world.database, (1, 30)).page("web", "pickup", None, 1)
    assert page["thresholds"] == [1, 30]


def test_a_level_of_other_thresholds_is_told_anew_though_its_number_is_the_same(world):
    """Told 12 as the second level, from 10 on; now there are 30, and the second begins at 20."""
    world.place(("SKU-1", 9), at="S001")
    world.place(("SKU-1", 9), at="S002")
    work_off(AvailabilityPublisher(world.database, world.clock, (1, 10)))
    assert read(world)[0]["SKU-1"] == 12
    world.parts.intake.stock([StockItem("S003", "SKU-1", 28)], "more")
    work_off(AvailabilityPublisher(world.database, world.clock, (1, 20)))
    assert read(world)[0]["SKU-1"] == 30


def of_place(world: World, place: str, after: tuple[int, int] | None = None, method="pickup"):
    feed = AvailabilityFeedReader(world.database, THRESHOLDS, ["S002", "NOPE"])
    page, last = feed.page("web", method, after, 100, location_id=place)
    assert page["location_id"] == place
    items: list[dict] = page["items"]  # type: ignore[assignment]
    return {one["sku"]: one["available_to_promise"] for one in items}, last


def test_a_place_has_a_feed_of_its_own(world):
    """What crosses a threshold there, whatever the network has; another place's moves nothing."""
    publisher = AvailabilityPublisher(world.database, world.clock, THRESHOLDS, ["S002", "NOPE"])
    work_off(publisher)
    whole, cursor = of_place(world, "S002")
    assert whole == dict.fromkeys(SKUS, 10)
    _, network = read(world)
    world.place(("SKU-1", 1), at="S002")
    world.clock.advance(LOOK_MS)
    work_off(publisher)
    delta, cursor = of_place(world, "S002", cursor)
    assert (delta, read(world, network)[0]) == ({"SKU-1": 9}, {})
    world.place(("SKU-1", 1), at="S002")
    world.place(("SKU-2", 10), at="S001")
    world.clock.advance(LOOK_MS)
    work_off(publisher)
    later = cursor
    assert of_place(world, "S002", cursor) == ({}, cursor)
    assert read(world, network)[0] == {"SKU-2": 20}
    assert of_place(world, "S002")[0] == {**whole, "SKU-1": 9}
    world.parts.intake.stock([StockItem("S002", "SKU-3", 0)], "count")
    world.clock.advance(LOOK_MS)
    work_off(publisher)
    assert of_place(world, "S002", later)[0] == {"SKU-3": 0}


def test_what_was_told_is_read_at_once_for_all_feeds(world, monkeypatch):
    """Each place has four feeds, and each look has many batches: a place costs no statement."""
    world.place(("SKU-1", 1), at="S002")
    asked = []
    for places in (["S002"], ["S001", "S002", "S003"]):
        publisher = AvailabilityPublisher(world.database, world.clock, THRESHOLDS, places)
        work_off(publisher)
        world.place(("SKU-1", 1), at="S002")
        world.clock.advance(LOOK_MS)
        with statements(monkeypatch) as sent:
            work_off(publisher)
        asked.append(len([one for one in sent if "availability_feed" in one]))
    assert asked == [2, 2]


def test_a_places_feed_is_by_the_rules_of_that_place(world):
    """Protected stock is its own customers', and is shown to them; kits and dates count as well."""
    publish(world, PromiseRule("own", RuleKind.PROTECT, locations=("S002",)))
    with_kit(world)
    world.parts.central.supply.set_release("SKU-5", world.clock.now_ms() + SWEEP_MS // 2)
    publisher = AvailabilityPublisher(world.database, world.clock, THRESHOLDS, ["S002"])
    work_off(publisher)
    found, cursor = of_place(world, "S002")
    shown = world.parts.central.availability.answer(Question((*SKUS, "KIT"), ("S002",)))
    rows: Any = shown["availability"]
    assert found == {
        one["sku"]: one["available_to_promise"] for one in rows if one["available_to_promise"]
    }
    assert "SKU-5" not in found
    assert of_place(world, "S002", method="ship")[0] == {}
    world.clock.advance(SWEEP_MS // 2)
    work_off(publisher)
    assert of_place(world, "S002", cursor)[0] == {"SKU-5": 10}


def test_a_place_without_a_feed_of_its_own_says_so(world, publisher):
    """Nothing of it is published, so there is no page, not an empty one."""
    with pytest.raises(NotFound, match="S001"):
        of_place(world, "S001")


@pytest.mark.parametrize("how", ["published", "time box"])
def test_a_place_feed_hears_of_rules_of_routing_that_keep_nothing_there_any_more(shipping, how):
    """By other rules nobody knows where a held parcel leaves: its units are the network's."""
    look = RoutingRule("look", ROUTE, hold_for=(HoldKind.FRAUD,))
    until = shipping.clock.now_ms() + SWEEP_MS // 2
    boxed = RoutingRule("box", RoutingRuleKind.SERVE, effective_until_ms=until)
    publish_routing(shipping, look, *((boxed,) if how == "time box" else ()))
    publisher = AvailabilityPublisher(shipping.database, shipping.clock, THRESHOLDS, ["S002"])
    shipping.place(("SKU-1", 10), at="S001")
    place_parcel(shipping, ("SKU-1", 8))
    work_off(publisher)
    whole, cursor = of_place(shipping, "S002")
    assert whole["SKU-1"] == 2
    if how == "published":
        publish_routing(shipping, look)
        shipping.clock.advance(LOOK_MS)
    else:
        shipping.clock.advance(until - shipping.clock.now_ms())
    work_off(publisher)
    assert of_place(shipping, "S002", cursor)[0] == {"SKU-1": 10}
