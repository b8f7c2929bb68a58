"""What the feed may forget: verdicts that their store has long taken in, and nothing sooner."""

from pathlib import Path

import pytest

from central_server.jobs.housekeeping import VERDICT_DAYS, forget_settled_verdicts
from sync.domain.ids import OpId
from sync.protocol.rows import Entity, store_scope
from sync.protocol.verdicts import VerdictStatus
from tests.support.central_world import World, build_world
from tests.support.store_side import StoreSide, in_step

DAY_MS = 86_400_000
SCOPE = store_scope("S001")


@pytest.fixture
def world(database, tmp_path: Path) -> World:
    return build_world(database, tmp_path / "central")


@pytest.fixture
def store(world: World, tmp_path: Path):
    with in_step(world, tmp_path / "one") as store:
        yield store


def settle_one(world: World, store: StoreSide) -> None:
    """Let a step be held back at central, and a person set it aside, while the store is away."""
    placed = world.place(("SKU-1", 2))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    with store.store.journal.writing():
        record = store.store.journal
        line = b'{"v":1,"by":"A1","dev":"T1","boot":"b","op":{"kind":"of_the_future",'
        line += b'"fulfillment_id":"%s"},"mono":0,"at":0}' % work.id.encode()
        append_raw(record, line)
    store.settle()
    store.cut()
    head = store.store.journal.head().seq
    op_id = OpId(store.store.replica_id, 1, head)
    world.parts.central.quarantine.skip(op_id, by="Ann", reason="no such step")


def append_raw(journal, line: bytes) -> None:
    from sync.edge.evidence import Witness
    from sync.protocol.lines import chain

    head, identity = journal.head(), journal.identity
    place = (identity.replica_id, identity.epoch, head.seq + 1)
    journal.insert(Witness(*place, line, chain(head.hash, line), ()), None)


def verdict_rows(world: World) -> list[bool]:
    """Return, of each verdict row in the feed, whether it is alive."""
    with world.database.read() as view:
        rows = view.feed.rows_after(SCOPE, 0, 1000)
    return [row.body is not None for row in rows if row.entity == Entity.VERDICT.value]


def forget(world: World) -> int:
    return forget_settled_verdicts(world.database, world.clock, world.parts.random)


def pass_days(world: World, store: StoreSide, days: int) -> None:
    for clock in (world.clock, store.clock):
        clock.advance(days * DAY_MS)


def held_back(store: StoreSide) -> int:
    return store.store.journal.count_verdicts(VerdictStatus.QUARANTINED)


def test_a_verdict_that_was_taken_in_long_ago_is_forgotten(world: World, store: StoreSide):
    """The store knows it, and so does its journal; both still agree about the scope afterwards."""
    settle_one(world, store)
    store.settle()
    assert held_back(store) == 0
    assert forget(world) == 0, "not yet"
    pass_days(world, store, VERDICT_DAYS + 1)
    store.settle()
    assert forget(world) == 1
    store.settle()
    assert store.daemon.run_once().resets == 0
    assert store.differences() == []
    assert forget(world) == 0
    assert verdict_rows(world) == [], "nor is there a trace of it, once the store has followed"
    assert held_back(store) == 0


def test_a_store_that_is_behind_still_gets_its_verdicts(world: World, store: StoreSide):
    """Half a year away: what was settled meanwhile is kept until the store has it."""
    settle_one(world, store)
    pass_days(world, store, 180)
    assert forget(world) == 0
    assert verdict_rows(world) == [True]
    assert held_back(store) == 1
    store.settle()
    assert held_back(store) == 0
    assert forget(world) == 1


def test_a_store_that_lost_its_rows_reads_them_again(world: World, store: StoreSide):
    """Forgotten rows are below the floor: an older copy of the replica begins anew, whole."""
    settle_one(world, store)
    store.settle()
    copy = (store.folder / "replica.db").read_bytes()
    pass_days(world, store, VERDICT_DAYS + 1)
    store.settle()
    forget(world)
    store.settle()
    forget(world)
    store.store.close()
    for name in ("replica.db", "replica.db-wal", "replica.db-shm"):
        (store.folder / name).unlink(missing_ok=True)
    (store.folder / "replica.db").write_bytes(copy)
    store.open()
    store.settle()
    assert store.differences() == []


def test_a_location_without_a_machine_keeps_everything(world: World, store: StoreSide):
    """Nobody says what it has followed: a machine enrolled anew may still need it."""
    settle_one(world, store)
    store.settle()
    world.parts.devices.revoke(store.store.replica_id)
    pass_days(world, store, VERDICT_DAYS + 1)
    assert forget(world) == 0
