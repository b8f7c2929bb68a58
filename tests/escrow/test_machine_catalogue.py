"""The conflict catalogue's rows about machines: put back, copied, shut out, and central put back.

What a restored or replaced machine may sell and lend is in `test_replaced.py` and its
neighbors; here is what people read of it, and what becomes of the customer.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.escrow.test_approved import approve_all, hand_in
from tests.escrow.test_forgotten_orders import copy_central, put_central_back
from tests.escrow.test_replaced import back_up, pass_time, restore, successor
from tests.support.central_world import World, sqlite_world, whole_pickup
from tests.support.conflicts import (
    RECEIVED,
    agree,
    alerts,
    customer_reads,
    do,
    order_at,
    people,
    sentence,
)
from tests.support.store_side import StoreSide, in_step, share_by_escrow

READY = "Order N is ready"
SHUT_OUT = "this device was revoked or retired: a person at central decides about its work"
HELD = "quarantined: central, within 4 hours"


def test_a_store_is_put_back_from_its_backup(world: World, store: StoreSide, tmp_path: Path):
    """Its own work comes back from central, once; nobody has to be told, and work goes on."""
    first_id, first = order_at(world, store)
    second_id, second = order_at(world, store)
    store.cut()
    do(store, *whole_pickup(second)[:1])
    backup = back_up(store, tmp_path / "backup")
    do(store, *whole_pickup(first))
    store.settle()
    restore(store, backup)
    agree(world, store)
    do(store, *whole_pickup(second)[1:])
    agree(world, store)
    assert [world.order(one)["status"] for one in (first_id, second_id)] == ["fulfilled"] * 2
    assert world.stock("S001") == (6, 0)
    assert store.store.journal.identity.epoch > 1
    assert [sentence(store, one.id) for one in (first, second)] == ["", ""]
    assert alerts(store.store) == ()
    assert customer_reads(world) == [RECEIVED, RECEIVED]
    assert people(world) == []


def test_a_copy_of_a_machine_that_works_too(world: World, store: StoreSide, tmp_path: Path):
    """The second one is told to be enrolled anew; then its work counts, and none is lost."""
    (one_id, one), (other_id, other) = order_at(world, store), order_at(world, store)
    shutil.copytree(store.folder, tmp_path / "copy")
    copy = StoreSide(world, tmp_path / "copy")
    do(store, *whole_pickup(one))
    do(copy, *whole_pickup(other))
    store.settle()
    for _ in range(2):
        copy.round()
    assert store.round().ok
    assert alerts(copy.store) == (
        "a machine works under this store's name already: a copy of this one?",
    )
    assert world.order(other_id)["status"] == "open"
    copy.enrol_anew()
    agree(world, copy)
    assert [world.order(key)["status"] for key in (one_id, other_id)] == ["fulfilled"] * 2
    assert world.stock("S001") == (6, 0)
    assert sentence(copy, other.id) == ""
    assert alerts(copy.store) == ()
    assert customer_reads(world) == [RECEIVED, RECEIVED]
    assert people(world) == []


def test_a_stolen_device(world: World, store: StoreSide):
    """Shut out with work on board: held whole, without effect, until a person decides."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, *whole_pickup(work))
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    assert world.order(order_id)["status"] == "open"
    assert world.stock("S001") == (10, 2)
    assert sentence(store, work.id) == SHUT_OUT
    assert not store.round().ok
    assert alerts(store.store) == ("this replica is revoked, retired or unknown: enrol again",)
    assert customer_reads(world) == [RECEIVED]
    assert people(world) == [HELD]


def test_a_retired_device_that_returns(world: World, store: StoreSide, tmp_path: Path):
    """Another machine is in its place: what it did waits for a person, and counts once approved."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, *whole_pickup(work))
    new = successor(world, tmp_path)
    new.settle()
    hand_in(world, store)
    assert world.order(order_id)["status"] == "open"
    assert sentence(store, work.id) == SHUT_OUT
    assert not store.round().ok
    assert alerts(store.store) == ("this replica is revoked, retired or unknown: enrol again",)
    assert people(world) == [HELD]
    assert set(approve_all(world)) == {"accepted"}
    agree(world, new)
    assert world.order(order_id)["status"] == "fulfilled"
    assert world.stock("S001") == (8, 0)
    assert customer_reads(world) == [RECEIVED]
    assert people(world) == []
    new.store.close()


# --- central itself -------------------------------------------------------------------------


@pytest.fixture
def central(tmp_path: Path) -> World:
    """On SQLite, whose database can be copied and put back."""
    world = sqlite_world(tmp_path / "central-own")
    share_by_escrow(world, floor_percent=20)
    return world


@pytest.fixture
def shop(central: World, tmp_path: Path) -> Iterator[StoreSide]:
    """The machine of S001 before that central."""
    with in_step(central, tmp_path / "shop") as store:
        yield store


def test_central_is_put_back(central: World, shop: StoreSide, tmp_path: Path):
    """What it forgot the store says again, once; the customer hears nothing twice."""
    order_id, work = order_at(central, shop)
    assert customer_reads(central) == [RECEIVED]
    copied = copy_central(central, tmp_path / "copy.db")
    do(shop, *whole_pickup(work))
    shop.settle()
    put_central_back(central, copied)
    assert central.order(order_id)["status"] == "open"
    shop.faulty = shop._line()
    pass_time(central, 1_000, shop)
    agree(central, shop)
    assert central.order(order_id)["status"] == "fulfilled"
    assert central.stock("S001") == (8, 0)
    assert sentence(shop, work.id) == ""
    assert set(alerts(shop.store)) == {"read again from central: the cursor expired"}
    assert customer_reads(central) == [RECEIVED]
    assert people(central) == []


def test_central_is_put_back_to_before_an_order(central: World, shop: StoreSide, tmp_path: Path):
    """Nobody knows what the customer ordered but the store: its work waits for a person."""
    copied = copy_central(central, tmp_path / "copy.db")
    _, work = order_at(central, shop)
    do(shop, *whole_pickup(work))
    shop.settle()
    assert customer_reads(central) == [RECEIVED]
    put_central_back(central, copied)
    pass_time(central, 1_000, shop)
    shop.settle()
    first, *others = [one.text for one in shop.store.fates_of(work.id)]
    assert first == f"central knows no fulfillment order {work.id!r} at this store"
    assert sentence(shop, work.id) == "an earlier step of this order is held back"
    assert set(others) == {sentence(shop, work.id)}
    assert set(alerts(shop.store)) == {"read again from central: the cursor expired"}
    assert customer_reads(central) == [RECEIVED]
    assert people(central) == [HELD]
