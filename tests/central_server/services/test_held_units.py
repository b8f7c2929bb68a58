"""Parcels that are held keep their units where they would leave, and no store's units elsewhere."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from central_server.records import Location
from central_server.services.availability import Question
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import NotReleased
from central_server.services.idempotency import RequestIdentity
from central_server.services.parcels import Destination
from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import Ask
from central_server.services.waiting_room import Change
from central_server.shipping_records import RoutingPause
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.inventory import StockReason
from tests.central_server.services.test_availability import with_kit
from tests.central_server.services.test_cancel_units import cancel as cancel_units
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_promise_memory import agree
from tests.central_server.services.test_promise_rules import publish as publish_promising
from tests.central_server.services.test_promise_rules import shown
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_waiting_demand import network
from tests.central_server.services.test_waiting_parcels import order
from tests.support.central_world import NINE_TO_NINE, World, sqlite_world
from tests.support.parcels import CARRIERS, HARBOR, NOWHERE, SWIFT, parcel_order

ROUTE, SERVE = RoutingRuleKind.ROUTE, RoutingRuleKind.SERVE
MINUTE_MS = 60_000
DAY_MS = 86_400_000
LOOK = RoutingRule("look", ROUTE, hold_for=(HoldKind.FRAUD,))
BY_PARCEL = Ask(method="ship")
STORES = ("S001", "S002", "S003")


@pytest.fixture
def held(shipping) -> World:
    """Three stores with ten of everything; every parcel is looked at before it is released."""
    publish(shipping, LOOK)
    return shipping


@pytest.fixture
def center(held) -> World:
    """The same and a center with 500 of SKU-1, which sends for less than any store."""
    return with_center(held)


def with_center(world: World) -> World:
    """Add the center, and let every parcel be looked at."""
    center = Location(
        "DC1", "Center", latitude=39.9, longitude=-82.9, timezone="America/New_York",
        price_zone="EAST", hours=NINE_TO_NINE, kind="dc", pickup_enabled=False,
        carriers=(SWIFT, HARBOR),
    )  # fmt: skip
    world.parts.intake.locations([center])
    count(world, "DC1", 500)
    publish(world, SENDS_DEAR, LOOK)
    return world


SENDS_DEAR = RoutingRule("dear", SERVE, location_kinds=("store",), handling_minor=5000.0)


def count(world: World, place_id: str, units: int) -> None:
    world.parts.intake.stock([StockItem(place_id, "SKU-1", units)], "count", StockReason.IMPORT)


def at_stores(world: World) -> list[int]:
    """Return what may be promised of SKU-1 to who fetches it, by store."""
    return [shown(world, name) for name in STORES]


def entry_of(world: World, place_id: str, ask: Ask = BY_PARCEL) -> dict[str, Any]:
    question = Question(("SKU-1",), (place_id,), ask=ask, explain=True)
    answer: dict[str, Any] = world.parts.central.availability.answer(question)
    (entry,) = answer["availability"]
    assert sum(part["units"] for part in entry["explained"]) == entry["terms"]["raw"]
    assert entry["available_to_promise"] == max(0, entry["terms"]["raw"])
    return entry


def release(world: World, order_id: str) -> list[tuple[str, int]]:
    """Clear an order; return what each location has of it then."""
    world.parts.central.waiting.clear(order_id, HoldKind.FRAUD, note="", by="Kim")
    parts = world.fulfillments(order_id)
    return [(one.location_id, one.total("allocated")) for one in parts]


def test_a_center_with_plenty_leaves_the_stores_to_who_fetches(center):
    """Thirty parcels wait, which it would send all: every store offers its ten, as one that has."""
    for _ in range(15):
        place(center, ("SKU-1", 2))
    assert (at_stores(center), network(center, Ask())) == ([10, 10, 10], 30)
    assert entry_of(center, "DC1")["terms"]["waiting"] == 30
    assert network(center, BY_PARCEL) == 500
    for name in STORES:
        (work,) = center.fulfillments(center.place(("SKU-1", 10), at=name).order_id)
        assert work.location_id == name
    assert network(center, BY_PARCEL) == 470
    center.check_books()


def test_a_center_that_rules_keep_from_them_frees_no_store(center):
    """It may not send for this channel: the parcels leave from stores, and wait there."""
    publish(
        center, RoutingRule("not-web", SERVE, location_kinds=("dc",), channels=("store",)), LOOK
    )
    place(center, ("SKU-1", 10))
    place(center, ("SKU-1", 10))
    assert sorted(at_stores(center)) == [0, 0, 10]
    center.place(("SKU-1", 10))
    with pytest.raises(InsufficientStock):
        center.place(("SKU-1", 1))


def test_units_are_kept_at_one_place_and_counted_once(held):
    """Six would leave from S001: the others have all of theirs, and the network six less."""
    order_id, _ = place(held, ("SKU-1", 6))
    assert (at_stores(held), network(held, Ask())) == ([4, 10, 10], 24)
    assert network(held, BY_PARCEL) == 24
    asked = Question(("SKU-1",), of_network=True, has_dates=True, explain=True)
    (whole,) = held.parts.central.availability.answer(asked)["network"]
    by_place = {one["location_id"]: one["available_to_promise"] for one in whole["places"]}
    assert by_place == {"S001": 4, "S002": 10, "S003": 10}
    assert sum(by_place.values()) == whole["available_to_promise"]
    (moved,) = held.fulfillments(held.place(("SKU-1", 5), at="S001").order_id)
    assert moved.location_id == "S002"
    held.place(("SKU-1", 4), at="S001")
    assert release(held, order_id) == [("S001", 6)]
    assert (held.stock("S001"), shown(held)) == ((10, 10), 0)


def test_what_a_place_lost_is_asked_of_the_network(held):
    """S001 has two of six left: four are anybody's, and none is promised twice."""
    order_id, _ = place(held, ("SKU-1", 6))
    count(held, "S001", 2)
    assert at_stores(held) == [0, 10, 10]
    assert network(held, Ask()) == 16
    held.place(("SKU-1", 10), at="S002")
    assert at_stores(held) == [0, 0, 6]
    with pytest.raises(InsufficientStock):
        held.place(("SKU-1", 7), at="S003")
    held.place(("SKU-1", 6), at="S003")
    assert network(held, Ask()) == 0
    assert release(held, order_id) == [("S001", 2), ("S003", 4)]


def test_rules_of_promising_that_keep_it_there_now_give_it_to_the_network(held):
    """S001 sends nothing any more: what was kept there is kept of all who do."""
    place(held, ("SKU-1", 6))
    publish_promising(
        held,
        PromiseRule("no", RuleKind.OFFER, offered=False, methods=("ship",), locations=("S001",)),
    )
    assert network(held, BY_PARCEL) == 14
    assert (at_stores(held), network(held, Ask())) == ([10, 10, 10], 24)


@pytest.mark.parametrize("how", ["published", "time box", "paused"])
def test_a_plan_that_may_not_hold_any_more_keeps_units_of_the_network(held, how):
    """Nobody knows whether S001 would send it now: all stores together keep six."""
    now = held.clock.now_ms()
    if how == "time box":
        publish(held, RoutingRule("s", SERVE, effective_from_ms=now + MINUTE_MS), LOOK)
    place(held, ("SKU-1", 6))
    assert at_stores(held) == [4, 10, 10]
    if how == "published":
        publish(held, LOOK, RoutingRule("s", SERVE, locations=("S001",), enabled=False))
    elif how == "time box":
        held.clock.advance(MINUTE_MS)
    else:
        pause = RoutingPause("S001", "", "SKU-1", now + MINUTE_MS, "test")
        held.database.write(lambda unit: unit.shipping.pause([pause]))
    assert (at_stores(held), network(held, Ask())) == ([10, 10, 10], 24)
    held.place(("SKU-1", 10), at="S001")
    held.place(("SKU-1", 10), at="S002")
    assert (at_stores(held), network(held, Ask())) == ([0, 0, 4], 4)


def test_a_promise_that_moves_leaves_what_is_kept(held):
    """S002 gives up five: S001 has ten and keeps six of them for a parcel, so S003 takes over."""
    work_of = held.place(("SKU-1", 5), at="S002").order_id
    order_id, _ = place(held, ("SKU-1", 6))
    (work,) = held.fulfillments(work_of)
    device = held.device("S002")
    device.do(op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    device.push()
    open_parts = [one.location_id for one in held.fulfillments(work_of) if one.total("open")]
    assert open_parts == ["S003"]
    assert release(held, order_id) == [("S001", 6)]


def test_who_cancels_frees_what_was_kept(held):
    """And nothing is left behind."""
    order_id, _ = place(held, ("SKU-1", 6))
    held.parts.central.cancelling.cancel(order_id, reason="", actor="shop")
    assert (at_stores(held), network(held, Ask())) == ([10, 10, 10], 30)
    assert kept(held) == []


def test_who_changes_an_order_has_it_kept_elsewhere(held):
    """Four instead of six, and to an address near S003."""
    order_id, _ = place(held, ("SKU-1", 6))
    to = Destination(NOWHERE, "standard", 41.5, -81.7)
    held.parts.central.waiting.change(order_id, Change({1: 4}, to), by="shop")
    assert (at_stores(held), network(held, Ask())) == ([10, 10, 6], 26)
    assert release(held, order_id) == [("S003", 4)]
    assert kept(held) == []


def test_who_cancels_a_part_frees_those_units(held):
    """Of three one is left, which the network keeps: everybody may have the two others."""
    order_id, _ = place(held, ("SKU-1", 3))
    assert (at_stores(held), network(held, Ask())) == ([7, 10, 10], 27)
    cancel_units(held, order_id, {1: 2})
    assert (at_stores(held), network(held, Ask())) == ([10, 10, 10], 29)
    assert kept(held) == []
    assert release(held, order_id) == [("S001", 1)]


@pytest.mark.parametrize("how", ["cancelled", "kept for more than it wants"])
def test_what_is_kept_for_parcels_hides_nobody_who_waits_at_a_store(held, how):
    """A pickup waits at S002 for other goods, and for two that lie there: nobody else has them."""
    order_id, _ = place(held, ("SKU-1", 3))
    held.parts.intake.stock([StockItem("S002", "SKU-1", 2)], "count", StockReason.IMPORT)
    due_ms = held.clock.now_ms() + 86_400_000
    held.parts.central.supply.expect(Receipt("R1", "S002", "SKU-2", 5, due_ms))
    waiting = held.new_order(("SKU-1", 2), ("SKU-2", 12), at="S002")
    order(held, waiting)
    assert at_stores(held) == [7, 0, 10]
    if how == "cancelled":
        cancel_units(held, order_id, {1: 2})
    else:
        keep = {("SKU-1", "S001"): 5}
        with held.database.read() as view:
            version = view.routing_rules.in_force(held.clock.now_ms()).version
        held.database.write(lambda unit: unit.holds.keep(order_id, "web", keep, version, None))
    assert shown(held, "S002") == 0
    (work,) = held.fulfillments(held.place(("SKU-1", 1), at="S002").order_id)
    assert work.location_id != "S002"


def test_only_the_last_hold_lets_go(held):
    """Another reason was found meanwhile: the units stay where they are."""
    order_id, _ = place(held, ("SKU-1", 6))
    held.parts.central.waiting.hold(order_id, HoldKind.ADDRESS, text="", by="Kim")
    assert release(held, order_id) == []
    assert at_stores(held) == [4, 10, 10]
    held.parts.central.waiting.clear(order_id, HoldKind.ADDRESS, note="", by="Kim")
    assert held.fulfillments(order_id) != []
    assert kept(held) == []


def test_orders_that_are_released_together_have_each_others_units(shipping):
    """Both are due: what is kept for one is no reason for the other to go elsewhere."""
    publish(shipping, RoutingRule("grace", ROUTE, grace_minutes=30))
    orders = [place(shipping, ("SKU-1", 5))[0] for _ in range(2)]
    assert at_stores(shipping) == [0, 10, 10]
    shipping.clock.advance(31 * MINUTE_MS)
    assert shipping.parts.central.waiting.run() == 2
    for order_id in orders:
        (work,) = shipping.fulfillments(order_id)
        assert work.location_id == "S001"
    assert kept(shipping) == []


def test_an_offer_is_kept_where_it_would_leave(shipping):
    """Offered to two, planned at the nearer one; who claims has it from their own."""
    publish(shipping, RoutingRule("offer", ROUTE, offer_stores=2, offer_minutes=20))
    order_id, _ = place(shipping, ("SKU-1", 6))
    assert at_stores(shipping) == [4, 10, 10]
    shipping.parts.central.offers.claim(order_id, "S002")
    assert (at_stores(shipping), kept(shipping)) == ([10, 4, 10], [])


def kept(world: World) -> list[tuple[str, int]]:
    """Return what is kept of SKU-1, by location."""
    now = world.clock.now_ms()
    with world.database.read() as view:
        version = view.routing_rules.in_force(now).version
        found = view.holds.kept(["SKU-1"], version, now)
    return [(one.location_id, one.units) for one in found]


RULES = {
    "none": (),
    "a holdback of the network": (
        PromiseRule("hold", RuleKind.HOLDBACK, level=Level.NETWORK, units=3),
    ),
    "a store sends nothing": (
        PromiseRule("no", RuleKind.OFFER, offered=False, methods=("ship",), locations=("S001",)),
    ),
    "a holdback at each place": (PromiseRule("few", RuleKind.HOLDBACK, units=4),),
    "protected": (PromiseRule("own", RuleKind.PROTECT, locations=("S002",)),),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RULES))
def test_whatever_else_is_promised_what_was_held_is_sent(tmp_path, name):
    """Parcels, pickups and cancellations in any order, to the last unit: no two rely on one."""
    random, stores = Random(f"{name}1"), sqlite_world(tmp_path / "central")
    stores.parts.intake.carriers(CARRIERS)
    center = with_center(stores)
    count(center, "DC1", random.choice([0, 6, 20]))
    publish_promising(center, *RULES[name])
    waiting, memory = [place(center, ("SKU-1", 2))[0]], PromiseMemory()
    for step in range(20):
        units = random.randint(1, 7)
        try:
            match random.randrange(5):
                case 0 | 1:
                    waiting.append(place(center, ("SKU-1", units))[0])
                case 2 if len(waiting) > 1:
                    chosen = waiting.pop(random.randrange(len(waiting)))
                    center.parts.central.cancelling.cancel(chosen, reason="", actor="shop")
                case _:
                    center.place(("SKU-1", units), at=random.choice(STORES))
        except InsufficientStock:
            pass
        place_id = random.choice((*STORES, "DC1"))
        for ask in (Ask(), BY_PARCEL):
            terms = entry_of(center, place_id, ask)["terms"]
            assert terms["raw"] >= 0 or not terms["waiting"]
            network(center, ask)
        if step % 4 == 0:
            agree(center, memory)
    random.shuffle(waiting)
    for order_id in waiting:
        release(center, order_id)
        assert [line["unsourced"] for line in center.order(order_id)["lines"]] == [0]
    center.check_books()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RULES))
def test_dates_that_come_and_go_take_nothing_from_who_was_promised(tmp_path, name):
    """The same with pre-orders, and dates of a SKU and of a kit of it: each has its goods."""
    random, stores = Random(f"{name}2"), sqlite_world(tmp_path / "central")
    stores.parts.intake.carriers(CARRIERS)
    center = with_center(stores)
    with_kit(center)
    count(center, "DC1", random.choice([0, 6, 20]))
    publish_promising(center, *RULES[name])
    central, memory = center.parts.central, PromiseMemory()
    placed: list[str] = []
    for step in range(24):
        units = random.randint(1, 4)
        line = random.choice([("SKU-1", units), ("KIT", 1)])
        if random.random() < 0.6:
            new = parcel_order(line)
        else:
            new = center.new_order(line, at=random.choice(STORES))
        try:
            match random.randrange(6):
                case 0:
                    day = center.clock.now_ms() + DAY_MS
                    central.supply.set_release(line[0], random.choice([None, day]))
                case 1 if placed:
                    chosen = placed.pop(random.randrange(len(placed)))
                    central.cancelling.cancel(chosen, reason="", actor="shop")
                case _:
                    identity = RequestIdentity("test", f"story-{step}", "body")
                    new = replace(new, accept_later=random.random() < 0.7)
                    placed.append(central.orders.place(new, identity).order_id)
        except (InsufficientStock, NotReleased):
            pass
        central.waiting.run()
        if step % 4 == 0:
            agree(center, memory)
    center.clock.advance(DAY_MS)
    central.waiting.run()
    random.shuffle(placed)
    for order_id in placed:
        if any(one["closed_at"] is None for one in center.order(order_id)["holds"]):
            release(center, order_id)
    for order_id in placed:
        assert {line["unsourced"] for line in center.order(order_id)["lines"]} == {0}
    center.check_books()
