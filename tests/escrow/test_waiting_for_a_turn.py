"""What reads the time and then waits for its turn to write finds that others noted a later one."""

from collections.abc import Callable
from typing import Any

import pytest

from central_server.services.idempotency import RequestIdentity
from central_server.storage.database import Database
from tests.escrow.test_shares import promisable
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order
from tests.support.store_side import StoreSide

WAIT_MS = 12_000


def pickup(world: World, store: StoreSide) -> None:
    world.place(("SKU-1", 1), at="S003")


def parcel(world: World, store: StoreSide) -> None:
    identity = RequestIdentity("test", "parcel", "body")
    world.parts.central.orders.place(parcel_order(("SKU-2", 1)), identity)


def push(world: World, store: StoreSide) -> None:
    store.sell(1)
    store.settle()


@pytest.mark.parametrize("what", [pickup, parcel, push])
def test_who_waits_for_a_turn_sets_no_clock_back(
    world: World, store: StoreSide, monkeypatch, what: Callable[[World, StoreSide], None]
):
    """An import, a failover or many others were before it: no lease ends, no promise lapses."""
    world.parts.intake.carriers(CARRIERS)
    store.settle()
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    assert work.location_id == "S001"
    before = promisable(world)
    assert before > 0
    write, waits = Database.write, [True]

    def waited(database: Database, command: Callable[[Any], Any]) -> Any:
        if waits[0]:
            waits[0] = False
            world.clock.advance(WAIT_MS)
            world.parts.promises.run()
            waits[0] = True
        return write(database, command)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", waited)
        what(world, store)
    assert world.parts.promises.run() == 0
    assert promisable(world) == before - (what is push)
    world.check_books()
