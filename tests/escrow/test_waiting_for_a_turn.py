"""What reads the time and then waits for its turn to write finds that others noted a later one."""

from collections.abc import Callable
from typing import Any

import pytest

from central_server.services.idempotency import RequestIdentity
from central_server.storage.database import Database
from tests.escrow.test_shares import pass_time, promisable
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order
from tests.support.store_side import POLICY, StoreSide

WAIT_MS = 12_000


def pickup(world: World, store: StoreSide) -> None:
    world.place(("SKU-1", 1), at="S003")


def parcel(world: World, store: StoreSide) -> None:
    identity = RequestIdentity("test", "parcel", "body")
    world.parts.central.orders.place(parcel_order(("SKU-2", 1)), identity)


def push(world: World, store: StoreSide) -> None:
    store.sell(1)
    store.settle()


Wait = Callable[[], object]


def waits(monkeypatch: pytest.MonkeyPatch, world: World, wait: Wait) -> None:
    """Let something happen before each transaction that writes: others were before it."""
    write, waits = Database.write, [True]

    def waited(database: Database, command: Callable[[Any], Any]) -> Any:
        if waits[0]:
            waits[0] = False
            wait()
            world.parts.promises.run()
            waits[0] = True
        return write(database, command)

    monkeypatch.setattr(Database, "write", waited)


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
    with monkeypatch.context() as patch:
        waits(patch, world, lambda: world.clock.advance(WAIT_MS))
        what(world, store)
    assert world.parts.promises.run() == 0
    assert promisable(world) == before - (what is push)
    world.check_books()


def test_a_push_that_waited_while_the_clock_was_set_back_extends_no_lease(
    world: World, store: StoreSide, monkeypatch
):
    """Its token is of an hour that central lives through again: nobody may promise by it."""
    store.sell(1)
    header = store.daemon._hello()
    back = [POLICY.lease_ms // 2]

    def set_back() -> None:
        world.clock.wall_ms -= back.pop() if back else 0

    with monkeypatch.context() as patch:
        waits(patch, world, set_back)
        store.daemon._push(header)
    assert back == []
    assert promisable(world) == 0
    pass_time(world, 1_000, store)
    store.settle()
    assert promisable(world) > 0
