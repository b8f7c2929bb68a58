"""Rounds after one of the halves was restored, or is not the one that it was."""

from dataclasses import replace

from sync.domain.operations import (
    FulfillmentAccepted,
    LinePicked,
)
from sync.edge.lives import Life
from sync.protocol import errors
from sync.protocol.rows import Entity, StockRow
from tests.support.builders import an_order
from tests.sync.edge.worlds import SCOPE, World, refusing

ACCEPT = FulfillmentAccepted("F00001")


def test_a_store_that_was_restored_from_a_backup_is_noticed(world: World):
    """Central has more than this journal: even an idle store halts."""
    world.central.place(an_order(1))
    world.quiet()
    state = world.central.journal.replicas["R1"]
    world.perform(ACCEPT)
    world.quiet()
    newer = world.central.journal.replicas["R1"]
    world.central.journal.replicas["R1"] = replace(newer, last_seq=2, last_hash=b"\1" * 32)
    assert state.last_seq == 0
    assert not world.round().ok
    assert world.store.sync_state().halted


def test_central_that_lost_operations_gets_them_again(world: World):
    """Restored to before: it asks from where it is, in a new life, and all is as it was."""
    world.central.place(an_order(1, 2))
    world.quiet()
    world.perform(ACCEPT)
    world.quiet()
    saved = replace(world.central.journal.replicas["R1"])
    order, mark = world.central.orders["F00001"], world.central.marks["F00001"]
    for _ in range(2):
        world.perform(LinePicked("F00001", 1, 1))
    world.quiet()
    for seq in (2, 3):
        world.central.journal.entries = {
            op_id: entry
            for op_id, entry in world.central.journal.entries.items()
            if op_id.seq != seq
        }
    world.central.journal.replicas["R1"] = saved
    world.central.orders["F00001"], world.central.marks["F00001"] = order, mark
    world.central.applied = world.central.applied[:1]
    world.central.feed.life += 1
    assert world.round().sent == 2
    world.quiet()
    world.check_equal()
    assert world.central.orders["F00001"].total("picked") == 2


def test_a_central_that_always_wants_other_operations_is_not_believed_for_ever(world: World):
    """A gap that does not close ends the round with an error, not in a circle."""
    world.quiet()
    endpoint = refusing(world, errors.Gap("operation 1 is missing", expected_seq=1), "push")
    assert not world.round().ok
    assert endpoint.told.count("push") <= 5


def test_a_restored_central_at_the_same_rev_is_noticed(world: World):
    """Another life may stand at the same number with other rows, and the session lives on."""
    world.central.place(an_order(1))
    world.quiet()
    feed, rows = world.central.feed, world.central.feed.rows[SCOPE]
    old = rows[Entity.STOCK.value, "SKU-3"]
    assert old.body is not None
    other = old.body.replace('"on_hand":20', '"on_hand":7')
    rows[Entity.STOCK.value, "SKU-3"] = old._replace(body=other)
    world.central.stock["SKU-3"] = StockRow("SKU-3", 7, 0)
    feed.life += 1
    report = world.round()
    assert report.resets == 3
    world.check_equal()


def test_another_journal_under_our_name_halts(world: World):
    """Central holds operations that this machine never did: a clone, or an old backup here."""
    world.central.place(an_order(1))
    world.central.place(an_order(2))
    world.quiet()
    state = world.central.journal.replicas["R1"]
    world.central.journal.replicas["R1"] = replace(state, last_seq=3, last_hash=b"\1" * 32)
    world.perform(ACCEPT)
    world.central.cancel("F00002")
    report = world.round()
    assert (report.ok, world.store.sync_state().halted) == (False, True)
    assert (world.store.journal.acked_seq(), world.store.journal.backlog()) == (0, 1)
    assert world.view("F00002").total("open") == 0


def test_a_copy_that_went_on_in_the_epoch_before_is_noticed(world: World):
    """Central was put back to before this machine's epoch; a copy of it goes on in the old one.

    Seed 9502475: this machine asked for operations that it never did, for ever.
    """
    world.central.place(an_order(1))
    world.quiet()
    world.perform(ACCEPT)
    world.quiet()
    journal = world.store.journal
    with journal.writing():
        journal.begin_life(Life(2, "R1", journal.head().seq, certain=False, opened=True))
    world.perform(LinePicked("F00001", 1, 1))
    state = world.central.journal.replicas["R1"]
    world.central.journal.replicas["R1"] = replace(state, last_seq=4, last_hash=b"\1" * 32)
    report = world.round()
    assert not report.ok
    assert journal.is_duplicate()
    assert journal.backlog() == 1
