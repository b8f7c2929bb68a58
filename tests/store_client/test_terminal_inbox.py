"""The inbox at the terminal: what waits, what to do, and saying that it is done."""

from dataclasses import replace

import pytest

from store_client.services import inbox
from store_client.services.desk import Desk, Refusal
from sync.domain import operations as op
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import Item, make_store
from tests.support.slow_store import SlowStore
from tests.support.terminals import actor_of, terminal

pytestmark = pytest.mark.anyio
HOUR_MS = 3_600_000


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, 3)


def told(store, **changes) -> Item:
    now_ms = store.clock.now_ms()
    order = next(iter(store.orders.values()))
    item = Item(
        "E1", "promise_broken", f"Order {order.order_number}: Lima takes over 2 pieces.",
        now_ms - HOUR_MS, now_ms + 3 * HOUR_MS, order_number=order.order_number,
    )  # fmt: skip
    return replace(item, **changes)


async def test_badge_counts_what_waits_here(store, clock):
    """Nothing waits: no badge. One more arrives: the bar says so, on whatever screen."""
    async with terminal(store, clock) as term:
        assert "F9" not in term.widget_text("#status-bar")
        store.inbox = [told(store), told(store, id="E2", owner="central", kind="quarantined")]
        store.version += 1
        await term.look()
        assert "! 1: F9" in term.widget_text("#status-bar")


async def test_inbox_opens_with_what_to_do(store, clock):
    """F9 from anywhere; the sentence, what to do, and until when, be it in no calendar at all."""
    store.inbox = [told(store), told(store, id="E9", text="Call", due_ms=10**17)]
    async with terminal(store, clock) as term:
        await term.press("f9")
        text = term.text()
        assert "Tell the customer" in text
        assert "Lima takes over 2 pieces" in text
        assert "in 3 h 00" in text
        assert "Then say here what was done." in " ".join(text.split())
        await term.press("down")
        assert "Dec 9999" in term.text()
        await term.press("escape")
        assert "Tell the customer" not in term.text()


async def test_done_with_a_note(store, clock):
    """F6, a few words, Enter: recorded, shown as done, and gone from the badge."""
    store.inbox = [told(store)]
    async with terminal(store, clock) as term:
        await term.press("f9", "f6")
        await term.press("enter")
        assert "Nothing is said yet." in term.text()
        await term.type("Told them")
        await term.press("enter")
        assert store.inbox[0].note == "Told them"
        assert "Done here: Told them" in term.text()
        await term.look()
        assert "F9" not in term.widget_text("#status-bar")
        await term.press("f6")
        assert "Nothing is left to say here." in term.text()
        store.inbox = []
        store.version += 1
        await term.look()
        assert "Nothing waits for anybody here" in term.text()


async def test_who_left_is_offered_no_task(store, clock):
    """F5 lists who works here; a number of somebody who left names nobody either."""
    store.inbox = [told(store)]
    async with terminal(store, clock) as term:
        await term.press("f9", "f5")
        assert "Sofia V." in term.text()
        assert "Greta N." not in term.text()
    desk = Desk(store, clock, actor_of(Role.LEAD), "T1")
    for typed in ("A108", "Greta N."):
        with pytest.raises(Refusal, match="Nobody here is called"):
            inbox.owner_named(desk, typed)


async def test_what_ends_by_itself_opens_its_order(store, clock):
    """A put-back is done in the order itself; a word does not end it."""
    order = next(iter(store.orders.values()))
    store.perform(op.LinePicked(order.id, 1, 2), by="A103", dev="T1")
    store.cancel(order.id)
    store.inbox = [told(store, kind="put_back_due", fulfillment_id=order.id)]
    async with terminal(store, clock) as term:
        await term.press("f9", "f6")
        assert "Your word does not end this." in term.text()
        await term.press("enter")
        assert "put back 2" in term.text()
        await term.press("escape")
        assert "Goods to put back" in term.text()


async def test_what_central_looks_after_is_only_told(store, clock):
    """There is nothing to do and nothing to say."""
    store.inbox = [told(store, owner="central", kind="quarantined")]
    async with terminal(store, clock) as term:
        await term.press("f9")
        assert "nothing for you to do" in term.text()
        await term.press("enter")
        assert "It is about no order of this store." in term.text()
        await term.press("f6")
        assert "Your word does not end this." in term.text()


async def test_auditor_reads_only(store, clock):
    """Who may change nothing cannot say done either."""
    store.inbox = [told(store)]
    async with terminal(store, clock, role=Role.AUDITOR) as term:
        await term.press("f9", "f6")
        await term.type("Told them")
        await term.press("enter")
        assert "may only read" in term.text()
        assert not store.inbox[0].is_done


async def test_late_and_answered_ones_say_so(store, clock):
    """How late it is, for whom it is, and what central said to an earlier word."""
    late = told(store, due_ms=clock.now_ms() - HOUR_MS, assignee="Ann", said="Nothing changed.")
    store.inbox = [late]
    async with terminal(store, clock) as term:
        await term.press("f9")
        text = term.text()
        assert "1 h 00 late" in text
        assert "For Ann" in text
        assert "Central said: Nothing changed." in text


async def test_sync_screen_tells_the_final_fate(store, clock):
    """What a person at central settled is what the Sync screen shows."""
    order = next(iter(store.orders.values()))
    store.perform(op.LinePicked(order.id, 1, 1), by="A103", dev="T1")
    store.settle("quarantined", "central knows no such line")
    async with terminal(store, clock) as term:
        await term.press("ctrl+s")
        assert "Held for a person" in term.text()
        store.journal = [replace(store.journal[0], state="refused", text="Set aside: a slip")]
        store.version += 1
        await term.look()
        assert "Refused by central" in term.text()
        assert "Set aside: a slip" in term.text()


async def test_a_follow_up_is_written_down_and_given_to_somebody(store, clock):
    """F4: what, about which order, until when, by whom; F5 gives it to another."""
    number = next(iter(store.orders.values())).order_number
    async with terminal(store, clock) as term:
        await term.press("f9", "f4", "enter")
        assert "Nothing is said yet" in term.text()
        await term.type("Call them back")
        await term.press("enter")
        await term.type(number)
        await term.press("enter", "enter", "2")
        assert "Written down: Call them back" in term.text()
        (item,) = store.inbox
        assert (item.text, item.order_number, item.assignee) == (
            "Call them back",
            number,
            "associate",
        )
        await term.press("f5", "1")
        assert store.inbox[0].assignee == ""


async def test_a_follow_up_that_is_too_long_is_refused_at_its_field(store, clock):
    """Before the next three questions, and with the words still there to be cut."""
    async with terminal(store, clock) as term:
        await term.press("f9", "f4")
        term.screen.query_one("#entry").value = "x" * 501
        await term.press("enter")
        assert "That is 1 character too long. Say it in at most 500 characters." in term.text()
        await term.press("backspace", "enter")
        assert "What is it about?" in term.text()


async def test_the_name_of_an_item_counts_before_the_last_question(store, clock):
    """480 characters and an item are too many: the words come back to be cut, the item is kept."""
    hit = store.catalogue[0]
    added = len(f" ({hit.name}, {hit.sku})")
    async with terminal(store, clock) as term:
        await term.press("f9", "f4")
        term.screen.query_one("#entry").value = "x" * 480
        await term.press("enter")
        await term.type(hit.sku)
        await term.press("enter")
        said = " ".join(term.text().replace("│", " ").split())
        assert f"With the item's name it is {added - 20} characters too long." in said
        assert f"Say it in at most {500 - added} characters." in said
        field = term.screen.query_one("#entry")
        assert field.value == "x" * 480
        await term.press("backspace", "enter")
        said = " ".join(term.text().replace("│", " ").split())
        assert f"it is {added - 21} characters too long." in said
        field.value = "x" * (500 - added)
        await term.press("enter")
        assert "Until when?" in term.text()
        await term.press("enter", "1")
    (item,) = store.inbox
    assert item.text == f"{'x' * (500 - added)} ({hit.name}, {hit.sku})"


async def test_a_second_follow_up_waits_for_the_first(store, clock, monkeypatch):
    """Written down while the disk is busy with another: both are kept, and Esc waits."""
    slow, write_down = SlowStore(store, ""), inbox.write_down

    def waits(*told, **more):
        slow._wait()
        return write_down(*told, **more)

    monkeypatch.setattr(inbox, "write_down", waits)
    async with terminal(store, clock) as term:
        await term.press("f9")
        for words in ("first", "second"):
            for key in ("f4", *words, "enter", "enter", "enter", "enter"):
                before = term.screen
                await term.pilot.press(key)
                while key in {"f4", "enter"} and term.screen is before:
                    await term.pilot.pause(0.01)  # until the next question is there
        await slow.reached(term)
        assert "Written down" not in term.text()
        await term.pilot.press("escape")
        slow.release.set()
        await term.rest()
        assert [item.text for item in store.inbox] == ["first", "second"]
        assert "Written down" not in term.text()


async def test_a_follow_up_that_a_full_disk_refuses_keeps_its_words(store, clock, monkeypatch):
    """All four questions are answered when it fails: the words are there again with F4."""
    write_down = inbox.write_down

    def full(*told, **more):
        raise OSError("no space left on device")

    async with terminal(store, clock) as term:
        await term.press("f9")
        monkeypatch.setattr(inbox, "write_down", full)
        await term.press("f4")
        await term.type("Call them back")
        await term.press("enter", "enter", "enter", "1")
        assert "NOT recorded: no space left on device" in term.text()
        monkeypatch.setattr(inbox, "write_down", write_down)
        await term.press("f4", "enter", "enter", "enter", "1")
        assert "Written down: Call them back" in term.text()
        await term.press("f4")
        assert not term.screen.query_one("#entry").value
    assert [item.text for item in store.inbox] == ["Call them back"]


async def test_a_follow_up_about_a_number_that_two_orders_have_asks_which(store, clock):
    """Two parts of an order are here: the terminal asks at once, and keeps what was typed."""
    first = next(iter(store.orders.values()))
    store.add(replace(first, id="FO-OTHER"))
    async with terminal(store, clock) as term:
        await term.press("f9", "f4")
        await term.type("Call them back")
        await term.press("enter")
        await term.type("NOTHING-SUCH")
        await term.press("enter")
        assert "Nothing here is called NOTHING-SUCH" in term.text()
        term.screen.query_one("#entry").value = first.order_number
        await term.press("enter")
        assert "Which of them?" in term.text()
        await term.press("2", "enter", "1")
        assert "Written down: Call them back" in term.text()
    (item,) = store.inbox
    assert (item.order_number, item.fulfillment_id) == (first.order_number, "FO-OTHER")


def test_a_follow_up_is_about_one_order_of_two(store, clock):
    """Without anybody to ask it is refused and names both; the id names one of them."""
    first = next(iter(store.orders.values()))
    store.add(replace(first, id="FO-OTHER"))
    desk = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")
    with pytest.raises(Refusal, match=f"2 orders are called {first.order_number}") as refused:
        inbox.write_down(desk, inbox.FollowUp("Call them", first.order_number))
    assert refused.value.todo == f"Give {first.id}, FO-OTHER."
    inbox.write_down(desk, inbox.FollowUp("Call them", "FO-OTHER"))
    assert store.inbox[0].fulfillment_id == "FO-OTHER"
