"""Everything that may happen in the simulation. A feature adds a file and a line here."""

from dataclasses import replace
from random import Random

from tests.simulation.events import (
    approvals,
    curbside,
    damage,
    half_taken,
    inbox,
    machines,
    narrows,
    network,
    orders,
    paying,
    poison,
    policies,
    quarantine,
    reservations,
    restores,
    routing,
    sales,
    shipping,
    skew,
    terms,
    times,
    transfers,
    work,
)
from tests.simulation.registry import EventKind
from tests.simulation.world import World

SELDOM = 0.25
"""The weight of a narrow pass, in the worlds that have it at all."""
WIDE: tuple[EventKind, ...] = (
    *orders.KINDS,
    *work.KINDS,
    *sales.KINDS,
    *approvals.KINDS,
    *shipping.KINDS,
    *curbside.KINDS,
    *reservations.KINDS,
    *paying.KINDS,
    *network.KINDS,
    *machines.KINDS,
    *times.KINDS,
    *terms.KINDS,
    *poison.KINDS,
    *inbox.KINDS,
    *quarantine.KINDS,
    *skew.KINDS,
    *routing.KINDS,
    *transfers.KINDS,
    *restores.KINDS,
    *damage.KINDS,
)
NARROW: tuple[EventKind, ...] = (*narrows.KINDS, *half_taken.KINDS, *policies.KINDS)
"""What escrow needs each of its rules for; frequent where `mutants` hunts."""


def _seldom(kind: EventKind) -> EventKind:
    """Return a narrow pass as one of the faults: rare, and where everything else works.

    It is a story of its own, told in many steps. What came before it may be anything.
    """

    def act(world: World, index: int, dice: Random) -> str:
        store, central = world.stores[index], world.central
        if not world.shared:
            return "nothing is shared"
        if store.fuse.is_full or central.fuse.is_full or store.location_id in world.twins:
            return "not now"
        store.fuse.disarm()
        central.fuse.disarm()
        return kind.act(world, index, dice)

    return replace(kind, act=act, weight=SELDOM, is_fault=True)


ALL: tuple[EventKind, ...] = (*WIDE, *map(_seldom, NARROW))

BY_NAME = {kind.name: kind for kind in ALL}
