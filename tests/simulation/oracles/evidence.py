"""O5: what a store did lies on its other disk, too, whatever ended its processes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World

NEWEST = 40
"""How many operations are looked for: what is further back was looked for before."""


def the_other_disk_has_what_was_done(world: "World") -> Iterator[str]:
    """After quiet: each newest operation is in the evidence, flushed; or the store says why not.

    That nothing lacks there is otherwise seen only by a store whose own disk was put back.
    """
    for store in world.stores:
        journal = store.store.journal
        if journal.evidence is None or journal.witness_problem:
            continue
        kept = store.flushes.safe_evidence(journal.evidence)
        for seq, hashed in _newest(store):
            if (journal.identity.replica_id, journal.identity.epoch, seq, hashed) not in kept:
                yield f"{store.location_id}: operation {seq} is not on its other disk"


def _newest(store: "StoreMachine") -> Iterator[tuple[int, bytes]]:
    """Yield seq and hash of what was done in the present epoch."""
    journal = store.store.journal
    rows = journal._all(
        "SELECT seq, hash FROM operations WHERE epoch = ? AND seq > ? ORDER BY seq DESC"
        " LIMIT ?", (journal.identity.epoch, journal.lives.newest.base, NEWEST),
    )  # fmt: skip
    return ((seq, bytes(hashed)) for seq, hashed in rows if bytes(hashed) not in store.history.raw)


ORACLES = (Oracle("O5 the other disk has it", When.QUIET, the_other_disk_has_what_was_done),)
