"""What the screens look like, at both sizes: compare with `make snapshots` after a change."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from store_client.app import StoreApp
from store_client.services.desk import TerminalSettings
from sync.domain import operations as op
from sync.domain.escrow import EscrowPolicy
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import (
    CODE,
    FakeStore,
    Item,
    State,
    gtin_of,
    make_order,
    make_store,
)
from tests.support.terminals import QUIET_SECONDS, KeyTimes, Terminal, actor_of

pytestmark = [
    pytest.mark.snapshot,
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pictures are taken on 3.11"),
]
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
Steps = Callable[[Terminal], Awaitable[None]]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def busy(clock: FrozenClock) -> FakeStore:
    """A store with an order in every state of work."""
    store, now_ms = make_store(clock), clock.now_ms()
    for number in range(14):
        order = make_order(number, now_ms, due_minutes=25 * number - 40, quantities=(2, 1))
        store.add(order)
        for line in order.lines[: 2 if number % 5 else 0]:
            store.perform(op.LinePicked(order.id, line.line, line.allocated), by="A103", dev="T1")
        if number % 5 in {2, 3, 4}:
            store.perform(op.Staged(order.id, f"A{number % 4 + 1}"), by="A103", dev="T1")
        if number % 5 in {3, 4}:
            until_ms = now_ms + (number - 4) * 86_400_000
            store.perform(op.MarkedReady(order.id, now_ms, until_ms), by="A103", dev="T1")
        if number % 7 == 1:
            store.cancel(order.id)
    store.settle()
    return store


def offline(store: FakeStore) -> FakeStore:
    """The same store, away from central for a while, with work waiting."""
    contact_ms = store.clock.now_ms() - 12 * 60_000
    store.state = replace(
        State(last_contact_ms=contact_ms), backlog=5, last_error="central cannot be reached"
    )
    store.as_of_ms = contact_ms
    return store


@pytest.fixture
def shows(snap_compare, clock, size):
    """Compare a picture of the terminal after some steps with the stored one."""

    def compare(store: FakeStore, steps: Steps | None = None, role: Role | None = Role.ASSOCIATE):
        keys = KeyTimes()
        settings = TerminalSettings(poll_seconds=QUIET_SECONDS)
        app = StoreApp(store, clock, settings, key_ms=keys)

        async def run_before(pilot) -> None:
            term = Terminal(app, pilot, keys)
            await term.rest()
            if role is not None:
                app.signed_in(actor_of(role))
                await term.rest()
            if steps is not None:
                await steps(term)
            await term.look()

        return snap_compare(app, terminal_size=size, run_before=run_before)

    return compare


@SIZES
def test_sign_in(shows, clock):
    """Who is at the terminal."""
    assert shows(make_store(clock), role=None)


@SIZES
def test_sign_in_refused(shows, clock):
    """A wrong PIN, in words, with what is left."""

    async def steps(term: Terminal) -> None:
        await term.type("A103")
        await term.press("enter")
        await term.type("0000")
        await term.press("enter")

    assert shows(make_store(clock), steps, role=None)


@SIZES
def test_today_empty(shows, clock):
    """Nothing to do says so."""
    assert shows(make_store(clock))


@SIZES
def test_today_busy(shows, clock):
    """Every kind of work, most urgent first."""
    assert shows(busy(clock))


@SIZES
def test_today_offline(shows, clock):
    """The same work goes on; the bar says since when and what waits."""
    assert shows(offline(busy(clock)))


@SIZES
def test_work_picking(shows, clock):
    """One item scanned, one to go."""

    async def steps(term: Terminal) -> None:
        await term.press("enter")
        await term.scan(gtin_of(0))

    assert shows(make_store(clock, 3), steps)


@SIZES
def test_work_refused(shows, clock):
    """The wrong item."""

    async def steps(term: Terminal) -> None:
        await term.press("enter")
        await term.scan(gtin_of(4))

    assert shows(make_store(clock, 3), steps)


@SIZES
def test_work_cancelled(shows, clock):
    """A cancellation arrives mid-pick."""
    store = make_store(clock, 3)

    async def steps(term: Terminal) -> None:
        await term.press("enter")
        await term.scan(gtin_of(0))
        await term.scan(gtin_of(1))
        store.cancel(next(iter(store.orders)))

    assert shows(store, steps)


@SIZES
def test_work_problem(shows, clock):
    """Everything that can go wrong, in one list."""

    async def steps(term: Terminal) -> None:
        await term.press("enter")
        await term.scan(gtin_of(0))
        await term.press("f7")

    assert shows(make_store(clock, 3), steps)


async def open_counter(term: Terminal) -> None:
    await term.press("enter")
    for index in (0, 0, 1):
        await term.scan(gtin_of(index))
    await term.type("A2")
    await term.press("enter", "enter", "enter")


@SIZES
def test_hand_over(shows, clock):
    """Code typed, somebody else came, one item stays."""

    async def steps(term: Terminal) -> None:
        await open_counter(term)
        await term.type(CODE)

    assert shows(make_store(clock, 3), steps)


@SIZES
def test_hand_over_refused(shows, clock):
    """A wrong code stays in the field with the reason below."""

    async def steps(term: Terminal) -> None:
        await open_counter(term)
        await term.type("WRONG1")
        await term.press("enter")

    assert shows(offline(make_store(clock, 3)), steps)


@SIZES
def test_find(shows, clock):
    """Products by words, with stock and its age."""

    async def steps(term: Terminal) -> None:
        await term.press("f3")
        await term.type("pellam")
        await term.press("enter")

    assert shows(offline(make_store(clock, 3)), steps)


def sharing(store: FakeStore, policy: EscrowPolicy) -> FakeStore:
    """The same store, with units of everything that central may promise."""
    assert store.row is not None
    store.row = replace(store.row, escrow=policy)
    store.catalogue = [
        replace(hit, on_hand=10, allocated=2, available=8, online=8 if index == 5 else 5)
        for index, hit in enumerate(store.catalogue)
    ]
    return store


@SIZES
def test_find_shared(shows, clock):
    """Whose the units are: walk-in customers', central's, somebody's already."""

    async def steps(term: Terminal) -> None:
        await term.press("f3")
        await term.type("pellam")
        await term.press("enter")

    assert shows(sharing(make_store(clock, 3), EscrowPolicy(enabled=True)), steps)


async def sell_nine(term: Terminal) -> None:
    await term.press("f3")
    await term.type("gooseneck")
    await term.press("enter", "f6", "backspace")
    await term.type("9")
    await term.press("enter")


@SIZES
def test_sell_promised(shows, clock):
    """The order that would give way, and what happens to it if the goods are sold."""
    assert shows(sharing(make_store(clock, 3), EscrowPolicy(enabled=True)), sell_nine)


@SIZES
def test_sell_promised_strict(shows, clock):
    """The same where somebody has to answer for it; an associate's PIN is not enough."""

    async def steps(term: Terminal) -> None:
        await sell_nine(term)
        await term.press("enter")

    policy = EscrowPolicy(enabled=True, strict=True)
    assert shows(offline(sharing(make_store(clock, 3), policy)), steps)


@SIZES
def test_hand_over_doubtful(shows, clock):
    """Another store may have the order by now: who hands it over has to answer for it."""
    store = make_store(clock, 3)
    key = next(iter(store.orders))
    store.orders[key] = replace(store.orders[key], confirm_by_ms=clock.now_ms())
    store.unacknowledged.add(key)

    async def steps(term: Terminal) -> None:
        await open_counter(term)
        await term.type(CODE)
        await term.press("enter")

    assert shows(offline(store), steps)


@SIZES
def test_find_nothing(shows, clock):
    """Nothing found is an answer with advice."""

    async def steps(term: Terminal) -> None:
        await term.press("f3")
        await term.type("zebra")
        await term.press("enter")

    assert shows(make_store(clock), steps)


@SIZES
def test_sync_offline(shows, clock):
    """What waits, what was answered, and how."""
    store = busy(clock)
    store.journal[-1] = replace(store.journal[-1], state="amended", text="Put the goods back.")
    store.journal[-2] = replace(store.journal[-2], state="refused", text="Too long a wait.")

    async def steps(term: Terminal) -> None:
        await term.press("ctrl+s")

    assert shows(offline(store), steps)


@SIZES
def test_sync_empty(shows, clock):
    """A store that has recorded nothing."""

    async def steps(term: Terminal) -> None:
        await term.press("ctrl+s")

    assert shows(make_store(clock), steps)


def tasks(store: FakeStore) -> FakeStore:
    """The same store, with a task of every sort in its inbox."""
    now_ms, orders = store.clock.now_ms(), list(store.orders.values())
    hour = 3_600_000
    store.inbox = [
        Item(
            "E0", "follow_up", "Call them back: the lamp is there in green, too",
            now_ms - hour, now_ms + 2 * hour, order_number=orders[2].order_number,
            assignee="lead",
        ),
        Item(
            "E1", "put_back_due",
            f"Order {orders[1].order_number} was cancelled while its goods were in hand: 3 to put"
            " back.",
            now_ms - 9 * hour, now_ms - hour, order_number=orders[1].order_number,
            fulfillment_id=orders[1].id,
        ),
        Item(
            "E2", "promise_broken",
            f"Order {orders[4].order_number}: Dayton Mill Square takes over 2 pieces; no address"
            " to write to is known.",
            now_ms - hour, now_ms + 3 * hour, order_number=orders[4].order_number,
            fulfillment_id=orders[4].id, assignee="Devi D.",
        ),
        Item(
            "E3", "promise_broken", f"Order {orders[6].order_number}: Toledo Quay takes over.",
            now_ms - 2 * hour, now_ms + 2 * hour, order_number=orders[6].order_number,
            is_done=True, note="Told her at the counter.",
        ),
        Item(
            "E4", "clock_wrong", "The clock of this store's machine is 12 minutes fast.",
            now_ms - 600_000, now_ms + 24 * hour,
        ),
        Item(
            "E5", "quarantined", "Operation 41 (line picked): cannot pick 9: 2 left",
            now_ms - 600_000, now_ms + 4 * hour, owner="central",
            order_number=orders[3].order_number,
        ),
    ]  # fmt: skip
    return store


async def open_inbox(term: Terminal) -> None:
    await term.press("f9")


@SIZES
def test_inbox_empty(shows, clock):
    """Nothing waits for anybody."""
    assert shows(make_store(clock), open_inbox)


@SIZES
def test_inbox_busy(shows, clock):
    """Late, due, done, and what only central can do; the badge counts what waits here."""
    assert shows(tasks(busy(clock)), open_inbox)


@SIZES
def test_inbox_offline(shows, clock):
    """Away from central the work goes on: a word is given, and shown as done."""

    async def steps(term: Terminal) -> None:
        await term.press("f9", "down", "down", "f6")
        await term.type("Told")
        await term.press("enter")

    assert shows(offline(tasks(busy(clock))), steps)


@SIZES
def test_inbox_done(shows, clock):
    """What was done is said in a few words."""

    async def steps(term: Terminal) -> None:
        await term.press("f9", "down", "down", "f6")
        await term.press("enter")

    assert shows(tasks(busy(clock)), steps)


@SIZES
def test_order_detail(shows, clock):
    """Facts, lines, timeline."""

    async def steps(term: Terminal) -> None:
        await open_counter(term)
        await term.press("escape", "ctrl+t")

    assert shows(make_store(clock, 3), steps)


@SIZES
def test_help(shows, clock):
    """The keys of the work screen."""

    async def steps(term: Terminal) -> None:
        await term.press("enter", "f1")

    assert shows(make_store(clock, 3), steps)
