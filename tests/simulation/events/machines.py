"""What machines do: crash at a commit, run out of disk, lose or roll back what is disposable."""

import shutil
from pathlib import Path
from random import Random

from tests.simulation.clocks import DAY_MS
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.world import World

BOOT_CLOCKS_MS = (0, 0, 40 * DAY_MS)
"""Where monotonic time begins: a disk may go on in a machine that has been up for long."""
COMMITS = (1, 1, 2, 3, 5, 8)
FLUSHES = (1, 1, 2, 3)
REPLICA = "replica.db"
IMAGE = "image-of-replica.db"


def store_will_crash(world: World, index: int, dice: Random) -> str:
    """A store's process will end at one of its next commits, before it or just after it."""
    commits, before = dice.choice(COMMITS), dice.random() < 0.5
    world.stores[index].fuse.arm(commits, before=before)
    return f"{'before' if before else 'after'} commit {commits} from now"


def store_will_crash_at_a_flush(world: World, index: int, dice: Random) -> str:
    """A store's process will end where it flushes its mark or evidence; its power may go too."""
    flushes, before, takes_power = dice.choice(FLUSHES), dice.random() < 0.7, dice.random() < 0.7
    world.stores[index].fuse.arm_flush(flushes, before=before, takes_power=takes_power)
    when = f"{'before' if before else 'after'} flush {flushes} from now"
    return f"{when}{', and the power goes' if takes_power else ''}"


def central_will_crash(world: World, index: int, dice: Random) -> str:
    """Central will go down at one of its next commits, before it or just after it."""
    commits, before = dice.choice(COMMITS), dice.random() < 0.5
    world.central.fuse.arm(commits, before=before)
    return f"{'before' if before else 'after'} commit {commits} from now"


def store_restarts(world: World, index: int, dice: Random) -> str:
    """A store's process is ended and started again."""
    world.stores[index].restart()
    return "restarted"


def store_reboots(world: World, index: int, dice: Random) -> str:
    """A store's machine boots: its monotonic time begins anew, its wall clock may be wrong."""
    store = world.stores[index]
    store.boot(dice.choice(BOOT_CLOCKS_MS))
    return f"boot {store.boots}"


def central_restarts(world: World, index: int, dice: Random) -> str:
    """Central is ended and started again."""
    world.central.restart()
    return "restarted"


def replica_lost(world: World, index: int, dice: Random) -> str:
    """What is disposable at a store is gone."""
    store = world.stores[index]
    store.close()
    for file in store.folder.glob(f"{REPLICA}*"):
        file.unlink()
    store.local.end_session()
    store.open()
    return "replica.db is gone"


STALE = "replica.db is an old one at "


def replica_rolls_back(world: World, index: int, dice: Random) -> str:
    """An image of replica.db is put back by hand: what is sold before rows come knows no floor."""
    store = world.stores[index]
    store.close()
    image = store.folder / IMAGE
    if image.exists() and dice.random() < 0.6:
        shutil.copyfile(image, store.folder / REPLICA)
        world.notes[STALE + store.location_id] = store.is_unheard = True
        said = "an older replica.db"
    else:
        shutil.copyfile(store.folder / REPLICA, image)
        said = "an image of replica.db is kept"
    store.local.end_session()
    store.open()
    return said


def store_disk_full(world: World, index: int, dice: Random) -> str:
    """A store's disk has no room left."""
    world.stores[index].fill_disk()
    return "no room"


def store_disk_freed(world: World, index: int, dice: Random) -> str:
    """Somebody makes room."""
    world.stores[index].free_disk()
    return "room again"


def central_disk_full(world: World, index: int, dice: Random) -> str:
    """Central's disk has no room left."""
    world.central.fuse.is_full = True
    return "no room"


def central_disk_freed(world: World, index: int, dice: Random) -> str:
    """Somebody makes room at central."""
    world.central.fuse.is_full = False
    return "room again"


def power_cut(world: World, index: int, dice: Random) -> str:
    """Everything in the store goes off and on: process, monotonic time, what was not flushed."""
    store = world.stores[index]
    _tear_parts(store, dice)
    torn = store.lose_power(dice.choice(BOOT_CLOCKS_MS))
    return f"boot {store.boots}, {torn} files lack something"


def _tear_parts(store: StoreMachine, dice: Random) -> None:
    """Cut a part of a snapshot off where the power went."""
    parts: list[Path] = sorted(store.folder.glob("snapshots/*/*/part-*"))
    if parts:
        part = dice.choice(parts)
        content = part.read_bytes()
        part.write_bytes(content[: dice.randrange(len(content) + 1)])


KINDS = (
    EventKind("store_will_crash", store_will_crash, 5, is_fault=True),
    EventKind("store_will_crash_at_a_flush", store_will_crash_at_a_flush, 2.5, is_fault=True),
    EventKind("central_will_crash", central_will_crash, 4, is_fault=True, at_central=True),
    EventKind("store_restarts", store_restarts, 1, is_fault=True),
    EventKind("store_reboots", store_reboots, 1, is_fault=True),
    EventKind("power_cut", power_cut, 1, is_fault=True),
    EventKind("central_restarts", central_restarts, 1, is_fault=True, at_central=True),
    EventKind("replica_lost", replica_lost, 0.7, is_fault=True),
    EventKind("replica_rolls_back", replica_rolls_back, 1.5, is_fault=True),
    EventKind("store_disk_full", store_disk_full, 1, is_fault=True),
    EventKind("store_disk_freed", store_disk_freed, 2),
    EventKind("central_disk_full", central_disk_full, 0.7, is_fault=True, at_central=True),
    EventKind("central_disk_freed", central_disk_freed, 2, at_central=True),
)
