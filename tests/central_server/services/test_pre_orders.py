"""Orders for what may not be sold yet: promised from its release date on, and no store's before."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from central_server.records import Price, Product
from central_server.services.availability import Question
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import NotInTime, NotReleased, OrderChangeInvalid
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder, Placed
from central_server.services.parcels import Destination
from central_server.services.promises import Ask, Promises
from central_server.services.times import rfc3339
from central_server.services.waiting_room import Change
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from central_server.storage.stock import Stock
from sync.domain.errors import InsufficientStock
from sync.domain.inventory import StockReason
from sync.domain.orders import PaymentPlace
from tests.central_server.services.test_cancel_units import cancel as cancel_units
from tests.central_server.services.test_promise_rules import ONLY_HERE, publish, shown
from tests.central_server.services.test_routing_rules import publish as route_by
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, HOME, parcel_order

DAY_MS = 86_400_000
IN_DAYS = 5
FAR_MS = 253_402_300_799_000
"""The last second of the year 9999."""


@pytest.fixture
def dated(world) -> World:
    """SKU-1 may be sold in five days; nobody but S001 offers it."""
    publish(world, ONLY_HERE)
    release(world, IN_DAYS)
    return world


def release(world: World, days: int, sku: str = "SKU-1") -> int:
    at_ms = world.clock.now_ms() + days * DAY_MS
    world.parts.central.supply.set_release(sku, at_ms)
    return at_ms


def order(world: World, new: NewOrder, *, may_wait: bool = True) -> Placed:
    world.keys += 1
    identity = RequestIdentity("test", f"pre-{world.keys}", "body")
    return world.parts.central.orders.place(replace(new, accept_later=may_wait), identity)


def pickup(world: World, units: int) -> Placed:
    return order(world, world.new_order(("SKU-1", units)))


def run(world: World) -> int:
    return world.parts.central.waiting.run() + world.parts.backorders.run()


def holds(world: World, placed: Placed) -> list[tuple[str, str | None, str | None]]:
    found = world.order(placed.order_id)["holds"]
    return [(one["kind"], one["until"], one["closed_at"]) for one in found]


def test_what_may_not_be_sold_is_promised_to_nobody_now(dated):
    """Neither shown nor taken, and the refusal says from when on; a reservation is refused too."""
    assert shown(dated) == 0
    until = rfc3339(dated.clock.now_ms() + IN_DAYS * DAY_MS)
    with pytest.raises(NotReleased, match=f"SKU-1 may not be sold before {until}; with accept"):
        dated.place(("SKU-1", 1))
    held = replace(dated.new_order(("SKU-1", 1)), payment=PaymentPlace.IN_STORE)
    with pytest.raises(NotReleased, match="with waiting_list"):
        order(dated, held, may_wait=False)
    assert dated.place(("SKU-2", 1)).status == 201


def test_a_dry_run_is_refused_as_the_order_would_be(dated):
    """Not with a lack of stock: it is all there. What may wait is told where it would go now."""
    desk, new, later = dated.parts.central.routing, dated.new_order(("SKU-1", 1)), "accept_later"
    dated.parts.intake.carriers(CARRIERS)
    reserved = replace(new, payment=PaymentPlace.IN_STORE)
    for one, hint in ((new, later), (parcel_order(), later), (reserved, "waiting_list")):
        with pytest.raises(NotReleased, match=f"with {hint}"):
            desk.dry_run(one)
        assert desk.dry_run(replace(one, **{hint: True}))["taken"] is None
    assert desk.dry_run(dated.new_order(("SKU-2", 1)))["taken"] == "S001"


def test_a_pre_order_is_promised_once_and_waits_for_its_date(dated):
    """From what lies there, to the last unit; open, held, promised from the date on, no store's."""
    until_ms = dated.clock.now_ms() + IN_DAYS * DAY_MS
    placed = pickup(dated, 8)
    shown_order = dated.order(placed.order_id)
    assert shown_order["status"] == "open"
    assert shown_order["promised_by"] >= rfc3339(until_ms)
    assert holds(dated, placed) == [("pre_order", rfc3339(until_ms), None)]
    assert dated.fulfillments(placed.order_id) == []
    with pytest.raises(InsufficientStock):
        pickup(dated, 3)
    pickup(dated, 2)
    assert run(dated) == 0
    (told, _) = dated.mails()
    assert "may not be sold before" in told.text
    assert dated.stock("S001") == (10, 0)


def test_pre_orders_are_released_at_their_date_in_the_order_of_placing(dated):
    """Where less is there than was promised, who came later goes without, and a person hears."""
    until_ms = dated.clock.now_ms() + IN_DAYS * DAY_MS
    placed = []
    for units in (4, 4, 2):
        placed.append(pickup(dated, units))
        dated.clock.advance(1)
    first, second, third = placed
    dated.parts.intake.stock([StockItem("S001", "SKU-1", 6)], "count", StockReason.IMPORT)
    dated.clock.advance(until_ms - dated.clock.now_ms() - 1)
    assert run(dated) == 0
    dated.clock.advance(1)
    assert run(dated) == 3
    (got,) = dated.fulfillments(first.order_id)
    assert (got.location_id, got.total("allocated")) == ("S001", 4)
    assert dated.fulfillments(second.order_id) == []
    assert [one.total("allocated") for one in dated.fulfillments(third.order_id)] == [2]
    with dated.database.read() as view:
        (lacking,) = view.exceptions.list_open()
    assert (lacking.kind, lacking.order_id) == ("unsourced", second.order_id)
    assert dated.order(first.order_id)["promised_by"] is None


def test_at_its_date_it_is_sold_like_anything(dated):
    """What nobody ordered before is shown from that moment on."""
    pickup(dated, 4)
    dated.clock.advance(IN_DAYS * DAY_MS)
    assert shown(dated) == 6
    dated.place(("SKU-1", 6))
    run(dated)
    assert dated.stock("S001") == (10, 10)


@pytest.mark.parametrize("days", [2, 8])
def test_goods_on_their_way_are_pre_ordered_too(dated, days):
    """Whether they come before the date or after it: the later of the two is promised."""
    now = dated.clock.now_ms()
    dated.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 5, now + days * DAY_MS))
    placed = pickup(dated, 14)
    promised = dated.order(placed.order_id)["promised_by"]
    assert promised > rfc3339(now + max(days, IN_DAYS) * DAY_MS)
    with pytest.raises(InsufficientStock):
        pickup(dated, 2)

    def arrive() -> None:
        dated.parts.intake.stock([StockItem("S001", "SKU-1", 15)], "receipt", StockReason.IMPORT)
        dated.parts.central.supply.close("R1")

    def date_comes() -> None:
        dated.clock.advance(IN_DAYS * DAY_MS)

    events = [arrive, date_comes] if days < IN_DAYS else [date_comes, arrive]
    for event in events:
        assert dated.fulfillments(placed.order_id) == []
        event()
        run(dated)
    (got,) = dated.fulfillments(placed.order_id)
    assert got.total("allocated") == 14


def test_a_date_that_moves_takes_its_orders_along(dated):
    """Later: they wait on, and the customer is told; earlier, or at once: they go."""
    placed = pickup(dated, 4)
    later_ms = release(dated, 9)
    run(dated)
    assert holds(dated, placed) == [("pre_order", rfc3339(later_ms), None)]
    assert dated.order(placed.order_id)["promised_by"] > rfc3339(later_ms)
    assert len(dated.mails()) == 2
    dated.clock.advance(IN_DAYS * DAY_MS)
    assert (run(dated), dated.fulfillments(placed.order_id)) == (0, [])
    dated.parts.central.supply.set_release("SKU-1", None)
    assert run(dated) == 1
    assert len(dated.fulfillments(placed.order_id)) == 1


def test_a_date_said_twice_disturbs_nobody(dated):
    """The same date again looks at no order and tells no customer anything."""
    placed = pickup(dated, 4)
    before = holds(dated, placed)
    release(dated, IN_DAYS)
    run(dated)
    assert holds(dated, placed) == before
    assert len(dated.mails()) == 1


def test_what_waits_for_goods_waits_for_a_date_that_comes_up_meanwhile(world):
    """A back-order whose goods came is not given to the store before they may be sold."""
    publish(world, ONLY_HERE)
    now = world.clock.now_ms()
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 5, now + DAY_MS))
    placed = pickup(world, 12)
    release(world, 3)
    world.parts.intake.stock([StockItem("S001", "SKU-1", 15)], "receipt", StockReason.IMPORT)
    world.parts.central.supply.close("R1")
    assert world.fulfillments(placed.order_id) == []
    assert [kind for kind, _, _ in holds(world, placed)] == ["pre_order"]
    world.clock.advance(3 * DAY_MS)
    run(world)
    assert len(world.fulfillments(placed.order_id)) == 1


def test_nobody_lets_a_pre_order_go_early(dated):
    """Clearing its hold is refused with the date; other changes keep to what can be done."""
    placed = pickup(dated, 4)
    room = dated.parts.central.waiting
    with pytest.raises(NotReleased, match="change its release date"):
        room.clear(placed.order_id, HoldKind.PRE_ORDER, note="", by="Kim")
    with pytest.raises(OrderChangeInvalid, match="release date of the product"):
        room.hold(placed.order_id, HoldKind.PRE_ORDER, text="", by="Kim")
    with pytest.raises(OrderChangeInvalid, match="fetched at a store"):
        room.change(placed.order_id, Change({}, Destination(HOME)), by="Kim")
    room.change(placed.order_id, Change({1: 3}), by="Kim")
    pickup(dated, 7)
    room.hold(placed.order_id, HoldKind.FRAUD, text="", by="Kim")
    dated.clock.advance(IN_DAYS * DAY_MS)
    run(dated)
    assert dated.fulfillments(placed.order_id) == []
    room.clear(placed.order_id, HoldKind.FRAUD, note="", by="Kim")
    (got,) = dated.fulfillments(placed.order_id)
    assert got.total("allocated") == 3


def test_a_cancelled_pre_order_keeps_nothing(dated):
    """Its units are pre-ordered by the next customer."""
    placed = pickup(dated, 10)
    dated.parts.central.cancelling.cancel(placed.order_id, reason="", actor="web")
    pickup(dated, 10)
    dated.clock.advance(IN_DAYS * DAY_MS)
    assert run(dated) == 1


def test_a_reservation_waits_on_the_stores_list(dated):
    """Unpaid, in the order of the list; the store holds it from the date on."""
    new = replace(dated.new_order(("SKU-1", 2)), payment=PaymentPlace.IN_STORE, waiting_list=True)
    placed = order(dated, new, may_wait=False)
    dated.parts.holds.run()
    assert [one.waits for one in dated.fulfillments(placed.order_id)] == [True]
    dated.clock.advance(IN_DAYS * DAY_MS)
    dated.parts.holds.run()
    assert [one.waits for one in dated.fulfillments(placed.order_id)] == [False]


def test_a_kit_may_be_sold_when_all_of_it_may(world):
    """By the latest date of its components, or by its own."""
    world.parts.intake.products([Product("KIT", "Both of them")])
    world.parts.intake.prices([Price("EAST", "KIT", 1500, "USD")])
    world.parts.central.supply.set_bundle("KIT", {"SKU-1": 1, "SKU-2": 1})
    dates = [release(world, 2), release(world, 4, "KIT")]
    new = world.new_order(("KIT", 2))
    with pytest.raises(NotReleased, match=rfc3339(dates[1])):
        order(world, new, may_wait=False)
    placed = order(world, new)
    assert holds(world, placed) == [("pre_order", rfc3339(dates[1]), None)]
    assert shown(world, sku="SKU-2") == 8
    world.clock.advance(4 * DAY_MS)
    assert run(world) == 1
    assert len(world.fulfillments(placed.order_id)) == 1


def test_a_parcel_is_pre_ordered_from_anywhere(shipping):
    """Twenty units lie in two stores; at the date they are sent, and not a unit more was taken."""
    until_ms = release(shipping, IN_DAYS)
    with pytest.raises(NotReleased, match="with accept_later"):
        order(shipping, parcel_order(("SKU-1", 2)), may_wait=False)
    placed = order(shipping, parcel_order(("SKU-1", 20)))
    shown_order = shipping.order(placed.order_id)
    assert (shown_order["status"], shown_order["fulfillments"]) == ("open", [])
    assert shown_order["promised_by"] > rfc3339(until_ms + DAY_MS)
    with pytest.raises(InsufficientStock):
        order(shipping, parcel_order(("SKU-1", 11)))
    last = order(shipping, parcel_order(("SKU-1", 10)))
    assert run(shipping) == 0
    shipping.clock.advance(IN_DAYS * DAY_MS)
    assert run(shipping) == 2
    sent = [one.total("allocated") for one in shipping.fulfillments(placed.order_id)]
    assert sum(sent) == 20
    assert sum(one.total("allocated") for one in shipping.fulfillments(last.order_id)) == 10
    with shipping.database.read() as view:
        assert view.exceptions.list_open() == ()
    shipping.check_books()


def test_a_moved_date_moves_what_a_parcel_was_promised(shipping):
    """It takes as long from the new date as from the old one, and its customer reads it."""
    release(shipping, IN_DAYS)
    placed = order(shipping, parcel_order(("SKU-1", 2)))
    before = shipping.order(placed.order_id)["promised_by"]
    release(shipping, IN_DAYS + 7)
    run(shipping)
    after = shipping.order(placed.order_id)["promised_by"]
    assert after[:8] == before[:8]
    assert int(after[8:10]) == int(before[8:10]) + 7
    assert len(shipping.mails()) == 2


@pytest.mark.parametrize("date_of_rest", [None, 3])
@pytest.mark.parametrize("by", ["cancel", "change"])
def test_what_is_left_of_a_pre_order_waits_for_its_own_date(dated, by, date_of_rest):
    """The line that waits longest is cancelled: the rest goes at its date, or at once."""
    until = None if date_of_rest is None else rfc3339(release(dated, date_of_rest, "SKU-2"))
    placed = order(dated, dated.new_order(("SKU-1", 1), ("SKU-2", 2)))
    if by == "cancel":
        cancel_units(dated, placed.order_id, {1: 1})
    else:
        dated.parts.central.waiting.change(placed.order_id, Change({1: 0}), by="Kim")
    assert run(dated) == int(date_of_rest is None)
    if date_of_rest is not None:
        assert holds(dated, placed) == [("pre_order", until, None)]
        dated.clock.advance(date_of_rest * DAY_MS)
        assert run(dated) == 1
    (got,) = dated.fulfillments(placed.order_id)
    assert got.total("allocated") == 2


def test_a_pre_order_that_loses_units_keeps_its_date(dated):
    """It still waits for it, and its customer hears no date again."""
    placed = pickup(dated, 4)
    before = holds(dated, placed)
    cancel_units(dated, placed.order_id, {1: 1})
    assert (run(dated), holds(dated, placed)) == (0, before)
    assert len(dated.mails()) == 2


def test_a_held_parcel_is_promised_as_a_pre_order_is_when_a_date_comes_up(shipping):
    """Not for the moment of the date, at which nobody delivers anything; to the last unit."""
    route_by(shipping, RoutingRule("look", RoutingRuleKind.ROUTE, hold_for=(HoldKind.FRAUD,)))
    placed = order(shipping, parcel_order(("SKU-1", 20)))
    route_by(shipping)
    until_ms = release(shipping, IN_DAYS)
    room = shipping.parts.central.waiting
    room.clear(placed.order_id, HoldKind.FRAUD, note="", by="Kim")
    promised = shipping.order(placed.order_id)["promised_by"]
    assert promised > rfc3339(until_ms + DAY_MS)
    other = order(shipping, parcel_order(("SKU-1", 10)))
    assert promised == shipping.order(other.order_id)["promised_by"]
    shipping.clock.advance(IN_DAYS * DAY_MS)
    assert run(shipping) == 2
    shipping.check_books()


def test_who_has_a_pre_ordered_parcel_sent_faster_is_promised_it_sooner(shipping):
    """As a new pre-order with that service is, and the customer reads it; no date, no message."""
    release(shipping, IN_DAYS)
    placed = order(shipping, parcel_order(("SKU-1", 20)))
    before = shipping.order(placed.order_id)["promised_by"]
    room = shipping.parts.central.waiting
    room.change(placed.order_id, Change({1: 19}), by="Kim")
    assert shipping.order(placed.order_id)["promised_by"] == before
    assert len(shipping.mails()) == 1
    room.change(placed.order_id, Change({}, Destination(HOME, "express")), by="Kim")
    promised = shipping.order(placed.order_id)["promised_by"]
    fast = replace(parcel_order(("SKU-1", 10)), ship_to=Destination(HOME, "express"))
    assert promised == shipping.order(order(shipping, fast).order_id)["promised_by"]
    assert promised < before
    assert len(shipping.mails()) == 3


def test_promises_in_memory_know_dates(dated):
    """Who asks again in the moment of the date, or after it was changed, hears what holds then."""
    from central_server.services.promise_memory import PromiseMemory

    memory = PromiseMemory()

    def asked(*, for_later: bool = False) -> int:
        with dated.database.read() as view:
            promises = Promises(view, dated.clock.now_ms())
            ask = Ask(for_later=for_later)
            return memory.network(promises, ["SKU-1"], ask)["SKU-1"].quantity

    assert (asked(), asked(for_later=True), asked()) == (0, 10, 0)
    dated.clock.advance(IN_DAYS * DAY_MS)
    assert asked() == 10
    release(dated, 1)
    assert asked() == 0


@pytest.mark.parametrize(("days", "is_taken"), [(IN_DAYS - 1, False), (IN_DAYS + 3, True)])
def test_a_pre_order_that_would_be_late_is_refused(dated, days: int, is_taken: bool):
    """Nobody waits for a date that is behind the day on which they need it."""
    day = datetime.fromtimestamp(dated.clock.now_ms() / 1000 + days * 86_400, UTC).date()
    wanted = replace(dated.new_order(("SKU-1", 1)), need_by=day.isoformat())
    if is_taken:
        assert order(dated, wanted).order_id
    else:
        with pytest.raises(NotInTime):
            order(dated, wanted)
    question = Question(("SKU-1",), ("S001",), need_by=day)
    answer: dict[str, Any] = dated.parts.central.availability.answer(question)
    (entry,) = answer["availability"]
    pickups = next(one for one in entry["methods"] if one["method"] == "pickup")
    assert (pickups["pre_order"] is not None) is is_taken


def test_a_pre_ordered_parcel_that_would_be_late_is_refused(shipping):
    """Its date of release is too late for the day on which it must be there."""
    release(shipping, IN_DAYS)
    day = datetime.fromtimestamp(shipping.clock.now_ms() / 1000 + 4 * 86_400, UTC).date()
    with pytest.raises(NotInTime) as refused:
        order(shipping, replace(parcel_order(("SKU-1", 1)), need_by=day.isoformat()))
    wanted = replace(parcel_order(("SKU-1", 1)), need_by=refused.value.possible_by)
    assert order(shipping, wanted).order_id


def test_a_date_that_no_calendar_reaches_makes_no_answer_impossible(world):
    """A file said so before dates had a bound: it is answered, with a day that is far away."""
    world.parts.central.supply.set_release("SKU-1", FAR_MS)
    for question in (
        Question(("SKU-1",), ("S001",)),
        Question(("SKU-1",), of_network=True, has_dates=True),
    ):
        answer = world.parts.central.availability.answer(question)
        (entry,) = answer["availability"] or answer["network"]
        assert entry["release_at"] == rfc3339(FAR_MS)
        assert entry["available_to_promise"] == 0
    with pytest.raises(NotReleased):
        order(world, world.new_order(("SKU-1", 1)), may_wait=False)


def test_what_may_be_sold_is_not_read_anew_where_something_else_may_not(world, monkeypatch):
    """One SKU of a page with a release date leaves the others to the memory."""
    release(world, IN_DAYS, "SKU-2")
    read: list[str] = []
    positions = Stock.positions

    def spied(self: Stock, skus: Any, *rest: Any) -> Any:
        read.extend(skus)
        return positions(self, skus, *rest)

    asked = Question(("SKU-1", "SKU-2"), of_network=True)
    answered = world.parts.central.availability.answer
    first = answered(asked)
    monkeypatch.setattr(Stock, "positions", spied)
    assert answered(asked) == first
    assert [one["pre_order"] for one in first["network"]] == [None, 30]
    assert set(read) == {"SKU-2"}
    read.clear()
    entries = answered(Question(("SKU-1", "SKU-2"), ("S001",)))["availability"]
    assert [one["methods"][0]["pre_order"] is None for one in entries] == [True, False]
    assert read.count("SKU-2") > read.count("SKU-1")
