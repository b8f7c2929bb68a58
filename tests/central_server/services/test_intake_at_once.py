"""What files and people say at the same moment as others: nothing that was said is lost."""

from dataclasses import replace

import pytest

from central_server.records import Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import BundleInvalid
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


@pytest.fixture
def kits(world: World) -> World:
    """Products that have no stock, to be kits and parts of kits."""
    names = ("KIT", "PART")
    world.parts.intake.products([Product(name, f"Thing {name}") for name in names])
    return world


def set_kit(world: World, sku: str, *components: str) -> None:
    world.parts.central.supply.set_bundle(sku, dict.fromkeys(components, 1))


@pytest.mark.parametrize("second", ["SKU-3", "SKU-2"], ids=["apart", "with a common part"])
def test_two_who_set_one_kit_at_once_do_not_make_a_third_of_it(kits, monkeypatch, second):
    """The second has the last word: nothing of the first is left in it."""
    Pause(monkeypatch, Supply, "set_bundle").meanwhile(
        lambda: set_kit(kits, "KIT", "SKU-1", "SKU-2"), lambda: set_kit(kits, "KIT", second)
    )
    assert kits.parts.central.supply.bundle("KIT")["components"] == {second: 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [(("KIT", "PART"), ("PART", "SKU-1")), (("PART", "SKU-1"), ("KIT", "PART"))],
    ids=["part becomes a kit", "kit becomes a part"],
)
def test_a_kit_that_is_set_meanwhile_is_in_no_other(kits, monkeypatch, first, second):
    """Who is second is told why not, as if the first had been there for long."""
    pause = Pause(monkeypatch, Supply, "set_bundle")
    with pytest.raises(BundleInvalid):
        pause.meanwhile(lambda: set_kit(kits, *first), lambda: set_kit(kits, *second))
    assert kits.parts.central.supply.bundle(first[0])["components"] == {first[1]: 1}
