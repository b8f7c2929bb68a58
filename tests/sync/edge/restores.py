"""Store machines that are backed up, restored and copied, in front of one central."""

import copy
import shutil
from pathlib import Path

from sync.domain.operations import FulfillmentAccepted, LinePicked
from sync.edge.recovery import begin_epoch
from tests.support.builders import an_order
from tests.support.memory_central import MemoryCentral
from tests.sync.edge.worlds import World

JOURNAL = ("journal.db", "journal.db-wal", "journal.db-shm")


def a_shop(folder: Path, orders: int = 6) -> World:
    """Return a world in which a store has work: orders of three units each."""
    world = World(folder)
    for number in range(1, orders + 1):
        world.central.place(an_order(number, 3))
    world.quiet()
    return world


def work(world: World, *numbers: int) -> None:
    """Accept these orders and pick one unit of each: two operations an order."""
    for number in numbers:
        key = f"F{number:05d}"
        for operation in (FulfillmentAccepted(key), LinePicked(key, 1, 1)):
            world.clock.advance(10)
            world.perform(operation)


def pick(world: World, *numbers: int) -> None:
    """Pick one more unit of each."""
    for number in numbers:
        world.clock.advance(10)
        world.perform(LinePicked(f"F{number:05d}", 1, 1))


def save(world: World, where: Path, *, whole: bool = False) -> None:
    """Copy the journal, or everything, as it lies on the disk now."""
    where.mkdir()
    for file in world.folder.iterdir():
        if file.is_file() and (whole or file.name in JOURNAL):
            shutil.copy(file, where)


def put_back(world: World, where: Path, *, whole: bool = False) -> None:
    """Restore what `save` copied, and open the store again as a new process does."""
    world.store.close()
    for file in list(world.folder.iterdir()):
        if file.is_file() and (whole or file.name in JOURNAL):
            file.unlink()
    for file in where.iterdir():
        shutil.copy(file, world.folder)
    world.open()


def put_back_on_a_new_disk(world: World, where: Path) -> None:
    """Restore as the command does, on a disk on which nothing tells how far the store had come."""
    world.store.close()
    for file in list(world.folder.glob("journal*")):  # and with it the mark
        file.unlink()
    for file in where.iterdir():
        shutil.copy(file, world.folder)
    world.open()
    journal = world.store.journal
    begin_epoch(journal, journal.lives.newest.epoch, journal.head().seq, world.clock.now_ms())


def copy_of(world: World, folder: Path) -> World:
    """Return a second machine with a copy of the first one's disk, in front of the same central."""
    save(world, folder, whole=True)
    return World(folder, central=world.central, clock=world.clock)


def wait(world: World, seconds: int) -> None:
    """Let time pass, for the store and for central."""
    world.clock.advance(seconds * 1000)
    world.central.now_ms = world.clock.now_ms()


def rewound(central: MemoryCentral, saved: MemoryCentral) -> None:
    """Let central be what it was when it was saved, in a new life."""
    life = central.feed.life
    for name, value in vars(copy.deepcopy(saved)).items():
        if name not in {"now_ms", "cut"}:
            setattr(central, name, value)
    central.feed.life = life + 1
    central.journal._feed = central.feed


def lines_at_central(world: World) -> list[bytes]:
    """Return every line that central has, under whatever name."""
    return [entry.line for entry in world.central.journal.entries.values()]


def lines_here(world: World) -> list[bytes]:
    """Return every line of the store's journal, in its order."""
    rows = world.store.journal._all("SELECT line FROM operations ORDER BY epoch, seq")
    return [bytes(line) for (line,) in rows]


def check_settled(world: World) -> None:
    """Both sides have the same orders and stock, and each operation once."""
    central, store = world.central, world.store
    assert store.journal.backlog() == 0
    for order in central.orders.values():
        assert store.fulfillment(order.id) == order
    assert {row[0]: row[1:] for row in store.stock_rows()} == {
        sku: (row.on_hand, row.allocated) for sku, row in central.stock.items()
    }
    assert store.pending_effects() == []
    there = lines_at_central(world)
    assert len(set(there)) == len(there), "an operation counts twice"
    assert len(set(central.applied)) == len(central.applied)
    head, state = store.journal.head(), central.journal.replicas[store.replica_id]
    epoch = store.identity.epoch
    assert (epoch, head.seq, head.hash) == (state.epoch, state.last_seq, state.last_hash)
