"""One parser for every scan, and the obvious thing on every screen."""

from dataclasses import replace

import pytest

from store_client.services.desk import TerminalSettings
from store_client.services.scanner import Code, ScannerSettings, read_code
from store_client.services.shelf import is_label
from store_client.widgets.work_list import WorkList
from sync.domain import operations as op
from sync.domain.ids import pickup_qr, read_pickup_qr
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import Reservation
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, FakeStore, gtin_of, make_order, make_store
from tests.support.ship_store import HARBOR, SWIFT, parcel
from tests.support.terminals import QUIET_SECONDS, terminal

GTIN = "05901234123457"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, 3)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("5901234123457", Code("5901234123457", GTIN)),
        ("]E05901234123457", Code("5901234123457", GTIN)),
        ("]C10105901234123457", Code("0105901234123457", GTIN)),
        ("0105901234123457", Code("0105901234123457", GTIN)),
        ("010590123412345717261231\x1d10LOT7", Code("01059012341234571726123110LOT7", GTIN)),
        ("96385074", Code("96385074", "00000096385074")),
        ("K7Q2-0001", Code("K7Q2-0001", "", "K7Q2-0001")),
        ("k7q2-0001", Code("k7q2-0001", "", "K7Q2-0001")),
        ("]C0K7Q2-0001", Code("K7Q2-0001", "", "K7Q2-0001")),
        ("HS1/K7Q2-0001/3FQ7Z0KD", Code("HS1/K7Q2-0001/3FQ7Z0KD", "", "K7Q2-0001", "3FQ7Z0KD")),
        ("]Q3HS1/K7Q2-0001/3FQ7Z0KD", Code("HS1/K7Q2-0001/3FQ7Z0KD", "", "K7Q2-0001", "3FQ7Z0KD")),
        ("3FQ7Z0KD", Code("3FQ7Z0KD")),
        ("HS-10002", Code("HS-10002")),
        ("B3", Code("B3")),
        ("A103", Code("A103")),
        ("GC7Q-29ZX-MK0P", Code("GC7Q-29ZX-MK0P")),
        ("1234567890123", Code("1234567890123")),
        ("", Code("")),
    ],
)
def test_what_a_code_means(raw, code):
    """GTINs in every dress, orders, customers' QR codes; everything else is its own text."""
    assert read_code(raw) == code


def test_a_customers_code_reads_back():
    """Number and code travel together, and only in that form."""
    assert read_pickup_qr(pickup_qr("K7Q2-0001", CODE)) == ("K7Q2-0001", CODE)
    assert read_pickup_qr("HS2/K7Q2-0001/X") == ("", "")
    assert read_pickup_qr("HS1/nonsense/X") == ("", "")


SCREENS = {
    "today": (), "find": ("f3",), "inbox": ("f9",), "sync": ("ctrl+s",), "printing": ("ctrl+r",),
    "drawer": ("f8",), "order": ("enter",), "timeline": ("enter", "ctrl+t"),
    "pickup desk": ("f7",), "shipping desk": ("f4",), "curbside desk": ("f6",),
    "wave": ("f7", "f6", "1"), "parcel": ("@7",), "reservation": ("@8",),
}  # fmt: skip
"""Every full screen; `@` opens the order of that number."""


@pytest.fixture
def full_store(store) -> FakeStore:
    """The same store, that also ships, brings out and reserves: a parcel and a reservation wait."""
    policy = PickupPolicy(parking=("P1",))
    store.row = replace(store.row, carriers=(SWIFT, HARBOR), pickup=policy)
    now_ms = store.clock.now_ms()
    store.add(parcel(7, now_ms))
    until_ms = now_ms + 72_000_000
    held = replace(
        make_order(8, now_ms), flow="reserve", expires_at_ms=until_ms,
        reserve=Reservation(until_ms, until_ms + 72_000_000),
    )  # fmt: skip
    store.add(held)
    return store


async def go(term, store, *keys: str) -> None:
    """Open a screen from Today by keys; `@` opens the order of that number."""
    for key in keys:
        if key.startswith("@"):
            (order,) = [one for one in store.orders.values() if one.order_number.endswith(key[1:])]
            term.app.open_order(order.flow, order.id)
            await term.rest()
        else:
            await term.press(key)


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
async def test_an_orders_code_opens_it_from_every_screen(full_store, clock, name):
    """Whatever is open: the scanned order is in front, and Esc leads back."""
    async with terminal(full_store, clock) as term:
        await go(term, full_store, *SCREENS[name])
        await term.scan("K7Q2-0002")
        assert "K7Q2-0002 Kira Drake" in term.text()
        assert "PICK 3" in term.text()
        await term.press("f2")
        assert "To pick 5" in term.text()


WORK = {
    "order": (0, "Picked 1 of 2"), "parcel": (7, "Picked 1 of 2"),
    "reservation": (0, "Picked 1 of 2"), "wave": (0, "Tote 1"), "find": (4, "Pellam Cast Iron"),
}  # fmt: skip
"""Screens on which an item's code is work: which item, and what is said then."""


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
async def test_an_items_code_does_the_obvious_on_every_screen(full_store, clock, name):
    """Where it is wanted it is picked; elsewhere the product stands there with price and place."""
    async with terminal(full_store, clock) as term:
        await go(term, full_store, *SCREENS[name])
        index, says = WORK.get(name, (4, "Found by code"))
        await term.scan(gtin_of(index))
        assert says in term.text()
        assert name in WORK or "Pellam Cast Iron Skillet" in term.text()


DIALOGS = {
    "counter": (("@0", "f6"), "That is no pickup code"), "payment": (("@8", "f6"), "was not used"),
    "spot": (("@0", "f8"), "This store has no spot"),
    "question": (("@1", "enter"), "finish or close"), "choice": (("@0", "f7"), "finish or close"),
}  # fmt: skip
"""Dialogs over what is picked, and what an item's code is told there."""


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("code", ["4006381333931", "5901234123457", "2112345678900"])
async def test_a_scan_chooses_nothing(full_store, clock, code):
    """The digits of a barcode are no answers to what is asked, one after another."""
    async with terminal(full_store, clock) as term:
        await term.press("enter", "f7")
        dialog = term.screen
        await term.scan(code)
        assert "finish or close" in term.toasts()
        assert term.screen is dialog
        await term.press("1")
        assert term.screen is not dialog
    assert full_store.performed == []


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("name", DIALOGS)
async def test_an_items_code_in_a_dialog_is_answered(full_store, clock, name):
    """It fits none of the fields: that is said, nothing is recorded, and what is open stays."""
    keys, says = DIALOGS[name]
    for number in (0, 1, 4):
        stage(full_store, number, "B2")
    no_show, now_ms = list(full_store.orders)[1], clock.now_ms()
    late = op.MarkedReady(no_show, now_ms - 900_000, now_ms - 1)
    full_store.perform(late, by="A103", dev="T1")
    before = len(full_store.performed)
    async with terminal(full_store, clock) as term:
        await go(term, full_store, *keys)
        dialog = term.screen
        await term.scan(gtin_of(4))
        assert says in term.text() + term.toasts()
        assert term.screen is dialog
    assert len(full_store.performed) == before


def stage(store, number: int, spot: str) -> None:
    order = list(store.orders.values())[number]
    for line in order.lines:
        store.perform(op.LinePicked(order.id, line.line, line.allocated), by="A103", dev="T1")
    store.perform(op.Staged(order.id, spot), by="A103", dev="T1")


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_spots_code_opens_what_lies_there(store, clock):
    """One order is opened; of several, and of none, it is said."""
    stage(store, 1, "B2")
    stage(store, 0, "A1")
    stage(store, 2, "A1")
    async with terminal(store, clock) as term:
        await term.scan("b2")
        assert "K7Q2-0001" in term.text()
        await term.press("escape")
        await term.scan("A1")
        assert "2 orders: K7Q2-0000 Rosa Eastman, K7Q2-0002 Kira Drake" in term.toasts()
        await term.scan("A4")
        assert "Nothing lies at A4." in term.toasts()


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("keys", [(), ("f3",), ("@2",)], ids=["today", "find", "an order"])
async def test_a_number_that_two_orders_have_here_lets_one_choose(store, clock, keys):
    """An order that was divided has two of them in one store: both are listed, Enter opens one.

    So does the customer's code: the first of them is not taken for the one that is meant.
    """
    other = replace(make_order(5, clock.now_ms()), order_number="K7Q2-0000", customer_name="Q. R.")
    store.add(other)
    async with terminal(store, clock) as term:
        for code in ("K7Q2-0000", pickup_qr("K7Q2-0000", CODE)):
            await go(term, store, *keys)
            await term.scan(code)
            assert "not at this store" not in term.toasts()
            rows = term.screen.query_one("#found-orders", WorkList).rows
            assert {row.id for row in rows} == {other.id, next(iter(store.orders))}
            await term.press("f2")
        await term.scan("K7Q2-0000")
        await term.press("enter", "enter")
        assert term.screen.key in {other.id, next(iter(store.orders))}


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_customers_qr_code_opens_the_counter(store, clock):
    """From Today: the right order, the code in its field and tried; the goods are out."""
    stage(store, 1, "B2")
    order = list(store.orders.values())[1]
    store.perform(op.MarkedReady(order.id, clock.now_ms(), clock.now_ms() + 9e6), by="A", dev="T")
    async with terminal(store, clock) as term:
        await term.scan(pickup_qr("K7Q2-0001", CODE))
        await term.press("enter")
        assert "Handed over: all done" in term.text()


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_customers_code_is_no_item_whatever_the_order_waits_for(store, clock):
    """Not picked, not ready, past its time, handed over: that is said, never the code itself.

    The order's keys do the rest; the code alone records nothing.
    """
    key, code = list(store.orders)[1], pickup_qr("K7Q2-0001", CODE)
    said: list[str] = []

    async def scan(term) -> None:
        await term.scan(code)
        said.append(term.widget_text("#says"))

    async with terminal(store, clock) as term:
        await scan(term)
        stage(store, 1, "B2")
        await term.look()
        await scan(term)
        day_ms = 86_400_000
        store.perform(op.MarkedReady(key, clock.now_ms(), clock.now_ms() + day_ms), by="A", dev="T")
        clock.advance(8 * day_ms)
        await term.look()
        await scan(term)
        done = len(store.performed)
        await term.press("f6")
        await term.type(CODE)
        await term.press("enter", "enter")
        assert store.performed[done:] == store.performed[-1:]
        await scan(term)
    early, staged, late, over = said
    assert "Not ready for the customer yet: 3 items to pick" in early
    assert "Not ready for the customer yet" in staged
    assert "F6 hands it over" in staged
    assert "Its time is over since" in late
    assert "F6 hands it over" in late
    assert "Handed over already" in over
    assert not any(CODE in words for words in said)


@pytest.mark.anyio
@pytest.mark.slow
async def test_another_customers_code_hands_nothing_over(store, clock):
    """At the counter of one order the code of another is told apart, and rung."""
    for number in (0, 1):
        stage(store, number, "B2")
        order = list(store.orders.values())[number]
        store.perform(op.MarkedReady(order.id, clock.now_ms(), clock.now_ms() + 9e6), by="A",
                      dev="T")  # fmt: skip
    async with terminal(store, clock) as term:
        await term.scan("K7Q2-0000")
        await term.press("enter")
        await term.scan(pickup_qr("K7Q2-0001", CODE))
        assert "That is the code of K7Q2-0001" in term.text()
    assert not any(one.kind == "handed_over" for one in store.performed)


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "code", "says"),
    [
        ((), "9999999999999", "No product"),
        ((), "ZZZZ-ZZZZ", "Order ZZZZ-ZZZZ is not at this store."),
        (("enter",), "XYZ-123", "is not in the catalogue"),
        (("enter", "f7"), "XYZ-123", "XYZ-123: finish or close what is open"),
        (("f3",), "XYZ-123", "No product “XYZ-123”"),
    ],
)
async def test_an_unknown_code_rings_and_is_said_with_its_text(store, clock, keys, code, says):
    """A bell, words, and nothing changed; on every screen, dialogs too."""
    async with terminal(store, clock) as term:
        rung = term.count_bells()
        await term.press(*keys)
        await term.scan(code)
        assert says in term.text() + term.toasts()
        assert rung
    assert store.performed == []


@pytest.mark.anyio
@pytest.mark.slow
async def test_no_scan_is_lost_in_silence_while_the_disk_is_slow(store, clock):
    """As many as fit wait their turn; one that does not is named, and can be scanned again."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        term.screen.busy = True
        for _ in range(33):
            term.screen.take_code(read_code(gtin_of(0)))
        await term.pilot.pause()
        assert "That scan was not used" in term.toasts()
        assert len(term.screen._scans) == 32


@pytest.mark.anyio
@pytest.mark.slow
async def test_prefix_suffix_and_gap_are_the_scanners(store, clock):
    """A scanner that says what it is, and is slower than most, works as it is set up."""
    scanner = ScannerSettings(gap_ms=60, prefix="~", suffix="#")
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, scanner=scanner)
    async with terminal(store, clock, settings=settings, role=Role.ASSOCIATE) as term:
        await term.press("enter")
        term.keys.at_ms += 500
        term.keys.gap_ms = 50
        term._post(*f"~{gtin_of(0)}#", "enter")
        await term.rest()
        assert "Picked 1 of 2" in term.text()


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("code", [gtin_of(0), "A2"], ids=["an item", "a spot"])
async def test_what_is_scanned_by_mistake_at_the_counter_is_no_try_at_the_code(store, clock, code):
    """Tries are counted against guessing; the goods that are handed over lie beside the scanner."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        await term.type("A2")
        await term.press("enter", "enter", "enter")
        await term.type(CODE[:3])
        term.screen.take_code(read_code(code))
        await term.rest()
        assert "✗ That is no pickup code." in term.text()
        assert CODE[:3] in term.text()
    assert store.locks == {}


def test_eight_digits_may_be_a_pickup_code():
    """One that happens to be a GTIN-8 is no label; one digit more is."""
    assert not is_label(None, read_code("96385074"))
    assert is_label(None, read_code("5901234123457"))
