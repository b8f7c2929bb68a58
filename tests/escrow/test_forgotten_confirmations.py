"""What a journal that was put back may have confirmed is kept; what it never did is given up."""

from pathlib import Path

import pytest

from sync.edge.escrow import CONFIRMED
from tests.escrow.test_replaced import agree, back_up, restore
from tests.escrow.test_shares import pass_time
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide

REJECTED = "fulfillment_rejected"


def promise(world: World, store: StoreSide) -> str:
    """Place an order that this store gets; return its key there."""
    (work,) = world.fulfillments(world.place(("SKU-1", 3)).order_id)
    assert work.location_id == store.location_id
    return work.id


def read_and_lose_the_line(store: StoreSide) -> None:
    """Hear of what was promised, and be cut off before it can be confirmed."""
    hello = store.daemon._hello()
    store.daemon._pull(hello, hello.heads)
    store.cut()


def is_given_up(world: World, store: StoreSide, key: str) -> bool:
    """Return whether a store that stays alone for long lets go of a promise."""
    assert store.store.shares.unacknowledged() == [key]
    for _ in range(2):
        pass_time(world, POLICY.reclaim_after_ms, store)
        assert not store.round().ok
    return store.store.journal.first_seq(key, REJECTED) is not None


@pytest.mark.parametrize("is_enrolled_anew", [False, True], ids=["its name", "a new name"])
def test_a_journal_that_was_put_back_keeps_what_it_may_have_confirmed(
    world: World, store: StoreSide, tmp_path: Path, is_enrolled_anew: bool
):
    """Central heard it, its next row did not come, and the copy knows of no confirmation."""
    backup = back_up(store, tmp_path / "backup")
    key = promise(world, store)
    store.round()
    (work,) = world.fulfillments(world.order_of(key))
    assert work.confirmed_at_ms
    restore(store, backup, is_disk_lost=False)
    assert store.store.journal.first_seq(key, CONFIRMED) is None
    if is_enrolled_anew:
        store.enrol_anew()
    store.cut()
    assert not is_given_up(world, store, key)
    store.faulty.restore()
    agree(world, store)
    (work,) = world.fulfillments(world.order_of(key))
    assert work.total("open") == 3


def test_a_journal_that_central_has_heard_again_gives_up_what_it_never_confirmed(
    world: World, store: StoreSide, tmp_path: Path
):
    """What it had forgotten was given back to it: it knows again what it did."""
    restore(store, back_up(store, tmp_path / "backup"), is_disk_lost=False)
    agree(world, store)
    key = promise(world, store)
    read_and_lose_the_line(store)
    assert is_given_up(world, store, key)


def test_a_machine_with_a_new_name_and_all_its_work_gives_up_what_it_never_confirmed(
    world: World, store: StoreSide
):
    """It was never put back: what its journal does not know of was never done."""
    key = promise(world, store)
    read_and_lose_the_line(store)
    store.enrol_anew()
    store.cut()
    assert is_given_up(world, store, key)
