"""Curbside at the store: arrivals, who waits where and how long, and bringing it out."""

from dataclasses import replace

import pytest
from textual.binding import Binding

from store_client.flows import ALL_FLOWS_UI
from store_client.flows.curbside import commands
from store_client.flows.curbside.board import describe
from store_client.services import fetching
from store_client.services.counter import HandOver
from store_client.services.desk import Desk, Refusal
from store_client.widgets.panels import Says
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.flows.curbside import ARRIVED, FLOW, CustomerArrived, arrival_of
from sync.domain.fulfillment import FulfillmentStatus, PickupProof, ProofKind, evolve_line
from sync.domain.people import Role
from sync.domain.transitions import advance
from tests.support.clocks import FrozenClock
from tests.support.fake_boards import row_of as board_row
from tests.support.fake_store import CODE, FakeStore, gtin_of, make_order
from tests.support.filled_store import fill, open_filled
from tests.support.pickup_store import away, curbside_store, on_the_shelf, ready
from tests.support.terminals import actor_of, terminal

S = FulfillmentStatus
MINUTE_MS = 60_000


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock) -> FakeStore:
    return curbside_store(clock, 3)


@pytest.fixture
def desk(store, clock) -> Desk:
    return Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")


def test_who_arrives_waits_from_the_first_word_on(desk, store, clock):
    """Said again the place is corrected, the time stays; drove away, it is as before."""
    key = ready(store, 0, "A1")
    commands.arrived(desk, key, "p1", "red van")
    clock.advance(3 * MINUTE_MS)
    after = commands.arrived(desk, key, "P2")
    arrival = arrival_of(after)
    assert arrival is not None
    assert (arrival.parking, arrival.vehicle) == ("P2", "red van")
    assert clock.now_ms() - arrival.since_ms == 3 * MINUTE_MS
    assert status_of(after) is S.CUSTOMER_WAITING
    assert status_of(commands.left(desk, key)) is S.READY_FOR_PICKUP
    with pytest.raises(Refusal, match="Nobody waits"):
        commands.left(desk, key)


def test_whoever_comes_early_waits_for_what_is_not_ready_yet(desk, store):
    """The order stays work to do; as soon as it is ready, it is to be brought out."""
    first = next(iter(store.orders))
    assert status_of(commands.arrived(desk, first, "P1")) is S.NEW
    assert [one.order.id for one in commands.outside(desk)] == [first]
    ready(store, 0, "A1")
    assert status_of(store.orders[first]) is S.CUSTOMER_WAITING


def test_who_waits_outside_comes_before_all_other_work(desk, store, clock):
    """The longest wait stands on top of the desk; on the board it is the first of all entries."""
    keys = [ready(store, place, "A1") for place in range(2)]
    commands.arrived(desk, keys[1], "P1")
    clock.advance(MINUTE_MS)
    commands.arrived(desk, keys[0], "P2")
    assert [one.order.id for one in commands.outside(desk)] == [keys[1], keys[0]]
    entries = [describe(board_row(one), store.row, clock.now_ms()) for one in store.orders.values()]
    first = min(entries, key=lambda one: one.rank)
    assert first.id == keys[0]
    assert first.step.words == "Bring out: waits outside"


def test_the_replica_finds_who_waits_outside_without_reading_every_order(store, clock, tmp_path):
    """By the note in its text: said, corrected, taken back, and by nobody of another flow."""
    on_disk = open_filled(tmp_path, clock)
    fill(on_disk, store.row, store.people, store.catalogue, store.orders.values())
    desk = Desk(on_disk, clock, actor_of(Role.ASSOCIATE), "T1")
    keys = [row.id for row in on_disk.board("curbside")]
    assert on_disk.noted("curbside", ARRIVED) == []
    commands.arrived(desk, keys[0], "P1", 'a "red", [van')
    commands.arrived(desk, keys[0], "P2")
    commands.arrived(desk, keys[1], "P1")
    assert set(on_disk.noted("curbside", ARRIVED)) == set(keys[:2])
    assert on_disk.noted("pickup", ARRIVED) == []
    commands.left(desk, keys[1])
    outside = commands.outside(desk)
    assert [one.order.id for one in outside] == keys[:1]
    assert {row.id for row in commands.not_here(desk, outside)} == set(keys[1:])
    on_disk.close()


def test_a_spot_that_is_not_there_is_refused_with_those_that_are(desk, store):
    """Spelled as on the sign; a store that names none takes any word."""
    key = next(iter(store.orders))
    with pytest.raises(Refusal) as refused:
        commands.arrived(desk, key, "P9")
    assert refused.value.todo == "Spots: P1, P2, P3."
    with pytest.raises(Refusal, match="No parking spot"):
        commands.arrived_at(desk, key, " , red van")


def test_what_was_brought_out_waits_no_more(desk, store):
    """Handed over at the car, by the same code as at the counter."""
    key = ready(store, 0, "A1")
    commands.arrived(desk, key, "P1")
    told = HandOver(fetching.everything(store.orders[key]), code=CODE)
    assert status_of(fetching.hand_over(desk, key, told)) is S.PICKED_UP
    assert commands.outside(desk) == []
    with pytest.raises(Refusal, match="Nothing of this order waits"):
        commands.arrived(desk, key, "P1")


def test_who_got_a_part_has_driven_away(desk, store, clock):
    """What is left waits for another day, and so does its customer then: from that moment on."""
    key = ready(store, 0, "A1")
    commands.arrived(desk, key, "P1", "red van")
    after = fetching.hand_over(desk, key, HandOver(((1, 1),), code=CODE))
    assert (status_of(after), arrival_of(after)) == (S.PARTIALLY_PICKED_UP, None)
    assert commands.outside(desk) == []
    clock.advance(26 * 60 * MINUTE_MS)
    arrival = arrival_of(commands.arrived(desk, key, "P2", "blue"))
    assert arrival is not None
    assert (arrival.since_ms, arrival.vehicle) == (clock.now_ms(), "blue")


def test_who_got_more_than_central_still_expected_has_driven_away_too(desk, store, clock):
    """Central gave a unit up meanwhile; the goods left all the same, and so did the car."""
    key = ready(store, 0, "A1")
    before = commands.arrived(desk, key, "P1")
    lines = tuple(
        evolve_line(line, short=1, picked=line.picked) if line.line == 1 else line
        for line in before.lines
    )
    overtaken = replace(before, lines=lines)
    proof = PickupProof(ProofKind.PICKUP_CODE, "Rosa Eastman")
    units = (op.LineQuantity(1, before.lines[0].allocated),)
    after = advance(FLOW, overtaken, op.HandedOver(key, units, proof), clock.now_ms()).after
    assert after.total("fulfilled") == before.lines[0].allocated
    assert arrival_of(after) is None


def test_nobody_who_waits_outside_is_a_no_show(desk, store, clock):
    """The date is over while the customer stands there: it is brought out, not put back."""
    key = ready(store, 0, "A1")
    commands.arrived(desk, key, "P1")
    clock.advance(8 * 86_400_000)
    entry = describe(board_row(store.orders[key]), store.row, clock.now_ms())
    assert entry.step.words == "Bring out: waits outside"


@pytest.mark.anyio
async def test_from_the_car_to_handed_over_by_keys_and_scans(store, clock):
    """F6 opens the desk and notes an arrival; Enter opens the order; the code hands it over."""
    key = ready(store, 0, "A1")
    async with terminal(store, clock) as term:
        await term.press("f6")
        assert "Nobody waits outside" in term.text()
        await term.press("f6")
        await term.type("p2, red van")
        await term.press("enter")
        assert "1 customer outside" in term.text()
        assert "P2 red van" in term.text()
        await term.press("enter")
        assert "BRING OUT" in term.text()
        assert "Waits outside at P2 (red van)" in term.text()
        await term.press("enter")
        await term.type(CODE)
        await term.press("enter", "enter")
    assert status_of(store.orders[key]) is S.PICKED_UP


@pytest.mark.anyio
async def test_orders_that_are_brought_out_are_picked_on_one_walk(store, clock):
    """F7 at the desk: all that wait, a tote each, as for pickups."""
    async with terminal(store, clock) as term:
        await term.press("f6", "f7", "1")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        assert "Tote 1" in term.text()
    assert [order.wave.tote for order in store.orders.values() if order.wave] == [1, 2, 3]


@pytest.mark.anyio
async def test_an_empty_desk_offers_no_key_and_answers_each(clock):
    """Nothing to open, to note or to take back: the bar does not say so, and keys say why not."""
    store = curbside_store(clock)
    async with terminal(store, clock) as term:
        await term.press("f6")
        for label in ("Enter Open", "F6 Arrived", "F7 Start wave", "F8 Nobody there"):
            assert label not in term.text()
        for pressed in ("enter", "f6", "f8"):
            term.screen.query_one(Says).plain("")
            await term.press(pressed)
            assert "No order is to be brought out." in term.widget_text("#says")
        order = replace(make_order(0, clock.now_ms()), flow="curbside")
        store.add(order)
        await term.look()
        assert "Enter Open  F6 Arrived  F7 Start wave  F8 Nobody there" in term.text()
        await term.press("enter")
        assert term.screen.key == order.id


@pytest.mark.anyio
async def test_what_somebody_else_picks_is_taken_over_by_the_key_that_stands_in_the_bar(
    store, clock
):
    """As at a pickup: ^G takes over, and ^N is the one that notes an arrival."""
    key = next(iter(store.orders))
    store.perform(op.LinePicked(key, 1, 1), by="A104", dev="T2")
    async with terminal(store, clock) as term:
        await term.press("enter")
        assert "^G Take over" in term.text()
        await term.press("ctrl+g")
        assert "Take this order over" in term.text()
        await term.press("enter")
        await term.scan(gtin_of(0))
        await term.press("ctrl+n")
        assert "where does the car stand?" in term.text()
    assert store.journal[-1].by == "A103"


@pytest.mark.parametrize("ui", ALL_FLOWS_UI, ids=lambda ui: ui.name)
def test_no_work_screen_gives_a_key_of_all_work_screens_another_meaning(ui):
    """Whatever the flow: a key that works at every order does the same at this one."""
    meant: dict[str, set[str]] = {}
    for base in type(ui.screen("X")).__mro__:
        for binding in vars(base).get("BINDINGS", ()):
            if isinstance(binding, Binding) and base.__module__.startswith("store_client."):
                meant.setdefault(binding.key, set()).add(binding.action)
    assert {key: actions for key, actions in meant.items() if len(actions) > 1} == {}


@pytest.mark.anyio
async def test_offline_the_arrival_is_typed_and_the_wait_is_counted(store, clock):
    """Nobody asks a network where the car stands; the minutes go on."""
    ready(store, 0, "A1")
    away(store)
    async with terminal(store, clock) as term:
        await term.press("f6", "f6")
        await term.type("P1")
        await term.press("enter")
        clock.advance(6 * MINUTE_MS)
        store.version += 1
        await term.look()
        assert "! 6 min" in term.text()
        assert "OFFLINE" in term.text()
        await term.press("f8")
        assert "nobody waits outside" in term.text()


@pytest.mark.anyio
async def test_an_arrival_that_central_tells_is_on_the_board_at_once(store, clock):
    """It comes with the feed while Today is open, and stands first."""
    key = ready(store, 1, "A1")
    async with terminal(store, clock) as term:
        assert "Bring out" not in term.text()
        store.perform(CustomerArrived(key, "P3", clock.now_ms()), by="", dev="")
        await term.look()
        lines = term.text().splitlines()
        assert "Bring out" in next(line for line in lines if line.startswith("▶") or "⚑" in line)


def test_the_shelf_shows_what_is_brought_out_too(desk, store):
    """Its spot counts for the capacity as any other order's."""
    on_the_shelf(store, 0, "A1")
    from store_client.services.spots import spots_of

    assert spots_of(desk)[0].orders == 1


@pytest.mark.anyio
@pytest.mark.parametrize("keys", [("f6", "f6"), ("enter", "ctrl+n")])
async def test_who_takes_over_while_a_spot_is_asked_for_acts_in_their_own_name(store, clock, keys):
    """What is typed after the lock is recorded as theirs, and an auditor records nothing."""
    ready(store, 0, "A1")
    before = len(store.journal)
    async with terminal(store, clock) as term:
        await term.press(*keys)
        await term.type("P1")
        term.app.unlocked(actor_of(Role.AUDITOR))
        await term.press("enter")
        assert "may only read" in term.text()
        assert len(store.journal) == before
        sofia = replace(actor_of(Role.ASSOCIATE), id="A104", name="Sofia V.")
        term.app.unlocked(sofia)
        await term.press("enter")
    assert store.journal[-1].by == "A104"


def test_a_customer_who_stands_outside_is_no_no_show_for_any_command(desk, store, clock):
    """Refused by key, by scan and by command line alike, until it is said that nobody is there."""
    key = ready(store, 0, "A1")
    commands.arrived(desk, key, "P1")
    clock.advance(8 * 86_400_000)
    for command in (fetching.release, fetching.no_show):
        with pytest.raises(Refusal, match="waits outside"):
            command(desk, key)
    commands.left(desk, key)
    assert status_of(fetching.release(desk, key)) is S.EXPIRED


@pytest.mark.anyio
@pytest.mark.parametrize("keys", [("enter",), ("enter", "ctrl+n"), ("f6",)])
async def test_the_key_that_locks_locks_everywhere(store, clock, keys):
    """Whoever walks away presses one key; no screen and no dialog has another use for it."""
    ready(store, 0, "A1")
    async with terminal(store, clock) as term:
        await term.press(*keys, "ctrl+o")
        assert term.app.is_locked
