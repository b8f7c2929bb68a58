"""Goods that orders wait for and that come later, or fewer: who is told, and until when."""

from dataclasses import replace

import pytest

from central_server.records import ExceptionFilter
from central_server.services import late_receipts
from central_server.services.idempotency import RequestIdentity
from central_server.services.late_receipts import OVERDUE_AFTER_MS
from central_server.services.order_capture import Placed
from central_server.sourcing.receipts import Receipt
from tests.central_server.services.test_exceptions import at_store
from tests.central_server.services.test_pre_orders import order, release
from tests.central_server.services.test_promise_rules import ONLY_HERE, publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order

DAY_MS = 86_400_000


@pytest.fixture
def coming(world) -> World:
    """Eight more of SKU-1 will come to S001 tomorrow; nobody else sells it."""
    publish(world, ONLY_HERE)
    expect(world, days=1)
    return world


def expect(world: World, *, days: float, units: int = 8, name: str = "R1") -> None:
    due_ms = world.clock.now_ms() + int(days * DAY_MS)
    world.parts.central.supply.expect(Receipt(name, "S001", "SKU-1", units, due_ms))
    world.parts.backorders.run()


def later(world: World, units: int) -> Placed:
    world.keys += 1
    new = replace(world.new_order(("SKU-1", units)), accept_later=True)
    identity = RequestIdentity("test", f"later-{world.keys}", "body")
    return world.parts.central.orders.place(new, identity)


def waits_for_people(world: World) -> list[tuple[str, str]]:
    found, _ = world.parts.central.exceptions.page(ExceptionFilter(), None, 9)
    return [(str(one["kind"]), str(one["text"])) for one in found]


def delays(world: World) -> list[str]:
    return [one.text for one in world.mails() if "later, by" in one.subject]


def promised(world: World, placed: Placed) -> str:
    return str(world.order(placed.order_id)["promised_by"])


def test_who_waits_is_told_of_a_later_day(coming):
    """The order says it, its timeline and its customer's mail: once, and only whom it concerns."""
    late, other = later(coming, 12), coming.place(("SKU-2", 1))
    was = promised(coming, late)
    expect(coming, days=5)
    assert promised(coming, late) > was
    assert [one["kind"] for one in coming.order(late.order_id)["timeline"]] == [
        "backordered", "delayed",
    ]  # fmt: skip
    (mail,) = delays(coming)
    assert "later than we told you" in mail
    assert "delayed" not in [one["kind"] for one in coming.order(other.order_id)["timeline"]]
    expect(coming, days=5)
    assert len(delays(coming)) == 1, "the same said again is no news"
    assert waits_for_people(coming) == [], "nobody has to ask: the day is known"


def test_goods_that_come_sooner_move_no_promise(coming):
    """Nor those that come later on the day that they were promised for."""
    placed = later(coming, 12)
    was = promised(coming, placed)
    expect(coming, days=0.5)
    assert promised(coming, placed) == was
    expect(coming, days=1)
    assert promised(coming, placed) == was
    assert delays(coming) == []


def test_who_waits_for_two_receipts_is_told_of_the_later_one(coming):
    """An earlier one that comes no later than the other changes nothing."""
    expect(coming, days=4, units=4, name="R2")
    placed = later(coming, 20)
    was = promised(coming, placed)
    expect(coming, days=3)
    assert (promised(coming, placed), delays(coming)) == (was, [])
    expect(coming, days=6)
    assert promised(coming, placed) > was


def test_who_called_off_is_told_nothing(coming):
    """Nor is anybody asked about goods that nobody waits for."""
    placed = later(coming, 12)
    coming.parts.central.cancelling.cancel(placed.order_id, reason="", actor="shop")
    expect(coming, days=5)
    assert delays(coming) == []
    coming.clock.advance(10 * DAY_MS)
    coming.parts.backorders.run()
    assert waits_for_people(coming) == []


def test_overdue_goods_are_asked_after_once(coming):
    """By a person, not before some time is over; until somebody says when they come."""
    later(coming, 12)
    coming.clock.advance(DAY_MS + OVERDUE_AFTER_MS)
    coming.parts.backorders.run()
    assert waits_for_people(coming) == []
    coming.clock.advance(1)
    for _ in range(2):
        coming.parts.backorders.run()
    ((kind, words),) = waits_for_people(coming)
    assert kind == "receipt_late"
    assert "SKU-1 at S001" in words
    assert "orders wait for 2" in words
    later(coming, 1)
    coming.parts.backorders.run()
    ((_, words),) = waits_for_people(coming)
    assert "orders wait for 3" in words
    expect(coming, days=2)
    assert waits_for_people(coming) == []
    assert len(delays(coming)) == 2


@pytest.mark.parametrize("ends", ["closed", "called off"])
def test_what_a_person_was_to_ask_ends_by_itself(coming, ends: str):
    """When the goods came, or when nobody waits for them any more."""
    placed = later(coming, 12)
    coming.clock.advance(2 * DAY_MS)
    coming.parts.backorders.run()
    assert [kind for kind, _ in waits_for_people(coming)] == ["receipt_late"]
    if ends == "closed":
        coming.parts.central.supply.close("R1")
    else:
        coming.parts.central.cancelling.cancel(placed.order_id, reason="", actor="shop")
        coming.parts.backorders.run()
    assert "receipt_late" not in [kind for kind, _ in waits_for_people(coming)]


def test_fewer_than_orders_wait_for_are_somebodys_business(coming):
    """At once, with both figures; enough again, nobody has to ask."""
    later(coming, 16)
    expect(coming, days=1, units=5)
    ((kind, words),) = waits_for_people(coming)
    assert kind == "receipt_late"
    assert "5 units due" in words
    assert "orders wait for 6" in words
    coming.parts.backorders.run()
    assert len(waits_for_people(coming)) == 1
    expect(coming, days=1, units=6)
    assert waits_for_people(coming) == []


def test_a_date_that_is_told_anew_all_the_time_moves_a_promise_once(coming):
    """By minutes it moves for nobody; what adds up to more than an hour is told, once."""
    placed = later(coming, 12)
    was = promised(coming, placed)
    for minutes in range(10, 60, 10):
        expect(coming, days=1 + minutes / 1440)
    assert (promised(coming, placed), delays(coming)) == (was, [])
    expect(coming, days=1.5)
    assert promised(coming, placed) > was
    assert len(delays(coming)) == 1


def test_each_order_is_put_off_by_itself(coming, monkeypatch):
    """One that fails is a person's, and is done when it can be; the others have their day."""
    orders = [later(coming, units) for units in (11, 2, 2)]
    was = [promised(coming, one) for one in orders]
    late = type(coming.parts.backorders.late)
    put_off = late._put_off

    def broken(self, unit, order_id, now_ms):
        if order_id == orders[1].order_id:
            raise RuntimeError("the second")
        return put_off(self, unit, order_id, now_ms)

    with monkeypatch.context() as patch:
        patch.setattr(late, "_put_off", broken)
        expect(coming, days=5)
    moved = [promised(coming, one) > before for one, before in zip(orders, was, strict=True)]
    assert moved == [True, False, True]
    assert [kind for kind, _ in waits_for_people(coming)] == ["work_failed"]
    coming.parts.backorders.run()
    assert promised(coming, orders[1]) > was[1]
    assert (len(delays(coming)), waits_for_people(coming)) == (3, [])


def test_a_store_that_was_to_ask_forgets_it_when_it_is_over(coming):
    """Given to it, it is in its inbox with the newest words, and goes from there by itself."""
    later(coming, 12)
    coming.clock.advance(2 * DAY_MS)
    coming.parts.backorders.run()
    (found,), _ = coming.parts.central.exceptions.page(ExceptionFilter(), None, 9)
    coming.parts.central.exceptions.assign(str(found["id"]), owner="store", assignee=None)
    later(coming, 1)
    coming.parts.backorders.run()
    assert ["orders wait for 3" in one.text for one in at_store(coming)] == [True]
    coming.parts.central.supply.close("R1")
    assert at_store(coming) == []


def test_what_is_known_is_not_written_again_however_much_it_is(coming, monkeypatch):
    """The list of people is read to its end."""
    for number in range(2, 5):
        expect(coming, days=1, units=1, name=f"R{number}")
    for _ in range(13):
        later(coming, 1)
    later(coming, 8)
    coming.clock.advance(2 * DAY_MS)
    monkeypatch.setattr(late_receipts, "PAGE", 1)
    monkeypatch.setattr(late_receipts, "AT_ONCE", 1)
    coming.parts.backorders.run()
    many = len(waits_for_people(coming))
    assert many > 1
    writes: list[object] = []
    monkeypatch.setattr(late_receipts.LateReceipts, "_open", lambda *given: writes.append(given))
    coming.parts.backorders.run()
    assert (len(waits_for_people(coming)), writes) == (many, [])


@pytest.mark.parametrize("is_sent", [False, True], ids=["fetched", "sent"])
def test_goods_that_come_later_but_before_the_release_move_nothing(world, is_sent: bool):
    """The release decides: also after it moved, which its customers were told then."""
    publish(world, ONLY_HERE)
    world.parts.intake.carriers(CARRIERS)
    release(world, 5)
    expect(world, days=2)
    new = parcel_order(("SKU-1", 12)) if is_sent else world.new_order(("SKU-1", 12))
    placed = order(world, new, may_wait=True)
    was = world.order(placed.order_id)["promised_by"]
    expect(world, days=4)
    assert world.order(placed.order_id)["promised_by"] == was
    release(world, 30)
    world.parts.central.waiting.run()
    moved = world.order(placed.order_id)["promised_by"]
    assert moved > was
    expect(world, days=20)
    assert world.order(placed.order_id)["promised_by"] == moved
    assert not [one for one in world.mails() if "later, by" in one.subject]
    expect(world, days=33)
    assert world.order(placed.order_id)["promised_by"] > moved
    assert len([one for one in world.mails() if "later, by" in one.subject]) == 1
