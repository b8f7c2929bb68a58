"""Everything that may happen in the simulation. A feature adds a file and a line here."""

from tests.simulation.events import (
    approvals,
    curbside,
    damage,
    inbox,
    machines,
    network,
    orders,
    paying,
    poison,
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

ALL: tuple[EventKind, ...] = (
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

BY_NAME = {kind.name: kind for kind in ALL}
