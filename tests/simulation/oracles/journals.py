"""O5 and O1: what was committed is never lost, and central has it once, in the store's order."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sync.protocol.lines import chain, genesis
from tests.simulation.model import read_books
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World


def nothing_committed_is_lost(world: "World") -> Iterator[str]:
    """The journal has all that its commits returned for, and nothing that was refused."""
    for store in world.stores:
        if store.checked == (store.fuse.commits, store.starts):
            continue
        store.checked = (store.fuse.commits, store.starts)
        world.remember(store)
        head = store.store.journal.head()
        kept = len(store.kept.lines)
        made = store.fuse.committed
        if head.seq != kept or kept != made:
            yield (
                f"{store.location_id}: {made} operations were committed, {kept} were seen,"
                f" the journal ends at {head.seq}"
            )
        elif kept and head.hash != store.kept.hashes[-1]:
            yield f"{store.location_id}: operation {kept} is another one now"
        if store.fuse.broken_words:
            yield f"{store.location_id}: it said that something is done which it did not keep"
        if store.store.journal.acked_seq() > head.seq:
            yield f"{store.location_id}: central is said to have what does not exist"
        if store.unshown:
            yield f"{store.location_id}: {store.unshown}"


def verdicts_stay(world: "World") -> Iterator[str]:
    """A verdict is given once."""
    for store in world.stores:
        yield from store.link.contradictions


def central_has_each_once_in_order(world: "World") -> Iterator[str]:
    """After quiet central's copy of each journal is that journal, byte for byte, with its chain."""
    books = read_books(world)
    for store in world.stores:
        theirs = [one for one in books.operations if one.replica_id == store.replica_id]
        if [one.seq for one in theirs] != list(range(1, len(theirs) + 1)):
            yield f"{store.location_id}: central's copy is not dense"
        if [one.line for one in theirs] != store.kept.lines:
            yield (
                f"{store.location_id}: the store has {len(store.kept.lines)} operations,"
                f" central {len(theirs)}, or others"
            )
        yield from _chain(store, [(one.seq, one.hash, one.line) for one in theirs])
        yield from _verdicts(store, {one.seq: one.status for one in theirs})


def _chain(store: "StoreMachine", rows: list[tuple[int, bytes, bytes]]) -> Iterator[str]:
    current = genesis(store.replica_id, 1)
    for seq, hashed, line in rows:
        current = chain(current, line)
        if current != hashed:
            yield f"{store.location_id}: central's hash of operation {seq} does not follow"
            return


def _verdicts(store: "StoreMachine", theirs: dict[int, str]) -> Iterator[str]:
    """What the store says of its operations is what central decided."""
    journal = store.store.journal
    rows = journal._all("SELECT seq, status FROM verdicts WHERE epoch = 1")
    ours = dict(rows)
    for seq, status in theirs.items():
        said = ours.get(seq, "accepted")
        pruned = journal.hash_at(seq) is None
        if said != status and not pruned:
            yield f"{store.location_id}: operation {seq} is {status} at central, {said} here"


ORACLES = (
    Oracle("O5 nothing committed is lost", When.STEP, nothing_committed_is_lost),
    Oracle("O1 a verdict is given once", When.STEP, verdicts_stay),
    Oracle("O1 central has each operation once, in order", When.QUIET,
           central_has_each_once_in_order),
)  # fmt: skip
