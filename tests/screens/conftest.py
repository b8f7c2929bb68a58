"""Pilot tests run on asyncio, which Textual is made for."""

import pytest

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
