"""Shipping at the terminal: keys, scans and words, connected or not."""

from dataclasses import replace

import pytest

from store_client.services.desk import TerminalSettings
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.flows.ship import label_arrived, shipment_of
from sync.domain.fulfillment import FulfillmentStatus, ShortReason
from sync.domain.operations import FulfillmentRejected, LinePicked, PutBack
from sync.domain.people import Role
from sync.domain.reserve_operations import TenderTaken
from sync.domain.tenders import TenderKind
from tests.store_client.test_terminal_reserve import open_drawer
from tests.support.clocks import FrozenClock
from tests.support.fake_store import State, gtin_of
from tests.support.parcels import listed_parcel
from tests.support.ship_store import busy_ship_store, paid_here, parcel, ship_store
from tests.support.terminals import terminal, till_settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def away(store) -> None:
    """Take the network away from a store."""
    store.state = replace(
        State(last_contact_ms=store.clock.now_ms() - 12 * 60_000), backlog=3, last_error="cut"
    )
    store.version += 1


async def test_a_parcel_goes_from_the_queue_to_the_carrier_by_keys_and_scans(clock):
    """Accept, scan, pack, weigh, label, list, hand over: Enter does what the screen says."""
    store = ship_store(clock)
    order = parcel(1, clock.now_ms())
    store.add(order)
    async with terminal(store, clock) as term:
        await term.press("enter", "enter")
        for index in (1, 1, 2):
            await term.scan(gtin_of(index))
        assert "PACK AND WEIGH" in term.text()
        await term.press("enter")
        await term.type("1.25kg")
        await term.press("enter")
        assert "its number is here already" in term.text()
        await term.press("enter")
        assert "PUT ON THE MANIFEST" in term.text()
        await term.press("enter")
        assert "WAITS FOR THE CARRIER" in term.text()
        await term.press("enter", "enter")
        assert "the customer is told" in term.text()
    assert status_of(store.orders[order.id]) is FulfillmentStatus.SHIPPED
    box = shipment_of(store.orders[order.id]).boxes[0]
    assert (box.weight_grams, box.tracking) == (1250, "SW001000000")


async def test_two_boxes_by_keys(clock):
    """F6 packs some of a line; the rest goes into the next box."""
    store = ship_store(clock)
    order = parcel(1, clock.now_ms())
    store.add(order)
    async with terminal(store, clock) as term:
        await term.press("enter", "enter")
        for index in (1, 1, 2):
            await term.scan(gtin_of(index))
        await term.press("f6")
        await term.press("backspace")
        await term.type("1")
        await term.press("enter")
        await term.type("400")
        await term.press("enter")
        assert "box 1: 1 pcs" in term.text()
        await term.press("enter")
        await term.type("900")
        await term.press("enter")
    boxes = shipment_of(store.orders[order.id]).boxes
    assert [(box.units, box.weight_grams) for box in boxes] == [(1, 400), (2, 900)]


async def test_a_rejection_shows_what_follows_and_esc_does_nothing(clock):
    """Reason, consequences, yes or no: only a yes is recorded."""
    store = ship_store(clock)
    order = parcel(1, clock.now_ms())
    store.add(order)
    async with terminal(store, clock) as term:
        await term.press("enter", "f7", "2", "1")
        said = term.text()
        assert "book stock falls by 3" in said
        assert "count these goods" in said
        await term.press("escape")
        assert store.performed == []
        await term.press("f7", "2", "1", "enter")
        assert "Rejected. Central looks for another place" in term.text()
    (rejected,) = store.performed
    assert isinstance(rejected, FulfillmentRejected)
    assert rejected.reason is ShortReason.NOT_FOUND


async def test_a_label_asked_for_while_away_is_said_to_be_provisional(clock):
    """Central buys it once it is reached; the screen says so, and goes on by itself then."""
    store = ship_store(clock)
    order = parcel(2, clock.now_ms(), quantities=(1,), carrier="harbor")
    store.add(order)
    away(store)
    async with terminal(store, clock) as term:
        await term.press("enter", "enter")
        await term.scan(gtin_of(2))
        await term.press("enter")
        await term.type("700")
        await term.press("enter", "enter")
        assert "LABEL ASKED OF CENTRAL" in term.text()
        assert "once central is reached" in term.text()
        assert "OFFLINE 12 min" in term.text()
        await term.press("enter")
        assert "Central is not reached now" in term.text()
        await term.press("f7")
        assert "Print labels" not in term.text()
        await term.press("escape")
        arrived = label_arrived(store.orders[order.id], 1, "HA77")
        assert arrived is not None
        store.add(arrived)
        await term.look()
        assert "PUT ON THE MANIFEST" in term.text()
        assert "HA77" in term.text()


async def test_why_the_carrier_gave_no_label_stands_on_top(clock):
    """What the carrier said cannot be overlooked, and a number can be written down."""
    store = busy_ship_store(clock)
    key = [*store.orders][2]
    order = store.orders[key]
    shipment = shipment_of(order)
    box = replace(shipment.boxes[0], problem="there is no place with postal code 00012")
    store.add(replace(order, shipment=replace(shipment, boxes=(box,))))
    async with terminal(store, clock) as term:
        term.app.open_order("ship_from_store", key)
        await term.rest()
        assert "no place with postal code" in term.text()
        await term.press("f7", "4")
        await term.type("HX-123")
        await term.press("enter")
        assert "has label HX-123" in term.text()


async def test_the_desk_starts_a_wave_and_the_scans_say_which_tote(clock):
    """One key starts it; each scan is one unit into one tote; it goes on after Esc."""
    store = ship_store(clock, 2)
    async with terminal(store, clock) as term:
        await term.press("f4")
        assert "Swift Parcel" in term.text()
        assert "16:30, in 5 h 58" in term.text()
        await term.press("f6")
        assert "AISLE" in term.text()
        await term.scan(gtin_of(0))
        assert "Tote 1 (K7Q2-0000)" in term.text()
        await term.scan(gtin_of(7))
        assert "is not in this wave" in term.text()
        await term.press("escape")
        assert "1 of 6 picked" in term.text()
        assert "2 totes, Rafael C." in term.text()


async def test_a_parcel_in_somebodys_wave_can_be_taken_out_of_it(clock):
    """Its screen says who picks it, as a scan does; F7 opens the wave, or takes the order out."""
    store = ship_store(clock, 1)
    key = next(iter(store.orders))
    store.perform(op.WaveAssigned(key, "T2-0302-1", "A104", 1), by="A104", dev="T2")
    async with terminal(store, clock) as term:
        await term.press("enter")
        assert "In wave T2-0302-1, picked by Sofia V., tote 1" in term.text()
        await term.scan(gtin_of(0))
        text = " ".join(term.text().split())
        assert "Sofia V. picks it in wave T2-0302-1, tote 1." in text
        assert "or take the order out of it: F7." in text
        await term.press("f7")
        assert "Open its wave" in term.text()
        await term.press("4")
        assert "Out of its wave: pick it here" in term.text()
        await term.scan(gtin_of(0))
    assert [one.kind for one in store.performed][-1] == "line_picked"


async def test_the_desk_lists_and_hands_over_a_carriers_boxes(clock):
    """F7 lists what is labeled, F8 asks once and says what the carrier has."""
    store = busy_ship_store(clock)
    async with terminal(store, clock) as term:
        await term.press("f4", "f7")
        assert "2 boxes listed" in term.text()
        await term.press("f8", "enter")
        assert "The carrier has 3" in term.text()
        assert "1 stay here" in term.text()


async def test_nothing_left_of_an_item_in_a_wave(clock):
    """F7 asks why and gives the row up in every order that wants it."""
    store = ship_store(clock, 1)
    async with terminal(store, clock) as term:
        await term.press("f4", "f6", "f7", "2", "enter")
        assert "Given up 2" in term.text()
    assert [one.kind for one in store.performed] == ["wave_assigned", "line_short_picked"]


async def test_an_auditor_reads_and_changes_nothing(clock):
    """Who may only read is told so, and nothing is recorded."""
    store = ship_store(clock, 1)
    async with terminal(store, clock, role=Role.AUDITOR) as term:
        await term.press("f4", "f6")
        assert "may only read" in term.text()
    assert store.performed == []


async def test_a_store_that_ships_nothing_has_no_desk(clock):
    """Where no carrier comes, the key is not offered and does nothing."""
    store = ship_store(clock)
    assert store.row is not None
    store.row = replace(store.row, carriers=())
    async with terminal(store, clock, settings=TerminalSettings(poll_seconds=3600)) as term:
        assert "Shipping" not in term.text()
        await term.press("f4")
        assert "NEXT" in term.text()


async def test_a_parcel_that_is_paid_here_stays_until_it_is(clock, tmp_path):
    """The screen says so from the start; Enter takes the payment, and then the carrier comes."""
    store = ship_store(clock)
    order = paid_here(parcel(1, clock.now_ms()))
    store.add(order)
    key = order.id
    for done in listed_parcel(order):
        store.perform(done, by="A103", dev="T1")
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        assert "To be paid here" in term.text()
        await term.press("enter")
        assert "Paid here before it leaves: $30.00" in term.text()
        assert "TO BE PAID, THEN IT LEAVES" in term.text()
        await term.press("enter")
        assert "DUE $30.00" in term.text()
        await term.press("enter")
        assert "Not paid yet" in term.text()
        await term.type("-5")
        await term.press("f4")
        assert "“-5” is not more than nothing. Type it like 48.99." in term.text()
        await term.press("backspace", "backspace", "f4")
        assert "PAID: its boxes may leave" in term.text()
        await term.press("enter")
        assert "PAID: WAITS FOR THE CARRIER" in term.text()
        await term.press("f2")
        await term.look()
        assert "Paid: for the carrier" in term.text()
        await term.press("enter", "enter", "enter")
        assert "the customer is told" in term.text()
    assert status_of(store.orders[key]) is FulfillmentStatus.SHIPPED


async def test_money_of_what_is_not_sent_is_given_back_at_its_order(clock, tmp_path):
    """Paid and then broken: what is owed stands at the top until it is given back."""
    store = ship_store(clock)
    order = paid_here(parcel(1, clock.now_ms(), quantities=(1,)))
    store.add(order)
    for done in (LinePicked(order.id, 1, 1), TenderTaken(order.id, 1, TenderKind.CASH, 1_000),
                 FulfillmentRejected(order.id, ShortReason.DAMAGED),
             PutBack(order.id, 1, 1)):  # fmt: skip
        store.perform(done, by="A103", dev="T1")
    settings = till_settings(tmp_path)
    async with terminal(store, clock, role=Role.MANAGER, settings=settings) as term:
        await open_drawer(term)
        await term.press("enter")
        assert "$10.00 of the customer's to give back" in term.text()
        await term.press("enter", "ctrl+z")
        assert "Give $10.00 back from the drawer" in term.text()
    assert status_of(store.orders[order.id]) is FulfillmentStatus.REJECTED
