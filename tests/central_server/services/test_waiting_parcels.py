"""Orders that are sent, for goods that are on their way: when they come, and to whom."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from central_server.records import OrderFilter, Price, Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import NotInTime, OrderChangeInvalid
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder, Placed
from central_server.services.times import rfc3339
from central_server.services.waiting_room import Change
from central_server.sourcing.promise_rules import PromiseRule, RuleKind
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain.errors import InsufficientStock
from sync.domain.inventory import StockReason
from tests.central_server.services.test_foresight import decisions_in_writer
from tests.central_server.services.test_promise_rules import publish, shown
from tests.central_server.services.test_routing_rules import publish as route_by
from tests.support.central_world import PLACES, World
from tests.support.parcels import CARRIERS, parcel_order

DAY_MS = 86_400_000
ALL = 30
"""Units of a SKU in all three stores."""


@pytest.fixture
def coming(shipping) -> World:
    """Eight more of SKU-1 come to S002 in two days, eight to S001 in four."""
    for name, place, days in (("R1", "S002", 2), ("R2", "S001", 4)):
        expect(shipping, name, place, 8, days)
    return shipping


def expect(world: World, name: str, place: str, units: int, days: int) -> None:
    due_ms = world.clock.now_ms() + days * DAY_MS
    world.parts.central.supply.expect(Receipt(name, place, "SKU-1", units, due_ms))


def order(world: World, new: NewOrder, *, may_wait: bool = True) -> Placed:
    world.keys += 1
    identity = RequestIdentity("test", f"later-{world.keys}", "body")
    return world.parts.central.orders.place(replace(new, accept_later=may_wait), identity)


def parcel(world: World, units: int) -> Placed:
    return order(world, parcel_order(("SKU-1", units)))


def claimed(world: World) -> dict[str, int]:
    with world.database.read() as view:
        return {one.id: one.claimed for one in view.supply.coming(["SKU-1"])}


def arrive(world: World, receipt_id: str, place: str, on_hand: int) -> None:
    world.parts.intake.stock([StockItem(place, "SKU-1", on_hand)], "receipt", StockReason.IMPORT)
    world.parts.central.supply.close(receipt_id)


def test_a_parcel_that_can_be_sent_now_does_not_wait(coming):
    """`accept_later` is a permission: where stores have all of it, they get it at once."""
    placed = parcel(coming, ALL)
    assert sum(one.total("allocated") for one in coming.fulfillments(placed.order_id)) == ALL
    assert coming.order(placed.order_id)["promised_by"] is None
    assert claimed(coming) == {"R1": 0, "R2": 0}


@pytest.mark.parametrize("is_held", [True, False])
def test_where_it_goes_is_found_once_while_others_wait(coming, monkeypatch, is_held: bool):
    """It can be sent now: by that decision its units are kept, or it goes at once."""
    if is_held:
        route_by(coming, RoutingRule("grace", RoutingRuleKind.ROUTE, grace_minutes=20))
    else:
        monkeypatch.setattr(coming.parts.central.orders._groups, "_foresee", lambda *_: None)
    seen = decisions_in_writer(monkeypatch)
    placed = parcel(coming, 2)
    assert seen == ["Unit"]
    assert [one.location_id for one in coming.fulfillments(placed.order_id)] == (
        [] if is_held else ["S001"]
    )
    assert shown(coming) == 8
    assert (len(coming.parts.central.routing.why(placed.order_id)["decisions"])) == (not is_held)
    coming.check_books()


def test_a_kit_that_was_decided_beforehand_is_not_decided_again(coming, monkeypatch):
    """Its parts leave together, as one line of what was asked; the same is asked in the writer."""
    coming.parts.intake.products([Product("KIT", "Set")])
    coming.parts.intake.prices([Price("EAST", "KIT", 2500, "USD")])
    coming.parts.central.supply.set_bundle("KIT", {"SKU-1": 2, "SKU-2": 1})
    seen = decisions_in_writer(monkeypatch)
    placed = order(coming, parcel_order(("KIT", 1)), may_wait=False)
    assert seen == ["View"]
    assert [one.total("allocated") for one in coming.fulfillments(placed.order_id)] == [3]
    coming.check_books()


def test_a_parcel_waits_for_the_earliest_receipts_that_do(coming):
    """It is promised for when it is delivered after that, to the last unit that is coming."""
    now = coming.clock.now_ms()
    with pytest.raises(InsufficientStock):
        order(coming, parcel_order(("SKU-1", ALL + 5)), may_wait=False)
    placed = parcel(coming, ALL + 5)
    assert claimed(coming) == {"R1": 8, "R2": 0}
    shown_order = coming.order(placed.order_id)
    assert (shown_order["status"], shown_order["fulfillments"]) == ("open", [])
    assert rfc3339(now + 4 * DAY_MS) < shown_order["promised_by"] < rfc3339(now + 8 * DAY_MS)
    assert shown(coming) == 3, "of what is there, all the others are for this order, too"
    parcel(coming, 11)
    assert claimed(coming) == {"R1": 8, "R2": 8}
    with pytest.raises(InsufficientStock):
        parcel(coming, 1)
    (told, _) = coming.mails()
    assert "goods are on their way to us; we expect to deliver it by" in told.text


@pytest.mark.parametrize("timezone", ["America/New_York", "America/Los_Angeles"])
def test_a_parcel_is_told_the_day_that_it_is_promised_for(coming, timezone: str):
    """Its last day by the days of who sends it, not the midnight after; also where it is late."""
    with coming.database.read() as view:
        sender = view.locations.get("S002")
    assert sender is not None
    coming.parts.intake.locations([replace(sender, timezone=timezone)])
    needed = replace(parcel_order(("SKU-1", ALL + 5)), need_by="2025-11-28")
    with pytest.raises(NotInTime):
        order(coming, replace(needed, need_by="2025-11-27"))
    order(coming, needed)
    expect(coming, "R1", "S002", 8, 3)
    coming.parts.backorders.run()
    subjects = [mail.subject.partition(": ")[2] for mail in coming.mails()]
    assert subjects == ["for Fri 28 Nov", "later, by Sat 29 Nov"]


def test_what_is_kept_of_the_network_is_lacking_though_it_lies_in_stores(coming):
    """Three units are nobody's, and every store has them to give: five wait for two more."""
    parcel(coming, ALL + 5)
    placed = parcel(coming, 5)
    assert coming.fulfillments(placed.order_id) == []
    assert claimed(coming) == {"R1": 8, "R2": 2}


def test_a_parcel_is_sent_when_its_goods_came(coming):
    """From the stores that have all of it then; nobody took the units meanwhile."""
    placed = parcel(coming, ALL + 5)
    coming.place(("SKU-1", 3))
    with pytest.raises(InsufficientStock):
        coming.place(("SKU-1", 1))
    assert coming.parts.backorders.run() == 0
    arrive(coming, "R1", "S002", 18)
    parts = coming.fulfillments(placed.order_id)
    assert sum(one.total("allocated") for one in parts) == ALL + 5
    assert coming.order(placed.order_id)["promised_by"] is None
    assert shown(coming, "S002") == 0
    coming.check_books()


def test_goods_that_do_not_come_are_somebodys_business(coming):
    """The parcel stays open without a place, and a person hears of it."""
    placed = parcel(coming, ALL + 5)
    coming.parts.central.supply.close("R1")
    assert (
        coming.fulfillments(placed.order_id) == []
        or coming.order(placed.order_id)["lines"][0]["unsourced"]
    )
    with coming.database.read() as view:
        (lacking,) = view.exceptions.list_open()
    assert (lacking.kind, lacking.order_id) == ("unsourced", placed.order_id)


@pytest.mark.parametrize("by", ["promising", "routing"])
def test_receipts_of_who_does_not_send_it_count_for_nobody(coming, by):
    """Not offered by rules of promising, or left out by rules of routing: S002's is passed."""
    if by == "promising":
        publish(coming, PromiseRule("no", RuleKind.OFFER, offered=False, locations=("S002",)))
    else:
        off = RoutingRule("off", RoutingRuleKind.SERVE, locations=("S002",), enabled=False)
        route_by(coming, off)
    placed = parcel(coming, 21)
    assert claimed(coming) == {"R1": 0, "R2": 8}
    arrive(coming, "R1", "S002", 18)
    assert coming.fulfillments(placed.order_id) == []
    arrive(coming, "R2", "S001", 18)
    parts = coming.fulfillments(placed.order_id)
    assert {one.location_id for one in parts} == {"S001", "S003"}
    assert sum(one.total("allocated") for one in parts) == 21


def test_where_no_split_is_allowed_it_waits_until_one_place_has_all(coming):
    """S002 has eighteen in two days; nobody ever has nineteen."""
    route_by(coming, RoutingRule("whole", RoutingRuleKind.ROUTE, shipments_max=1))
    with pytest.raises(InsufficientStock):
        parcel(coming, 19)
    placed = parcel(coming, 18)
    assert claimed(coming)["R1"] == 8
    arrive(coming, "R1", "S002", 18)
    (part,) = coming.fulfillments(placed.order_id)
    assert (part.location_id, part.total("allocated")) == ("S002", 18)


def test_full_days_are_nothing_to_wait_for(coming):
    """Goods are there, only nobody has time: refused as without waiting, sent or fetched."""
    limits = [
        RoutingRule(f"full-{place}", RoutingRuleKind.CAPACITY, locations=(place,), orders=0)
        for place, _, _ in PLACES
    ]
    route_by(coming, *limits)
    with pytest.raises(InsufficientStock):
        parcel(coming, 2)
    with pytest.raises(InsufficientStock):
        order(coming, coming.new_order(("SKU-1", 2)))
    assert claimed(coming) == {"R1": 0, "R2": 0}


def test_grace_goes_by_while_goods_are_on_their_way(coming):
    """Both have to be over; while it waits for goods it is cancelled, not changed."""
    route_by(coming, RoutingRule("all", RoutingRuleKind.ROUTE, grace_minutes=60))
    placed = parcel(coming, ALL + 5)
    room = coming.parts.central.waiting
    with pytest.raises(OrderChangeInvalid, match="on their way"):
        room.change(placed.order_id, Change({1: 3}), by="web")
    arrive(coming, "R1", "S002", 18)
    assert coming.fulfillments(placed.order_id) == []
    coming.clock.advance(60 * 60_000)
    assert room.run() == 1
    parts = coming.fulfillments(placed.order_id)
    assert sum(one.total("allocated") for one in parts) == ALL + 5


def test_a_cancelled_parcel_waits_for_nothing(coming):
    """Its claim goes to who asks next."""
    placed = parcel(coming, ALL + 16)
    coming.parts.central.cancelling.cancel(placed.order_id, reason="", actor="web")
    assert claimed(coming) == {"R1": 0, "R2": 0}
    parcel(coming, ALL + 16)
    assert claimed(coming) == {"R1": 8, "R2": 8}


@pytest.mark.parametrize("days", [0, 5])
def test_parcels_at_once_take_no_more_than_is_there_and_coming(workers, days):
    """Nine customers want five each of thirty-eight at the same time: seven get them."""
    first = workers.first
    first.parts.intake.carriers(CARRIERS)
    expect(first, "R1", "S002", 8, 2)
    if days:
        release_ms = first.clock.now_ms() + days * DAY_MS
        first.parts.central.supply.set_release("SKU-1", release_ms)

    def try_one(number: int) -> bool:
        world = workers.at(number)
        new = replace(parcel_order(("SKU-1", 5)), accept_later=True)
        identity = RequestIdentity("test", f"at-once-{number}", "body")
        try:
            world.parts.central.orders.place(new, identity)
        except InsufficientStock:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(try_one, range(9))) == 7
    with first.database.read() as view:
        (receipt,) = view.supply.coming(["SKU-1"])
        assert 5 <= receipt.claimed <= 8
        assert view.orders.unsourced(["SKU-1"])["SKU-1"] >= 5
    first.check_books()


def test_what_a_store_owes_is_taken_off_receipts_once(coming):
    """A pickup waits for two at S001, and the one there is lost: two of sixteen are its."""
    for place in ("S002", "S003"):
        coming.place(("SKU-1", 10), at=place)
    coming.place(("SKU-1", 9))
    order(coming, coming.new_order(("SKU-1", 2)))
    assert claimed(coming) == {"R1": 0, "R2": 1}
    coming.parts.intake.stock([StockItem("S001", "SKU-1", 9)], "count", StockReason.IMPORT)
    with pytest.raises(InsufficientStock):
        parcel(coming, 15)
    parcel(coming, 14)
    assert claimed(coming) == {"R1": 7, "R2": 8}, "one of R1 is for the pickup"


def told_anew(world: World, name: str, place: str, days: float) -> datetime:
    """Say when a receipt comes; return by when the newest order is promised."""
    due_ms = world.clock.now_ms() + int(days * DAY_MS)
    world.parts.central.supply.expect(Receipt(name, place, "SKU-1", 8, due_ms))
    world.parts.backorders.run()
    return promised(world)


def promised(world: World) -> datetime:
    hits, _ = world.parts.central.reading.search(OrderFilter(), None, 1)
    return datetime.fromisoformat(str(world.order(str(hits[0]["id"]))["promised_by"]))


def test_a_parcel_whose_goods_come_later_is_promised_as_many_days_later(coming):
    """How long it travels is what it was; days of which others speak are not its own."""
    parcel(coming, ALL + 12)
    was = promised(coming)
    assert told_anew(coming, "R1", "S002", 3) == was
    assert told_anew(coming, "R2", "S001", 6) - was == timedelta(days=2)
    assert len([one for one in coming.mails() if "later, by" in one.subject]) == 1


def test_a_parcel_is_put_off_by_what_is_new_alone(coming):
    """Told hour by hour it is one day; there and back again it is as late as it was."""
    parcel(coming, ALL + 12)
    was = promised(coming)
    for hours in range(1, 6):
        assert told_anew(coming, "R2", "S001", 4 + hours / 24) - was <= timedelta(days=1)
    for days in (6, 4, 6, 5):
        now = told_anew(coming, "R2", "S001", days)
    assert now - was == timedelta(days=2)
    assert len([one for one in coming.mails() if "later, by" in one.subject]) == 2


def test_a_parcel_is_put_off_from_what_it_counted_on(coming):
    """Not from what came since: the day of the last receipt was promised already."""
    parcel(coming, ALL + 12)
    was = promised(coming)
    arrive(coming, "R2", "S001", 18)
    assert told_anew(coming, "R1", "S002", 3.5) == was
    assert told_anew(coming, "R1", "S002", 5) - was == timedelta(days=1)
