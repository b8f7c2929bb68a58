"""What is held back stays done while one of the halves is put back to before it was held."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from central_server.bootstrap import back_up
from central_server.services.rights import SharedStock
from sync.domain.escrow import EscrowPolicy
from sync.domain.ids import OpId
from sync.domain.inventory import StockEffect
from sync.domain.operations import FulfillmentAccepted, HandedOver, LinePicked
from sync.domain.stock_operations import FloorSold, StockOperation
from sync.edge import pusher
from sync.edge.recovery import recover
from sync.protocol import errors
from sync.protocol.session import PushAnswer
from sync.protocol.verdicts import VerdictStatus
from tests.central_server.test_recovery import Embedded, embedded
from tests.escrow.test_approved import (
    approve_all,
    copy_that_goes_on,
    hand_in,
    sell_behind_a_held_sale,
)
from tests.escrow.test_own_orders import skip_all
from tests.escrow.test_replaced import row_of
from tests.support.central_world import World, whole_pickup
from tests.support.store_side import StoreSide, in_step, share_by_escrow

__all__ = ["embedded"]


@pytest.fixture
def shop(embedded: Embedded, tmp_path: Path):
    """A machine of S001 before a central that can be put back."""
    share_by_escrow(embedded.world, floor_percent=20)
    with in_step(embedded.world, tmp_path / "one") as store:
        yield store


def drill(embedded: Embedded, shop: StoreSide, file: Path) -> None:
    """Put central back to a copy; the store's daemon starts anew before it."""
    embedded.restore(file)
    shop.world = embedded.world
    shop.store.close()
    shop.faulty = shop._line()
    shop.open()


def save_journal(shop: StoreSide, where: Path) -> None:
    """Copy the journal alone as it lies on the disk."""
    where.mkdir()
    for file in shop.folder.glob("journal.db*"):
        shutil.copy(file, where)


def put_back_journal(shop: StoreSide, where: Path) -> None:
    """Put the journal back; what central said, in the other file, stays."""
    shop.store.close()
    for file in shop.folder.glob("journal.db*"):
        file.unlink()
    for file in where.iterdir():
        shutil.copy(file, shop.folder)
    shop.open()


def done(shop: StoreSide, key: str) -> list[tuple[int, int]]:
    """Return the units of each line that were picked and handed over, as the store sees it."""
    seen = shop.store.fulfillment(key)
    assert seen is not None
    return [(line.picked, line.fulfilled) for line in seen.lines]


def hold_sales_of_three(patch: pytest.MonkeyPatch) -> None:
    """Let central fail on sales of three units."""
    apply = SharedStock.apply

    def fails(
        stock: SharedStock, operation: StockOperation, op_id: OpId
    ) -> tuple[StockEffect, ...]:
        if isinstance(operation, FloorSold) and operation.lines[0].units == 3:
            raise ValueError("a fault of central's")
        return apply(stock, operation, op_id)

    patch.setattr(SharedStock, "apply", fails)


def cut_when_it_sends_again(patch: pytest.MonkeyPatch, shop: StoreSide) -> None:
    """Let the line break when the store knows which operations central has lost."""
    inner: Any = shop.faulty._inner
    push: Callable[..., PushAnswer] = inner.push

    def asked(*sent: object) -> PushAnswer:
        if not shop.store.journal.backlog():
            return push(*sent)
        shop.cut()
        raise errors.Unreachable("the network is cut")

    patch.setattr(inner, "push", asked)


@pytest.mark.parametrize("where", ["before it has them", "before its rows"])
@pytest.mark.parametrize("is_mended", [False, True], ids=["held again", "counted now"])
def test_a_held_sale_stays_subtracted_while_a_restored_central_asks_for_it_again(
    embedded: Embedded,
    shop: StoreSide,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    is_mended: bool,
):
    """The verdict is of a life that is over; so is the row here, which lacks the sale."""
    back_up(embedded.settings, tmp_path / "central.db")
    with monkeypatch.context() as fault:
        hold_sales_of_three(fault)
        shop.sell(3)
        shop.sell(1)
        shop.settle()
        assert (shop.share().on_hand, row_of(embedded.world).on_hand) == (6, 9)
        drill(embedded, shop, tmp_path / "central.db")
        if is_mended:
            fault.undo()
        with monkeypatch.context() as line:
            if where == "before it has them":
                cut_when_it_sends_again(line, shop)
            else:
                shop.faulty.cut_before("pull")
            assert shop.round().error == "the network is cut"
        assert shop.share().on_hand == 6
        shop.settle()
        assert shop.share().on_hand == 6
    assert approve_all(embedded.world) == ([] if is_mended else ["accepted"])
    shop.settle()
    assert (shop.share().on_hand, row_of(embedded.world).on_hand) == (6, 6)
    assert shop.differences() == []


@pytest.mark.parametrize("how", ["its central is restored", "it is enrolled anew"])
@pytest.mark.parametrize("call", ["push", "pull"])
def test_an_approved_sale_stays_subtracted_until_its_row_is_here_however_that_is_learned(
    embedded: Embedded, shop: StoreSide, tmp_path: Path, how: str, call: str
):
    """Approved while the machine was away: it asks what became of it before it reads its rows."""
    sell_behind_a_held_sale(embedded.world, shop)
    assert shop.share().on_hand == 6
    assert approve_all(embedded.world) == ["accepted"]
    if how == "it is enrolled anew":
        shop.enrol_anew()
    else:
        back_up(embedded.settings, tmp_path / "central.db")
        drill(embedded, shop, tmp_path / "central.db")
    shop.faulty.cut_before(call)
    assert not shop.round().ok
    assert shop.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0
    assert (shop.share().on_hand, row_of(embedded.world).on_hand) == (6, 6)
    shop.settle()
    assert (shop.share().on_hand, shop.store.journal.digest_of_held()) == (6, "")
    assert shop.differences() == []


def test_a_journal_that_was_put_back_and_enrolled_anew_shows_what_is_held(
    embedded: Embedded, shop: StoreSide, tmp_path: Path
):
    """The copy is of before the step was held, and the order's row is of a name after it."""
    world = embedded.world
    (work,) = world.fulfillments(world.place(("SKU-1", 2), ("SKU-2", 1)).order_id)
    shop.settle()
    *steps, over = whole_pickup(work)
    assert isinstance(over, HandedOver)
    for operation in steps:
        shop.store.perform(operation, by="A1", dev="T1")  # type: ignore[arg-type]
    shop.settle()
    shop.cut()
    shop.store.perform(replace(over, lines=over.lines[:1]), by="A1", dev="T1")
    save_journal(shop, tmp_path / "copy")
    world.parts.devices.revoke(shop.store.replica_id)
    hand_in(world, shop)
    shop.enrol_anew()
    shop.settle()
    shop.store.perform(replace(over, lines=over.lines[1:]), by="A1", dev="T1")
    shop.settle()
    assert done(shop, work.id) == [(2, 2), (1, 1)]
    put_back_journal(shop, tmp_path / "copy")
    shop.enrol_anew("R-third")
    shop.settle()
    assert done(shop, work.id) == [(2, 2), (1, 1)]
    assert (shop.share().on_hand, row_of(world).on_hand) == (8, 10)


def test_a_journal_that_was_put_back_shows_once_what_was_approved_since(
    embedded: Embedded, shop: StoreSide, tmp_path: Path
):
    """The order's row was taken in before: nothing but the verdict that is asked for is new."""
    world = embedded.world
    (work,) = world.fulfillments(world.place(("SKU-1", 2), ("SKU-2", 1)).order_id)
    shop.settle()
    shop.store.perform(FulfillmentAccepted(work.id), by="A1", dev="T1")
    shop.settle()
    shop.cut()
    shop.store.perform(LinePicked(work.id, 1, 1), by="A1", dev="T1")
    world.parts.devices.revoke(shop.store.replica_id)
    hand_in(world, shop)
    shop.enrol_anew()
    shop.settle()
    shop.store.perform(LinePicked(work.id, 2, 1), by="A1", dev="T1")
    shop.settle()
    save_journal(shop, tmp_path / "copy")
    assert approve_all(world) == ["accepted"]
    shop.settle()
    shop.cut()
    shop.sell(1, "SKU-3")
    put_back_journal(shop, tmp_path / "copy")
    shop.settle()
    assert done(shop, work.id) == [(1, 0), (1, 0)]
    assert shop.differences() == []


@pytest.mark.parametrize("decision", ["approved", "skipped"])
def test_a_journal_that_was_put_back_and_lost_nothing_hears_what_became_of_what_was_held(
    embedded: Embedded,
    shop: StoreSide,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
):
    """It follows on central's as before, so nothing is sent or begun: it asks at its hello."""
    world = embedded.world
    with monkeypatch.context() as fault:
        hold_sales_of_three(fault)
        shop.sell(3)
        shop.settle()
    save_journal(shop, tmp_path / "copy")
    if decision == "approved":
        assert approve_all(world) == ["accepted"]
    else:
        skip_all(world)
    shop.settle()
    left = shop.share().on_hand
    assert left == row_of(world).on_hand
    put_back_journal(shop, tmp_path / "copy")
    shop.settle()
    assert shop.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0
    assert (shop.share().on_hand, shop.store.journal.digest_of_held()) == (left, "")
    assert shop.differences() == []


def test_a_sale_is_subtracted_once_by_a_machine_that_comes_back_beside_its_copy(
    world: World, store: StoreSide, tmp_path: Path
):
    """Approved while the copy was there, and the row is of the name that both of them had."""
    share_by_escrow(world, EscrowPolicy(enabled=False), on_hand=10)
    store.sell(1)
    store.settle()
    other = copy_that_goes_on(world, store, tmp_path / "copy")
    hand_in(world, store)
    assert approve_all(world) == ["accepted"]
    other.settle()
    assert other.share().on_hand == 6
    store.enrol_anew()
    store.settle()
    assert (store.share().on_hand, row_of(world).on_hand) == (6, 6)
    assert store.differences() == []
    other.store.close()


def test_what_was_settled_long_ago_counts_once_while_a_restored_central_is_met(
    embedded: Embedded, shop: StoreSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A machine with a new name reads its rows before its journal changes; then the line breaks."""
    with monkeypatch.context() as fault:
        hold_sales_of_three(fault)
        shop.sell(3)
        shop.settle()
    assert approve_all(embedded.world) == ["accepted"]
    shop.settle()
    assert (shop.share().on_hand, row_of(embedded.world).on_hand) == (7, 7)
    back_up(embedded.settings, tmp_path / "central.db")
    drill(embedded, shop, tmp_path / "central.db")
    shop.enrol_anew()

    def cut_off(*what: Any) -> bool:
        shop.cut()
        return recover(*what)

    with monkeypatch.context() as line:
        line.setattr(pusher, "recover", cut_off)
        assert shop.round().error == "the network is cut"
    assert shop.share().on_hand == 7
    shop.settle()
    assert (shop.share().on_hand, row_of(embedded.world).on_hand) == (7, 7)
    assert shop.differences() == []
