"""Names that are longer or wider than the screen: they give way to what has to be in view."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from store_client.services.desk import Actor
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import State, make_store
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
