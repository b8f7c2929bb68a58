"""A store that hears a restored central by halves: of its pushes alone, or of its rows alone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from store_client.services import reserving
from store_client.services.desk import Desk
from sync.protocol import errors
from sync.protocol.session import PushAnswer, PushHeader
from tests.escrow.test_approved import approve_all, hand_in
from tests.escrow.test_forgotten_orders import copy_central, figures, placed, put_central_back
from tests.escrow.test_own_orders import RESERVED
from tests.escrow.test_replaced import MINUTE_MS, agree, lease_of, online, pass_time
from tests.escrow.test_set_aside import set_sharing
from tests.support.central_world import World, sqlite_world
from tests.support.counter import HIT
from tests.support.store_side import StoreSide, share_by_escrow


@pytest.fixture
def world(tmp_path: Path) -> World:
    """On SQLite, whose database can be copied and put back."""
    world = sqlite_world(tmp_path / "central")
    share_by_escrow(world, floor_percent=20)
    return world


def one_at_a_time(store: StoreSide) -> None:
    """Let pushes be as small as they can be, as those are of a store that has much to say."""
    session = store.daemon._session
    assert session is not None
    store.daemon._session = session.model_copy(update={"ops_max": 1})


def as_an_older_one(store: StoreSide) -> None:
    """Let central say of no answer which life of its gives it."""
    real = store.faulty.push

    def push(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        return real(header, lines).model_copy(update={"incarnation": 0})

    store.faulty.push = push  # type: ignore[method-assign]


@pytest.mark.parametrize(("lost", "is_older"), [(0, False), (1, False), (2, False), (1, True)])
def test_no_lease_begins_with_what_is_said_before_its_rows_are_read(
    world: World, store: StoreSide, tmp_path: Path, lost: int, *, is_older: bool
):
    """The later parts of one push have its token: it may have forgotten what it promised."""
    for number in range(2):
        if number == 2 - lost:
            copy_central(world, tmp_path / "copy.db")
        placed(world, store)
    copied = tmp_path / "copy.db" if lost else copy_central(world, tmp_path / "copy.db")
    one_at_a_time(store)
    if is_older:
        as_an_older_one(store)
    store.cut()
    store.sell(1, "SKU-3")
    store.sell(1, "SKU-3")
    put_central_back(world, copied)
    pass_time(world, MINUTE_MS, store)
    store.faulty.restore()
    store.faulty.cut_before("pull")
    store.round()
    assert store.store.journal.backlog() == 0
    assert not lease_of(world).is_alive(world.clock.now_ms())
    agree(world, store)
    assert lease_of(world).is_alive(world.clock.now_ms())


def refuse_once(store: StoreSide, refusal: Callable[[], Exception]) -> None:
    """Let the next push be refused for good, as by a central that was put back to an older one."""
    real = store.faulty.push

    def push(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        store.faulty.push = real  # type: ignore[method-assign]
        raise refusal()

    store.faulty.push = push  # type: ignore[method-assign]


def test_what_it_has_forgotten_is_not_over_where_only_its_rows_are_heard(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """It was put back, as an older version: the push is refused, the rows are read.

    The reservation is missing among them, and is no less the customer's.
    """
    copied = copy_central(world, tmp_path / "copy.db")
    order = reserving.reserve(desk, HIT, RESERVED)
    store.settle()
    put_central_back(world, copied)
    refuse_once(store, lambda: errors.VersionUnsupported("no common protocol version"))
    store.round()
    store.cut()
    assert figures(store) == (10, 2)
    seen = store.store.fulfillment(order.id)
    assert seen is not None
    assert seen.total("allocated") == 2
    agree(world, store)
    assert figures(store) == (10, 2)
    assert world.stock("S001") == (10, 2)
    assert online(world) + store.share().floor == 8


def begins_no_lease_by_pushes(world: World, store: StoreSide) -> None:
    """Central hears the store again and again, and the store reads none of its rows."""
    pass_time(world, MINUTE_MS, store)
    for _ in range(2):
        store.faulty.restore()
        store.faulty.cut_before("pull")
        assert not store.round().ok
    assert not lease_of(world).is_alive(world.clock.now_ms())


def test_it_is_known_for_another_where_its_rows_are_lost_as_well(
    world: World, store: StoreSide, tmp_path: Path
):
    """The journal knows to whom rights were given; nothing else here does any more."""
    copied = copy_central(world, tmp_path / "copy.db")
    placed(world, store)
    put_central_back(world, copied)
    store.lose_replica()
    begins_no_lease_by_pushes(world, store)
    agree(world, store)
    assert lease_of(world).generation == 2


def test_rights_of_before_sharing_was_switched_off_are_taken_back(
    world: World, store: StoreSide, tmp_path: Path
):
    """The copy shares, and the policy that the store has read does not: the rights are void."""
    copied = copy_central(world, tmp_path / "copy.db")
    set_sharing(world, is_on=False)
    placed(world, store)
    put_central_back(world, copied)
    begins_no_lease_by_pushes(world, store)
    agree(world, store)
    assert lease_of(world).generation == 3, "it had closed the second itself"
    assert online(world) + store.share().floor == 10


def test_a_copy_of_a_machine_goes_back_to_nothing(world: World, store: StoreSide, tmp_path: Path):
    """It sends nothing any more, so that what it went back to would stay unsent for ever."""
    copied = copy_central(world, tmp_path / "copy.db")
    placed(world, store)
    journal = store.store.journal
    journal.give_up_name()
    put_central_back(world, copied)
    store.daemon._session = None
    before = journal.acked_seq()
    assert not store.round().ok
    assert journal.acked_seq() == before > 1


def test_what_a_copy_of_the_machine_has_said_to_it_is_held_for_this_one_too(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """It was accepted in the life that is over: under a new name, the machine asks about all."""
    copied = copy_central(world, tmp_path / "copy.db")
    order = reserving.reserve(desk, HIT, RESERVED)
    store.settle()
    store.store.close()
    shutil.copytree(store.folder, tmp_path / "twin")
    store.open()
    twin = StoreSide(world, tmp_path / "twin")
    put_central_back(world, copied)
    world.parts.devices.revoke(store.store.replica_id)
    twin.sell(1)
    hand_in(world, twin)
    store.enrol_anew()
    store.settle()
    assert figures(store) == (9, 2)
    approve_all(world)
    agree(world, store)
    assert figures(store) == (9, 2)
    assert world.stock("S001") == (9, 2)
    seen = store.store.fulfillment(order.id)
    assert seen is not None
    assert seen.total("allocated") == 2
    twin.store.close()
