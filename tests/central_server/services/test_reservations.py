"""Reservations at central: held, begun at counters, paid by value, waited for, expired."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.money_records import StoredValue
from central_server.records import ExceptionFilter
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import PickupNotOffered
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Placed
from central_server.services.promises import Ask, Promises
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from sync.domain import money_operations as money
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason, ShortReason
from sync.domain.inventory import StockReason
from sync.domain.operations import LineQuantity
from sync.domain.orders import PaymentPlace
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import TenderKind, TenderState, account_of
from tests.central_server.services.test_promise_rules import publish
from tests.support.builders import NOON_MS
from tests.support.central_world import Device, World

HOUR_MS = 3_600_000
GIFT = account_of("GC-7Q29-ZXMK")


def reserve(world: World, units: int = 2, *, waiting_list: bool = False) -> Placed:
    """Place a reservation at S001."""
    new = replace(
        world.new_order(("SKU-1", units)), payment=PaymentPlace.IN_STORE, waiting_list=waiting_list
    )
    world.keys += 1
    return world.parts.central.orders.place(new, RequestIdentity("test", f"r{world.keys}", "b"))


def held(world: World, order_id: str) -> FulfillmentOrder:
    (found,) = world.fulfillments(order_id)
    return found


def picked(key: str, units: int = 2) -> tuple[Any, ...]:
    return (op.LinePicked(key, 1, units), op.Staged(key, "A1"))


def sold(key: str, units: int = 2, tender: int = 1) -> tuple[Any, ...]:
    total = units * 1000
    return (
        res.TenderTaken(key, tender, TenderKind.CASH, total),
        res.ReservationConverted(key, (LineQuantity(1, units),), total),
    )


def made(key: str = "C0001", units: int = 3) -> res.ReservationMade:
    terms = res.ReservationTerms(
        f"S1-{key}", "USD", "Ines Hale", NOON_MS + HOUR_MS, NOON_MS + 9 * HOUR_MS,
        phone="+1 555-0199", email="ines@example.com",
    )  # fmt: skip
    return res.ReservationMade(key, terms, (res.ReservedLine(1, "SKU-1", "One", units, 1000),))


def waits(key: str = "W0001", units: int = 3) -> res.WaitRequested:
    return res.WaitRequested(key, made(key, units).terms, made(key, units).reserved)


def ledger(world: World) -> dict[str, int]:
    with world.database.read() as view:
        assert view.money.unbalanced() == []
        assert view.money.value_differences() == []
        return view.money.balances("S001")


def gift_card(world: World, balance: int) -> None:
    card = StoredValue(GIFT, TenderKind.GIFT_CARD, "USD", balance, NOON_MS)
    world.database.write(lambda unit: unit.money.issue(card, "test"))


def balance(world: World) -> int:
    with world.database.read() as view:
        return view.money.stored_values([GIFT], lock=False)[GIFT].balance_minor


def exceptions(world: World) -> list[str]:
    found = world.parts.central.exceptions.page(ExceptionFilter(), None, 50)[0]
    return sorted(str(one["kind"]) for one in found)


def statuses(answer) -> list[str]:
    """Return what a push was answered for what is not plainly accepted."""
    return [one.status.value for one in answer.verdicts]


@pytest.fixture
def device(world: World) -> Device:
    return world.device("S001")


def test_a_reservation_is_held_in_the_chosen_store_and_unpaid(world: World):
    """Its units are tied, its end follows from the store's policy, and the customer is told."""
    placed = reserve(world)
    order = held(world, placed.order_id)
    assert (order.flow, order.location_id) == ("reserve", "S001")
    assert world.stock("S001") == (10, 2)
    assert order.expires_at_ms is not None
    assert order.expires_at_ms >= world.clock.now_ms() + 24 * HOUR_MS
    document = world.order(placed.order_id)
    payment = document["fulfillments"][0]["payment"]
    assert (payment["due_minor"], payment["paid_minor"]) == (2000, 0)
    assert "You pay when you take them" in world.mails()[-1].text


def test_no_other_store_gets_a_reservation(world: World):
    """Who comes to pay in one store is not sent to another: it is refused, or waits."""
    with pytest.raises(InsufficientStock):
        reserve(world, 11)
    assert world.stock("S001") == (10, 0)


def test_paid_and_taken(world: World, device: Device):
    """Central's order is fulfilled, stock is gone, and the ledger has cash against sales."""
    placed = reserve(world)
    key = held(world, placed.order_id).id
    device.do(*picked(key), *sold(key))
    assert statuses(device.push()) == []
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert world.stock("S001") == (8, 0)
    assert ledger(world) == {"cash:S001-1": 2000, "sales": -2000}
    world.check_books()


def test_money_that_was_given_back_is_gone_from_the_ledger(world: World, device: Device):
    """A tender that is returned leaves nothing but its trace."""
    placed = reserve(world)
    key = held(world, placed.order_id).id
    device.do(*picked(key), sold(key)[0], res.TenderReturned(key, 1))
    device.push()
    assert ledger(world) == {}
    assert world.order(placed.order_id)["status"] == "ready"


def test_a_reservation_that_began_at_a_counter(world: World, device: Device):
    """Central learns of the order with its first operation and counts its units as tied."""
    device.do(made(), *picked("C0001", 3), *sold("C0001", 3))
    assert statuses(device.push()) == []
    document = world.order("C0001")
    assert (document["status"], document["channel"]) == ("fulfilled", "store")
    assert document["timeline"][0]["text"] == "Reserved at the counter of Store S001."
    assert world.stock("S001") == (7, 0)
    world.check_books()


def test_a_price_that_changed_meanwhile_is_kept_and_written_down(world: World, device: Device):
    """What the store promised is what the customer pays; the difference is in the timeline."""
    device.do(replace(made(), reserved=(res.ReservedLine(1, "SKU-1", "One", 1, 900),)))
    assert statuses(device.push()) == []
    text = world.order("C0001")["timeline"][0]["text"]
    assert "SKU-1 at 9.00 USD, the price list says 10.00 USD" in text


def test_the_same_reservation_cannot_begin_twice(world: World, device: Device):
    """A second beginning is held back by itself and moves nothing."""
    device.do(made(), made())
    assert statuses(device.push()) == ["quarantined"]
    assert world.stock("S001") == (10, 3)


def test_no_store_decides_what_is_centrals(world: World, device: Device):
    """Serving the waiting list and answering for gift cards is not the store's to say."""
    device.do(waits(), res.WaitServed("W0001", NOON_MS))
    assert statuses(device.push()) == ["quarantined"]
    assert world.stock("S001") == (10, 0)


def test_a_hold_that_is_over_is_ended_by_central_after_its_grace(world: World):
    """The store has half an hour to do it; then its units are free again."""
    placed = reserve(world)
    until_ms = held(world, placed.order_id).expires_at_ms
    assert until_ms is not None
    world.clock.advance(until_ms - world.clock.now_ms() + 60_000)
    assert world.parts.holds.run() == 0
    world.clock.advance(30 * 60_000)
    assert world.parts.holds.run() == 1
    assert world.order(placed.order_id)["status"] == "cancelled"
    assert world.stock("S001") == (10, 0)
    assert "no longer held" in world.mails()[-1].subject
    assert world.parts.holds.run() == 0


def test_expired_at_central_and_paid_before_the_store_heard(world: World, device: Device):
    """The goods are paid and gone: the fact wins, and nothing is left to settle."""
    placed = reserve(world)
    key = held(world, placed.order_id).id
    device.do(*picked(key), *sold(key))
    world.clock.advance(8 * 24 * HOUR_MS)
    world.parts.holds.run()
    device.hello()
    answer = device.push()
    assert statuses(answer) == ["amended"] * 4
    assert "counts as sold" in answer.verdicts[-1].consequences[0].text
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert world.stock("S001") == (8, 0)
    assert ledger(world) == {"cash:S001-1": 2000, "sales": -2000}
    assert exceptions(world) == []
    world.check_books()


def test_a_store_that_cannot_hold_it_leaves_it_to_a_person(world: World, device: Device):
    """The customer is asked; nothing is moved behind their back."""
    placed = reserve(world)
    key = held(world, placed.order_id).id
    device.do(op.LineShortPicked(key, 1, 2, ShortReason.NOT_FOUND))
    device.push()
    assert exceptions(world) == ["unsourced"]
    assert len(world.fulfillments(placed.order_id)) == 1
    assert world.order(placed.order_id)["status"] == "unfillable"


# --- waiting list -----------------------------------------------------------------------------


def test_who_waits_is_served_in_order_when_stock_comes(world: World):
    """First come, first served: a small wish does not pass a large one for the same goods."""
    reserve(world, 10)
    first = reserve(world, 4, waiting_list=True)
    second = reserve(world, 2, waiting_list=True)
    world.parts.intake.stock([StockItem("S001", "SKU-1", 13)], "delivery")
    assert world.order(first.order_id)["status"] == "open"
    assert world.parts.holds.run() == 0
    world.parts.intake.stock([StockItem("S001", "SKU-1", 14)], "delivery")
    assert world.parts.holds.run() == 1
    assert world.order(first.order_id)["status"] == "open"
    assert world.order(second.order_id)["status"] == "open"
    assert world.stock("S001") == (14, 14)
    assert any("what you waited for has come" in mail.text for mail in world.mails())
    world.check_books()


def test_who_waits_takes_nothing_from_others(world: World):
    """One wish for more than there is anywhere does not sell the network out.

    When stock has come, who waits is asked like anybody: what the network keeps stays kept.
    """
    reserve(world, 40, waiting_list=True)
    with world.database.read() as view:
        promises = Promises(view, world.clock.now_ms())
        assert promises.network(["SKU-1"], Ask())["SKU-1"].quantity == 30
    world.place(("SKU-1", 10), at="S002")
    publish(world, PromiseRule("r", RuleKind.SAFETY_STOCK, level=Level.NETWORK, units=25))
    world.parts.intake.stock([StockItem("S001", "SKU-1", 42)], "receipt", StockReason.IMPORT)
    assert world.parts.holds.run() == 0
    publish(world, PromiseRule("r", RuleKind.SAFETY_STOCK, level=Level.NETWORK, units=2))
    assert world.parts.holds.run() == 1


def test_a_wait_asked_for_at_the_counter(world: World, device: Device):
    """The request is granted, served when stock comes, and sold like any other reservation."""
    reserve(world, 10)
    device.do(waits())
    assert statuses(device.push()) == []
    world.parts.intake.stock([StockItem("S001", "SKU-1", 13)], "delivery")
    assert world.parts.holds.run() == 1
    device.do(*picked("W0001", 3), *sold("W0001", 3))
    assert statuses(device.push(2)) == []
    assert world.order("W0001")["status"] == "fulfilled"
    world.check_books()


@pytest.mark.parametrize("how", ["released", "cancelled", "expired"])
def test_leaving_the_waiting_list(world: World, device: Device, how: str):
    """By a word at the counter, by cancelling, or when the time is over: nothing is owed."""
    reserve(world, 10)
    device.do(waits())
    device.push()
    if how == "released":
        device.do(res.ReservationReleased("W0001", RefusalReason.CHANGED_MIND))
        assert statuses(device.push(2)) == []
    elif how == "cancelled":
        world.parts.central.cancelling.cancel("W0001", reason="", actor="test")
    else:
        world.clock.advance(2 * HOUR_MS)
        assert world.parts.holds.run() == 1
    assert held(world, "W0001").waits is False
    assert world.order("W0001")["status"] == "cancelled"
    world.parts.intake.stock([StockItem("S001", "SKU-1", 20)], "delivery")
    world.parts.holds.run()
    assert world.stock("S001") == (20, 10)


# --- gift cards and store credit --------------------------------------------------------------


def in_hand(world: World, device: Device) -> str:
    key = held(world, reserve(world).order_id).id
    device.do(*picked(key))
    return key


def test_a_gift_card_that_is_good_for_it(world: World, device: Device):
    """Asked, granted in the same push, and taken off its balance once."""
    gift_card(world, 2500)
    key = in_hand(world, device)
    device.do(res.ValueAsked(key, 1, TenderKind.GIFT_CARD, 2000, GIFT))
    assert statuses(device.push()) == []
    device.push(1)
    (order,) = [one for one in world.fulfillments(world.order_of(key)) if one.id == key]
    assert order.reserve is not None
    assert order.reserve.tenders[0].state is TenderState.TAKEN
    assert balance(world) == 500
    assert ledger(world) == {"customers": -2000, "gift_card": 2000}


def test_a_gift_card_that_is_not(world: World, device: Device):
    """Nothing is taken, and the associate reads what is left."""
    gift_card(world, 1200)
    key = in_hand(world, device)
    device.do(res.ValueAsked(key, 1, TenderKind.GIFT_CARD, 2000, GIFT))
    answer = device.push()
    assert statuses(answer) == ["amended"]
    assert "12.00 USD left, 20.00 USD were asked" in answer.verdicts[0].consequences[0].text
    assert balance(world) == 1200
    assert ledger(world) == {}


def test_a_gift_card_within_the_stores_limit_is_a_fact(world: World, device: Device):
    """Accepted while away and not covered: it stands, and a person hears of the difference."""
    gift_card(world, 300)
    key = in_hand(world, device)
    device.do(
        res.TenderTaken(key, 1, TenderKind.GIFT_CARD, 1000, account=GIFT),
        res.TenderTaken(key, 2, TenderKind.CASH, 1000),
        res.ReservationConverted(key, (LineQuantity(1, 2),), 2000),
    )
    assert statuses(device.push()) == []
    assert balance(world) == -700
    assert exceptions(world) == ["value_overdrawn"]
    assert ledger(world) == {"cash:S001-1": 1000, "gift_card": 1000, "sales": -2000}


def test_what_a_gift_card_paid_goes_back_onto_it(world: World, device: Device):
    """A tender that is given back is on the card again."""
    gift_card(world, 2500)
    key = in_hand(world, device)
    device.do(res.ValueAsked(key, 1, TenderKind.GIFT_CARD, 2000, GIFT), res.TenderReturned(key, 1))
    assert statuses(device.push()) == []
    assert balance(world) == 2500
    assert ledger(world) == {}


def test_an_unknown_gift_card_has_nothing(world: World, device: Device):
    """Asked for one that nobody issued: declined, with words."""
    key = in_hand(world, device)
    device.do(res.ValueAsked(key, 1, TenderKind.STORE_CREDIT, 5, GIFT))
    answer = device.push()
    assert "nothing is left on the store credit" in answer.verdicts[0].consequences[0].text


# --- drawers and cards ------------------------------------------------------------------------


def test_a_drawer_that_does_not_add_up_is_somebodys_task(world: World, device: Device):
    """Counted two less than expected: in an account of its own, and in the store's inbox."""
    device.do(
        money.DrawerOpened("S001-1", 1, 10_000, "USD"),
        money.CashMoved("S001-1", 1, -4_000, "USD", money.CashReason.DEPOSIT),
        money.DrawerCounted("S001-1", 1, 5_998, 6_000, "USD"),
    )
    assert statuses(device.push()) == []
    assert ledger(world) == {"over_short": 2, "safe": -2}
    assert exceptions(world) == ["drawer_difference"]


def test_a_card_that_is_declined_afterwards_is_a_debt(world: World, device: Device):
    """Approved offline, declined when it was settled: the goods are gone, and somebody is told."""
    key = in_hand(world, device)
    device.do(
        res.CardAsked(key, 1, 2000), res.CardAnswered(key, 1, True, "T-1", is_offline=True),
        res.ReservationConverted(key, (LineQuantity(1, 2),), 2000),
        money.CardSettled("T-1", 2000, "USD", declined=True, order_number="K1"),
    )  # fmt: skip
    assert statuses(device.push()) == []
    assert ledger(world) == {"bad_debt": 2000, "sales": -2000}
    assert exceptions(world) == ["card_not_settled"]


def test_policies_reach_the_store(world: World):
    """How long is held and how is paid travels in the store's own row."""
    with world.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    policy = ReservePolicy(48, cash_step_minor=5)
    world.parts.intake.locations([replace(place, reserve=policy)])
    with world.database.read() as view:
        kept = view.locations.get("S001")
    assert kept is not None
    assert kept.reserve == policy


def test_nothing_is_reserved_or_waited_for_where_nobody_fetches_anything(world: World):
    """A store that offers no pickup holds nothing, and has no waiting list either."""
    with world.database.read() as view:
        location = view.locations.get("S001")
    assert location is not None
    world.parts.intake.locations([replace(location, pickup_enabled=False)])
    for waiting_list in (False, True):
        with pytest.raises(PickupNotOffered):
            reserve(world, waiting_list=waiting_list)
