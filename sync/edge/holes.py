"""Work that was done here and is nowhere any more: told in words, and left behind.

A store forgets what central has had for 45 days. A central that was restored to before
that asks for operations that no disk has any more. Nothing brings them back; what is
still kept goes up in a new epoch behind the hole, at the places that it has.
"""

from typing import NamedTuple

from sync.edge import sale_numbers
from sync.edge.evidence import Witness
from sync.edge.journal import Journal
from sync.edge.recovery import Theirs, adopt, recover
from sync.protocol import errors
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.lines import chain, genesis
from sync.protocol.session import OperationsHeader


class Hole(NamedTuple):
    """So many operations before a place were done here and are nowhere any more."""

    operations: int
    before: int

    def words(self) -> str:
        """Return what to tell people."""
        # Not which: what was kept among them has moved up to the rest.
        which = "1 operation" if self.operations == 1 else f"{self.operations} operations"
        verb = "is" if self.operations == 1 else "are"
        return (
            f"{which} before operation {self.before} {verb} lost: done here, and in no copy any"
            " more. Check the goods by hand."
        )


def holes(journal: Journal) -> list[Hole]:
    """Return the operations that central has been asked for and does not have either."""
    found = []
    for life in journal.lives:
        count = journal.lost_before(life)
        if count and life.opened:
            found.append(Hole(count, life.base + 1))
    return found


def go_on_behind(endpoint: SyncEndpoint, journal: Journal, now_ms: int) -> bool:
    """Begin an epoch behind operations that neither side has; return whether that was the matter.

    Asked when central wants operations that are not kept, after its rows have been read
    anew (`pusher.RowsFirst`). Where this journal has forgotten central's end, that is taken
    at its word: central acknowledged more once. What was moved behind a hole before may
    stand at central where it was at first; then all that central has is compared. One
    transaction; raises what the endpoint raises.
    """
    name = journal.identity.replica_id
    newest = journal.lives.newest
    end = endpoint.operations(name, newest.epoch, newest.base + 1).header
    life = journal.lives.named(name, end.last_epoch)
    if life is None or journal.is_whole_after(end.last_seq, life):
        return False
    if end.last_seq > journal.head().seq:
        return False  # more than was ever done here: a copy of this machine was quicker
    known = journal.hash_at(end.last_seq, life)
    if known is not None and known.hex() != end.last_hash:
        return False  # another history: it is for the next push to find out
    with journal.writing():
        sale_numbers.drop_all(journal.connection)  # a till may bring back what is lost
    # What was forgotten lies inside its epoch: the last operation of each is kept.
    is_forgotten = life.base < end.last_seq < journal.end_of(life).seq
    if known is None and (not is_forgotten or _was_moved(journal, end)):
        return recover(endpoint, journal, now_ms)  # central may have it where it was before
    theirs = Theirs(name, end.last_seq, life, end=(end.last_epoch, end.last_seq), is_certain=True)
    if known is None:
        theirs.anchor = _last_of(endpoint, name, end)
    adopt(journal, theirs, now_ms)
    return True


def _was_moved(journal: Journal, end: OperationsHeader) -> bool:
    """Return whether anything behind central's end was sequenced anew before."""
    found = journal.connection.execute(
        "SELECT 1 FROM operations WHERE (epoch, seq) > (?, ?) AND forked_from IS NOT NULL LIMIT 1",
        (end.last_epoch, end.last_seq),
    )
    return found.fetchone() is not None


def _last_of(endpoint: SyncEndpoint, name: str, end: OperationsHeader) -> Witness:
    """Fetch the operation at central's end."""
    page = endpoint.operations(name, end.last_epoch, end.last_seq)
    before = bytes.fromhex(page.header.prev_hash) or genesis(name, end.last_epoch)
    if page.lines and chain(before, page.lines[0]).hex() == end.last_hash:
        hashed = bytes.fromhex(end.last_hash)
        return Witness(name, end.last_epoch, end.last_seq, page.lines[0], hashed, ())
    raise errors.FrameUnreadable("central's operations do not lead to its own end")
