"""Sends what central lacks, in order, and records the verdicts."""

from dataclasses import dataclass

from sync.edge.escrow import ShareKeeper
from sync.edge.journal import Journal
from sync.protocol import errors
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.session import (
    OPS_PER_PUSH_MAX,
    PUSH_BYTES_MAX,
    PushAnswer,
    PushHeader,
    ScopeHead,
)
from sync.protocol.version import PROTOCOL_VERSION

REWINDS_MAX = 3
"""A central that keeps asking for other operations is not believed for ever."""


@dataclass(frozen=True, slots=True)
class PushReport:
    """What one round of sending did."""

    sent: int
    heads: tuple[ScopeHead, ...]


def push_all(
    endpoint: SyncEndpoint,
    journal: Journal,
    ops_max: int = OPS_PER_PUSH_MAX,
    keeper: ShareKeeper | None = None,
) -> PushReport:
    """Push until central has everything; at least one push, empty if need be.

    An answer that was lost is no harm: the same operations are sent again and
    central says that it has them. Raises what the endpoint raises; what was
    settled before stays settled.
    """
    sent = rewinds = 0
    while True:
        acked = journal.acked_seq()
        lines = journal.lines_after(acked, min(ops_max, OPS_PER_PUSH_MAX), PUSH_BYTES_MAX // 2)
        header = _header(journal, acked, len(lines))
        if keeper is not None:
            keeper.note_attempt(acked + len(lines))
            token = keeper.token_to_send(is_last_push=header.backlog == 0)
            header = header.model_copy(update={"lease_ms": token})
        try:
            answer = endpoint.push(header, lines)
        except errors.Gap as gap:
            rewinds += 1
            _rewind(journal, gap, rewinds)
            continue
        journal.settle(answer)
        if keeper is not None:
            keeper.heard(answer.answered_at_ms)
        sent += len(lines)
        if answer.acked_seq >= journal.head().seq:
            return PushReport(sent, answer.heads)
        _expect_progress(answer, acked)


def _header(journal: Journal, acked: int, count: int) -> PushHeader:
    identity = journal.identity
    previous = journal.hash_at(acked)
    if previous is None:
        raise errors.Fork("operations that central needs are gone here", seq=acked)
    return PushHeader(
        protocol=PROTOCOL_VERSION,
        replica_id=identity.replica_id,
        epoch=identity.epoch,
        first_seq=acked + 1,
        prev_hash=previous.hex(),
        count=count,
        known_seq=acked,
        backlog=journal.backlog() - count,
    )


def _rewind(journal: Journal, gap: errors.Gap, rewinds: int) -> None:
    """Central lacks operations that it once had: go back to where it says."""
    expected = gap.data.get("expected_seq")
    if not isinstance(expected, int) or expected < 1 or rewinds > REWINDS_MAX:
        raise gap
    if journal.hash_at(expected - 1) is None:
        raise gap
    journal.rewind(expected)


def _expect_progress(answer: PushAnswer, acked: int) -> None:
    if answer.acked_seq <= acked:
        raise errors.FrameUnreadable("central took nothing of a push and did not say why")
