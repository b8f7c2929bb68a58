"""What became of operations that were held: this journal, or central, may be older than that.

A verdict that a person at central settles travels as a row, once. A journal that is
put back to before it has the operation in quarantine again, while the rows' cursor is
past that row; and a central that is put back has it in quarantine again. So who begins
a new epoch asks, or greets central, as after each start: a journal that lost no operation
follows on central's as before. Who meets another life of central's asks for all.
"""

from collections.abc import Iterator, Sequence

from sync.edge.journal import Journal
from sync.edge.lives import Life
from sync.protocol import errors
from sync.protocol.endpoint import OperationsPage, SyncEndpoint
from sync.protocol.verdicts import Verdict, VerdictStatus

Held = Sequence[tuple[int, bytes]]
"""(seq, line) of operations, ascending."""
Told = tuple[str, int, Verdict]
"""(replica, epoch, verdict)."""


def learn_of_held(endpoint: SyncEndpoint, journal: Journal) -> None:
    """Take in verdicts on what is held here that were settled since; nothing held asks nothing.

    Raises what the endpoint raises. What central does not show to this device stays.
    """
    _learn(endpoint, journal, settled_too=False)


def learn_before_beginning(endpoint: SyncEndpoint, journal: Journal) -> None:
    """Where an epoch is to begin, do the same."""
    if not journal.lives.newest.opened:
        learn_of_held(endpoint, journal)


def learn_again(endpoint: SyncEndpoint, journal: Journal) -> None:
    """Take in what another life of central's says of operations that were ever held; as above."""
    _learn(endpoint, journal, settled_too=True)


def learn_of_all(endpoint: SyncEndpoint, journal: Journal) -> None:
    """Under a new name, take in what central does not count that it acknowledged once.

    Another life of its may have heard that again from a copy of this machine, and hold it.
    Raises what the endpoint raises.
    """
    for life in journal.lives:
        if life.replica_id != journal.identity.replica_id:
            kept = journal.acknowledged(life)
            for told in _asked(endpoint, life, kept):
                journal.hold_back(life.epoch, [verdict for _, _, verdict in told])


def _learn(endpoint: SyncEndpoint, journal: Journal, *, settled_too: bool) -> None:
    for life in journal.lives:
        held = journal.held(life, settled_too=settled_too)
        for told in _asked(endpoint, life, held):
            journal.settle_later(told)


def _asked(endpoint: SyncEndpoint, life: Life, held: Held) -> Iterator[list[Told]]:
    """Yield what central says of operations of an epoch, a page at a time."""
    while held:
        try:
            page = endpoint.operations(life.replica_id, life.epoch, held[0][0])
        except (errors.NotAuthentic, errors.FrameUnreadable):
            raise
        except errors.ProtocolRefused:
            return
        yield _told(page, life, held)
        held = [one for one in held if one[0] >= page.header.first_seq + page.header.count]
        if not page.header.count:
            return


def _told(page: OperationsPage, life: Life, held: Held) -> list[Told]:
    """Return what central says of `held`: (replica, epoch, verdict), of the very same lines."""
    there = dict(enumerate(page.lines, page.header.first_seq))
    told = {verdict.seq: verdict for verdict in page.header.verdicts}
    return [
        (life.replica_id, life.epoch,
         told.get(seq) or Verdict(seq=seq, status=VerdictStatus.ACCEPTED))
        for seq, line in held if there.get(seq) == line
    ]  # fmt: skip
