"""Time that a store gets to accept or claim something runs while it is open, and not at night."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from central_server.records import Location
from central_server.services.catalogue_intake import StockItem
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import PLACES, World
from tests.support.parcels import CARRIERS

ROUTE, CAPACITY = RoutingRuleKind.ROUTE, RoutingRuleKind.CAPACITY
NEW_YORK = ZoneInfo("America/New_York")
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
IDLE = RoutingRule("idle", ROUTE, accept_minutes=60)
NIGHT = (2025, 11, 23, 22, 13)


def set_clock(world: World, *moment: int) -> None:
    """Let it be a moment at the stores: year, month, day, hour, minute."""
    then = int(datetime(*moment, tzinfo=NEW_YORK).timestamp() * 1000)  # type: ignore[arg-type, misc]
    assert then > world.clock.now_ms()
    world.clock.advance(then - world.clock.now_ms())


def open_at(world: World, order_id: str) -> list[str]:
    return [one.location_id for one in world.fulfillments(order_id) if one.total("open")]


def ordered(world: World, kind: str) -> str:
    return place(world)[0] if kind == "parcel" else world.place(("SKU-1", 2)).order_id


def given_up_within_two_minutes(world: World) -> None:
    """Its store still has it now, and no more then."""
    assert world.parts.promises.run() == 0
    world.clock.advance(2 * MINUTE_MS)
    assert world.parts.promises.run() == 1


@pytest.mark.parametrize("kind", ["parcel", "pickup"])
def test_nobody_is_idle_while_the_store_is_closed(shipping: World, kind: str):
    """Ordered at night, it has until an hour after opening; who gets it then has an hour, too."""
    publish(shipping, IDLE)
    set_clock(shipping, *NIGHT)
    order_id = ordered(shipping, kind)
    for hour in (23, 24 + 2, 24 + 9):
        set_clock(shipping, 2025, 11, 23 + hour // 24, hour % 24, 59)
        assert shipping.parts.promises.run() == 0
    assert open_at(shipping, order_id) == ["S001"]
    shipping.clock.advance(2 * MINUTE_MS)
    assert shipping.parts.promises.run() == 1
    assert open_at(shipping, order_id) == ["S002"]
    shipping.clock.advance(59 * MINUTE_MS)
    given_up_within_two_minutes(shipping)
    assert open_at(shipping, order_id) == ["S003"]
    shipping.check_books()


@pytest.mark.parametrize("kind", ["parcel", "pickup"])
def test_nobody_is_told_that_goods_are_gone_that_lie_idle(shipping: World, kind: str):
    """The only store that has them let its time pass: who looks into it reads where they may be."""
    shipping.open_stores()
    publish(shipping, IDLE)
    gone = [StockItem(name, "SKU-1", 0) for name in ("S002", "S003")]
    shipping.parts.intake.stock(gone, "gone")
    ordered(shipping, kind)
    before = len(shipping.mails())
    shipping.clock.advance(HOUR_MS + 1)
    assert shipping.parts.promises.run() == 1
    (told,) = shipping.mails()[before:]
    assert "stock" not in told.text
    assert "We look into it" in told.text
    with shipping.database.read() as view:
        (asked,) = view.exceptions.list_open()
    assert asked.kind == "unsourced"
    text = str(asked.detail["text"])
    assert text.startswith("Store S001 did not take it on in time, and may have it. No")


@pytest.mark.parametrize("kind", ["parcel", "pickup"])
def test_an_hour_that_the_day_is_too_short_for_goes_on_the_next(shipping: World, kind: str):
    """Half an hour before closing, half of it is left for the morning."""
    publish(shipping, IDLE)
    set_clock(shipping, 2025, 11, 23, 20, 30)
    order_id = ordered(shipping, kind)
    set_clock(shipping, 2025, 11, 24, 9, 29)
    given_up_within_two_minutes(shipping)
    assert open_at(shipping, order_id) == ["S002"]


@pytest.mark.parametrize("kind", ["parcel", "pickup"])
def test_work_for_a_later_part_of_the_day_is_accepted_then(shipping: World, kind: str):
    """A store whose afternoon has room for it need not look at it in the morning."""
    afternoon = RoutingRule("late", CAPACITY, locations=("S001",), from_minute=840, orders=9)
    publish(shipping, IDLE, afternoon)
    set_clock(shipping, 2025, 11, 23, 10, 0)
    order_id = ordered(shipping, kind)
    set_clock(shipping, 2025, 11, 23, 14, 59)
    given_up_within_two_minutes(shipping)
    assert open_at(shipping, order_id) == ["S002"]


def test_an_offer_waits_until_somebody_can_see_it(shipping: World):
    """Offered at night for twenty minutes, it can be claimed for that long in the morning."""
    publish(shipping, RoutingRule("offer", ROUTE, offer_stores=2, offer_minutes=20))
    set_clock(shipping, *NIGHT)
    order_id, parts = place(shipping)
    assert parts == []
    set_clock(shipping, 2025, 11, 24, 9, 19)
    assert shipping.parts.central.waiting.run() == 0
    assert shipping.parts.central.offers.claim(order_id, "S002")["location_id"] == "S002"
    other, _ = place(shipping)
    shipping.clock.advance(20 * MINUTE_MS)
    assert shipping.parts.central.waiting.run() == 1
    assert open_at(shipping, other) == ["S001"]


def test_an_offer_ends_though_one_of_its_stores_stays_closed(shipping: World):
    """Its time runs while any of the stores that may claim it is open."""
    never = ((0, 0),) * 6 + ((540, 1260),)
    (name, latitude, longitude), *_ = PLACES
    closed = Location(
        name, "Store S001", latitude=latitude, longitude=longitude,
        timezone="America/New_York", price_zone="EAST", hours=never,
    )  # fmt: skip
    shipping.parts.intake.locations([closed])
    shipping.parts.intake.carriers(CARRIERS)
    publish(shipping, RoutingRule("offer", ROUTE, offer_stores=2, offer_minutes=20))
    set_clock(shipping, *NIGHT)
    order_id, _ = place(shipping)
    assert shipping.parts.central.offers.offers("S001")
    set_clock(shipping, 2025, 11, 24, 9, 20)
    assert shipping.parts.central.waiting.run() == 1
    assert open_at(shipping, order_id)
