"""Orders that must be there by a day: who makes it gets them; no later day is promised."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from central_server.records import ShippingRate
from central_server.services.availability import Question
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import NotInTime
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.shipping import CarrierPickup
from tests.central_server.services.test_foresight import decisions_in_writer
from tests.central_server.services.test_full_days import at
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_why import placed
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order

ROUTE, CAPACITY = RoutingRuleKind.ROUTE, RoutingRuleKind.CAPACITY
SUNDAY, MONDAY, THURSDAY, FRIDAY = "2025-11-23", "2025-11-24", "2025-11-27", "2025-11-28"
"""Worlds begin on Sunday: parcels leave on Monday and arrive on Thursday."""
DAY_MS = 86_400_000
TWENTY_MINUTES_MS = 20 * 60_000


def needed(new: NewOrder, need_by: str) -> NewOrder:
    return replace(new, need_by=need_by)


def parcel(need_by: str, *lines: tuple[str, int], **how) -> NewOrder:
    return needed(parcel_order(*lines, **how), need_by)


def closed(world: World, *days: tuple[str, tuple[str, ...]]) -> None:
    """Close stores on days."""
    with world.database.read() as view:
        places = {one.id: one for one in view.locations.all()}
    world.parts.intake.locations(
        [replace(places[name], closures=closures) for name, closures in days]
    )


def told(world: World, order_id: str) -> list[str]:
    """Return the last days of delivery that the customer was told."""
    return [one["delivery"]["latest"] for one in world.order(order_id)["fulfillments"]]


def newest(world: World, order_id: str) -> dict[str, Any]:
    decision: dict[str, Any] = world.parts.central.routing.why(order_id)["decisions"][-1]
    return decision


def finding(decision: dict[str, Any], location_id: str) -> str:
    found = {one["location_id"]: one["finding"] for one in decision["candidates"]}
    return str(found[location_id])


def give_up(world: World, order_id: str) -> None:
    """Let the store that has it decline it."""
    (part,) = [one for one in world.fulfillments(order_id) if one.total("open")]
    device = world.device(part.location_id)
    device.do(op.FulfillmentRejected(part.id, ShortReason.STORE_BUSY))
    device.push()


def test_the_day_that_is_told_may_be_asked_for_and_none_before_it(shipping: World):
    """A day too early is refused with the day that could be; nothing of it is kept."""
    with pytest.raises(NotInTime) as refusal:
        placed(shipping, parcel("2025-11-26"))
    assert refusal.value.possible_by == THURSDAY
    assert shipping.stock("S001") == (10, 0)
    order_id = placed(shipping, parcel(THURSDAY))
    assert told(shipping, order_id) == [THURSDAY]
    assert shipping.order(order_id)["need_by"] == THURSDAY
    assert f"It must be there by {THURSDAY}." in newest(shipping, order_id)["sentence"]
    assert newest(shipping, order_id)["need_by"] == THURSDAY
    shipping.check_books()


def test_a_lack_of_stock_is_no_lack_of_time(shipping: World):
    """Where nobody has the units, no other day would help."""
    with pytest.raises(InsufficientStock):
        placed(shipping, parcel("2025-11-26", ("SKU-1", 31)))


def test_a_farther_store_that_makes_it_is_taken(shipping: World):
    """The nearest one is closed tomorrow: it is passed, and the sentence says why."""
    closed(shipping, ("S001", (MONDAY,)))
    assert at(shipping, placed(shipping, parcel_order())) == ["S001"]
    order_id = placed(shipping, parcel(THURSDAY))
    assert at(shipping, order_id) == ["S002"]
    decision = newest(shipping, order_id)
    assert finding(decision, "S001") == "too_late"
    assert decision["sentence"].endswith(
        f"It must be there by {THURSDAY}. Too late would be: S001."
    )
    tried: dict[str, Any] = shipping.parts.central.routing.dry_run(parcel(THURSDAY))
    assert (tried["taken"], tried["sentence"]) == ("S002", decision["sentence"])
    split = placed(shipping, parcel(THURSDAY, ("SKU-2", 15)))
    assert at(shipping, split) == ["S002", "S003"]
    assert told(shipping, split) == [THURSDAY] * 2


def test_what_is_sent_counts_not_what_could_be_sent(shipping: World, monkeypatch):
    """A light parcel goes by a slower carrier than all that its store could send of the order.

    That is found before the transaction, and not once more in it.
    """
    slow = CarrierPickup("swift", "Swift Parcel", (990,) * 5 + (0, 0), ("standard",))
    fast = CarrierPickup("harbor", "Harbor Express", (990,) * 5 + (0, 0), ("standard",))
    rates = (
        ShippingRate("swift", "standard", 1_000, 500, "USD", 3),
        ShippingRate("swift", "standard", 50_000, 5000, "USD", 3),
        ShippingRate("harbor", "standard", 50_000, 900, "USD", 1),
    )
    pickups = {"S001": (slow, fast), "S002": (fast,), "S003": (fast,)}
    shipping.parts.intake.carriers(replace(CARRIERS, rates=rates, pickups=pickups))
    publish(shipping, RoutingRule("whole", ROUTE, splits_lines=False))
    for lacking in (("SKU-2", 1, "S001"), ("SKU-2", 1, "S003"), ("SKU-1", 10, "S002")):
        shipping.place(lacking[:2], at=lacking[2])
    new = parcel_order(("SKU-1", 1), ("SKU-2", 10))
    whenever = placed(shipping, new)
    assert at(shipping, whenever) == ["S001", "S002"]
    assert sorted(told(shipping, whenever)) == ["2025-11-25", THURSDAY]
    shipping.parts.central.cancelling.cancel(whenever, reason="", actor="test")
    seen = decisions_in_writer(monkeypatch)
    order_id = placed(shipping, needed(new, "2025-11-25"))
    assert seen == ["View"]
    assert at(shipping, order_id) == ["S002", "S003"]
    assert told(shipping, order_id) == ["2025-11-25", "2025-11-25"]
    assert finding(newest(shipping, order_id), "S001") == "too_late"


@pytest.mark.parametrize(("closures", "taken", "late"), [
    ((), "S002", False), ((MONDAY,), "S002", True),
])  # fmt: skip
def test_what_moves_is_in_time_where_it_can_and_late_rather_than_nowhere(
    shipping: World, closures: tuple[str, ...], taken: str, late: bool
):
    """The customer is told the new day, and a planner reads that nobody could keep the other."""
    closed(shipping, ("S002", closures), ("S003", closures))
    order_id = placed(shipping, parcel(THURSDAY))
    give_up(shipping, order_id)
    assert at(shipping, order_id) == [taken]
    sentence = newest(shipping, order_id)["sentence"]
    missed = f"It was needed by {THURSDAY}, by when nobody can send all of it."
    assert (missed in sentence) is late
    assert max(told(shipping, order_id)) == (FRIDAY if late else THURSDAY)
    shipping.check_books()


def test_an_order_that_is_held_is_refused_at_once_where_nobody_makes_it(shipping: World):
    """It could not be kept when it is released either; released too late, it goes late."""
    publish(shipping, RoutingRule("grace", ROUTE, grace_minutes=20))
    with pytest.raises(NotInTime):
        placed(shipping, parcel("2025-11-26"))
    with pytest.raises(InsufficientStock):
        placed(shipping, parcel("2025-11-26", ("SKU-1", 31)))
    order_id = placed(shipping, parcel(THURSDAY))
    assert at(shipping, order_id) == []
    shipping.clock.advance(2 * DAY_MS)
    shipping.parts.central.waiting.run()
    assert len(at(shipping, order_id)) == 1
    assert f"It was needed by {THURSDAY}" in newest(shipping, order_id)["sentence"]


def test_orders_that_are_released_together_keep_their_days(shipping: World):
    """One of them may wait until Friday, so it goes to the store that is closed on Monday."""
    closed(shipping, ("S001", (MONDAY,)))
    publish(shipping, RoutingRule("grace", ROUTE, grace_minutes=20))
    hurried = placed(shipping, parcel(THURSDAY))
    easy = placed(shipping, parcel(FRIDAY))
    shipping.clock.advance(TWENTY_MINUTES_MS)
    shipping.parts.central.waiting.run()
    assert shipping.parts.central.waiting.problem == ""
    assert (at(shipping, hurried), at(shipping, easy)) == (["S002"], ["S001"])


def test_offers_go_to_stores_that_make_it(shipping: World):
    """A store that would be late is not asked whether it wants the order."""
    closed(shipping, ("S001", (MONDAY,)))
    publish(shipping, RoutingRule("offer", ROUTE, offer_stores=3))
    order_id = placed(shipping, parcel(THURSDAY))
    desk = shipping.parts.central.offers
    asked = [name for name in ("S001", "S002", "S003") if desk.offers(name)]
    assert asked == ["S002", "S003"]
    assert desk.claim(order_id, "S002")["location_id"] == "S002"


def test_goods_on_their_way_that_come_too_late_are_not_waited_for(shipping: World):
    """Of a supplier, and of another store: the day on which it would be ready is told."""
    due = shipping.clock.now_ms() + 3 * DAY_MS
    shipping.parts.central.supply.expect(Receipt("R-7", "S001", "SKU-1", 50, due))
    later = replace(shipping.new_order(("SKU-1", 40)), accept_later=True)
    with pytest.raises(NotInTime) as refusal:
        placed(shipping, needed(later, "2025-11-25"))
    assert refusal.value.possible_by == "2025-11-26"
    placed(shipping, needed(later, "2025-11-26"))
    moved = replace(shipping.new_order(("SKU-2", 12)), transfer=True)
    with pytest.raises(NotInTime) as refusal:
        placed(shipping, needed(moved, THURSDAY))
    assert refusal.value.possible_by == FRIDAY
    assert shipping.stock("S002", "SKU-2") == (10, 0)
    placed(shipping, needed(moved, FRIDAY))


def test_availability_answers_what_an_order_of_that_day_would_get(shipping: World):
    """What is too late is nothing, by each method for itself, and says that it is for that."""
    closed(shipping, ("S001", (SUNDAY, MONDAY)))
    query = shipping.parts.central.availability

    def shown(method: str, need_by: str) -> dict[str, tuple[int, bool]]:
        day = date.fromisoformat(need_by)
        asked = Question(("SKU-1",), ("S001", "S002"), ask=Ask(method=method), need_by=day)
        answer: dict[str, Any] = query.answer(asked)
        return {
            one["location_id"]: (one["available_to_promise"], one.get("too_late", False))
            for one in answer["availability"]
        }

    assert shown("pickup", SUNDAY) == {"S001": (0, True), "S002": (10, False)}
    assert shown("pickup", "2025-11-25") == {"S001": (10, False), "S002": (10, False)}
    assert shown("ship", SUNDAY) == {"S001": (0, True), "S002": (0, True)}
    assert shown("ship", THURSDAY) == {"S001": (0, True), "S002": (10, False)}
    assert shown("ship", FRIDAY) == {"S001": (10, False), "S002": (10, False)}


def test_a_repeated_request_is_the_same_order(shipping: World):
    """The day is part of the order that is kept, and of its answer."""
    identity = RequestIdentity("test", "need-1", "body")
    orders = shipping.parts.central.orders
    first = orders.place(parcel(THURSDAY), identity)
    assert orders.place(parcel(THURSDAY), identity).body == first.body
    assert f'"need_by":"{THURSDAY}"' in first.body


def later(new: NewOrder, need_by: str) -> NewOrder:
    return replace(new, need_by=need_by, accept_later=True)


def test_a_parcel_that_is_only_late_says_so_though_it_may_wait(shipping: World):
    """With the day that could be; where units lack, what lacks."""
    with pytest.raises(NotInTime) as refusal:
        placed(shipping, later(parcel_order(("SKU-1", 2)), "2025-11-26"))
    assert refusal.value.possible_by == THURSDAY
    with pytest.raises(InsufficientStock) as lacking:
        placed(shipping, later(parcel_order(("SKU-1", 31)), "2025-11-26"))
    assert dict(lacking.value.shortfall) == {"SKU-1": 1}
    assert at(shipping, placed(shipping, later(parcel_order(("SKU-1", 2)), THURSDAY))) == ["S001"]


def test_offers_go_to_nobody_whose_day_is_too_late_only_where_it_is(shipping: World):
    """Far in the east Friday begins early: the engine's day, which ends everywhere, is too long."""
    with shipping.database.read() as view:
        places = {one.id: one for one in view.locations.all()}
    shipping.parts.intake.locations(
        [
            replace(places["S002"], timezone="Asia/Tokyo", closures=(MONDAY,)),
            replace(places["S003"], timezone="Pacific/Honolulu"),
        ]
    )
    publish(shipping, RoutingRule("offer", ROUTE, offer_stores=3))
    order_id = placed(shipping, parcel(THURSDAY))
    desk = shipping.parts.central.offers
    assert [name for name in ("S001", "S002", "S003") if desk.offers(name)] == ["S001", "S003"]
    assert desk.claim(order_id, "S003")["location_id"] == "S003"


def in_the_east(world: World, count: int) -> None:
    """Add stores near the customer of which the engine thinks that they make it."""
    with world.database.read() as view:
        places = {one.id: one for one in view.locations.all()}
    far = replace(places["S002"], timezone="Asia/Tokyo", closures=(MONDAY,))
    names = [f"S10{number}" for number in range(count)]
    near: dict[str, Any] = {
        "latitude": places["S001"].latitude,
        "longitude": places["S001"].longitude,
    }
    last = replace(places["S003"], timezone="Pacific/Honolulu")
    world.parts.intake.locations([*(replace(far, id=name, **near) for name in names), last])
    world.parts.intake.stock([StockItem(name, "SKU-1", 10) for name in names], "opening")
    world.parts.intake.carriers(CARRIERS)


@pytest.mark.parametrize("count", [4, 5])
def test_a_plan_in_time_is_sought_so_often_then_it_is_late(shipping: World, monkeypatch, count):
    """Each plan has one store more that is late: of a thousand it would be sought for ever."""
    publish(shipping, RoutingRule("grace", ROUTE, grace_minutes=20))
    held = placed(shipping, parcel(THURSDAY))
    publish(shipping)
    gone = [StockItem(name, "SKU-1", 0) for name in ("S001", "S002")]
    shipping.parts.intake.stock(gone, "gone")
    in_the_east(shipping, count)
    tries: list[frozenset[str]] = []
    decided = ParcelRouting._decided

    def spied(self: ParcelRouting, order: Any, asked: Any, *how: Any) -> Any:
        tries.append(asked.excluded)
        return decided(self, order, asked, *how)

    monkeypatch.setattr(ParcelRouting, "_decided", spied)
    desk = shipping.parts.central.routing
    tried: dict[str, Any] = desk.dry_run(later(parcel_order(), THURSDAY))
    assert [len(one) for one in tries] == [0, 1, 2, 3, 4, *([8] if count == 5 else [])]
    shipping.clock.advance(TWENTY_MINUTES_MS)
    shipping.parts.central.waiting.run()
    if count == 4:
        assert tried["taken"] == "S003"
        assert at(shipping, placed(shipping, parcel(THURSDAY))) == at(shipping, held) == ["S003"]
        return
    assert (tried["taken"], tried["unsourced"]) == (None, {"SKU-1": 2})
    for ask in (lambda new: placed(shipping, new), desk.dry_run):
        with pytest.raises(NotInTime) as refusal:
            ask(parcel(THURSDAY))
        assert refusal.value.possible_by == FRIDAY
    assert at(shipping, held)[0].startswith("S10")
    assert f"It was needed by {THURSDAY}" in newest(shipping, held)["sentence"]
