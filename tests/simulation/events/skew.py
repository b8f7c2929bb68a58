"""Versions that do not fit: a store or a central of yesterday.

Yesterday is the lowest version that is served, one before the newest: with version 3 of the
protocol it is two before (N-2). What a version of tomorrow may send is `poison`: kinds and
fields that nobody here knows.
"""

from random import Random

from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION
from tests.simulation.registry import EventKind
from tests.simulation.world import World


def old_store(world: World, index: int, dice: Random) -> str:
    """A store's program is an older one."""
    world.stores[index].link.speaks = LOWEST_SERVED
    return f"speaks {LOWEST_SERVED}"


def old_central(world: World, index: int, dice: Random) -> str:
    """Central was rolled back to an older program."""
    world.central.speaks = LOWEST_SERVED
    return f"speaks {LOWEST_SERVED}"


def upgrade(world: World, index: int, dice: Random) -> str:
    """Central and one store are brought up to date."""
    world.central.speaks = PROTOCOL_VERSION
    world.stores[index].link.speaks = PROTOCOL_VERSION
    return f"speak {PROTOCOL_VERSION}"


KINDS = (
    EventKind("old_store", old_store, 1, is_fault=True),
    EventKind("old_central", old_central, 0.7, is_fault=True, at_central=True),
    EventKind("upgrade", upgrade, 2),
)
