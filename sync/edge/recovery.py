"""A store whose journal and central's differ goes on by itself, and nothing counts twice.

Three things lead here: the mark beside the database is ahead of it (the database
was restored), central has operations that this journal lacks (the same, or a
copy of this machine works elsewhere), or this machine was enrolled anew and
takes over what it did under its former name.

Each step is one transaction and can be repeated: central's operations are
fetched and compared, then in ONE transaction kept as settled history while the
operations that only this journal has are sequenced anew in a new epoch. Whether
the epoch may begin is for central to say.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sync.domain.stock_operations import FloorSold
from sync.edge.evidence import Witness
from sync.edge.journal import Identity, Journal
from sync.edge.lives import Life
from sync.edge.refilling import insert, record_of, refill
from sync.protocol import errors
from sync.protocol.endpoint import OperationsPage, SyncEndpoint
from sync.protocol.lines import chain, genesis
from sync.protocol.verdicts import Verdict

PAGES_MAX = 10_000
UNKNOWN = "not_found"
"""The code by which central says that it knows no replica of a name."""
ELSEWHERE = "scope_missing"
"""And that it is of another location."""


@dataclass
class Theirs:
    """What central has beyond the last operation that both sides have."""

    replica_id: str
    common_seq: int
    common_life: Life
    operations: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)
    """(epoch, seq, line, hash)."""
    bases: dict[int, int] = field(default_factory=dict)
    """Where epochs begin that this journal does not have."""
    verdicts: dict[int, list[Verdict]] = field(default_factory=dict)
    end: tuple[int, int] = (0, 0)
    """Central's epoch and last place."""
    anchor: Witness | None = None
    """Central's last operation, where this journal has forgotten it: its hash is where to go on."""
    is_certain: bool = False
    """Whether it is known why the two differ: nobody else need be at work here."""


# --- at the start of a process ---------------------------------------------------------


def notice_restore(journal: Journal, now_ms: int) -> None:
    """Compare the database with what lies outside of it; begin an epoch if it was restored.

    Mark and evidence are read before the database: whatever another process commits
    in between only moves the database ahead.
    """
    try:
        identity = journal.identity
    except LookupError:
        return
    _compare_with_mark(journal, identity, now_ms)
    journal.complete_evidence()


def _compare_with_mark(journal: Journal, identity: Identity, now_ms: int) -> None:
    mark = journal.read_mark()
    witnessed = journal.read_witnessed()  # the mark may have come back with the database
    place = (identity.epoch, journal.head().seq)
    if mark is not None and mark.place == place and witnessed <= place:
        return
    if mark is None or max(mark.place, witnessed) > place:
        refill(journal)
    head = journal.head()
    if mark is not None and mark.place > (journal.identity.epoch, head.seq):
        begin_epoch(journal, mark.epoch, mark.seq, now_ms)
    journal.write_mark()


def begin_epoch(journal: Journal, epoch: int, seq: int, now_ms: int) -> None:
    """Begin an epoch behind a place that this machine knows it had reached. It was restored."""
    with journal.writing():
        newest = journal.lives.newest
        number = max(epoch, newest.epoch) + 1
        base = max(seq, journal.head().seq)
        name = journal.identity.replica_id
        journal.begin_life(Life(number, name, base, certain=True, opened=False, begun_ms=now_ms))


def take_over(journal: Journal, identity: Identity, now_ms: int) -> None:
    """Give the journal a new name at central, after an enrolment anew.

    What was not sent under the former name is taken over at the next contact.
    """
    with journal.writing():
        head = journal.head()
        number = journal.lives.newest.epoch + 1
        journal.connection.execute(
            "UPDATE identity SET replica_id = ?, location_id = ?, install_nonce = ?,"
            " private_key = ?, server_id = ?, central_url = ?",
            (identity.replica_id, identity.location_id, identity.install_nonce,
             identity.private_key, identity.server_id, identity.central_url),
        )  # fmt: skip
        journal.begin_life(
            Life(number, identity.replica_id, head.seq, certain=True, opened=False, begun_ms=now_ms)
        )
        journal.connection.execute("UPDATE progress SET is_duplicate = 0, rival_ms = 0")
    journal.write_mark()


# --- with central ------------------------------------------------------------------------


def must_take_over(journal: Journal) -> bool:
    """Return whether central has not begun with this name, and there was one before it.

    Then it is asked what it has of the former ones: also what it acknowledged it may
    have lost, if a restore made the new name necessary.
    """
    first = journal.lives.first_of(journal.identity.replica_id)
    return not first.opened and journal.lives.before(first) is not None


def notice_begun(endpoint: SyncEndpoint, journal: Journal) -> bool:
    """Return whether central has begun with the present name after all, and note that it has.

    The answer that said so was lost, or this disk was put back since, which it knows by an
    epoch behind. Where central has somebody else's work there, a copy of this machine began.
    """
    first = journal.lives.first_of(journal.identity.replica_id)
    page = endpoint.operations(first.replica_id, first.epoch, first.base + 1)
    before = genesis(first.replica_id, first.epoch)
    if page.header.prev_hash != before.hex():
        return False
    is_ours = not page.lines or journal.hash_at(first.base + 1, first) == chain(
        before, page.lines[0]
    )
    if not is_ours and journal.lives.newest == first:
        return False
    with journal.writing():
        journal.note_opened(first)
    return True


def recover(endpoint: SyncEndpoint, journal: Journal, now_ms: int) -> bool:
    """Make the journal follow on central's; return whether anything had to change.

    Raises what the endpoint raises (nothing has changed then), and `Fork` where
    central's operations have nothing in common with this journal.
    """
    if not must_take_over(journal):
        theirs: Theirs | None = _fetch(endpoint, journal, journal.identity.replica_id)
        is_new = bool(theirs and (theirs.operations or theirs.bases))
    else:
        theirs = _of_former_names(endpoint, journal)
        with journal.writing():  # of what was granted before central may have taken nothing
            journal.rights.expect(journal.rights.generation() + 1)
        is_new = theirs is not None and not _is_taken_over(journal, theirs)
    if theirs is None:
        return False
    if not is_new:
        with journal.writing():  # they were given once, and the answer was lost
            _keep_verdicts(journal, theirs)
        return False
    adopt(journal, theirs, now_ms)
    return True


def _of_former_names(endpoint: SyncEndpoint, journal: Journal) -> Theirs | None:
    """Return what central has of this machine's former names, None if that is all settled.

    A restored central may not know the newest of them: what was done under it then
    follows on the last name that it knows.
    """
    name, acked = journal.identity.replica_id, journal.acked_seq()
    former = [life for life in journal.lives if life.replica_id != name]
    for other in dict.fromkeys(life.replica_id for life in reversed(former)):
        try:
            return _fetch(endpoint, journal, other)
        except errors.Fork:
            continue  # central has begun nothing under that name
        except (errors.ReplicaDisabled, errors.NotAuthentic):
            raise
        except errors.ProtocolRefused as refusal:
            code = refusal.data.get("problem_code")
            if code == UNKNOWN:
                continue
            if code != ELSEWHERE:
                raise  # nothing is known then: an answer that was cut short settles nothing
            # Of another location now: what was acknowledged there is settled.
            return _nothing(journal, other) if acked < former[-1].base else None
    start = former[0]
    return Theirs(start.replica_id, start.base, start, end=(start.epoch, start.base))


def _is_taken_over(journal: Journal, theirs: Theirs) -> bool:
    """Return whether nothing is left under a former name that central does not have."""
    first = journal.lives.first_of(journal.identity.replica_id)
    before = journal.lives.before(first)
    assert before is not None
    at_end = (before.epoch, journal.end_of(before).seq)
    is_same = (theirs.common_life.epoch, theirs.common_seq) == at_end
    return is_same and not theirs.operations and not theirs.bases


def _nothing(journal: Journal, name: str) -> Theirs:
    """Central does not show what it has: what it acknowledged is common, the rest is ours."""
    acked = journal.acked_seq()
    life = journal.lives.at(acked)
    return Theirs(name, acked, life, end=(life.epoch, acked))


def _fetch(endpoint: SyncEndpoint, journal: Journal, name: str) -> Theirs:
    """Find the last common operation and everything of central's after it."""
    for seq, life in _starts(journal, name):
        known = journal.hash_at(seq, life)
        page = endpoint.operations(name, life.epoch, seq + 1)
        if known is not None and page.header.prev_hash == known.hex():
            return _compare(endpoint, journal, Theirs(name, seq, life), known, page)
    raise errors.Fork("central's operations have nothing in common with this store's")


def _starts(journal: Journal, name: str) -> Iterator[tuple[int, Life]]:
    """Yield places at which both sides may agree, the likeliest first."""
    acked = journal.acked_seq()
    is_former = name != journal.identity.replica_id  # a copy may have begun what this one did not
    lives = [
        life
        for life in reversed(journal.lives.all)
        if life.replica_id == name and (life.opened or is_former)
    ]
    for life in lives:
        if life.base <= acked:
            yield min(acked, journal.end_of(life).seq), life
    for life in lives:
        oldest = journal.oldest_seq(life)
        if oldest is not None:
            yield oldest, life
        yield life.base, life


def _compare(
    endpoint: SyncEndpoint, journal: Journal, theirs: Theirs, current: bytes, page: OperationsPage
) -> Theirs:
    """Walk along central's chain from a common place to its end."""
    life: Life | None = theirs.common_life
    epoch, seq = theirs.common_life.epoch, theirs.common_seq
    is_common = True
    for _ in range(PAGES_MAX):
        for line in page.lines:
            seq += 1
            current = chain(current, line)
            is_common = is_common and life is not None and journal.hash_at(seq, life) == current
            if is_common and life is not None:
                theirs.common_seq, theirs.common_life = seq, life
            else:
                theirs.operations.append((epoch, seq, line, current))
        theirs.verdicts.setdefault(epoch, []).extend(page.header.verdicts)
        if not page.header.more:
            if not page.header.next_epoch:
                return _ended(theirs, page, (epoch, seq, current))
            epoch, seq = page.header.next_epoch, page.header.next_seq - 1
            current = genesis(theirs.replica_id, epoch)
            life = journal.lives.named(theirs.replica_id, epoch)
            is_common = is_common and _is_at(life, seq)
            if is_common and life is not None:
                theirs.common_seq, theirs.common_life = seq, life
            else:
                theirs.bases[epoch] = seq
        page = endpoint.operations(theirs.replica_id, epoch, seq + 1)
    raise errors.FrameUnreadable("central's operations have no end")


def _is_at(life: Life | None, base: int) -> bool:
    """Return whether central's epoch, which begins at `base`, is one that this journal opened."""
    return life is not None and bool(life.opened) and life.base == base


def _ended(theirs: Theirs, page: OperationsPage, end: tuple[int, int, bytes]) -> Theirs:
    epoch, seq, current = end
    header = page.header
    if (header.last_epoch, header.last_seq, header.last_hash) != (epoch, seq, current.hex()):
        raise errors.FrameUnreadable("central's operations do not lead to its own end")
    theirs.end = (epoch, seq)
    return theirs


# --- the one transaction -------------------------------------------------------------------


class _Own(NamedTuple):
    """An operation that only this journal has."""

    epoch: int
    seq: int
    line: bytes
    effects: tuple[tuple[str, int, int], ...]


def adopt(journal: Journal, theirs: Theirs, now_ms: int) -> int:
    """Keep central's operations as settled; sequence our own anew behind them.

    Returns how many were sequenced anew. A line that central has at another place
    is that operation already: it came there by an earlier recovery.
    """
    with journal.writing():
        own = _cut_off(journal, theirs)
        journal.forget_acknowledged(theirs.common_seq + 1)
        discarded = _replace_lives(journal, theirs)
        for epoch, seq, line, hashed in theirs.operations:
            witness = Witness(theirs.replica_id, epoch, seq, line, hashed, _units_sold(line))
            insert(journal, witness, journal.rights.take_in)
        if theirs.anchor is not None:  # it is counted on both sides: only its place matters
            journal.insert(theirs.anchor, record_of(theirs.anchor.line))
        _keep_verdicts(journal, theirs)
        left = _not_at_central(own, theirs)
        reached = max((one.seq for one in own), default=theirs.common_seq)
        reached = max(reached, *(life.base for life in discarded), 0)
        life = _next_life(journal, theirs, discarded, reached - len(left), now_ms)
        journal.begin_life(life)
        _sequence(journal, life, left)
        journal.connection.execute("UPDATE progress SET acked_seq = ?", (life.base,))
    journal.write_mark()
    return len(left)


def _keep_verdicts(journal: Journal, theirs: Theirs) -> None:
    for epoch, verdicts in theirs.verdicts.items():
        journal.keep_verdicts(epoch, verdicts)


def _cut_off(journal: Journal, theirs: Theirs) -> list[_Own]:
    """Take our own operations after the common place out of the journal."""
    connection = journal.connection
    place = (theirs.common_life.epoch, theirs.common_seq)
    rows = connection.execute(
        "SELECT epoch, seq, line FROM operations WHERE (epoch, seq) > (?, ?) ORDER BY epoch, seq",
        place,
    ).fetchall()
    own = []
    for epoch, seq, line in rows:
        effects = connection.execute(
            "SELECT sku, on_hand, allocated FROM stock_effects WHERE epoch = ? AND seq = ?",
            (epoch, seq),
        ).fetchall()
        own.append(_Own(epoch, seq, bytes(line), tuple(effects)))
    connection.execute("DELETE FROM operations WHERE (epoch, seq) > (?, ?)", place)
    connection.execute("DELETE FROM verdicts WHERE (epoch, seq) > (?, ?)", place)
    return own


def _replace_lives(journal: Journal, theirs: Theirs) -> list[Life]:
    """Let the epochs after the common place be central's; return ours that never began there."""
    later = [life for life in journal.lives if life.epoch > theirs.common_life.epoch]
    connection = journal.connection
    connection.execute("DELETE FROM lives WHERE epoch > ?", (theirs.common_life.epoch,))
    for epoch, base in theirs.bases.items():
        connection.execute(
            "INSERT INTO lives (epoch, replica_id, base, certain, opened, begun_ms)"
            " VALUES (?, ?, ?, 0, 1, 0)",
            (epoch, theirs.replica_id, base),
        )
    return later


def _next_life(
    journal: Journal, theirs: Theirs, discarded: list[Life], base_min: int, now_ms: int
) -> Life:
    """Return the epoch for our own operations. Its number was never used, here or at central.

    It ends where this journal ended, or later: what lies between central's end and its
    begin is as many operations as nobody has.
    """
    epochs = (theirs.end[0], theirs.common_life.epoch, *(life.epoch for life in discarded))
    bases = (theirs.end[1], theirs.common_seq, base_min)
    name = journal.identity.replica_id
    is_certain = theirs.is_certain or name != theirs.replica_id
    is_certain = is_certain or any(life.certain for life in discarded)
    return Life(max(epochs) + 1, name, max(bases), is_certain, opened=False, begun_ms=now_ms)


def _not_at_central(own: list[_Own], theirs: Theirs) -> list[_Own]:
    """Return our own operations without the lines that central has at another place."""
    there = Counter(line for _, _, line, _ in theirs.operations)
    left = []
    for one in own:
        if there[one.line]:
            there[one.line] -= 1
        else:
            left.append(one)
    return left


def _sequence(journal: Journal, life: Life, own: list[_Own]) -> None:
    current = genesis(life.replica_id, life.epoch)
    for seq, one in enumerate(own, life.base + 1):
        current = chain(current, one.line)
        witness = Witness(life.replica_id, life.epoch, seq, one.line, current, one.effects)
        insert(journal, witness, journal.rights.replay, f"{one.epoch}/{one.seq}")


def _units_sold(line: bytes) -> tuple[tuple[str, int, int], ...]:
    """Return what a sale took off the shelf: central may hold it back, and it is gone all the same.

    What other operations move follows from the orders that they are about.
    """
    record = record_of(line)
    if record is None or not isinstance(record.op, FloorSold):
        return ()
    return tuple((one.sku, -one.units, 0) for one in record.op.lines)
