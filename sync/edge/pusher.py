"""Sends what central lacks, in order, and records the verdicts."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sync.edge.escrow import ShareKeeper
from sync.edge.held import learn_before_beginning, learn_of_all
from sync.edge.holes import go_on_behind
from sync.edge.journal import Journal
from sync.edge.lives import Life, Sending
from sync.edge.recovery import must_take_over, notice_begun, recover
from sync.protocol import errors
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.session import (
    OPS_PER_PUSH_MAX,
    PREV_HASH_DIGITS,
    PUSH_BYTES_MAX,
    PushAnswer,
    PushHeader,
    ScopeHead,
)
from sync.protocol.version import PROTOCOL_VERSION

REWINDS_MAX = 3
"""A central that keeps asking for other operations is not believed for ever."""
RowsFirst = Callable[[bool], object]
"""Reads central's rows before the journal is made to follow on central's: those of a life of
central's that is over include operations that are about to move. False: only of another life."""
RECOVERIES_MAX = 3
"""While a store recovers, a push that was long on its way may reach central."""


@dataclass(frozen=True, slots=True)
class PushReport:
    """What one round of sending did."""

    sent: int
    heads: tuple[ScopeHead, ...]
    incarnation: int = 0
    """Central's life as it says in its answers; 0 is unsaid."""
    recovered: bool = False
    """Whether this journal was made to follow on central's."""
    generation: int = 0
    """Of rights at central; 0 is unsaid."""
    shut_out: bool = False
    """Whether central lets this device only hand in what it did."""


def push_all(
    endpoint: SyncEndpoint,
    journal: Journal,
    ops_max: int = OPS_PER_PUSH_MAX,
    keeper: ShareKeeper | None = None,
    *,
    now_ms: int = 0,
    heads: str = "",
    rows_first: RowsFirst = bool,
) -> PushReport:
    """Push until central has everything; at least one push, empty if need be.

    `heads` is the digest of how far the replica has followed its scopes: central
    names them only where one is further. An answer that was lost is no harm: the
    same operations are sent again and central says that it has them. Where the
    journals differ, this one recovers and goes on. Raises what the endpoint
    raises; what was settled before stays settled.
    """
    if journal.is_duplicate():
        raise errors.DuplicateReplica(
            "another machine works under this store's name: enrol this one anew"
        )
    recovered = _takes_over(endpoint, journal, now_ms, rows_first)
    for _ in range(RECOVERIES_MAX):
        learn_before_beginning(endpoint, journal)
        try:
            report = _push_all(endpoint, journal, ops_max, keeper, heads, now_ms)
            return replace(report, recovered=recovered)
        except errors.Gap as gap:
            rows_first(True)
            if not go_on_behind(endpoint, journal, now_ms):
                raise _behind_no_hole(journal, gap) from None
            recovered = True
        except (errors.Fork, errors.EpochStale) as refusal:
            if must_take_over(journal):
                journal.give_up_name()
                raise errors.DuplicateReplica(
                    "a copy of this machine began with its new name first: enrol this one anew"
                ) from refusal
            rows_first(False)
            if not _recovers(endpoint, journal, now_ms):
                raise refusal from None
            recovered = True
        except errors.DuplicateReplica as refusal:
            heard = refusal.data.get("heard_at_ms")
            if isinstance(heard, int):
                journal.meet_rival(heard)
            raise
    raise errors.Fork("central's operations keep changing while this store recovers")


def _takes_over(
    endpoint: SyncEndpoint, journal: Journal, now_ms: int, rows_first: RowsFirst
) -> bool:
    """Return whether this machine, under a new name, takes along what it did under another."""
    if not must_take_over(journal) or notice_begun(endpoint, journal):
        return False
    rows_first(False)
    learn_of_all(endpoint, journal)
    return recover(endpoint, journal, now_ms)


def _recovers(endpoint: SyncEndpoint, journal: Journal, now_ms: int) -> bool:
    """Return whether recovery changed anything; a central that makes no sense is no help."""
    try:
        return recover(endpoint, journal, now_ms)
    except (errors.Fork, errors.FrameUnreadable):
        return False


def _push_all(
    endpoint: SyncEndpoint,
    journal: Journal,
    ops_max: int,
    keeper: ShareKeeper | None,
    heads: str,
    now_ms: int,
) -> PushReport:
    sent = rewinds = 0
    while True:
        place = journal.sending()
        limit = min(ops_max, OPS_PER_PUSH_MAX)
        lines = journal.lines_after(place.after_seq, limit, PUSH_BYTES_MAX // 2, place.life)
        header = _header(journal, place, len(lines)).model_copy(update={"heads": heads})
        journal.flush_mark()
        if keeper is not None:
            keeper.note_attempt(place.after_seq + len(lines))
            token = keeper.token_to_send(is_last_push=header.backlog == 0)
            terms, asks = keeper.say_terms()
            said = {"lease_ms": token, "terms": terms, "confirm_terms": asks}
            header = header.model_copy(update=said)
        try:
            answer = endpoint.push(header, lines)
        except errors.Gap as gap:
            rewinds += 1
            _rewind(journal, gap, place.life, rewinds)
            continue
        journal.settle(_whole(journal, answer, place, len(lines)), place.life, now_ms)
        if keeper is not None and not rewinds:  # what lost operations is in another life
            if answer.terms_taken:
                keeper.agreed()
            keeper.heard(answer.answered_at_ms, answer.incarnation)
        sent += len(lines)
        following = journal.sending()
        is_newest = following.life == journal.lives.newest and following.life.opened
        if is_newest and answer.acked_seq >= journal.head().seq:
            return PushReport(
                sent, answer.heads, answer.incarnation,
                generation=answer.generation, shut_out=answer.shut_out,
            )  # fmt: skip
        _expect_progress(answer, place, following)


def _header(journal: Journal, place: Sending, count: int) -> PushHeader:
    life, after = place
    previous = journal.hash_at(after, life)
    if previous is None:
        raise errors.Fork("operations that central needs are gone here", seq=after)
    return PushHeader(
        protocol=PROTOCOL_VERSION,
        replica_id="" if life.replica_id == journal.identity.replica_id else life.replica_id,
        epoch=life.epoch,
        first_seq=after + 1,
        prev_hash=previous.hex()[:PREV_HASH_DIGITS],
        count=count,
        backlog=journal.backlog() - count,
        follows=journal.follows(life),
    )


def _whole(journal: Journal, answer: PushAnswer, place: Sending, count: int) -> PushAnswer:
    """Return the answer with its hash.

    Central leaves it out where it ends within what was sent, because it has
    hashed these very bytes. About any other place it must say what it has.
    """
    if answer.acked_hash:
        return answer
    known = journal.hash_at(answer.acked_seq, place.life)
    if known is None or not place.after_seq <= answer.acked_seq <= place.after_seq + count:
        raise errors.FrameUnreadable("central answered about operations that were not sent")
    return answer.model_copy(update={"acked_hash": known.hex()})


def _rewind(journal: Journal, gap: errors.Gap, life: Life, rewinds: int) -> None:
    """Central lacks operations that it once had: go back to where it says.

    `life` is the epoch of the push. Raises the gap where not all of them are kept:
    lines that follow on others would come to places of which they never were.
    """
    expected, epoch = gap.data.get("expected_seq"), gap.data.get("epoch")
    if not isinstance(expected, int) or expected < 1 or rewinds > REWINDS_MAX:
        raise gap
    named: Life | None = life
    if isinstance(epoch, int):
        named = journal.lives.named(journal.identity.replica_id, epoch)
    if named is not None and not journal.is_whole_after(expected - 1, named):
        raise gap
    journal.rewind(expected, epoch if isinstance(epoch, int) else None)


def go_back(journal: Journal, seq: int, hashed: str) -> None:
    """Send again what comes behind operation `seq`, if that is where this journal was, so hashed.

    A central in another life says so when it is greeted. Where the push then fails, its rows
    are read all the same: nothing is over here because they know nothing of it. Place 0 may
    be said of an epoch that central does not know: that, and all else, a push finds out.
    """
    if not 0 < seq < journal.acked_seq() or journal.is_duplicate():
        return
    here = journal.hash_at(seq, journal.lives.newest)
    is_there = here is not None and here.hex() == hashed
    if is_there and journal.is_whole_after(seq, journal.lives.newest):
        journal.rewind(seq + 1)


def _behind_no_hole(journal: Journal, gap: errors.Gap) -> errors.ProtocolRefused:
    """Return what ends the push, where this journal cannot go on behind a gap."""
    if not _goes_on_elsewhere(journal, gap):
        return gap
    journal.give_up_name()
    return errors.DuplicateReplica(
        "another machine went on under this store's name: enrol this one anew"
    )


def _goes_on_elsewhere(journal: Journal, gap: errors.Gap) -> bool:
    """Return whether central has more of an epoch than there was when this journal ended it.

    It was restored to before that, and a copy of this machine goes on in the old epoch:
    what it has there beyond that end is not of this journal, or it would go on behind it.
    """
    expected, epoch = gap.data.get("expected_seq"), gap.data.get("epoch")
    if not isinstance(expected, int) or not isinstance(epoch, int):
        return False
    name = journal.identity.replica_id
    later = [one for one in journal.lives if one.epoch > epoch and one.replica_id == name]
    return bool(later) and later[0].opened and expected - 1 > later[0].base


def _expect_progress(answer: PushAnswer, place: Sending, following: Sending) -> None:
    if following == place and answer.acked_seq <= place.after_seq:
        raise errors.FrameUnreadable("central took nothing of a push and did not say why")
