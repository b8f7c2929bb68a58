"""What a store is told of its stock is what the book says, however many write at one moment."""

import pytest
from pydantic import TypeAdapter

from central_server.services.catalogue_intake import StockItem
from central_server.storage.feed import SqlFeedStore
from sync.protocol.rows import Entity, StockRow, store_scope
from tests.central_server.services.test_reservations import reserve
from tests.central_server.services.test_waiting_at_once import Pause
from tests.support.central_world import World, build_world

pytestmark = pytest.mark.postgres


@pytest.fixture
def world(postgresql_database, tmp_path) -> World:
    """The small central with ten of everything, whose clock is noted."""
    world = build_world(postgresql_database, tmp_path)
    world.place(("SKU-1", 1), at="S003")
    return world


def test_an_order_on_a_waiting_list_tells_no_older_stock(world: World, monkeypatch):
    """It moves none, so it says nothing of it: an import of that moment is the newest word."""
    Pause(monkeypatch, SqlFeedStore, "take_revs", is_before=True).meanwhile(
        lambda: reserve(world, 40, waiting_list=True),
        lambda: world.parts.intake.stock([StockItem("S001", "SKU-1", 3)], "count"),
    )
    assert fed(world) == booked(world)
    assert booked(world).on_hand == 3


def booked(world: World) -> StockRow:
    with world.database.read() as view:
        (row,) = view.stock.rows("S001", ["SKU-1"])
    return row


def fed(world: World) -> StockRow:
    """Return the newest that the store's feed says."""
    with world.database.read() as view:
        rows = view.feed.rows_after(store_scope("S001"), 0, 1_000)
    (body,) = [one.body for one in rows if (one.entity, one.key) == (Entity.STOCK, "SKU-1")]
    assert body is not None
    return TypeAdapter(StockRow).validate_json(body)
