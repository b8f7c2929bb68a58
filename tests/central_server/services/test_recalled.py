"""What a store asks back is a total of one generation: asked again, or late, it is given once."""

from dataclasses import dataclass, field
from typing import cast

from central_server.records import Lease, Location
from central_server.services.rights import SharedStock
from central_server.storage.unit import Unit
from sync.domain.escrow import Rights
from sync.domain.ids import OpId
from sync.domain.stock_operations import RightsRecalled, SkuUnits
from sync.protocol.rows import StockRow

PLACE = Location("S001", "Store 1", latitude=0, longitude=0, timezone="UTC", price_zone="EAST")
GENERATION = 3


@dataclass
class Tables:
    """Stands for the tables of a transaction: one lease, one row."""

    row: StockRow = field(
        default_factory=lambda: StockRow("SKU-1", 10, 2, rights=Rights(GENERATION, 6, 2))
    )

    @property
    def leases(self) -> "Tables":
        return self

    @property
    def stock(self) -> "Tables":
        return self

    def get(self, location_id: str) -> Lease:
        return Lease(location_id, GENERATION, 0, 0, 0)

    def lock_rows(self, location_id: str, skus: object) -> dict[str, StockRow]:
        return {self.row.sku: self.row}

    def set_rights(self, location_id: str, rows: list[StockRow]) -> None:
        (self.row,) = rows


def _given_back(*asked: RightsRecalled) -> int:
    tables = Tables()
    for seq, one in enumerate(asked, 1):
        shared = SharedStock(cast("Unit", tables), PLACE)
        shared.load([one])
        shared.apply(one, OpId("R-1", 1, seq))
        shared.flush()
    return tables.row.rights.returned


def _asked(units: int, generation: int = GENERATION) -> RightsRecalled:
    return RightsRecalled(generation, (SkuUnits("SKU-1", units),))


def test_what_is_asked_twice_is_given_back_once():
    """The second request names the same total."""
    assert _given_back(_asked(2), _asked(2)) == 2
    assert _given_back(_asked(2), _asked(3)) == 3


def test_what_another_generation_asks_back_is_not_given_of_this_one():
    """A request that was held back, and is settled when its generation is over."""
    assert _given_back(_asked(2, GENERATION - 1)) == 0
