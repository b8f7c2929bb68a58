"""A pickup and a parcel at the real terminal, before the real daemon and the real central.

Reservations have their own (`test_terminal_reserve`). The network is there, or is cut
before the first key and comes back after the last one.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from central_server.services.idempotency import RequestIdentity
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow
from tests.support.central_world import World, sqlite_world
from tests.support.parcels import CARRIERS, parcel_order
from tests.support.store_side import StoreSide, in_step
from tests.support.terminals import Terminal, terminal, till_settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
S = FulfillmentStatus


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three stores, to which two carriers come; people at S001."""
    world = sqlite_world(tmp_path / "central")
    with world.database.read() as view:
        places = [replace(one, spots=("A1", "A2")) for one in view.locations.all()]
    world.parts.intake.locations(places)
    world.parts.intake.carriers(CARRIERS)
    people = [AssociateRow("A103", "Rafael C.", Role.ASSOCIATE, "x")]
    world.parts.intake.associates("S001", people)
    return world


@pytest.fixture
def store(world: World, tmp_path: Path):
    """The machine of S001, in step with central."""
    with in_step(world, tmp_path / "one") as store:
        yield store
    world.database.close()


@pytest.fixture(params=[True, False], ids=["connected", "cut off"])
def connected(request) -> bool:
    """Whether the network is there while the order is worked."""
    return request.param


class Day:
    """A terminal beside its store's daemon, which does a round after each key and scan."""

    def __init__(self, term: Terminal, store: StoreSide) -> None:
        self._term = term
        self._store = store

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._term.press(key)
            await self._round()

    async def scan(self, *codes: str) -> None:
        for code in codes:
            await self._term.scan(code)
            await self._round()

    async def enter(self, text: str) -> None:
        await self._term.type(text)
        await self.press("enter")

    async def _round(self) -> None:
        self._store.round()
        await self._term.look()

    @property
    def text(self) -> str:
        return self._term.text()


def start(store: StoreSide, *, connected: bool) -> None:
    """Let the store hear of its work; then the network is there, or not."""
    store.settle()
    if not connected:
        store.cut()
        store.round()


def closed(world: World, store: StoreSide, connected: bool) -> None:
    """Assert that central knows nothing yet of what was done while cut off; then agree."""
    assert (store.store.journal.backlog() == 0) is connected
    store.settle()
    assert store.differences() == []
    world.check_books()


async def test_a_pickup_from_today_to_the_customer(world, store, tmp_path, connected):
    """Accept, scan, shelve, ready, the code of the mail: the same without a network."""
    order_id = world.place(("SKU-1", 2), ("SKU-2", 1)).order_id
    start(store, connected=connected)
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        day = Day(term, store)
        assert "NEW: PICK 3" not in day.text
        await day.press("enter")
        assert "NEW: PICK 3" in day.text
        await day.press("enter")
        await day.scan("SKU-1", "SKU-1", "SKU-2", "A1")
        assert "Put at A1" in day.text
        await day.press("enter")
        assert "WAITING FOR CUSTOMER UNTIL" in day.text
        await day.press("enter")
        code = world.mails()[0].text.split("Your pickup code: ")[1].split()[0]
        await day.enter(code)
        assert "Handed over: all done" in day.text
    closed(world, store, connected)
    assert world.order(order_id)["status"] == "fulfilled"
    assert [status_of(one) for one in world.fulfillments(order_id)] == [S.PICKED_UP]
    assert (world.stock("S001"), world.stock("S001", "SKU-2")) == ((8, 0), (9, 0))


async def test_a_parcel_from_today_to_the_carrier(world, store, tmp_path, connected):
    """Accept, scan, pack, weigh, label, list, hand over: numbers travel ahead of a cut."""
    identity = RequestIdentity("test", "parcel", "body")
    new = parcel_order(("SKU-1", 2), ("SKU-2", 1))
    order_id = world.parts.central.orders.place(new, identity).order_id
    start(store, connected=connected)
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        day = Day(term, store)
        await day.press("enter", "enter")
        await day.scan("SKU-1", "SKU-1", "SKU-2")
        assert "PACK AND WEIGH" in day.text
        await day.press("enter")
        await day.enter("1.25kg")
        await day.press("enter")
        assert "PUT ON THE MANIFEST" in day.text
        await day.press("enter")
        assert "WAITS FOR THE CARRIER" in day.text
        await day.press("enter", "enter")
        assert "the customer is told" in day.text
    closed(world, store, connected)
    assert world.order(order_id)["status"] == "fulfilled"
    assert [status_of(one) for one in world.fulfillments(order_id)] == [S.SHIPPED]
    assert (world.stock("S001"), world.stock("S001", "SKU-2")) == ((8, 0), (9, 0))
