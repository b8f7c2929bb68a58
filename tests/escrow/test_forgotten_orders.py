"""Orders that a restored central has forgotten: what was done to them stays done at the store."""

from pathlib import Path
from random import Random
from typing import NoReturn

import pytest

from central_server.bootstrap import assemble
from central_server.storage import backup
from central_server.storage.database import Database
from store_client.services import reserving
from store_client.services.desk import Desk
from sync.domain.fulfillment import FulfillmentOrder
from sync.protocol import errors
from sync.protocol.rows import store_scope
from tests.escrow.test_own_orders import RESERVED, skip_all
from tests.escrow.test_replaced import agree, online
from tests.support.central_world import World, sqlite_world, whole_pickup
from tests.support.counter import HIT
from tests.support.store_side import StoreSide, share_by_escrow

WORK = 5
"""Operations of a whole pickup; the store confirms the promise beside them."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """On SQLite, whose database can be copied and put back."""
    world = sqlite_world(tmp_path / "central")
    share_by_escrow(world, floor_percent=20)
    return world


def copy_central(world: World, to: Path) -> Path:
    backup.copy_out(world.parts.settings.url, None, to)
    return to


def put_central_back(world: World, file: Path) -> None:
    """Put a copy of central's database in its place, as the command does."""
    settings = world.parts.settings
    world.database.close()
    backup.copy_in(file, None, settings.url, now_ms=world.clock.now_ms())
    world.parts = assemble(
        settings, Database.open(settings.url), clock=world.clock, random=Random(9),
        notifier=world.notifier,
    )  # fmt: skip


def do(store: StoreSide, *operations: object) -> None:
    for operation in operations:
        store.store.perform(operation, by="A1", dev="T1")  # type: ignore[arg-type]


def placed(world: World, store: StoreSide) -> FulfillmentOrder:
    """Return an order of two units that the store has taken in."""
    order_id = world.place(("SKU-1", 2)).order_id
    store.settle()
    (work,) = world.fulfillments(order_id)
    return work


def forgotten(world: World, store: StoreSide, tmp_path: Path, steps: int = WORK) -> str:
    """Return an order that was worked on offline, and of which central knows nothing any more."""
    copied = copy_central(world, tmp_path / "copy.db")
    work = placed(world, store)
    store.cut()
    do(store, *whole_pickup(work)[:steps])
    put_central_back(world, copied)
    return work.id


def figures(store: StoreSide) -> tuple[int, int]:
    """Return (on hand, allocated) of SKU-1, as the store sees it."""
    share = store.share()
    return share.on_hand, share.allocated


def stands(world: World, store: StoreSide, on_hand: int, allocated: int = 0) -> None:
    """The store counts so, and keeps and lends no more than that."""
    assert figures(store) == (on_hand, allocated)
    share = store.share()
    assert share.floor >= 0
    assert share.floor + share.online == on_hand - allocated
    assert share.online == online(world)
    (hit,) = store.store.products("SKU-1", 1)
    assert (hit.on_hand, hit.allocated) == (on_hand, allocated)


def test_goods_that_were_handed_over_offline_are_not_on_the_floor_again(
    world: World, store: StoreSide, tmp_path: Path
):
    """Central holds the steps back, for it knows no such order: the goods are gone all the same."""
    forgotten(world, store, tmp_path)
    store.settle()
    assert store.store.sync_state().quarantined == WORK + 1
    assert world.stock("S001") == (10, 0)
    stands(world, store, 8)


def test_goods_that_were_picked_offline_are_kept_aside(
    world: World, store: StoreSide, tmp_path: Path
):
    """They lie in a tote for somebody who will come: neither sold by right nor lent to central."""
    forgotten(world, store, tmp_path, 3)
    store.settle()
    stands(world, store, 10, 2)


def test_goods_that_nobody_picked_are_free(world: World, store: StoreSide, tmp_path: Path):
    """The order was only accepted: nothing of it has left the shelf."""
    forgotten(world, store, tmp_path, 1)
    store.settle()
    stands(world, store, 10)


@pytest.mark.parametrize("sent", [3, WORK], ids=["picked", "handed over"])
def test_what_central_had_acknowledged_and_forgot_counts_too(
    world: World, store: StoreSide, tmp_path: Path, sent: int
):
    """The last row of the order included it; that row is of a life of central's that is over."""
    copied = copy_central(world, tmp_path / "copy.db")
    work = placed(world, store)
    do(store, *whole_pickup(work)[:sent])
    store.settle()
    put_central_back(world, copied)
    store.settle()
    assert store.store.sync_state().quarantined == sent + 1
    stands(world, store, *((8, 0) if sent == WORK else (10, 2)))


def test_it_counts_on_when_everything_is_read_and_opened_anew(
    world: World, store: StoreSide, tmp_path: Path
):
    """Also where replica.db is made anew and no copy of the order is left: the journal knows."""
    forgotten(world, store, tmp_path)
    store.settle()
    store.store.writer.reset(store_scope("S001"), "a test")
    assert store.store.pending_effects() == [("SKU-1", -2, 0)]
    store.settle()
    store.store.close()
    store.open()
    stands(world, store, 8)
    store.lose_replica()
    store.settle()
    stands(world, store, 8)


def test_a_line_that_breaks_after_it_was_held_back_changes_nothing(
    world: World, store: StoreSide, tmp_path: Path
):
    """The steps are answered and central's rows are still those of the life before."""
    forgotten(world, store, tmp_path)
    store.faulty.restore()
    store.faulty.cut_before("pull")
    assert not store.round().ok
    assert figures(store) == (8, 0)
    store.settle()
    stands(world, store, 8)


@pytest.mark.parametrize("steps", [3, WORK], ids=["picked", "handed over"])
@pytest.mark.parametrize("is_sent", [False, True], ids=["unsent", "acknowledged"])
def test_a_machine_that_has_another_name_by_then_counts_the_same(
    world: World, store: StoreSide, tmp_path: Path, steps: int, *, is_sent: bool
):
    """What it takes along is held under the new name; rows come first, so that none is hidden."""
    copied = copy_central(world, tmp_path / "copy.db")
    work = placed(world, store)
    do(store, *whole_pickup(work)[:steps])
    if is_sent:
        store.settle()
    put_central_back(world, copied)
    store.enrol_anew()
    store.settle()
    stands(world, store, *((8, 0) if steps == WORK else (10, 2)))


def test_it_is_no_work_any_more_and_goods_in_hand_can_still_be_given_to_the_customer(
    world: World, store: StoreSide, tmp_path: Path
):
    """On no board; found by its number, with why it is held back. What then leaves is gone."""
    copied = copy_central(world, tmp_path / "copy.db")
    work = placed(world, store)
    store.cut()
    *steps, over = whole_pickup(work)
    do(store, *steps)
    put_central_back(world, copied)
    store.settle()
    stands(world, store, 10, 2)
    assert store.store.board(work.flow) == []
    assert store.store.spots_used() == {}
    (row,) = store.store.find_orders(work.order_number)
    assert row.id == work.id
    assert "central knows no fulfillment order" in store.store.fates_of(work.id)[0].text
    do(store, over)
    assert figures(store) == (8, 0)
    store.settle()
    stands(world, store, 8)
    assert store.store.board(work.flow) == []


def test_what_is_done_to_it_meanwhile_makes_it_no_work_again(
    world: World, store: StoreSide, tmp_path: Path
):
    """A step that is not sent yet is on no board either, while earlier ones are held back."""
    copied = copy_central(world, tmp_path / "copy.db")
    work = placed(world, store)
    store.cut()
    steps = whole_pickup(work)
    do(store, *steps[:3])
    put_central_back(world, copied)
    store.settle()
    store.cut()
    do(store, steps[3])
    assert store.store.sync_state().backlog == 1
    assert store.store.board(work.flow) == []
    assert figures(store) == (10, 2)


@pytest.mark.parametrize("is_made_anew", [False, True], ids=["as it is", "replica.db made anew"])
def test_it_is_over_when_a_person_has_set_all_of_it_aside(
    world: World, store: StoreSide, tmp_path: Path, *, is_made_anew: bool
):
    """Whoever decides that answers for the goods: nothing of the order is left at the store."""
    key = forgotten(world, store, tmp_path)
    store.settle()
    if is_made_anew:
        store.lose_replica()
        store.settle()
    for _ in range(WORK + 1):
        stands(world, store, 8)
        skip_all(world)
        store.settle()
    agree(world, store)
    stands(world, store, 10)
    assert store.store.pending_effects() == []
    assert store.store._database.one("SELECT count(*) FROM fulfillments")[0] == 0
    assert store.store.fulfillment(key) is None


def refused(*_: object) -> NoReturn:
    raise errors.VersionUnsupported("central is too new for this program")


def test_it_is_over_while_nothing_can_be_sent(
    world: World, store: StoreSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Downloads go on: that a person has set it aside is heard, and counts at once."""
    copied = copy_central(world, tmp_path / "copy.db")
    work = placed(world, store)
    do(store, *whole_pickup(work))
    store.settle()
    put_central_back(world, copied)
    store.settle()
    stands(world, store, 8)
    while store.store.sync_state().quarantined > 1:
        skip_all(world)
        store.settle()
    skip_all(world)
    store.sell(1, "SKU-2")
    monkeypatch.setattr(store.faulty, "push", refused)
    assert not store.round().ok
    assert store.store.sync_state().quarantined == 0
    assert figures(store) == (10, 0)
    assert store.store.board(work.flow) == []


@pytest.mark.parametrize("is_made_anew", [False, True], ids=["as it is", "replica.db made anew"])
def test_it_counts_once_when_central_is_put_back_to_a_copy_that_has_the_order(
    world: World, store: StoreSide, tmp_path: Path, *, is_made_anew: bool
):
    """The newer copy was found later: the order is back, and its row includes what was done."""
    before = copy_central(world, tmp_path / "before.db")
    work = placed(world, store)
    after = copy_central(world, tmp_path / "after.db")
    store.cut()
    do(store, *whole_pickup(work))
    put_central_back(world, before)
    store.settle()
    if is_made_anew:
        store.lose_replica()
        store.settle()
    stands(world, store, 8)
    put_central_back(world, after)
    agree(world, store)
    stands(world, store, 8)
    assert world.stock("S001") == (8, 0)
    assert store.store.sync_state().quarantined == 0
    assert store.store.pending_effects() == []


@pytest.mark.parametrize("is_anew", [False, True], ids=["the same name", "another name"])
def test_one_that_began_at_this_store_begins_again(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path, *, is_anew: bool
):
    """Central takes it in as what it is, whichever comes first: its rows or the answer."""
    store.settle()
    copied = copy_central(world, tmp_path / "copy.db")
    order = reserving.reserve(desk, HIT, RESERVED)
    store.settle()
    put_central_back(world, copied)
    if is_anew:
        store.enrol_anew()
    agree(world, store)
    stands(world, store, 10, 2)
    assert [row.id for row in store.store.board(order.flow)] == [order.id]
