"""What a row of stock is: its columns, how the feed carries it, and what it begins with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sync.domain.escrow import Rights
from sync.protocol.rows import StockRow, Watermark

STOCK_KEY = ("location_id", "sku")
RIGHTS = ("generation", "granted", "promised", "returned")
ROW_COLUMNS = (
    "sku", "on_hand", "allocated", "floor", "safety_stock", "aisle",
    *RIGHTS, "op_replica", "op_epoch", "op_seq",
)  # fmt: skip
LEASE = ("generation", "until_ms", "token_ms")
WITH_LEASE = "LEFT JOIN leases ON leases.location_id = stock.location_id"
POSITION = ", ".join(
    [f"stock.{name}" for name in (*STOCK_KEY, "on_hand", "allocated", "floor", "safety_stock")]
    + [f"stock.{name}" for name in (*RIGHTS, "silence")]
    + [f"leases.{name}" for name in LEASE]
)
"""What `Stock.position` reads, of a row `WITH_LEASE`."""


@dataclass(frozen=True, slots=True)
class OpeningStock:
    """What a location has of a SKU when stock is set, by an import or a count."""

    location_id: str
    sku: str
    on_hand: int
    aisle: str = ""
    safety_stock: int = 0
    floor_percent: int = 0
    for_orders: int = 0
    """Units that came for orders that wait for them: the floor is no share of these."""
    is_shared: bool = False
    """Whether the location shares by escrow: a floor that sizing has set stays."""


def stock_row_of(row: Sequence[Any]) -> StockRow:
    """Return `ROW_COLUMNS` as the feed carries them."""
    sku, on_hand, allocated, floor, safety_stock, aisle, *shared = row
    rights, watermark = Rights(*shared[:4]), Watermark(*shared[4:])
    return StockRow(sku, on_hand, allocated, floor, safety_stock, aisle, rights, watermark)
