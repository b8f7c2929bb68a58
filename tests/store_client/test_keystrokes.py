"""Plays each main job through the terminal, counts keys and scans, and keeps the table true."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus as S
from sync.domain.ids import pickup_qr
from tests.architecture.tree import ROOT
from tests.support.clocks import FrozenClock
from tests.support.fake_store import (
    CODE,
    FakeStore,
    Item,
    gtin_of,
    make_order,
    make_store,
    sku_of,
)
from tests.support.keystrokes import CountingTerminal
from tests.support.pickup_store import curbside_store
from tests.support.ship_store import parcel, ship_store
from tests.support.terminals import terminal, till_settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TABLE = ROOT / "store_client" / "KEYSTROKES.md"
BEGIN, END = "<!-- counted -->", "<!-- end -->"


def pickup_store(clock: FrozenClock) -> FakeStore:
    """One order of three lines, a unit each."""
    store = make_store(clock)
    store.add(make_order(0, clock.now_ms(), quantities=(1, 1, 1)))
    return store


def ready_store(clock: FrozenClock) -> FakeStore:
    """The same, picked, at a spot, and the customer told."""
    store = pickup_store(clock)
    order = only(store)
    for line in order.lines:
        store.perform(op.LinePicked(order.id, line.line, 1), by="A103", dev="T1")
    store.perform(op.Staged(order.id, "A1"), by="A103", dev="T1")
    until = clock.now_ms() + 86_400_000
    store.perform(op.MarkedReady(order.id, clock.now_ms(), until), by="A103", dev="T1")
    return store


def parcel_store(clock: FrozenClock) -> FakeStore:
    """One parcel of three units on two lines."""
    store = ship_store(clock)
    store.add(parcel(1, clock.now_ms()))
    return store


def outside_store(clock: FrozenClock) -> FakeStore:
    """Two curbside orders, three units each."""
    return curbside_store(clock, 2)


def task_store(clock: FrozenClock) -> FakeStore:
    """One follow-up that waits."""
    store, now_ms = make_store(clock), clock.now_ms()
    store.inbox = [Item("E1", "follow_up", "Call back", now_ms, now_ms + 7_200_000)]
    return store


def only(store: FakeStore):
    (order,) = store.orders.values()
    return order


async def pick_by_scan(term: CountingTerminal, store: FakeStore) -> None:
    """Enter on Today, three items, the spot's label, Enter."""
    await term.press("enter")
    for index in range(3):
        await term.scan(gtin_of(index))
    await term.scan("A2")
    await term.press("enter")
    assert status_of(only(store)) is S.READY_FOR_PICKUP


async def pick_by_hand(term: CountingTerminal, store: FakeStore) -> None:
    """The same without a scanner: F4 takes one of the line, the spot is typed."""
    await term.press("enter", "f4", "down", "f4", "down", "f4", "enter")
    await term.type("A2")
    await term.press("enter", "enter")
    assert status_of(only(store)) is S.READY_FOR_PICKUP


async def hand_over_by_qr(term: CountingTerminal, store: FakeStore) -> None:
    """The customer's QR code, Enter."""
    await term.scan(pickup_qr(only(store).order_number, CODE))
    await term.press("enter")
    assert status_of(only(store)) is S.PICKED_UP


async def hand_over_by_slip(term: CountingTerminal, store: FakeStore) -> None:
    """The slip on the bag is scanned, then the customer's code."""
    await term.scan(only(store).order_number)
    await term.scan(CODE)
    await term.press("enter")
    assert status_of(only(store)) is S.PICKED_UP


async def hand_over_typed(term: CountingTerminal, store: FakeStore) -> None:
    """Enter on Today, Enter, the eight characters of the code, Enter."""
    await term.press("enter", "enter")
    await term.type(CODE.lower())
    await term.press("enter")
    assert status_of(only(store)) is S.PICKED_UP


async def curbside_wave(term: CountingTerminal, store: FakeStore) -> None:
    """The curbside desk, a wave of all that wait, sorted while picking, six items."""
    await term.press("f6", "f7", "1")
    for index in (0, 0, 1, 1, 1, 2):
        await term.scan(gtin_of(index))
    assert {status_of(order) for order in store.orders.values()} == {S.PICKED}


async def off_the_shelf(term: CountingTerminal, store: FakeStore) -> None:
    """Enter on Today, ^Z, yes."""
    await term.press("enter", "ctrl+z", "enter")
    assert status_of(only(store)) is S.PICKED


async def write_down(term: CountingTerminal, store: FakeStore) -> None:
    """Inbox, new, a few words, the order's slip, the time as it is, for a lead."""
    await term.press("f9", "f4")
    await term.type("Call back")
    await term.press("enter")
    await term.scan(only(store).order_number)
    await term.press("enter", "3")
    (task,) = store.inbox
    assert (task.assignee, task.order_number) == ("lead", only(store).order_number)


async def done(term: CountingTerminal, store: FakeStore) -> None:
    """Inbox, done, a few words."""
    await term.press("f9", "f6")
    await term.type("Called")
    await term.press("enter")
    assert store.inbox[0].is_done


async def reserve_and_pay(term: CountingTerminal, store: FakeStore) -> None:
    """Find, reserve for a name, fetch it by scan, cash, and the receipt. The drawer is open."""
    await term.press("f3")
    await term.scan(gtin_of(7))
    await term.press("f7")
    await term.type("Ann")
    await term.press("enter", "enter")
    await term.scan(gtin_of(7))
    await term.press("f6", "f4", "enter")
    assert status_of(only(store)) is S.CONVERTED


async def ship(term: CountingTerminal, store: FakeStore) -> None:
    """Enter on Today, three items, weight, label."""
    await term.press("enter")
    for index in (1, 1, 2):
        await term.scan(gtin_of(index))
    await term.press("enter")
    await term.type("900")
    await term.press("enter", "enter")
    assert status_of(only(store)) is S.LABELED


async def cannot_give(term: CountingTerminal, store: FakeStore) -> None:
    """Enter on Today, F7, the first entry, the first reason, Enter when what follows was seen."""
    await term.press("enter", "f7", "1", "1", "enter")
    assert store.performed[-1].kind == "line_short_picked"


class Job(NamedTuple):
    """A main job, what it begins with, and what peers' papers say of theirs."""

    name: str
    store: Callable[[FrozenClock], FakeStore]
    play: Callable[[CountingTerminal, FakeStore], Awaitable[None]]
    peers: str


NOT = "not documented"
JOBS = (
    Job("Pick and stage a pickup of 3 lines, by scanner", pickup_store, pick_by_scan,
        "HotWax BOPIS: *Ready for pickup*, 1 tap, without scans or a spot (it has none)."
        " Kibo: *Accept Shipment*, *Yes*, *Print Pick Sheet*, *Validate Items in Stock*:"
        " 4 taps named, the rest not documented. IBM: items are scanned, taps not documented"),
    Job("The same without a scanner", pickup_store, pick_by_hand, NOT),
    Job("Hand over to the customer, by their QR code", ready_store, hand_over_by_qr,
        "HotWax: name and ID number are typed (2 fields, keys not documented)."
        " IBM: each item is scanned again, taps not documented. fabric: signature"),
    Job("Hand over, slip and code scanned", ready_store, hand_over_by_slip, NOT),
    Job("Hand over, code typed", ready_store, hand_over_typed, NOT),
    Job("Two curbside orders of 3 units on one walk", outside_store, curbside_wave,
        "IBM: batches of orders with totes, taps not documented"),
    Job("Off the hold shelf again: it was not ready", ready_store, off_the_shelf, NOT),
    Job("A follow-up about an order, for a lead", pickup_store, write_down, NOT),
    Job("A follow-up is done", task_store, done, NOT),
    Job("Reserve at the counter, fetch, cash, receipt", make_store, reserve_and_pay,
        "NewStore: not possible offline; taps not documented"),
    Job("Parcel of 3 units: pick, pack, weigh, label", parcel_store, ship,
        "HotWax: pickers and size are chosen, *Save & pack*, ship: taps not documented"),
    Job("One line cannot be given", pickup_store, cannot_give,
        "IBM: shortage with a reason code, taps not documented"),
)  # fmt: skip


async def count(job: Job, folder: Path) -> str:
    """Play a job and return its row."""
    clock = FrozenClock()
    store = job.store(clock)
    async with terminal(store, clock, settings=till_settings(folder)) as term:
        if job.play is reserve_and_pay:
            await term.press("f8", "enter", "enter", "escape")
        counting = CountingTerminal(term)
        await job.play(counting, store)
    return f"| {job.name} | {counting.effort.keys} | {counting.effort.scans} | {job.peers} |"


async def test_the_table_says_what_each_job_takes(tmp_path):
    """Every main job, from Today to its end; the document has exactly these numbers."""
    rows = []
    for place, job in enumerate(JOBS):
        rows.append(await count(job, tmp_path / str(place)))
    counted = "\n".join(rows)
    text = TABLE.read_text(encoding="utf-8")
    _, _, rest = text.partition(f"{BEGIN}\n")
    said, _, _ = rest.partition(f"\n{END}")
    assert said.splitlines()[2:] == rows, f"write into {TABLE.name}:\n{counted}"


async def test_an_order_of_any_size_takes_the_same_keys(tmp_path):
    """Only scans grow with an order: two keys for three lines are two keys for one."""
    clock = FrozenClock()
    store = make_store(clock)
    store.add(make_order(0, clock.now_ms(), quantities=(1,)))
    async with terminal(store, clock) as term:
        counting = CountingTerminal(term)
        await counting.press("enter")
        await counting.scan(gtin_of(0))
        await counting.scan("A2")
        await counting.press("enter")
    assert status_of(only(store)) is S.READY_FOR_PICKUP
    assert (counting.effort.keys, counting.effort.scans) == (2, 2)
    assert only(store).lines[0].sku == sku_of(0)
