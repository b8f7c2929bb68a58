"""What the database lost is taken back from the evidence, epoch by epoch."""

from collections.abc import Callable

from sync.edge.evidence import Witness
from sync.edge.journal import Journal
from sync.edge.lives import Life
from sync.protocol.lines import OperationRecord, chain, decode_line, genesis


def refill(journal: Journal) -> int:
    """Take operations that the database lost back from the evidence; return how many.

    First those of its newest epoch, then epochs that were begun since: by a restore before
    this one, or by a recovery. Evidence that cannot be read brings nothing.
    """
    if journal.evidence is None:
        return 0
    before = journal.head().seq
    with journal.recalling(), journal.writing():
        life, head = journal.lives.newest, journal.head()
        current = head.hash
        for one in journal.evidence.after(life.replica_id, life.epoch, head.seq):
            current = chain(current, one.line)
            if current != one.hash:
                break  # of a history that was overtaken
            insert(journal, one, journal.rights.take_in)
        _refill_later(journal, journal.evidence.epochs_after(life.replica_id, life.epoch))
    return journal.head().seq - before


def _refill_later(journal: Journal, epochs: dict[int, list[Witness]]) -> None:
    """Take whole epochs back that the database does not know, each behind what is there.

    What a recovery has sequenced anew stands there twice, as it was and where it is: an epoch
    is passed over of which any line is in a later one, or here.
    """
    if not epochs:
        return
    here = {bytes(line) for (line,) in journal.connection.execute("SELECT line FROM operations")}
    for number, witnesses in sorted(epochs.items()):
        later = {one.line for other in epochs if other > number for one in epochs[other]}
        base, current = witnesses[0].seq - 1, genesis(witnesses[0].replica_id, number)
        if base < journal.head().seq:
            continue  # of a history that was overtaken
        whole = []
        for place, one in enumerate(witnesses, base + 1):
            current = chain(current, one.line)
            if (one.seq, one.hash) != (place, current):
                break
            whole.append(one)
        if not whole or any(one.line in later or one.line in here for one in whole):
            continue
        name = whole[0].replica_id
        journal.begin_life(Life(number, name, base, certain=True, opened=False))
        for one in whole:
            insert(journal, one, journal.rights.take_in)


def insert(
    journal: Journal,
    one: Witness,
    to_rights: Callable[[object, int], None],
    forked_from: str | None = None,
) -> None:
    """Keep an operation that was done before, and let rights know of it."""
    record = record_of(one.line)
    journal.insert(one, record, forked_from)
    if record is not None:
        to_rights(record.op, one.seq)


def record_of(line: bytes) -> OperationRecord | None:
    """Return what a line says; None where this version cannot read it."""
    try:
        return decode_line(line)
    except ValueError:
        return None
