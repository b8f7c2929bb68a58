"""Queries of stock over many places: its positions, who has most, who has any, the sums."""

from sqlalchemy import bindparam, case, exists, func, select

from central_server.records import StockSums
from central_server.storage.prepared import Prepared
from central_server.storage.stock_rows import RIGHTS
from central_server.storage.tables import LEASES, LOCATIONS, STOCK

POSITIONS = select(  # what `Stock.position` reads
    STOCK.c.location_id, STOCK.c.sku, STOCK.c.on_hand, STOCK.c.allocated, STOCK.c.floor,
    STOCK.c.safety_stock, *(STOCK.c[name] for name in RIGHTS),
    STOCK.c.silence, LEASES.c.generation.label("open_generation"), LEASES.c.until_ms,
    LEASES.c.token_ms,
).select_from(
    STOCK.outerjoin(LEASES, LEASES.c.location_id == STOCK.c.location_id)
)  # fmt: skip
_SUMS_OF = (
    func.count(), func.sum(case((STOCK.c.on_hand > 0, STOCK.c.on_hand), else_=0)),
    func.sum(STOCK.c.weekly_milli),
)  # fmt: skip
FULLEST = Prepared(
    lambda _: (
        POSITIONS.add_columns(*(one.over() for one in _SUMS_OF))
        .where(STOCK.c.sku == bindparam("sku"))
        .order_by((STOCK.c.on_hand - STOCK.c.allocated).desc(), STOCK.c.location_id)
        .limit(bindparam("most"))
    )
)
SUMS = Prepared(
    lambda engine: (
        select(STOCK.c.sku, *_SUMS_OF)
        .where(engine.among(STOCK.c.sku, "skus"))
        .group_by(STOCK.c.sku)
    )
)
CARRYING = Prepared(
    lambda engine: select(LOCATIONS.c.id).where(
        engine.among(LOCATIONS.c.id, "places"),
        exists().where(STOCK.c.location_id == LOCATIONS.c.id, engine.among(STOCK.c.sku, "skus")),
    )
)


def stock_sums(places: int, on_hand: int, weekly_milli: int) -> StockSums:
    """Return the sums of a row of `SUMS` or `FULLEST`."""
    return StockSums(places, int(on_hand), int(weekly_milli))  # decimals on PostgreSQL
