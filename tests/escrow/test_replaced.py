"""Rights when a machine is replaced, shut out, enrolled anew or restored: one owner each."""

import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from central_server.records import Lease
from central_server.services.errors import EnrolmentRefused
from store_client.replica import copies
from store_client.replica.models import FateState
from sync.domain.escrow import Rights
from sync.domain.fulfillment import ShortReason
from sync.domain.operations import LineShortPicked
from sync.protocol import errors
from sync.protocol.rows import StockRow
from sync.transport.faulty import Faults
from tests.support.central_world import SKUS, World
from tests.support.store_side import POLICY, StoreSide

MINUTE_MS = 60_000


def row_of(world: World, sku: str = "SKU-1") -> StockRow:
    with world.database.read() as view:
        (row,) = view.stock.rows("S001", [sku])
    return row


def lease_of(world: World) -> Lease:
    with world.database.read() as view:
        found = view.leases.get("S001")
    assert found is not None
    return found


def online(world: World, sku: str = "SKU-1") -> int:
    """Return what central may spend of a SKU in the generation that is open."""
    return row_of(world, sku).rights.within(lease_of(world).generation).online


def agree(world: World, store: StoreSide) -> None:
    """Both sides know the same owner of each right, and each right stands on a unit."""
    store.settle()
    assert store.store.journal.rights.generation() == lease_of(world).generation
    for sku in SKUS:
        share, row = store.share(sku), row_of(world, sku)
        assert (share.online, share.on_hand) == (online(world, sku), row.on_hand), sku
        assert share.floor >= 0, share
    assert store.differences() == []
    world.check_books()


def pass_time(world: World, milliseconds: int, *stores: StoreSide) -> None:
    world.clock.advance(milliseconds)
    for store in stores:
        store.clock.advance(milliseconds)


def successor(world: World, tmp_path: Path) -> StoreSide:
    """Return a new machine, enrolled in the place of the one that is there."""
    return StoreSide(world, tmp_path / "successor")


def back_up(store: StoreSide, folder: Path) -> Path:
    copies.back_up(store.store, "", folder)
    return folder


def restore(store: StoreSide, folder: Path, *, is_disk_lost: bool = True) -> None:
    """Put a backup of the journal in its place, on a new disk or on the one that was there."""
    store.store.close()
    if is_disk_lost:
        shutil.rmtree(store.folder)
    copies.restore(store.store.files, store.clock, "", folder, force=True)
    store.open()


# --- another machine in its place ---------------------------------------------------------


def test_promises_outlive_the_machine_that_granted_them(
    world: World, store: StoreSide, tmp_path: Path
):
    """Three of ten are promised: the new machine shares the other seven, in a new generation."""
    world.place(("SKU-1", 3))
    store.settle()
    other = successor(world, tmp_path)
    assert (online(world), lease_of(world).generation) == (0, 2)
    agree(world, other)
    share = other.share()
    assert (share.floor, share.online, share.allocated) == (2, 5, 3)
    assert row_of(world).rights == Rights(2, 5, 0, 0)
    other.store.close()


def test_a_promise_that_nobody_confirmed_is_confirmed_by_the_successor(
    world: World, store: StoreSide, tmp_path: Path
):
    """Made on the old machine's rights; the new one has the unit, and says so in time."""
    placed = world.place(("SKU-1", 2))
    other = successor(world, tmp_path)
    agree(world, other)
    pass_time(world, 10 * POLICY.lease_ms)
    assert world.parts.promises.run() == 0
    (work,) = world.fulfillments(placed.order_id)
    assert (work.location_id, work.is_unconfirmed) == ("S001", False)
    other.store.close()


@pytest.mark.parametrize("how", ["revoked", "to be replaced"])
def test_nothing_is_promised_of_a_machine_that_was_shut_out(
    world: World, store: StoreSide, how: str
):
    """It would never hear of it: such a promise could only be moved, hours later."""
    assert lease_of(world).is_alive(world.clock.now_ms())
    if how == "revoked":
        world.parts.devices.revoke(store.store.replica_id)
    else:
        world.parts.central.enrolment.create_code("S001", replace=True)
    assert not lease_of(world).is_alive(world.clock.now_ms())
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    assert work.location_id != "S001"


def test_shutting_a_former_machine_out_again_ends_nobody_s_lease(
    world: World, store: StoreSide, tmp_path: Path
):
    """Whoever revokes what was replaced long ago must not stop the store that works."""
    other = successor(world, tmp_path)
    agree(world, other)
    world.parts.devices.revoke(store.store.replica_id)
    assert lease_of(world).is_alive(world.clock.now_ms())
    assert online(world) == 8
    other.store.close()


def test_a_machine_that_was_shut_out_extends_no_lease(world: World, store: StoreSide):
    """What it hands in is kept; central's time in it is worth nothing."""
    store.sell(1)
    world.parts.devices.revoke(store.store.replica_id)
    pass_time(world, MINUTE_MS, store)
    store.round()
    assert not lease_of(world).is_alive(world.clock.now_ms())
    assert row_of(world).on_hand == 10


def test_a_machine_enrolled_anew_shares_what_it_has_in_a_new_generation(
    world: World, store: StoreSide
):
    """The same disk under a new name: old grants are void, what was sold comes along."""
    store.cut()
    store.sell(3)
    store.enrol_anew()
    agree(world, store)
    assert row_of(world).on_hand == 7
    assert lease_of(world).generation > 1
    assert (store.share().floor, store.share().online) == (2, 5)


def test_rights_taken_back_before_enrolling_anew_stay_taken_back(world: World, store: StoreSide):
    """It closed a generation while away, and central opened one: both end up in the same."""
    store.cut()
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.round()
    store.sell(10)
    store.enrol_anew()
    agree(world, store)
    assert (row_of(world).on_hand, online(world)) == (0, 0)


def test_an_answer_that_cannot_be_read_settles_nothing_of_a_former_name(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """A proxy cut central's answer short: what was not sent is sent when it can be read."""
    store.cut()
    store.sell(2)
    store.enrol_anew()

    def unreadable(*_: object) -> NoReturn:
        raise errors.FrameUnreadable("the answer ends too early")

    with monkeypatch.context() as proxy:
        proxy.setattr(store.faulty, "operations", unreadable)
        store.round()
    agree(world, store)
    assert row_of(world).on_hand == 8


def test_a_machine_is_not_enrolled_at_another_location_with_its_journal(
    world: World, store: StoreSide
):
    """What it has not sent would count at neither place, and its sales at the wrong one."""
    store.cut()
    store.sell(2)
    store.location_id = "S002"
    with pytest.raises(EnrolmentRefused, match="S001: for another location begin with an empty"):
        store.enrol_anew()
    store.location_id = "S001"
    store.enrol_anew()
    agree(world, store)
    assert row_of(world).on_hand == 8


@pytest.mark.parametrize("call", ["hello", "push", "pull"])
def test_a_machine_enrolled_anew_sells_no_promise_that_it_has_not_heard_of(
    world: World, store: StoreSide, call: str
):
    """Promised under its former name; its first round is cut before it could hear of that."""
    placed = world.place(("SKU-1", 3))
    store.enrol_anew()
    store.faulty.cut_before(call)
    assert not store.round().ok
    store.open()
    assert store.share().floor == 2
    store.sell(2)
    agree(world, store)
    (work,) = world.fulfillments(placed.order_id)
    assert (work.location_id, work.total("allocated")) == ("S001", 3)
    assert lease_of(world).generation == 2


@pytest.mark.parametrize("call", ["push", "pull"])
def test_a_store_sells_no_promise_of_a_restored_central_that_it_has_not_heard_of(
    world: World, store: StoreSide, call: str
):
    """Its rights are over when everything that the restored central has is here, not before."""
    placed = world.place(("SKU-1", 3))
    world.parts.begin_new_life()
    store.faulty.cut_before(call)
    assert not store.round().ok
    store.open()
    assert not lease_of(world).is_alive(world.clock.now_ms())
    assert store.share().floor == 2
    store.sell(2)
    agree(world, store)
    (work,) = world.fulfillments(placed.order_id)
    assert (work.location_id, work.total("allocated")) == ("S001", 3)
    assert lease_of(world).generation == 2


# --- restored from a backup -----------------------------------------------------------------


@pytest.mark.parametrize("is_disk_lost", [True, False], ids=["disk lost", "journal put back"])
def test_a_restored_store_knows_again_what_it_granted(
    world: World, store: StoreSide, tmp_path: Path, is_disk_lost: bool
):
    """Granted, promised and returned since the backup: central says it all back."""
    backup = back_up(store, tmp_path / "backup")
    world.place(("SKU-1", 3))
    store.settle()
    store.sell(2)
    store.settle()
    placed = world.place(("SKU-2", 4))
    store.settle()
    world.parts.central.cancelling.cancel(placed.order_id, reason="", actor="test")
    store.settle()
    before = {sku: row_of(world, sku).rights for sku in SKUS}
    restore(store, backup, is_disk_lost=is_disk_lost)
    agree(world, store)
    assert {sku: row_of(world, sku).rights for sku in SKUS} == before
    assert lease_of(world).is_alive(world.clock.now_ms())


def test_a_store_restored_to_before_it_shared_anything(world: World, tmp_path: Path):
    """Its backup is older than the first grant."""
    store = StoreSide(world, tmp_path / "early")
    backup = back_up(store, tmp_path / "backup")
    store.settle()
    world.place(("SKU-1", 5))
    restore(store, backup)
    agree(world, store)
    assert (store.share().floor, store.share().online, store.share().allocated) == (2, 3, 5)
    store.store.close()


def test_a_store_restored_to_a_generation_that_is_closed(
    world: World, store: StoreSide, tmp_path: Path
):
    """Its grants and the newer ones are void, as soon as it knows what was promised from them."""
    backup = back_up(store, tmp_path / "backup")
    store.cut()
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.round()
    store.sell(4)
    agree(world, store)
    assert (lease_of(world).generation, online(world)) == (2, 4)
    restore(store, backup)
    store.cut()
    store.sell(1)
    agree(world, store)
    assert (lease_of(world).generation, row_of(world).on_hand) == (3, 5)
    assert (store.share().floor, store.share().online) == (2, 3)


def test_a_restored_store_that_stays_away_takes_back_what_it_forgot_it_gave(
    world: World, store: StoreSide, tmp_path: Path
):
    """It closes the generation of its backup; what it granted in the next one is not forgotten."""
    backup = back_up(store, tmp_path / "backup")
    store.cut()
    pass_time(world, POLICY.reclaim_after_ms, store)
    agree(world, store)
    assert lease_of(world).generation == 2
    restore(store, backup)
    store.cut()
    for _ in range(2):
        pass_time(world, POLICY.reclaim_after_ms, store)
        store.round()
    store.sell(9)
    assert not lease_of(world).is_alive(world.clock.now_ms())
    agree(world, store)
    assert (row_of(world).on_hand, online(world)) == (1, 0)


def test_what_a_restored_store_sells_of_rights_it_forgot_moves_promises(
    world: World, store: StoreSide, neighbor: StoreSide, tmp_path: Path
):
    """It takes all ten for its own; central had promised eight: the sale is over, and told."""
    early = tmp_path / "early"
    backup = back_up(store, early)
    placed = world.place(("SKU-1", 8))
    store.settle()
    restore(store, backup)
    store.cut()
    store.sell(10)
    agree(world, store)
    neighbor.settle()
    first, *others = world.fulfillments(placed.order_id)
    assert (first.location_id, first.total("short")) == ("S001", 8)
    assert [one.location_id for one in others] == ["S002"]


def test_what_central_made_of_work_is_told_to_the_name_that_takes_it_over(
    world: World, store: StoreSide
):
    """The answer was lost, and the machine was enrolled anew before it could ask again."""
    (work,) = world.fulfillments(world.place(("SKU-1", 2)).order_id)
    store.settle()
    short = LineShortPicked(work.id, 1, 2, ShortReason.NOT_FOUND)
    store.store.perform(short, by="A1", dev="T1")
    store.faulty.faults = Faults(lose_answer=1.0)
    store.round()
    store.faulty.faults = Faults()
    store.enrol_anew()
    store.settle()
    (fate,) = (one for one in store.store.fates_of(work.id) if one.kind == "line_short_picked")
    assert (fate.state, "S00" in fate.text) == (FateState.AMENDED, True), fate
