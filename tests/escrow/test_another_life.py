"""A store that hears a restored central by halves: of its pushes alone, or of its rows alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from store_client.services import reserving
from store_client.services.desk import Desk
from sync.protocol import errors
from sync.protocol.session import PushAnswer, PushHeader
from tests.escrow.test_forgotten_orders import copy_central, figures, placed, put_central_back
from tests.escrow.test_own_orders import RESERVED
from tests.escrow.test_replaced import MINUTE_MS, agree, lease_of, online, pass_time
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


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_no_lease_begins_with_what_is_said_before_its_rows_are_read(
    world: World, store: StoreSide, tmp_path: Path, lost: int
):
    """The later parts of one push have its token: it may have forgotten what it promised."""
    for number in range(2):
        if number == 2 - lost:
            copy_central(world, tmp_path / "copy.db")
        placed(world, store)
    copied = tmp_path / "copy.db" if lost else copy_central(world, tmp_path / "copy.db")
    one_at_a_time(store)
    store.cut()
    store.sell(1, "SKU-3")
    store.sell(1, "SKU-3")
    put_central_back(world, copied)
    pass_time(world, MINUTE_MS, store)
    store.faulty.restore()
    store.faulty.cut_before("pull")
    assert not store.round().ok
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
