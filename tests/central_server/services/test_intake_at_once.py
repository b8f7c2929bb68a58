"""What files and people say at the same moment as others: nothing that was said is lost."""

from dataclasses import replace

import pytest

from central_server.records import EscrowRule, Location, Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import BundleInvalid
from central_server.storage.associates import Associates
from central_server.storage.locations import Locations
from central_server.storage.stock import Stock
from central_server.storage.supply import Supply
from sync.domain.escrow import EscrowPolicy
from sync.domain.inventory import StockReason
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.hub.feed import read_page
from sync.protocol.rows import AssociateRow, Entity, store_scope
from tests.central_server.services.test_floor_of_orders import count, floor, order
from tests.central_server.services.test_waiting_at_once import Pause
from tests.support.central_world import World, build_world
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.postgres
UNKNOWN = "SKU-9"
SHORTER, LONGER = ReservePolicy(hold_hours=12), ReservePolicy(hold_hours=36)
STRICT = EscrowPolicy(enabled=True, strict=True)
LATER = PickupPolicy(ready_minutes=90)
TEN_TO_SIX = ((600, 1080),) * 7


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
    world.parts.intake.locations([replace(place_of(world), floor_percent=20)])
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


def place_of(world: World) -> Location:
    with world.database.read() as view:
        found = view.locations.get("S001")
    assert found is not None
    return found


def told(world: World) -> str:
    """Return what S001's terminals get to know of their own store."""
    scope = store_scope("S001")
    with world.database.read() as view:
        page = read_page(view.feed, scope, incarnation=view.feed.incarnation(), after=0, limit=1000)
    (row,) = [one for one in page.rows if one.entity == Entity.STORE]
    return str(row)


def share(world: World, escrow: EscrowPolicy, since_ms: int = 0) -> None:
    at_ms = world.clock.now_ms() - since_ms
    world.parts.central.escrow.add(EscrowRule("S001", at_ms, escrow))


@pytest.mark.parametrize(
    ("first", "is_there"),
    [
        (lambda world: world.parts.intake.carriers(CARRIERS), lambda it: it.carriers),
        (
            lambda world: world.parts.intake.locations(
                [replace(place_of(world), hours=TEN_TO_SIX, reserve=ReservePolicy())]
            ),
            lambda it: it.hours == TEN_TO_SIX,
        ),
        (
            lambda world: world.parts.tills.set_pickup_policy("S001", LATER),
            lambda it: it.pickup == LATER,
        ),
        (lambda world: share(world, STRICT), lambda it: it.escrow == STRICT),
    ],
    ids=["carriers", "hours", "pickups", "escrow"],
)
def test_what_is_said_of_a_store_meanwhile_is_kept(
    postgresql_database, tmp_path, monkeypatch, first, is_there
):
    """Two say different things of one store at once: both hold, and its terminals hear both."""
    world = build_world(postgresql_database, tmp_path)
    world.parts.tills.set_policy("S001", SHORTER)
    Pause(monkeypatch, Locations, "lock").meanwhile(
        lambda: first(world), lambda: world.parts.tills.set_policy("S001", LONGER)
    )
    found = place_of(world)
    assert found.reserve == LONGER
    assert is_there(found)
    assert '"hold_hours":36' in told(world)


def test_a_newer_rule_of_sharing_stands_when_an_older_one_is_applied_meanwhile(world, monkeypatch):
    """Who applies the older one has read the rules before the newer came, and writes after it."""
    newer = replace(STRICT, strict=False)
    Pause(monkeypatch, Locations, "all").meanwhile(
        lambda: share(world, STRICT, since_ms=1), lambda: share(world, newer)
    )
    assert place_of(world).escrow == newer


def test_who_is_moved_to_two_stores_at_once_is_known_at_one(world, monkeypatch):
    """The later one has the last word: the store of the earlier forgets them as that of before."""
    kim = [AssociateRow("A7", "Kim", Role.LEAD, "hash")]
    intake = world.parts.intake
    intake.associates("S001", kim)
    Pause(monkeypatch, Associates, "lock").meanwhile(
        lambda: intake.associates("S002", kim), lambda: intake.associates("S003", kim)
    )
    assert [place for place in ("S001", "S002", "S003") if knows(world, place, "A7")] == ["S003"]


def knows(world: World, location_id: str, associate_id: str) -> bool:
    with world.database.read() as view:
        rows = view.feed.rows_after(store_scope(location_id), 0, 1000)
    return any(
        one.entity == Entity.ASSOCIATE and one.key == associate_id and one.body for one in rows
    )
