"""When a replica may begin a new epoch, and what it is told of its old ones.

A store whose database was restored goes on in a new epoch. It may, once it knows
central's end of the epoch before: then no operation of its own can be counted
twice. Numbers go on: the first operation of the new epoch stands behind the last
of the old one, or farther where the store knows that it has lost some.
"""

from dataclasses import replace

from sync.hub.ports import OperationJournal, ReplicaState, StoredLine
from sync.protocol import errors
from sync.protocol.endpoint import OperationsPage
from sync.protocol.lines import genesis
from sync.protocol.session import OPS_PER_PUSH_MAX, EpochStart, OperationsHeader, PushHeader
from sync.protocol.verdicts import Verdict

RIVAL_MS = 90_000
"""Three polls: a machine that lives has pushed within that time."""


def opened(state: ReplicaState, header: PushHeader, now_ms: int) -> ReplicaState:
    """Return the replica in the newer epoch of the push, or raise why it cannot begin.

    `Gap` where central is behind (it was restored, or operations of the old epoch
    are missing), `Fork` where the store does not know central's end, and
    `DuplicateReplica` where another machine may still go on in the old epoch.
    """
    known = header.follows
    if known is None or (known.epoch, known.seq) > (state.epoch, state.last_seq):
        expected = state.last_seq + 1
        raise errors.Gap(
            f"operation {expected} of epoch {state.epoch} is missing",
            expected_seq=expected,
            epoch=state.epoch,
        )
    if not _is_end(known, state) or header.first_seq <= state.last_seq:
        raise errors.Fork(
            f"the store does not know central's end of epoch {state.epoch}",
            seq=known.seq,
            last_seq=state.last_seq,
            epoch=state.epoch,
        )
    heard = state.pushed_ms
    # Heard "in a year": this clock was set back since, and says nothing of who lives.
    if not known.certain and heard is not None and abs(now_ms - heard) < RIVAL_MS:
        raise errors.DuplicateReplica(
            "a machine works under this store's name already: a copy of this one?",
            heard_at_ms=heard,
        )
    base = header.first_seq - 1
    start = genesis(header.replica_id, header.epoch)
    return replace(state, epoch=header.epoch, base_seq=base, last_seq=base, last_hash=start)


def _is_end(known: EpochStart, state: ReplicaState) -> bool:
    end = (state.epoch, state.last_seq, state.last_hash.hex())
    return (known.epoch, known.seq, known.hash) == end


def hash_before(
    journal: OperationJournal, state: ReplicaState, epoch: int, seq: int
) -> bytes | None:
    """Return the hash after which operation `seq` of an epoch follows; None if central has none."""
    if journal.epochs(state.replica_id).get(epoch) == seq - 1:
        return genesis(state.replica_id, epoch)
    return journal.hash_at(state.replica_id, epoch, seq - 1)


def read_operations(
    journal: OperationJournal, state: ReplicaState, epoch: int, from_seq: int
) -> OperationsPage:
    """Return what central has of a replica in one epoch, from a place on."""
    before = hash_before(journal, state, epoch, from_seq)
    found: tuple[StoredLine, ...] = ()
    if before is not None:
        found = journal.lines(state.replica_id, epoch, from_seq, OPS_PER_PUSH_MAX + 1)
    kept = found[:OPS_PER_PUSH_MAX]
    next_epoch, next_seq = _next(journal, state, epoch)
    header = OperationsHeader(
        replica_id=state.replica_id,
        epoch=epoch,
        first_seq=from_seq,
        prev_hash="" if before is None else before.hex(),
        count=len(kept),
        more=len(found) > len(kept),
        next_epoch=next_epoch,
        next_seq=next_seq,
        last_epoch=state.epoch,
        last_seq=state.last_seq,
        last_hash=state.last_hash.hex(),
        verdicts=tuple(_verdicts(kept)),
    )
    return OperationsPage(header, tuple(one.line for one in kept))


def _verdicts(found: tuple[StoredLine, ...]) -> list[Verdict]:
    return [one.verdict for one in found if one.verdict is not None]


def _next(journal: OperationJournal, state: ReplicaState, epoch: int) -> tuple[int, int]:
    """Return the epoch that comes after `epoch` and its first place; zeros where none does."""
    bases = journal.epochs(state.replica_id)
    following = min((one for one in bases if one > epoch), default=0)
    return (following, bases[following] + 1) if following else (0, 0)
