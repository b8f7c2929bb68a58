"""Sizing beside a file of stock: it takes its time, and nobody waits for it."""

from collections.abc import Callable

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.storage.stock import Stock
from sync.domain.inventory import StockReason
from tests.central_server.services.test_waiting_at_once import Pause
from tests.escrow.test_sizing import DAY_MS, remembered, size, targets
from tests.support.central_world import World

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(make_postgresql_url: Callable[[], str]) -> str:
    """PostgreSQL only: on SQLite nobody writes meanwhile."""
    return make_postgresql_url()


def tell(world: World, units: int) -> None:
    items = [StockItem("S001", "SKU-1", units)]
    world.parts.intake.stock(items, "night", StockReason.IMPORT)


def test_goods_that_come_while_floors_are_sized_are_not_all_granted(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Sold out, nothing was free to be kept; of the fifty that are told meanwhile some are.

    Granted and promised, they would not come back with the next sizing.
    """
    remembered(world, [world.clock.now_ms() - hours * DAY_MS // 24 for hours in range(24 * 30)])
    tell(world, 50)
    kept = size(world)
    tell(world, 0)
    Pause(monkeypatch, Stock, "rows").meanwhile(world.parts.sizing.run, lambda: tell(world, 50))
    assert targets(world)["SKU-1"] == kept > 0
