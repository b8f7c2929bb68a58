"""A person approves the quarantined work of a machine that was shut out, by the normal rules."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import cast

import pytest

from central_server.services.errors import NotFound
from store_client.replica.writer import ReplicaStore
from sync.domain.escrow import EscrowPolicy
from sync.domain.ids import OpId
from sync.domain.operations import HandedOver, LinePicked
from sync.edge.escrow import ShareKeeper
from sync.protocol.verdicts import VerdictStatus
from tests.escrow.test_replaced import agree, lease_of, online, pass_time, row_of, successor
from tests.support.central_world import World, whole_pickup
from tests.support.store_side import POLICY, StoreSide, share_by_escrow


def approve_all(world: World) -> list[str]:
    """Retry everything in quarantine, as a person does, the oldest first; return what became."""
    statuses: list[str] = []
    for _ in range(50):
        found, _ = world.parts.central.quarantine.page("S001", None, 100)
        ready = [one for one in found if one["waits_behind"] is None]
        if not ready:
            return statuses
        first = ready[0]
        op_id = OpId(str(first["replica_id"]), int(str(first["epoch"])), int(str(first["seq"])))
        done = world.parts.central.quarantine.retry(op_id, by="Ann")
        settled = done["settled"]
        assert isinstance(settled, list)
        statuses += [one["status"] for one in settled]
        if not settled:
            return [*statuses, "quarantined"]
    raise AssertionError(statuses)


def hand_in(world: World, store: StoreSide) -> None:
    """Let a machine that is shut out bring what it has to central."""
    store.faulty.restore()
    store.daemon._session = None
    store.round()
    assert store.store.journal.backlog() == 0


def sell_behind_a_held_sale(world: World, store: StoreSide) -> None:
    """Three units go while it is shut out, and are held; one goes under its new name."""
    store.cut()
    store.sell(3)
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    store.enrol_anew()
    store.sell(1)
    store.settle()


def test_its_sales_count_when_they_are_approved(world: World, store: StoreSide, tmp_path: Path):
    """Kept without effect first; then the book, the successor and its rights all follow."""
    store.cut()
    store.sell(3)
    other = successor(world, tmp_path)
    agree(world, other)
    hand_in(world, store)
    agree(world, other)
    assert (row_of(world).on_hand, online(world)) == (10, 8)
    assert approve_all(world) == ["accepted"]
    assert row_of(world).on_hand == 7
    agree(world, other)
    assert (other.share().floor, other.share().online) == (2, 5)
    other.store.close()


def test_a_sale_that_breaks_a_promise_moves_it_when_it_is_approved(
    world: World, store: StoreSide, neighbor: StoreSide, tmp_path: Path
):
    """The successor was promised from; the approved sale is a fact: the order goes elsewhere."""
    store.cut()
    store.sell(9)
    other = successor(world, tmp_path)
    agree(world, other)
    placed = world.place(("SKU-1", 4))
    agree(world, other)
    hand_in(world, store)
    assert approve_all(world) == ["amended"]
    agree(world, other)
    neighbor.settle()
    first, second = world.fulfillments(placed.order_id)
    assert (first.location_id, first.total("short")) == ("S001", 3)
    assert (second.location_id, second.total("open")) == ("S002", 3)
    other.store.close()


def test_its_grants_are_worth_nothing_beside_those_of_its_successor(
    world: World, store: StoreSide, tmp_path: Path
):
    """Approved or not, what only the present machine may spend stays as that machine says."""
    store.cut()
    for _ in range(3):  # cut off for long, it takes back again and again: generations 1, 2, 3
        pass_time(world, POLICY.reclaim_after_ms, store)
        store.round()
    other = successor(world, tmp_path)
    pass_time(world, 0, other)
    agree(world, other)
    world.place(("SKU-1", 3))
    agree(world, other)
    generation, rights = lease_of(world).generation, row_of(world).rights
    assert rights.promised == 3
    hand_in(world, store)
    assert approve_all(world) == ["amended"] * 3
    assert (lease_of(world).generation, row_of(world).rights) == (generation, rights)
    agree(world, other)
    assert lease_of(world).is_alive(world.clock.now_ms())
    other.store.close()


def test_a_machine_that_was_shut_out_grants_nothing_more(
    world: World, store: StoreSide, tmp_path: Path
):
    """It is let in to hand over its work, and does not join the generation of its successor."""
    other = successor(world, tmp_path)
    agree(world, other)
    store.sell(1)
    hand_in(world, store)
    kinds = [one.kind for one in store.store.operations(limit=5)]
    assert kinds[0] == "floor_sold"
    assert store.store.journal.rights.generation() == 1
    other.store.close()


def test_its_grants_are_worth_nothing_while_it_has_no_successor(world: World, store: StoreSide):
    """Shut out and not replaced yet: approved grants lend central nothing."""
    store.sell(1)
    world.parts.devices.revoke(store.store.replica_id)
    pass_time(world, 1000, store)
    hand_in(world, store)
    approve_all(world)
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    assert work.location_id != "S001"
    assert row_of(world).on_hand == 9


def test_its_work_on_orders_counts_by_the_rules(world: World, store: StoreSide, tmp_path: Path):
    """Picked and handed over before anybody shut it out: approved step by step, in order."""
    placed = world.place(("SKU-1", 2))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    store.cut()
    for operation in whole_pickup(work):
        store.store.perform(operation, by="A1", dev="T1")  # type: ignore[arg-type]
    other = successor(world, tmp_path)
    agree(world, other)
    hand_in(world, store)
    assert approve_all(world) == ["accepted"] * 5
    assert world.order(placed.order_id)["status"] == "fulfilled"
    agree(world, other)
    seen = other.store.fulfillment(work.id)
    assert seen is None or not seen.total("open")
    assert row_of(world).on_hand == 8
    other.store.close()


def test_work_that_both_machines_did_is_done_once(world: World, store: StoreSide, tmp_path: Path):
    """The successor has handed the order over; the old machine's pick of it changes nothing."""
    placed = world.place(("SKU-1", 2))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    store.cut()
    store.store.perform(LinePicked(work.id, 1, 2), by="A1", dev="T1")
    other = successor(world, tmp_path)
    agree(world, other)
    for operation in whole_pickup(work):
        other.store.perform(operation, by="A1", dev="T1")  # type: ignore[arg-type]
    agree(world, other)
    hand_in(world, store)
    approve_all(world)
    agree(world, other)
    assert row_of(world).on_hand == 8
    assert world.order(placed.order_id)["status"] == "fulfilled"
    other.store.close()


@pytest.mark.parametrize("is_anew", [False, True], ids=["another machine", "the same, anew"])
def test_the_store_hears_what_became_of_it(
    world: World, store: StoreSide, tmp_path: Path, is_anew: bool
):
    """Verdicts reach the journal that has the operation, and disturb any other one in nothing."""
    store.sell(2)
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    other = store
    if is_anew:
        store.enrol_anew()
        store.settle()
        assert (store.share().on_hand, row_of(world).on_hand) == (8, 10), "it knows what it sold"
    else:
        other = successor(world, tmp_path)
        agree(world, other)
    assert approve_all(world) == ["accepted"]
    agree(world, other)
    assert row_of(world).on_hand == 8
    if is_anew:
        assert store.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0
    else:
        other.store.close()


def test_all_the_work_of_a_machine_is_approved_at_once(
    world: World, store: StoreSide, tmp_path: Path
):
    """A day of sales is one decision; what still cannot be is left, and holds up nothing else."""
    placed = world.place(("SKU-2", 2))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    store.cut()
    for _ in range(3):
        store.sell(1)
    store.store.perform(LinePicked(work.id, 1, 2), by="A1", dev="T1")
    store.sell(1, "SKU-3")
    other = successor(world, tmp_path)
    agree(world, other)
    hand_in(world, store)
    desk = world.parts.central.quarantine
    done = desk.retry_all(store.store.replica_id, by="Ann")
    settled = cast("list[dict[str, str]]", done["settled"])
    assert [one["status"] for one in settled] == ["accepted"] * 5
    assert done["held"] == 0
    assert (row_of(world).on_hand, row_of(world, "SKU-3").on_hand) == (7, 9)
    assert desk.retry_all(store.store.replica_id, by="Ann") == {"settled": [], "held": 0}
    with pytest.raises(NotFound):
        desk.retry_all("nobody", by="Ann")
    agree(world, other)
    other.store.close()


def test_a_sale_is_subtracted_once_whatever_name_the_row_was_at(world: World, store: StoreSide):
    """The row stood at the name before; sales under the next one are approved when that is gone."""
    share_by_escrow(world, EscrowPolicy(enabled=False), on_hand=10)
    store.sell(1)
    store.settle()
    store.enrol_anew()
    store.settle()
    store.cut()
    store.sell(3)
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    store.enrol_anew()
    store.settle()
    assert (store.share().on_hand, row_of(world).on_hand) == (6, 9)
    assert approve_all(world) == ["accepted"]
    store.settle()
    assert (store.share().on_hand, row_of(world).on_hand) == (6, 6)
    assert store.differences() == []


def test_a_sale_that_is_held_stays_subtracted_while_others_go_on(world: World, store: StoreSide):
    """Central's row moves on behind the held sale without it; its goods are gone all the same."""
    sell_behind_a_held_sale(world, store)
    assert (store.share().on_hand, row_of(world).on_hand) == (6, 9)
    (hit,) = store.store.products("SKU-1", 1)
    assert hit.on_hand == 6
    assert approve_all(world) == ["accepted"]
    store.settle()
    assert (store.share().on_hand, row_of(world).on_hand) == (6, 6)
    assert store.differences() == []


def test_a_held_step_stays_done_while_the_order_goes_on(world: World, store: StoreSide):
    """One line left under the old name, the other under the new: both are gone at the store."""
    placed = world.place(("SKU-1", 2), ("SKU-2", 1))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    *steps, over = whole_pickup(work)
    assert isinstance(over, HandedOver)
    for operation in steps:
        store.store.perform(operation, by="A1", dev="T1")  # type: ignore[arg-type]
    store.settle()
    store.cut()
    store.store.perform(replace(over, lines=over.lines[:1]), by="A1", dev="T1")
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    store.enrol_anew()
    store.settle()
    store.store.perform(replace(over, lines=over.lines[1:]), by="A1", dev="T1")
    store.settle()
    seen = store.store.fulfillment(work.id)
    assert seen is not None
    assert [line.fulfilled for line in seen.lines] == [2, 1]
    assert (store.share().on_hand, store.share().allocated, row_of(world).on_hand) == (8, 0, 10)
    assert approve_all(world) == ["accepted"]
    agree(world, store)
    assert world.order(placed.order_id)["status"] == "fulfilled"


def test_a_promise_whose_confirmation_is_held_is_confirmed_under_the_new_name(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """Its store is there and has the goods: the order does not move away from it."""
    placed = world.place(("SKU-1", 2))
    share_out = ShareKeeper.share_out

    def share_and_cut(keeper: ShareKeeper) -> int:
        done = share_out(keeper)
        store.cut()
        return done

    with monkeypatch.context() as line:
        line.setattr(ShareKeeper, "share_out", share_and_cut)
        store.round()
    assert store.store.operations(limit=1)[0].kind == "promise_confirmed"
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    store.enrol_anew()
    store.settle()
    pass_time(world, 2 * POLICY.reclaim_after_ms, store)
    store.settle()
    world.parts.promises.run()
    (work,) = world.fulfillments(placed.order_id)
    assert (work.location_id, work.is_unconfirmed) == ("S001", False)


def test_an_approved_sale_stays_subtracted_until_its_row_is_here(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """The machine dies after its journal knows the verdict, before its replica has the row."""
    sell_behind_a_held_sale(world, store)
    assert approve_all(world) == ["accepted"]

    def dies(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as power:
        power.setattr(ReplicaStore, "_apply", dies)
        with pytest.raises(SystemExit):
            store.settle()
    store.store.close()
    store.open()
    assert store.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0
    assert (store.share().on_hand, row_of(world).on_hand) == (6, 6)
    store.settle()
    assert store.share().on_hand == 6
    assert store.store.journal.digest_of_held() == ""
    assert store.differences() == []


def copy_that_goes_on(world: World, store: StoreSide, folder: Path) -> StoreSide:
    """Return a copy of a machine that was made before both got names of their own.

    The first one is cut off, and has sold three units that central has not heard of.
    """
    store.store.close()
    copytree(store.folder, folder)
    store.open()
    store.enrol_anew()
    store.settle()
    store.cut()
    store.sell(3)
    other = StoreSide(world, folder)
    other.enrol_anew("R-copy")
    other.settle()
    return other


def test_a_copy_that_was_shut_out_does_not_speak_for_what_the_other_did(
    world: World, store: StoreSide, tmp_path: Path
):
    """Two machines went on from one disk; the row says nothing of the one that is there now."""
    share_by_escrow(world, EscrowPolicy(enabled=False), on_hand=10)
    store.sell(1)
    store.settle()
    store.cut()
    store.sell(2)
    world.parts.devices.revoke(store.store.replica_id)
    hand_in(world, store)
    other = copy_that_goes_on(world, store, tmp_path / "copy")
    assert other.share().on_hand == 7
    hand_in(world, store)
    copied = world.parts.central.quarantine.retry_all(store.store.replica_id, by="Ann")
    assert [one["status"] for one in cast("list[dict[str, str]]", copied["settled"])] == [
        "accepted"
    ]
    other.settle()
    assert (other.share().on_hand, row_of(world).on_hand) == (4, 6)
    assert approve_all(world) == ["accepted"]
    other.settle()
    assert (other.share().on_hand, row_of(world).on_hand) == (4, 4)
    assert other.differences() == []
    other.store.close()
