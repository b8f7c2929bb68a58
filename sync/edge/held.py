"""What became of operations that this journal thinks are held: it may be older than that.

A verdict that a person at central settles travels as a row, once. A journal that is
put back to before it has the operation in quarantine again, while the rows' cursor is
past that row; so whoever begins a new epoch asks.
"""

from collections.abc import Sequence

from sync.edge.journal import Journal
from sync.edge.lives import Life
from sync.protocol import errors
from sync.protocol.endpoint import OperationsPage, SyncEndpoint
from sync.protocol.verdicts import Verdict, VerdictStatus

Held = Sequence[tuple[int, bytes]]
"""(seq, line) of operations in quarantine, ascending."""


def learn_of_held(endpoint: SyncEndpoint, journal: Journal) -> None:
    """Where an epoch is to begin, take in verdicts that were settled since.

    Raises what the endpoint raises. What central does not show to this device stays.
    """
    if journal.lives.newest.opened:
        return
    for life in journal.lives:
        held: Held = journal.quarantined(life)
        while held:
            try:
                page = endpoint.operations(life.replica_id, life.epoch, held[0][0])
            except errors.NotAuthentic:
                raise
            except errors.ProtocolRefused:
                break
            journal.settle_later(_settled(page, life, held))
            held = [one for one in held if one[0] >= page.header.first_seq + page.header.count]
            if not page.header.count:
                break


def _settled(page: OperationsPage, life: Life, held: Held) -> list[tuple[str, int, Verdict]]:
    """Return what is settled of `held`: (replica, epoch, verdict), of the very same lines."""
    there = dict(enumerate(page.lines, page.header.first_seq))
    told = {verdict.seq: verdict for verdict in page.header.verdicts}
    verdicts = [
        told.get(seq) or Verdict(seq=seq, status=VerdictStatus.ACCEPTED)
        for seq, line in held if there.get(seq) == line
    ]  # fmt: skip
    return [
        (life.replica_id, life.epoch, verdict)
        for verdict in verdicts if verdict.status is not VerdictStatus.QUARANTINED
    ]  # fmt: skip
