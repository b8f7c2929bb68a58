"""O3 under escrow: each right has one owner, and both sides agree on who that is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.world import World


def both_sides_know_who_may_promise(world: "World") -> Iterator[str]:
    """After quiet, what central may still promise is what the store counts as central's."""
    if not world.shared:
        return
    for store in world.stores:
        with world.central.database.read() as view:
            rows = view.stock.rows(store.location_id)
            lease = view.leases.get(store.location_id)
        generation = store.store.journal.rights.generation()
        if lease is None or lease.generation != generation:
            yield f"{store.location_id}: generation {generation}, central {lease}"
            continue
        shares = {one.sku: one for one in store.store.shares.shares([row.sku for row in rows])}
        for row in rows:
            theirs, ours = row.rights.within(generation).online, shares[row.sku].online
            if theirs != ours:
                yield f"{store.location_id} {row.sku}: central may promise {theirs}, it says {ours}"


ORACLES = (
    Oracle("O3 both sides know who may promise", When.QUIET, both_sides_know_who_may_promise),
)
