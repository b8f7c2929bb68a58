"""A promise that central has not acknowledged may be another store's: it is not handed over."""

from dataclasses import replace

import pytest

from store_client.flows.pickup import commands
from store_client.flows.pickup.practice import work_next
from store_client.services.counter import DoubtfulPromise, HandOver
from store_client.services.desk import Desk, Refusal
from store_client.services.sign_in import Attempt
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, FakeStore, State, gtin_of, make_order, make_store
from tests.support.terminals import PIN, actor_of, hash_pin, terminal

MINUTE_MS = 60_000


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock) -> FakeStore:
    """One order that is ready, promised from rights, and not acknowledged by central."""
    store = make_store(clock, pin_hash=hash_pin())
    now_ms = clock.now_ms()
    store.add(replace(make_order(0, now_ms), confirm_by_ms=now_ms + 15 * MINUTE_MS,
                      confirmed_at_ms=now_ms))  # fmt: skip
    key = next(iter(store.orders))
    store.unacknowledged.add(key)
    desk = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")
    for line, units in ((1, 2), (2, 1)):
        commands.pick_by_hand(desk, key, line, units)
    commands.stage(desk, key, "A1")
    commands.mark_ready(desk, key)
    return store


def hand_over(store: FakeStore, role: Role = Role.ASSOCIATE, **more):
    desk = Desk(store, store.clock, actor_of(role), "T1")
    order = next(iter(store.orders.values()))
    told = HandOver(commands.everything(order), code=CODE)
    return commands.hand_over(desk, order.id, replace(told, **more))


def cut(store: FakeStore) -> None:
    store.state = State(last_contact_ms=store.clock.now_ms(), last_error="no network")


def test_on_a_good_line_and_in_time_nothing_is_asked(store):
    """Central's answer is on its way: a pickup in that second is a pickup like any other."""
    assert hand_over(store).total("fulfilled") == 3


@pytest.mark.parametrize("away", [True, False])
def test_an_acknowledged_promise_is_handed_over_whatever_the_network(store, clock, away):
    """Central said that it stays here: the customer gets it, for days without a network."""
    store.unacknowledged.clear()
    if away:
        cut(store)
    clock.advance(7 * 86_400_000)
    assert hand_over(store).total("fulfilled") == 3


def test_a_store_that_shares_nothing_is_not_disturbed(store):
    """Without escrow nothing has to be confirmed."""
    key = next(iter(store.orders))
    store.orders[key] = replace(store.orders[key], confirm_by_ms=None)
    cut(store)
    assert hand_over(store).total("fulfilled") == 3


def test_an_associate_waits_for_the_network(store):
    """Cut off, nobody here knows whether central moved it: a sentence, and what to do."""
    cut(store)
    with pytest.raises(DoubtfulPromise) as refused:
        hand_over(store)
    assert "another store may have this order" in refused.value.why
    assert "lead or manager" in refused.value.todo
    assert store.performed[-1].kind == "marked_ready"


def test_after_its_time_even_a_good_line_is_no_answer(store, clock):
    """Central moves what is not confirmed in time, by its own clock."""
    store.state = replace(store.state, clock_offset_ms=10 * MINUTE_MS)
    clock.advance(4 * MINUTE_MS)
    store.state = replace(store.state, last_contact_ms=clock.now_ms())
    assert not isinstance(_doubt(store), DoubtfulPromise)
    clock.advance(2 * MINUTE_MS)
    store.state = replace(store.state, last_contact_ms=clock.now_ms())
    assert isinstance(_doubt(store), DoubtfulPromise)


def _doubt(store: FakeStore) -> object:
    """Return what is said to a hand-over that is then refused for its code anyway."""
    with pytest.raises(Refusal) as refused:
        hand_over(store, code="WRONG000")
    return refused.value


def test_a_lead_reads_it_and_then_answers_for_it(store):
    """First the sentence, then the second Enter; the operation carries their name."""
    cut(store)
    with pytest.raises(DoubtfulPromise, match="Enter hands over anyway"):
        hand_over(store, Role.LEAD)
    assert hand_over(store, Role.LEAD, despite_doubt=True).total("fulfilled") == 3
    assert store.journal[-1].by == "A102"


def test_a_lead_approves_with_their_pin(store):
    """The associate stays signed in; a wrong PIN or role approves nothing."""
    cut(store)
    for attempt in (Attempt("A102", "0000"), Attempt("A104", PIN)):
        with pytest.raises(Refusal):
            hand_over(store, despite_doubt=True, approver=attempt)
    done = hand_over(store, despite_doubt=True, approver=Attempt("A102", PIN))
    assert done.total("fulfilled") == 3
    assert (store.journal[-1].by, store.journal[-1].approved_by) == ("A103", "A102")


def test_approval_is_no_pickup_code(store):
    """Who answers for the doubt still checks who takes the goods."""
    cut(store)
    with pytest.raises(Refusal, match="not the pickup code"):
        hand_over(store, Role.LEAD, despite_doubt=True, code="WRONG000")


def test_practice_waits_by_the_book(store, clock):
    """The practice associate leaves it, and goes on with what is sure."""
    from random import Random

    from store_client.flows.pickup.practice import Habits

    cut(store)
    desk = Desk(store, clock, actor_of(Role.LEAD), "T1")
    habits = Habits(customer_comes=1.0, changed_mind=0.0)
    assert work_next(desk, Random(1), habits) is None
    store.unacknowledged.clear()
    assert work_next(desk, Random(1), habits) == "K7Q2-0000: handed over"


# --- at the screen ------------------------------------------------------------------------------


async def to_counter(term) -> None:
    await term.press("enter", "enter")
    await term.type(CODE)
    await term.press("enter")


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_counter_asks_for_approval_and_keeps_what_was_typed(store, clock, size):
    """The code stays; number and PIN of a lead are asked for; then the goods go out."""
    cut(store)
    async with terminal(store, clock, size=size) as term:
        await to_counter(term)
        assert "another store may have this order by" in term.text()
        assert "Approved by" in term.text()
        await term.type("a102")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "Handed over: all done" in term.text()
    assert (store.journal[-1].by, store.journal[-1].approved_by) == ("A103", "A102")


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_lead_at_the_counter_presses_enter_again(store, clock):
    """Having read it, with the same code in the field."""
    cut(store)
    async with terminal(store, clock, role=Role.LEAD) as term:
        await to_counter(term)
        assert "Enter hands over anyway" in term.text()
        await term.press("enter")
        assert "Handed over: all done" in term.text()


@pytest.mark.anyio
@pytest.mark.slow
async def test_an_acknowledged_order_asks_nothing_at_the_counter(clock):
    """The usual pickup is as short as it was."""
    store = make_store(clock, 1, hash_pin())
    cut(store)
    async with terminal(store, clock) as term:
        await term.press("enter")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        await term.scan("A2")
        await term.press("enter", "enter", "enter")
        await term.type(CODE)
        await term.press("enter")
        assert "Handed over: all done" in term.text()
