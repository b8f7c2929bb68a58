"""Names that no screen expects: too long, too wide, with characters that move a cursor."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from store_client.services.desk import Actor
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import State, make_order, make_store
from tests.support.terminals import terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, 3)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
@pytest.mark.parametrize(
    ("place", "person"),
    [
        ("Kaufhaus am Marktplatz der Hansestadt Stralsund", "Rafael C."),
        ("東京都千代田区丸の内一丁目中央店旗艦店別館南口駅前広場地下二階", "Rafael C."),
        ("Dayton", "Maximiliane-Alexandra von Hohenstein-Wittgenstein zu Sayn-Hohenlohe"),
        (
            "東京都千代田区丸の内一丁目中央店旗艦店別館",
            "東京都千代田区丸の内一丁目中央店旗艦店別館南口",
        ),
    ],
    ids=["long-store", "wide-store", "long-person", "both-wide"],
)
async def test_connection_and_clock_stay_in_view_beside_long_names(
    store, clock, size, place, person
):
    """However wide the letters of store and person are, the bar ends with what is always there."""
    store.row = replace(store.row, name=place)
    store.state = replace(State(last_contact_ms=clock.now_ms()), backlog=5)
    clock.advance(12 * 60_000)
    async with terminal(store, clock, role=None, size=size) as term:
        term.app.signed_in(Actor("A103", person, Role.ASSOCIATE))
        await term.look()
        bar = term.text().splitlines()[0]
        assert cell_len(bar) <= size[0]
        assert bar.rstrip().endswith("OFFLINE 12 min, 5 waiting  10:44")
        assert "(associate)" in bar


async def test_no_row_sends_a_control_character_to_the_terminal(store, clock):
    """A line break, or what would clear the screen, is a blank in a list."""
    order = make_order(7, clock.now_ms(), due_minutes=-60)
    lines = tuple(replace(line, name="Blue\nshirt \x1b[2J\x9b") for line in order.lines)
    store.add(replace(order, customer_name="Rosa\r\nEastman\x07", lines=lines))
    async with terminal(store, clock) as term:
        await term.press("home", "enter")
        strips = term.screen._compositor.render_strips(term.app.size)
        rows = [strip.text for strip in strips if "Blue" in strip.text]
        assert any("Blue shirt  [2J" in row for row in rows)
        assert not [row for row in rows if not row.isprintable()]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
@pytest.mark.parametrize("letters", ["Anneliese von Hohenzollern ", "丸の内"], ids=["long", "wide"])
async def test_status_and_due_time_stay_in_an_orders_title(store, clock, size, letters):
    """A customer's name gives way to how the order stands, also once the window is narrower."""
    order = make_order(7, clock.now_ms(), due_minutes=-60)
    store.add(replace(order, customer_name=letters * 30))
    async with terminal(store, clock, size=size) as term:
        await term.press("home", "enter")
        for _ in range(2):
            title = term.widget_text("#order-title")
            row = next(row for row in term.text().splitlines() if order.order_number in row)
            assert "New" in row
            assert row.rstrip().endswith(title.split()[-1])
            assert f"{letters[:3]}" in row
            await term.pilot.resize_terminal(80, 24)
            await term.rest()
