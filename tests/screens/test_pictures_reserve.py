"""What the screens of reservations look like: empty, busy, offline, refused, at both sizes."""

import sys
from dataclasses import replace

import pytest

from store_client.services import drawer, tendering
from store_client.services.desk import Desk
from sync.domain import operations as op
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_operations import CashReason
from sync.domain.people import Role
from sync.domain.reservations import Reservation
from sync.domain.tenders import TenderKind
from tests.support.builders import waiting
from tests.support.fake_store import FakeStore, State, make_order, make_store
from tests.support.terminals import Terminal, actor_of, till_settings

pytestmark = [
    pytest.mark.snapshot,
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pictures are taken on 3.11"),
]
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
HOUR_MS = 3_600_000
CODE = "GC7Q-29ZX-MK0P"


def held(store: FakeStore, number: int, *, hours: float = 20, units=(2, 1)) -> FulfillmentOrder:
    """Let a reservation arrive."""
    now_ms = store.clock.now_ms()
    order = make_order(number, now_ms, due_minutes=90, quantities=units)
    until_ms = now_ms + int(hours * HOUR_MS)
    made = replace(
        order, flow="reserve", pickup_code_hash="", expires_at_ms=until_ms,
        reserve=Reservation(until_ms, until_ms + 48 * HOUR_MS),
    )  # fmt: skip
    store.add(made)
    return made


def do(store: FakeStore, *operations) -> None:
    for operation in operations:
        store.perform(operation, by="A103", dev="T1")


def set_aside(store: FakeStore, order: FulfillmentOrder, spot: str = "A1") -> None:
    picks = [op.LinePicked(order.id, line.line, line.allocated) for line in order.lines]
    do(store, *picks, op.Staged(order.id, spot))


def desk_of(store: FakeStore, tmp_path) -> Desk:
    devices = till_settings(tmp_path).devices
    return Desk(store, store.clock, actor_of(Role.ASSOCIATE), "T1", devices=devices)


def busy(store: FakeStore, tmp_path) -> FakeStore:
    """A reservation in every state of work, and pickups beside them."""
    desk = desk_of(store, tmp_path)
    drawer.open_drawer(desk, 10_000)
    for number in range(2):
        store.add(make_order(20 + number, store.clock.now_ms(), due_minutes=30))
    held(store, 0)
    for number, hours in ((1, 20), (2, 0.3), (3, -1)):
        order = held(store, number, hours=hours)
        set_aside(store, order, f"A{number}")
        do(store, op.MarkedReady(order.id, store.clock.now_ms(), order.expires_at_ms or 0))
    paying = held(store, 4)
    set_aside(store, paying)
    tendering.pay_cash(desk, paying.id, 5_000)
    owed = held(store, 5)
    set_aside(store, owed)
    tendering.pay_cash(desk, owed.id, 5_000)
    store.cancel(owed.id)
    queued = held(store, 6, hours=300)
    store.orders[queued.id] = waiting(queued)
    store.settle()
    return store


def offline(store: FakeStore) -> FakeStore:
    contact_ms = store.clock.now_ms() - 12 * 60_000
    store.state = replace(
        State(last_contact_ms=contact_ms), backlog=5, last_error="central cannot be reached"
    )
    return store


async def nothing(_term: Terminal) -> None:
    pass


@SIZES
def test_today_with_reservations(shows_till, clock, tmp_path):
    """Money to give back first, then work, then who may come; the waiting list last."""
    assert shows_till(busy(make_store(clock), tmp_path), nothing)


@SIZES
def test_reservation_new(shows_till, clock):
    """What is to be set aside, until when, for how much."""

    async def steps(term: Terminal) -> None:
        await term.press("enter")

    store = make_store(clock)
    held(store, 0)
    assert shows_till(store, steps)


@SIZES
def test_reservation_refund_due(shows_till, clock, tmp_path):
    """It ended while the customer paid."""

    async def steps(term: Terminal) -> None:
        await term.press("enter")

    assert shows_till(offline(busy(make_store(clock), tmp_path)), steps)


@SIZES
def test_reservation_problem(shows_till, clock):
    """Everything else, in one list."""

    async def steps(term: Terminal) -> None:
        await term.press("enter", "f7")

    store = make_store(clock)
    set_aside(store, held(store, 0))
    assert shows_till(store, steps)


async def open_payment(term: Terminal) -> None:
    await term.press("enter", "f6")


def to_be_paid(store: FakeStore, tmp_path, *, opened: bool = True) -> FakeStore:
    if opened:
        drawer.open_drawer(desk_of(store, tmp_path), 10_000)
    set_aside(store, held(store, 0))
    return store


@SIZES
def test_payment_empty(shows_till, clock, tmp_path):
    """What is due; nothing is paid yet."""
    assert shows_till(to_be_paid(make_store(clock), tmp_path), open_payment)


@SIZES
def test_payment_split(shows_till, clock, tmp_path):
    """A card, then cash with change: paid, and the change in view."""

    async def steps(term: Terminal) -> None:
        await open_payment(term)
        await term.type("50")
        await term.press("f5")
        await term.type("100")
        await term.press("enter")

    assert shows_till(to_be_paid(make_store(clock), tmp_path), steps)


@SIZES
def test_payment_not_clear(shows_till, clock, tmp_path):
    """The payment terminal fell silent: not known, said so, and what to do."""

    async def steps(term: Terminal) -> None:
        await open_payment(term)
        await term.type("20.52")
        await term.press("f5")

    assert shows_till(to_be_paid(make_store(clock), tmp_path), steps)


@SIZES
def test_payment_offline(shows_till, clock, tmp_path):
    """A gift card beyond the limit: asked, not known, the goods stay here."""

    async def steps(term: Terminal) -> None:
        await open_payment(term)
        await term.press("f6")
        await term.type(CODE)
        await term.press("enter")

    assert shows_till(offline(to_be_paid(make_store(clock), tmp_path)), steps)


@SIZES
def test_payment_refused(shows_till, clock, tmp_path):
    """The drawer is not open."""

    async def steps(term: Terminal) -> None:
        await open_payment(term)
        await term.press("f4")

    assert shows_till(to_be_paid(make_store(clock), tmp_path, opened=False), steps)


@SIZES
def test_reserve_dialog_refused(shows_till, clock):
    """A card's number in the field for the name."""

    async def steps(term: Terminal) -> None:
        await term.press("f3")
        await term.type("gooseneck")
        await term.press("enter", "f7")
        await term.type("4111 1111 1111 1111")
        await term.press("enter", "enter")

    assert shows_till(make_store(clock), steps)


async def open_drawer_screen(term: Terminal) -> None:
    await term.press("f8")


@SIZES
def test_drawer_empty(shows_till, clock):
    """Not open yet."""
    assert shows_till(make_store(clock), open_drawer_screen)


@SIZES
def test_drawer_busy(shows_till, clock, tmp_path):
    """What each means brought, in all and by associate."""
    store = busy(make_store(clock), tmp_path)
    desk = desk_of(store, tmp_path)
    tendering.pay_card(desk, store.find_orders("K7Q2-0001")[0].id, 2_000)
    tendering.pay_value(
        desk, store.find_orders("K7Q2-0001")[0].id, TenderKind.GIFT_CARD, CODE, 1_000
    )
    drawer.move_cash(replace(desk, actor=actor_of(Role.LEAD)), -5_000, CashReason.DEPOSIT)
    assert shows_till(offline(store), open_drawer_screen)


@SIZES
def test_drawer_counted(shows_till, clock, tmp_path):
    """Counted, and what is missing."""

    async def steps(term: Terminal) -> None:
        await term.press("f8", "enter")
        await term.type("190")
        await term.press("enter")

    assert shows_till(busy(make_store(clock), tmp_path), steps)
