"""O5 and O1: what was committed is never lost, and central has it once, in the store's order."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from central_server.records import StoredOperation
from sync.domain.stock_operations import RIGHTS
from sync.protocol.lines import chain, decode_line, genesis
from tests.simulation.events.approvals import HELPER, LEAD
from tests.simulation.memory import location_of, rank_of
from tests.simulation.model import counts, is_held_for_device, is_set_aside, op_id, read_books
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World


APPROVED = {"floor_sold", "cash_moved"}
"""Kinds of what is done with somebody else's PIN here."""


def nothing_committed_is_lost(world: "World") -> Iterator[str]:
    """The journal has all that its commits returned for, and nothing that was refused.

    Also after a recovery: what it sequences anew, and what central has of it, is there.
    """
    for store in world.machines():
        if store.checked == (store.fuse.commits, store.starts):
            continue
        store.checked = (store.fuse.commits, store.starts)
        world.remember(store)
        head, epoch = store.store.journal.head(), store.store.journal.identity.epoch
        made, (of, seen) = store.fuse.committed, store.kept.end
        is_begun = of < epoch and head.seq == store.store.journal.lives.newest.base
        if head.seq != made or not (seen == head.seq or is_begun):
            yield (
                f"{store.location_id}: operation {made} was committed, {seen} was seen,"
                f" the journal ends at {head.seq}"
            )
        elif seen and of == epoch and head.hash != store.kept.hashes[-1]:
            yield f"{store.location_id}: operation {seen} is another one now"
        if store.missing:
            yield f"{store.location_id}: its journal has lost {store.missing.total()} operations"
        if store.fuse.broken_words:
            yield f"{store.location_id}: it said that something is done which it did not keep"
        if store.store.journal.acked_seq() > head.seq:
            yield f"{store.location_id}: central is said to have what does not exist"
        if store.unshown:
            yield f"{store.location_id}: {store.unshown}"


def verdicts_stay(world: "World") -> Iterator[str]:
    """A verdict is given once, as long as central knows that it has given it."""
    for store in world.machines():
        yield from store.link.contradictions


def central_has_each_once_in_order(world: "World") -> Iterator[str]:
    """After quiet central's copy of each journal is that journal, byte for byte, with its chain.

    Where a disk was put back or copied it has each operation of the location once,
    those of one machine in their order, but for what no disk has any more.
    """
    books = read_books(world)
    for store in world.stores:
        theirs = [
            one for one in books.operations if location_of(one.replica_id) == store.location_id
        ]
        yield from _chains(store, theirs)
        lives = world.central.restores + store.history.is_shaken
        if not world.central.restores or lives < 2:
            yield from _verdicts(store, theirs)
        yield from _is_in_both(store, theirs)
        if store.history.is_shaken:
            yield from _each_once(store, theirs)
        elif [one.line for one in theirs] != store.kept.lines:
            yield (
                f"{store.location_id}: the store has {len(store.kept.lines)} operations,"
                f" central {len(theirs)}, or others"
            )


def _each_once(store: "StoreMachine", theirs: list[StoredOperation]) -> Iterator[str]:
    """What a device handed in that was shut out has no effect; its successor may bring it too."""
    history = store.history
    found = Counter(one.line for one in theirs)
    taken = [one for one in theirs if counts(one) and not is_held_for_device(one)]
    counting = [one.line for one in taken]
    # Totals of rights only grow: a second time changes nothing. Two names may each have
    # brought what central holds back: as long as it does, where a person sets both aside,
    # and where both are refused, neither has had an effect.
    done = {one.line for one in taken if one.status in {"accepted", "amended"}}
    applied = [
        one
        for one in taken
        if one.aggregate != RIGHTS
        and one.status != "quarantined"
        and not is_set_aside(one)
        and (one.status != "refused" or one.line in done)
    ]
    if twice := Counter(one.line for one in applied) - history.counts:
        yield f"{store.location_id}: central has {_shown(twice)} more often than it was done"
    if lacking := history.counts - found - history.may_lack:
        yield f"{store.location_id}: central lacks {_shown(lacking)}"
    last: dict[str, int] = {}
    for line in counting:
        if history.counts[line] > 1 or found[line] > 1 or line in history.was_lost:
            continue  # done twice in one instant, or back behind what was done without it
        machine, number = history.order.get(line, ("", 0))
        if number < last.get(machine, -1):
            yield f"{store.location_id}: {line!r} of {machine} comes after what followed it"
        last[machine] = number


def _shown(lines: Counter[bytes]) -> str:
    first = next(iter(lines))
    return f"{lines.total()} operations ({first[:300].decode(errors='replace')})"


def _chains(store: "StoreMachine", theirs: list[StoredOperation]) -> Iterator[str]:
    """Each epoch of each name is dense and a chain of its own; the first begins with 1."""
    name, epoch, last = "", 0, 0
    current = b""
    for one in theirs:
        if one.replica_id != name:
            name, epoch, last = one.replica_id, 0, 0
        if one.epoch != epoch:
            current = genesis(name, one.epoch)
            is_first = (rank_of(name), one.epoch) == (1, 1)
            if one.seq <= last or (is_first and one.seq != 1):
                yield f"{store.location_id}: epoch {one.epoch} begins at {one.seq} after {last}"
        elif one.seq != last + 1:
            yield f"{store.location_id}: central's copy is not dense"
        epoch, last = one.epoch, one.seq
        current = chain(current, one.line)
        if current != one.hash:
            yield f"{store.location_id}: central's hash of operation {op_id(one)} does not follow"
            return


def _verdicts(store: "StoreMachine", theirs: list[StoredOperation]) -> Iterator[str]:
    """What the store says of its operations is what central decided.

    Asked only where that is certain: after two restores of central, or one and a copied
    or restored disk, a store may show what a life of central's decided that was
    dropped, until somebody settles it.
    """
    journal = store.store.journal
    rows = journal._all("SELECT epoch, seq, status FROM verdicts")
    ours = {(epoch, seq): status for epoch, seq, status in rows}
    for one in theirs:
        if is_held_for_device(one):
            continue  # a life of central's that was dropped may have taken it
        life = journal.lives.named(one.replica_id, one.epoch)
        said = ours.get((one.epoch, one.seq), "accepted")
        if life is None or journal.hash_at(one.seq, life) is None:
            continue  # pruned, or handed in by a device that was shut out
        if said != one.status:
            yield (
                f"{store.location_id}: {op_id(one)} is {one.status} at central, {said} here:"
                f" {one.verdict}"
            )


def _is_in_both(store: "StoreMachine", theirs: list[StoredOperation]) -> Iterator[str]:
    """What is in the journal, central has at the same place."""
    there = {(one.replica_id, one.epoch, one.seq): one.line for one in theirs}
    names = {life.epoch: life.replica_id for life in store.store.journal.lives}
    rows = store.store.journal._all("SELECT epoch, seq, line FROM operations")
    for epoch, seq, line in rows:
        if there.get((names[epoch], epoch, seq)) != line:
            yield f"{store.location_id}: {names[epoch]}/{epoch}/{seq} is another one at central"


def approvals_have_two_names(world: "World") -> Iterator[str]:
    """What an associate does that only a lead may is at central with both names and the reason."""
    for one in read_books(world).operations:
        if one.kind not in APPROVED:
            continue
        record = decode_line(one.line)
        if record.ok_by == record.by:
            yield f"{op_id(one)}: {record.by} approved it for themselves"
        if record.by == HELPER.id and (record.ok_by, bool(record.ok_why)) != (LEAD.id, True):
            yield f"{op_id(one)}: {record.by} did it, and nobody answers for it"


ORACLES = (
    Oracle("O5 nothing committed is lost", When.STEP, nothing_committed_is_lost),
    Oracle("O1 a verdict is given once", When.STEP, verdicts_stay),
    Oracle("O1 central has each operation once, in order", When.QUIET,
           central_has_each_once_in_order),
    Oracle("safety: approvals have two names", When.QUIET, approvals_have_two_names),
)  # fmt: skip
