"""Pilot tests run on asyncio, which Textual is made for."""

import pytest
from textual.widgets import Static

from store_client.app import StoreApp
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.terminals import KeyTimes, Terminal, actor_of, till_settings


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def snap_compare(snap_compare):
    """Compare pictures as the plugin does, and see that what a screen says is not cut."""

    def compare(app, *, run_before, **how):
        async def steps(pilot) -> None:
            await run_before(pilot)
            assert cut_words(pilot.app) == []

        return snap_compare(app, run_before=steps, **how)

    return compare


def cut_words(app) -> list[str]:
    """Return what is said somewhere on the screen in front with less room than it needs."""
    return [
        str(said.render())
        for said in app.screen.query(Static)
        if (said.id or "").endswith("says")
        and said.get_content_height(said.size, app.size, said.size.width) > said.size.height
    ]


@pytest.fixture
def shows_till(snap_compare, clock, size, tmp_path):
    """Compare a picture of a terminal with devices after some steps with the stored one."""

    def compare(store, steps, role: Role = Role.ASSOCIATE):
        keys = KeyTimes()
        app = StoreApp(store, clock, till_settings(tmp_path), key_ms=keys)

        async def run_before(pilot) -> None:
            term = Terminal(app, pilot, keys)
            await term.rest()
            app.signed_in(actor_of(role))
            await term.rest()
            await steps(term)
            await term.look()

        return snap_compare(app, terminal_size=size, run_before=run_before)

    return compare
