"""Selling at the counter: what is free, what is promised, and who answers for a broken promise."""

import json
from dataclasses import replace

import pytest

from store_client.services.stock_lookup import look_up
from store_client.services.words import stock, stock_terms
from sync.domain.escrow import EscrowPolicy
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import Hit, make_order, make_store, sku_of
from tests.support.terminals import PIN, actor_of, hash_pin, terminal
from tests.support.till import OPEN, SKU, STRICT, open_shop, sales_in

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def orders(clock):
    """Six kettles are waited for, by two customers."""
    return [
        make_order(0, clock.now_ms(), quantities=(4, 1), due_minutes=60),
        make_order(8, clock.now_ms(), quantities=(2, 1), due_minutes=300),
    ]


@pytest.fixture
def policy() -> EscrowPolicy:
    return OPEN


@pytest.fixture
def store(tmp_path, clock, policy, orders):
    """Twelve kettles: one for walk-ins, five online, six promised."""
    store = open_shop(tmp_path, clock, policy, orders)
    yield store
    store.close()


strict = pytest.mark.parametrize("policy", [STRICT])


def sold(store) -> dict[str, int]:
    """Return what the one sale sold."""
    (sale,) = sales_in(store).values()
    return sale


def breaks(store) -> tuple[str, str]:
    """Return (who answered, which order gives way) of the newest operation."""
    (entry, _), *_ = store.journal.history(1, 0)
    return entry.record.by, entry.record.op.breaks


async def find(term, text: str = SKU) -> None:
    await term.press("f3")
    await term.type(text)
    await term.press("enter")


async def sell(term, units: str = "1") -> None:
    await term.press("f6", "backspace")
    await term.type(units)
    await term.press("enter")


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hit", "short", "terms"),
    [
        (Hit("S", "N", on_hand=10, allocated=2, available=8, online=5), "✓ 3 for walk-ins",
         "10 in the book: 3 for walk-ins, 5 online, 2 promised"),
        (Hit("S", "N", on_hand=7, allocated=2, available=5, online=5), "! 0 for walk-ins",
         "7 in the book: 0 for walk-ins, 5 online, 2 promised"),
        (Hit("S", "N", on_hand=5, allocated=2, available=3), "✓ 3 free",
         "5 in the book − 2 promised = 3 free"),
        (Hit("S", "N"), "– not carried here", "this store does not carry it"),
    ],
)  # fmt: skip
async def test_who_may_have_the_units_is_said_in_words(hit, short, terms):
    """Units online are not ours to sell; a store that shares nothing says what it always said."""
    assert str(stock(hit)) == short
    assert stock_terms(hit) == terms


async def test_a_real_store_knows_its_shares(store):
    """The lookup takes rights, promises and sales into account."""
    (hit,) = look_up(store, SKU).hits
    assert stock_terms(hit) == "12 in the book: 1 for walk-ins, 5 online, 6 promised"


# --- selling ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_free_unit_is_sold_without_a_question(store, clock, size):
    """F6, Enter: it is in the journal under a number of its own, and off the book."""
    async with terminal(store, clock, size=size) as term:
        await find(term)
        assert "1 for walk-ins, 5 online, 6 promised" in term.text()
        await sell(term)
        assert "✓ Sold 1 at the counter." in term.text()
        assert "11 in the book: 0 for walk-ins" in term.text()
    assert sold(store) == {SKU: 1}
    ((number, _),) = sales_in(store).items()
    assert number.startswith("T1/")
    assert breaks(store) == ("A103", "")


async def test_an_open_store_names_the_order_and_sells_all_the_same(store, clock, orders):
    """A cashier is warned and never blocked; central moves the order that was named."""
    async with terminal(store, clock) as term:
        await find(term)
        await sell(term, "8")
        text = term.text()
        assert orders[1].order_number in text
        assert orders[1].customer_name in text
        assert "2 of 8 are promised to this order" in text
        assert "central looks for another" in text
        await term.press("enter")
        assert "Central looks for another store for the order" in term.text()
    assert sold(store) == {SKU: 8}
    assert breaks(store) == ("A103", "")


async def test_leaving_the_question_sells_nothing(store, clock):
    """Esc is the way out, and says so."""
    async with terminal(store, clock) as term:
        await find(term)
        await sell(term, "8")
        assert "Esc: do not sell" in term.text()
        await term.press("escape")
        assert "Nothing was sold." in term.text()
    assert sales_in(store) == {}


async def test_units_that_are_online_name_no_order(store, clock):
    """Central may have promised them in this minute: that is what is said."""
    async with terminal(store, clock) as term:
        await find(term)
        await sell(term, "3")
        assert "2 of 3 may just have been promised online." in term.text()
        await term.press("enter")
        assert "Central is told" in term.text()
    assert sold(store) == {SKU: 3}


@strict
async def test_a_strict_store_wants_number_and_pin(store, clock, orders):
    """Not the associate's own; a lead's. The sale carries the order that they broke."""
    async with terminal(store, clock) as term:
        await find(term)
        await sell(term, "8")
        assert "This takes a lead or manager." in term.text()
        await term.press("enter")
        assert "✗ This takes a lead or manager." in term.text()
        await term.type("A103")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "may not break a promise" in term.text()
        await term.press("shift+tab", *["backspace"] * 4)
        await term.type("a102")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "Sold 8 at the counter" in term.text()
    assert breaks(store) == ("A103", orders[1].id)
    line = json.loads(store.journal.lines_after(store.journal.head().seq - 1, 1, 9_999)[0])
    assert line["ok_by"] == "A102"


@strict
async def test_a_lead_chooses_which_order_gives_way(store, clock, orders):
    """Signed in as lead: Enter answers, and ↓ takes another order than the last one."""
    async with terminal(store, clock, role=Role.LEAD) as term:
        await find(term)
        await sell(term, "12")
        assert orders[0].order_number in term.text()
        await term.press("down", "enter")
        assert "Sold 12 at the counter" in term.text()
    assert breaks(store) == ("A102", orders[0].id)


async def test_an_associate_alone_does_not_choose(store, clock, orders):
    """In an open store the order that central would move gives way, no other."""
    async with terminal(store, clock) as term:
        await find(term)
        await sell(term, "12")
        await term.press("down", "enter")
        assert "Only a lead or manager chooses another order." in term.text()
    assert sales_in(store) == {}


async def test_an_auditor_sells_nothing(store, clock):
    """Who may only read is told so."""
    async with terminal(store, clock, role=Role.AUDITOR) as term:
        await find(term)
        await sell(term)
        assert "may only read" in term.text()
    assert sales_in(store) == {}


@pytest.mark.parametrize("typed", ["0", "1000", "two", ""])
async def test_a_number_that_does_not_fit_is_asked_again(store, clock, typed):
    """The field stays, with the reason."""
    async with terminal(store, clock) as term:
        await find(term)
        await sell(term, typed)
        assert "Type a number from 1 to 999." in term.text()
    assert sales_in(store) == {}


async def test_nothing_found_is_nothing_to_sell(clock):
    """F6 without a product says what to do first."""
    async with terminal(make_store(clock, pin_hash=hash_pin()), clock) as term:
        await term.press("f3", "f6")
        assert "Find the product first" in term.text()


async def test_a_sale_is_a_line_of_the_sync_screen(store, clock):
    """What became of it is said there, under its number."""
    async with terminal(store, clock) as term:
        await find(term)
        await sell(term)
        await term.press("ctrl+s")
        assert "Sold at the till" in term.text()
        assert "in sale" in term.text()


async def test_the_fake_store_sells_by_the_same_words(clock):
    """Screens are tested on a fake: it refuses and keeps as the real one does."""
    store = make_store(clock, 1, hash_pin())
    assert store.row is not None
    store.row = replace(store.row, escrow=STRICT)
    async with terminal(store, clock, role=Role.MANAGER) as term:
        await find(term, sku_of(0))
        await sell(term, "5")
        await term.press("enter")
    assert len(store.sales) == 1
    assert store.sold_by == [("A101", "T1")]


@strict
async def test_who_takes_a_sale_over_is_asked_for_an_approval(store, clock):
    """A lead began it, then an associate unlocked: the fields for an approver are there."""
    async with terminal(store, clock, role=Role.LEAD) as term:
        await find(term)
        await sell(term, "8")
        assert "GIVES WAY" in term.text()
        assert "Approved by" not in term.text()
        term.app.action_lock()
        await term.rest()
        term.app.unlocked(actor_of(Role.ASSOCIATE))
        await term.rest()
        assert "Approved by" in term.text()
        assert "Tab: approval" in term.text()
