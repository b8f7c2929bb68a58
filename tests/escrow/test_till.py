"""What the till was told is what central does: the order that is named is the order that moves."""

import json
from random import Random

import pytest

from store_client.pos.folder import SalesFolder
from store_client.services.sales import examine
from sync.domain.stock_operations import SkuUnits
from tests.support.central_world import World
from tests.support.store_side import StoreSide

SKU = "SKU-1"


def moved_from(world: World, placed) -> dict[str, int]:
    """Return the units by order that have left S001."""
    found = {}
    for one in placed:
        work = next(part for part in world.fulfillments(one.order_id) if part.location_id == "S001")
        if work.total("short"):
            found[work.id] = work.total("short")
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_order_that_the_till_names_is_the_one_that_central_moves(
    world: World, store: StoreSide, seed: int
):
    """Orders of different urgency, one sale or two while the store is cut off."""
    random = Random(seed)
    placed = [world.place((SKU, random.choice([1, 2, 3]))) for _ in range(3)]
    placed = [one for one in placed if world.fulfillments(one.order_id)[0].location_id == "S001"]
    store.settle()
    store.cut()
    named: dict[str, int] = {}
    for _ in range(random.choice([1, 2])):
        units = random.choice([3, 4, 5])
        (line,) = examine(store.store, [SkuUnits(SKU, units)]).lines
        for one in line.broken:
            named[one.order.id] = named.get(one.order.id, 0) + one.units
        store.sell(units)
    store.settle()
    assert moved_from(world, placed) == named
    assert store.differences() == []


def test_sales_of_the_folder_make_the_floor_true(world: World, store: StoreSide, tmp_path):
    """From a file at the store to the book at central, and the floor is filled up again."""
    folder = SalesFolder(tmp_path / "pos", store.store, store.clock)
    folder.look()
    sale = {"transaction": "T1", "lines": [{"sku": SKU, "quantity": 2}]}
    (tmp_path / "pos" / "1.json").write_text(json.dumps(sale))
    for _ in range(2):
        folder.look()
        store.clock.advance(1_000)
    assert store.share().floor == 0
    store.settle()
    assert world.stock("S001")[0] == 8
    assert (store.share().floor, store.share().online) == (2, 6)
    assert store.differences() == []


def test_a_sale_says_when_it_was(world: World, store: StoreSide):
    """The till's own time goes to central with the sale."""
    from store_client.replica.models import Sale

    store.store.sell(Sale("T1", (SkuUnits(SKU, 1),), 1_763_900_000_000), by="pos", dev="pos")
    store.settle()
    assert store.store.operations(1)[0].state.value == "accepted"
    assert world.stock("S001")[0] == 9


def test_a_promise_is_sure_only_after_central_s_answer(world: World, store: StoreSide):
    """The confirmation was sent; until the order comes back with it, nobody here can know."""
    placed = world.place((SKU, 1))
    (work,) = world.fulfillments(placed.order_id)
    store.round()
    assert store.store.is_unacknowledged(work.id)
    store.settle()
    assert not store.store.is_unacknowledged(work.id)
    assert not store.store.is_unacknowledged("unknown")
