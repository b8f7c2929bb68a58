"""Orders that began at this store's counter and that central has not taken in: none is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from central_server.storage.unit import Unit
from store_client.flows.reserve import commands
from store_client.replica import copies
from store_client.replica.store import UnknownOrder
from store_client.services import reserving
from store_client.services.desk import Desk
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason, ShortReason
from sync.domain.ids import OpId
from sync.domain.operations import LineShortPicked
from sync.domain.reserve_operations import ReservationReleased
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, store_scope
from sync.protocol.verdicts import Verdict, VerdictStatus
from tests.escrow.test_approved import approve_all, hand_in
from tests.support.central_world import World
from tests.support.conflicts import agree
from tests.support.counter import HIT
from tests.support.store_side import StoreSide

RESERVED = reserving.Wish("Ines Hale", 2)


@pytest.fixture
def held(world: World, store: StoreSide, desk: Desk) -> str:
    """Return a reservation that central holds back: its device was shut out when it came."""
    store.cut()
    order = reserving.reserve(desk, HIT, RESERVED)
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    store.enrol_anew()
    return order.id


def here(store: StoreSide, key: str) -> FulfillmentOrder:
    order = store.store.fulfillment(key)
    assert order is not None
    return order


def skip_all(world: World) -> None:
    """Set aside what waits for a person, as a person does."""
    found, _ = world.parts.central.quarantine.page("S001", None, 100)
    for one in found:
        if one["waits_behind"] is None:
            op_id = OpId(str(one["replica_id"]), int(str(one["epoch"])), int(str(one["seq"])))
            world.parts.central.quarantine.skip(op_id, by="Ann", reason="the customer has left")


def test_reading_again_what_central_says_does_not_lose_it(
    world: World, store: StoreSide, held: str
):
    """Central cannot send it back: it never had it. The units stay set aside for the customer."""
    store.settle()
    store.store.writer.reset(store_scope("S001"), "a test")
    assert here(store, held).total("allocated") == 2
    store.settle()
    assert (here(store, held).total("allocated"), store.share().allocated) == (2, 2)
    assert "accepted" in approve_all(world)
    agree(world, store)
    assert here(store, held).total("allocated") == 2
    assert world.stock("S001") == (10, 2)


def test_it_is_gone_when_a_person_sets_it_aside_for_good(world: World, store: StoreSide, held: str):
    """The store hears of it, and its units are free again."""
    store.settle()
    skip_all(world)
    agree(world, store)
    assert store.store.fulfillment(held) is None
    assert (store.share().allocated, world.stock("S001")) == (0, (10, 0))
    assert "the customer has left" in store.store.fates_of(held)[-1].text


def test_a_sale_that_only_central_tells_of_is_counted_too(
    world: World, store: StoreSide, tmp_path: Path
):
    """A copy of the disk goes on without knowing of it: the goods are gone, held back or not."""
    store.settle()
    store.store.close()
    shutil.copytree(store.folder, tmp_path / "copy")
    store.open()
    copy = StoreSide(world, tmp_path / "copy")
    store.cut()
    store.sell(8)
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    copy.enrol_anew()
    copy.settle()
    assert (copy.share().on_hand, copy.share().online) == (2, 0)
    assert approve_all(world) == ["accepted"]
    agree(world, copy)
    assert (copy.share().on_hand, world.stock("S001")) == (2, (2, 0))
    copy.store.close()


def test_one_that_a_restored_central_has_not_heard_of_again_stays(
    world: World, store: StoreSide, desk: Desk
):
    """Its row came once, from a life of central's that is over; the journal still has it."""
    order = reserving.reserve(desk, HIT, RESERVED)
    store.settle()
    began = store.store.journal.first_seq(order.id, "reservation_made")
    assert began is not None
    store.cut()
    commands.pick_by_hand(desk, order.id, 1, 1)
    store.store.journal.rewind(began)
    store.store.writer.reset(store_scope("S001"), "central was restored")
    assert (here(store, order.id).total("allocated"), here(store, order.id).total("held")) == (2, 1)
    agree(world, store)
    assert (here(store, order.id).total("allocated"), here(store, order.id).total("held")) == (2, 1)


@pytest.mark.parametrize("is_dropped", [False, True], ids=["in one round", "in the next"])
def test_one_that_is_held_back_after_everything_was_forgotten_comes_back(
    world: World, store: StoreSide, desk: Desk, *, is_dropped: bool
):
    """First read anew, then held back: the journal brings it to the screen again."""
    order = reserving.reserve(desk, HIT, RESERVED)
    store.settle()
    began = store.store.journal.first_seq(order.id, "reservation_made")
    verdict = Verdict(seq=began, status=VerdictStatus.QUARANTINED, code="device_revoked", text="")
    store.store.writer.reset(store_scope("S001"), "central was restored")
    if is_dropped:
        store.store.writer.refold()
        assert store.store.fulfillment(order.id) is None
    with store.store.journal.writing():
        store.store.journal.keep_verdicts(1, [verdict])
    store.store.writer.refold()
    assert here(store, order.id).total("allocated") == 2
    assert [row.id for row in store.store.board(order.flow)] == [order.id]
    assert store.store.pending_effects() == [("SKU-1", 0, 2)]


def test_one_that_is_held_back_before_everything_is_forgotten_stays(
    world: World, store: StoreSide, desk: Desk
):
    """First held back by a central that was restored to before it, then read anew.

    Seed 7008946: it was away from the screens until the next round.
    """
    order = reserving.reserve(desk, HIT, RESERVED)
    store.settle()
    began = store.store.journal.first_seq(order.id, "reservation_made")
    verdict = Verdict(seq=began, status=VerdictStatus.QUARANTINED, code="device_revoked", text="")
    with store.store.journal.writing():
        store.store.journal.keep_verdicts(1, [verdict])
    store.store.writer.reset(store_scope("S001"), "central was restored")
    assert here(store, order.id).total("allocated") == 2
    assert store.store.pending_effects() != []


def test_one_that_was_not_sent_yet_stays_too(world: World, store: StoreSide, desk: Desk):
    """A store that reads everything anew while its own work waits keeps that work."""
    store.cut()
    order = reserving.reserve(desk, HIT, RESERVED)
    store.store.writer.reset(store_scope("S001"), "a test")
    assert here(store, order.id).total("allocated") == 2
    agree(world, store)
    assert world.stock("S001") == (10, 2)


def test_one_of_which_a_restored_journal_knows_nothing_is_gone_at_once(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """The journal is put back below a name; its next epoch has the number that the name had."""
    store.cut()
    backup = tmp_path / "backup"
    copies.back_up(store.store, "", backup)
    order = reserving.reserve(desk, HIT, RESERVED)
    store.enrol_anew()
    store.store.close()
    copies.restore(store.store.files, store.clock, "", backup, force=True)
    store.open()
    assert store.store.journal.lives.newest.epoch == 2
    with pytest.raises(UnknownOrder):
        store.store.perform(LineShortPicked(order.id, 1, 1, ShortReason.DAMAGED), by="A1", dev="T1")
    assert (store.share().allocated, store.store.fulfillment(order.id)) == (0, None)


def test_what_was_done_to_one_that_a_restored_journal_lost_moves_no_stock(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """A terminal that was open all the while: its step is kept, and its order has no beginning."""
    store.cut()
    order = reserving.reserve(desk, HIT, RESERVED)
    began = store.store.journal.first_seq(order.id, "reservation_made")
    store.store.perform(LineShortPicked(order.id, 1, 1, ShortReason.DAMAGED), by="A1", dev="T1")
    with store.store.journal.writing():
        store.store.journal._connection.execute("DELETE FROM operations WHERE seq = ?", (began,))
    store.reboot("boot-2")
    with store.store._database.writing() as connection:
        store.store._views.refold(connection, [order.id])
    assert (store.share().allocated, store.store.fulfillment(order.id)) == (0, None)


@pytest.mark.parametrize("way", [skip_all, approve_all], ids=["set aside", "approved"])
def test_a_journal_from_before_a_verdict_asks_for_it(
    world: World, store: StoreSide, held: str, tmp_path: Path, way: Callable[[World], object]
):
    """The row that brought it is behind the cursor; nothing stays held at the store for ever."""
    store.settle()
    copies.back_up(store.store, "", tmp_path / "backup")
    way(world)
    agree(world, store)
    store.store.close()
    copies.restore(store.store.files, store.clock, "", tmp_path / "backup", force=True)
    store.open()
    assert store.store.sync_state().quarantined
    agree(world, store)
    assert store.store.sync_state().quarantined == 0
    assert (store.store.fulfillment(held) is None) == (way is skip_all)


def test_a_step_that_is_set_aside_before_the_beginning_is_approved_stays_aside(
    world: World, store: StoreSide, held: str
):
    """Central knew no order whose row could have taken the verdict in; the journal knows it."""
    store.store.perform(ReservationReleased(held, RefusalReason.CHANGED_MIND), by="A1", dev="T1")
    store.settle()
    found, _ = world.parts.central.quarantine.page("S001", None, 100)
    (released,) = [one for one in found if one["kind"] == "reservation_released"]
    op_id = OpId(
        str(released["replica_id"]), int(str(released["epoch"])), int(str(released["seq"]))
    )
    world.parts.central.quarantine.skip(op_id, by="Ann", reason="they still want it")
    store.settle()
    assert "accepted" in approve_all(world)
    agree(world, store)
    assert (here(store, held).total("open"), store.share().allocated) == (2, 2)


def test_what_central_took_away_is_forgotten_in_the_round_that_says_so(
    world: World, store: StoreSide
):
    """With what was done to it, once that is answered: no unit is missing until the next round.

    Seed 8007934.
    """
    placed = world.place(("SKU-1", 2))
    store.settle()
    (order,) = world.fulfillments(placed.order_id)
    store.cut()
    store.store.perform(LineShortPicked(order.id, 1, 2, ShortReason.DAMAGED), by="A1", dev="T1")
    assert store.store.pending_effects() != []

    def take_away(unit: Unit) -> None:
        feed = FeedWriter(unit.feed)
        feed.remove(store_scope("S001"), Entity.FULFILLMENT, order.id)
        feed.flush()

    store.faulty.restore()
    store.faulty.cut_before("pull")
    store.round()
    world.database.write(take_away)
    store.faulty.restore()
    assert store.round().ok
    assert (store.store.fulfillment(order.id), store.store.pending_effects()) == (None, [])
