"""What files and people say at the same moment as others: nothing that was said is lost."""

from dataclasses import replace

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.storage.stock import Stock
from central_server.storage.supply import Supply
from sync.domain.inventory import StockReason
from sync.domain.stock_operations import FloorSold, SkuUnits
from tests.central_server.services.test_floor_of_orders import count, floor, order
from tests.central_server.services.test_waiting_at_once import Pause
from tests.support.central_world import World, build_world
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.postgres
UNKNOWN = "SKU-9"


@pytest.fixture
def world(postgresql_database, tmp_path) -> World:
    """Three stores with ten of everything that can send it, on the engine where writers meet."""
    world = build_world(postgresql_database, tmp_path)
    world.parts.intake.carriers(CARRIERS)
    return world


def bring_in(world: World, units: int, sku: str = UNKNOWN) -> None:
    world.parts.intake.stock([StockItem("S001", sku, units)], "file", StockReason.IMPORT)


def test_what_is_sold_while_its_first_stock_is_told_is_in_the_ledger(world, monkeypatch):
    """Nobody had a row of it when the file began: the ledger gets what the file changed."""
    device = world.device("S001")
    device.do(FloorSold("T1", (SkuUnits(UNKNOWN, 1),)))
    Pause(monkeypatch, Stock, "_on_hand").meanwhile(lambda: bring_in(world, 10), device.push)
    assert world.stock("S001", UNKNOWN) == (10, 0)
    world.check_books()


def test_two_files_with_the_first_stock_of_one_sku_count_it_once(world, monkeypatch):
    """The later one has the last word, and the ledger sums to it."""
    Pause(monkeypatch, Stock, "_on_hand").meanwhile(
        lambda: bring_in(world, 10), lambda: bring_in(world, 7)
    )
    assert world.stock("S001", UNKNOWN) == (10, 0)
    world.check_books()


def test_a_receipt_that_is_closed_while_stock_is_told_leaves_its_units_to_the_order(
    world, monkeypatch
):
    """Of fourteen, four came for an order: the floor is a fifth of the other ten."""
    with world.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    world.parts.intake.locations([replace(place, floor_percent=20)])
    count(world, 10)
    order(world, world.new_order(("SKU-1", 12)))
    supply = world.parts.central.supply
    (receipt,) = supply.coming("SKU-1")
    Pause(monkeypatch, Supply, "came_for_orders").meanwhile(
        lambda: count(world, 14), lambda: supply.close(str(receipt["id"]), 4)
    )
    assert floor(world) == 2
    world.check_books()
