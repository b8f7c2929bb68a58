"""Several pickup orders on one walk: pick path, totes, sorting, taking over."""

from dataclasses import replace

import pytest

from store_client.flows.pickup import commands
from store_client.services import waves
from store_client.services.desk import Actor, Desk, Refusal
from store_client.services.open_orders import open_orders
from store_client.services.pick_path import Shelf, walk_key
from store_client.services.scanner import read_code
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.flows.pickup import NAME
from sync.domain.fulfillment import FulfillmentStatus, PickupProof, ProofKind, ShortReason
from sync.domain.people import Role
from sync.domain.waves import PickMode
from tests.support.clocks import FrozenClock
from tests.support.fake_store import FakeStore, gtin_of, make_order
from tests.support.pickup_store import WAVE, pickup_store, with_wave
from tests.support.terminals import actor_of

S = FulfillmentStatus
AFTER = PickMode.SORT_AFTER_PICK


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock) -> FakeStore:
    return pickup_store(clock, 3)


@pytest.fixture
def desk(store, clock) -> Desk:
    return Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")


def test_the_walk_goes_by_aisle_then_by_department_and_sku():
    """Known aisles in their order; where none is known, department and SKU lead."""
    places = [
        (Shelf("10-A", "Z"), "1"), (Shelf("", "Bath"), "9"), (Shelf("2-B", "A"), "5"),
        (Shelf("", "Bath"), "3"), (Shelf("", "Kitchen"), "1"),
    ]  # fmt: skip
    walked = sorted(places, key=lambda place: walk_key(*place))
    assert [(one.aisle or one.department, sku) for one, sku in walked] == [
        ("2-B", "5"), ("10-A", "1"), ("Bath", "3"), ("Bath", "9"), ("Kitchen", "1"),
    ]  # fmt: skip


def test_chosen_orders_go_into_a_wave_and_each_scan_says_its_tote(desk, store):
    """Only what was chosen; rows by aisle; a unit goes to the first tote that wants it."""
    first, second, third = store.orders
    wave = waves.start(desk, NAME, (first, second))
    assert [(tote.number, tote.order.id) for tote in wave.totes] == [(1, first), (2, second)]
    assert store.orders[third].wave is None
    aisles = [row.shelf.aisle for row in wave.rows]
    assert aisles == sorted(aisles)
    said = [waves.scan(desk, wave.key, read_code(gtin_of(1))).says for _ in range(3)]
    assert [words.split(" (")[0] for words in said] == ["Tote 1", "Tote 2", "Tote 2"]


def test_what_was_asked_for_and_left_out_is_said(desk, store, clock):
    """Held by a colleague, in their wave, or closed: each with why; without a choice, nothing."""
    first, second, third = store.orders
    store.add(make_order(3, clock.now_ms()))
    *_, fourth = store.orders
    store.perform(op.FulfillmentAccepted(first), by="A104", dev="T2")
    store.perform(op.WaveAssigned(second, WAVE, "A104", 1), by="A104", dev="T2")
    store.cancel(third)
    wave = waves.start(desk, NAME, tuple(store.orders))
    assert [tote.order.id for tote in wave.totes] == [fourth]
    assert {one.number: one.why for one in wave.left_out} == {
        "K7Q2-0000": "Sofia V. picks it at T2",
        "K7Q2-0001": "Sofia V. picks it in wave T2-0302-1",
        "K7Q2-0002": "nothing of it is to be picked",
    }
    with pytest.raises(Refusal, match=r"K7Q2-0001 \(Sofia V\. picks it in wave"):
        waves.start(desk, NAME, (second,))
    store.add(replace(make_order(4, clock.now_ms()), flow="curbside"))
    *_, fifth = store.orders
    with pytest.raises(Refusal, match=r"K7Q2-0004 \(it belongs to another desk\)"):
        waves.start(desk, NAME, (fifth,))
    store.add(make_order(5, clock.now_ms()))
    assert waves.start(desk, NAME).left_out == ()


def test_a_tote_keeps_its_number_when_another_order_is_called_off(desk, store):
    """Numbers stand on the totes: they cannot move up."""
    wave = waves.start(desk, NAME)
    store.cancel(wave.totes[0].order.id)
    assert [tote.number for tote in waves.find(desk, wave.key).totes] == [2, 3]


def test_the_sum_is_picked_and_then_sorted(desk, store):
    """Sorting later: the order stays in picking until each of its units is in its tote."""
    first, second, _ = store.orders
    wave = waves.start(desk, NAME, (first, second), mode=AFTER)
    for index in (0, 0, 1, 1, 1, 2):
        scan = waves.scan(desk, wave.key, read_code(gtin_of(index)))
    assert scan.says.startswith("Picked 1 of 1")
    assert (scan.wave.to_pick, scan.wave.to_sort) == (0, 6)
    assert status_of(store.orders[first]) is S.PICKING
    with pytest.raises(Refusal, match="to be sorted"):
        waves.scan(desk, wave.key, read_code(gtin_of(0)))
    for index in (1, 0, 0):
        waves.sort_scan(desk, wave.key, read_code(gtin_of(index)))
    assert status_of(store.orders[first]) is S.PICKED
    for index in (2, 1, 1):
        scan = waves.sort_scan(desk, wave.key, read_code(gtin_of(index)))
    assert (scan.tote, scan.wave.is_over) == (2, True)
    with pytest.raises(Refusal, match="left to sort"):
        waves.sort_scan(desk, wave.key, read_code(gtin_of(1)))


def test_what_is_short_goes_to_the_last_tote(desk, store):
    """Of three units only two are there: the more urgent order gets what it wants."""
    first, second, _ = store.orders
    wave = waves.start(desk, NAME, (first, second), mode=AFTER)
    for _ in range(2):
        waves.scan(desk, wave.key, read_code(gtin_of(1)))
    sku = store.orders[first].lines[1].sku
    waves.short_row(desk, wave.key, sku, ShortReason.NOT_FOUND)
    assert store.orders[first].total("short") == 0
    assert store.orders[second].total("short") == 1


def test_a_wave_of_somebody_else_is_seen_and_taken_over(desk, store):
    """Who has it is said; scans are refused until it is taken over; totes stay."""
    with_wave(store, "A104", AFTER)
    key = waves.WaveName(NAME, WAVE)
    (seen,) = waves.waves_of(open_orders(desk, NAME))
    assert seen.picker == "A104"
    with pytest.raises(Refusal, match=r"Sofia V\. picks this wave"):
        waves.scan(desk, key, read_code(gtin_of(1)))
    first = next(iter(store.orders))
    with pytest.raises(Refusal, match=r"Sofia V\. picks it in wave"):
        commands.pick_by_scan(desk, first, read_code(gtin_of(0)))
    taken = waves.take_over(desk, key)
    assert (taken.picker, [tote.number for tote in taken.totes]) == ("A103", [1, 2])
    waves.scan(desk, key, read_code(gtin_of(1)))
    with pytest.raises(Refusal, match="yours already"):
        waves.take_over(desk, key)


def all_picked(store, key):
    """Let the colleague pick all of an order."""
    for line in store.orders[key].lines:
        store.perform(op.LinePicked(key, line.line, line.allocated), by="A104", dev="T2")


def test_a_wave_whose_first_order_is_all_picked_is_taken_over(desk, store):
    """Who picks it is said by what is still to pick; at the end, by who was named last."""
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK)
    all_picked(store, next(iter(store.orders)))
    key = waves.WaveName(NAME, WAVE)
    assert waves.take_over(desk, key).picker == "A103"
    assert [wave.picker for wave in waves.waves_of(open_orders(desk, NAME))] == ["A103"]
    waves.scan(desk, key, read_code(gtin_of(1)))
    sofia = Desk(store, desk.clock, Actor("A104", "Sofia V.", Role.ASSOCIATE), "T2")
    with pytest.raises(Refusal, match=r"Rafael C\. picks this wave"):
        waves.scan(sofia, key, read_code(gtin_of(1)))
    for index in (1, 2):
        waves.scan(desk, key, read_code(gtin_of(index)))
    over = waves.find(desk, key)
    assert (over.is_over, over.picker) == (True, "A103")
    with pytest.raises(Refusal, match="Nothing of this wave is to be picked"):
        waves.leave(desk, key)
    with pytest.raises(Refusal, match="left to take over"):
        waves.take_over(desk, key)


def test_taking_over_goes_on_where_it_was_cut_off(desk, store):
    """The power failed between two totes: what still names the other is taken over too."""
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK)
    first, second, _ = store.orders
    store.perform(op.WaveAssigned(first, WAVE, "A103", 1), by="A103", dev="T1")
    waves.take_over(desk, waves.WaveName(NAME, WAVE))
    assert {store.orders[one].wave.picker for one in (first, second)} == {"A103"}


def test_taking_over_leaves_alone_what_was_packed_or_left_meanwhile(desk, store, monkeypatch):
    """Another terminal finishes one tote and takes one order out while the wave is taken over."""
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK, 3)
    first, second, third = store.orders
    find = waves.find

    def found_then_changed(*args):
        wave = find(*args)
        if store.orders[second].wave is not None:
            all_picked(store, first)
            store.perform(op.WaveAssigned(second, ""), by="A104", dev="T2")
        return wave

    monkeypatch.setattr(waves, "find", found_then_changed)
    assert waves.take_over(desk, waves.WaveName(NAME, WAVE)).picker == "A103"
    assert store.orders[second].wave is None
    assert store.orders[third].wave.picker == "A103"


def test_a_wave_of_somebody_else_is_not_given_back(desk, store):
    """It is taken over first; so on the command line, which has no banner."""
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK)
    key = waves.WaveName(NAME, WAVE)
    with pytest.raises(Refusal, match=r"Sofia V\. picks this wave"):
        waves.leave(desk, key)
    assert all(order.wave for order in [*store.orders.values()][:2])
    waves.take_over(desk, key)
    assert waves.leave(desk, key) == (2, 0)


def test_an_order_leaves_its_wave_unless_its_units_lie_among_others(desk, store):
    """Picked alone again; what is picked for the sum is sorted first."""
    first, second, _ = store.orders
    wave = waves.start(desk, NAME, (first, second), mode=AFTER)
    waves.scan(desk, wave.key, read_code(gtin_of(0)))
    with pytest.raises(Refusal, match="among those of other orders"):
        waves.leave_one(desk, store.orders[first])
    waves.leave_one(desk, store.orders[second])
    commands.pick_by_scan(desk, second, read_code(gtin_of(1)))
    with pytest.raises(Refusal, match=r"among those of other orders\. Sort them first: F6"):
        waves.leave(desk, wave.key)


def test_what_is_left_of_a_wave_after_the_customer_came_is_picked_by_anybody(desk, store):
    """A part was handed over, a pick taken back: no wave can be left or taken over any more."""
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK)
    second = [*store.orders][1]
    order = store.orders[second]
    for line in order.lines:
        store.perform(op.LinePicked(second, line.line, line.allocated), by="A104", dev="T2")
    line = next(one for one in order.lines if one.allocated > 1)
    proof = PickupProof(ProofKind.PICKUP_CODE, "Ana")
    one = (op.LineQuantity(line.line, 1),)
    store.perform(op.HandedOver(second, one, proof), by="A104", dev="T2")
    store.perform(op.LineUnpicked(second, line.line, 1), by="A104", dev="T2")
    store.settle()
    assert status_of(store.orders[second]) is S.PARTIALLY_PICKED_UP
    after = commands.pick_by_hand(desk, second, line.line)
    assert after.total("to_pick") == 0
