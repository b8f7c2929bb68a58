"""Runs of sizes: at which locations all products of a style are on the shelf."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from central_server.storage.prepared import Prepared
from central_server.storage.tables import PRODUCTS, STOCK

_SIZES = PRODUCTS.alias("sizes")
_STYLES = Prepared(
    lambda engine: (
        select(PRODUCTS.c.sku, PRODUCTS.c.style, func.count())
        .join(_SIZES, _SIZES.c.style == PRODUCTS.c.style)
        .where(engine.among(PRODUCTS.c.sku, "skus"))
        .group_by(PRODUCTS.c.sku, PRODUCTS.c.style)
        .having(func.count() > 1)
    )
)
_THERE = Prepared(
    lambda engine: (
        select(STOCK.c.location_id, PRODUCTS.c.style, func.count())
        .join(PRODUCTS, PRODUCTS.c.sku == STOCK.c.sku)
        .where(engine.among(PRODUCTS.c.style, "styles"), STOCK.c.on_hand > STOCK.c.allocated)
        .group_by(STOCK.c.location_id, PRODUCTS.c.style)
    )
)
_LEFT = Prepared(
    lambda engine: select(STOCK.c.location_id, STOCK.c.sku, STOCK.c.on_hand - STOCK.c.allocated)
    .where(engine.among(STOCK.c.sku, "skus"), STOCK.c.on_hand > STOCK.c.allocated)
)  # fmt: skip


class Runs:
    """Reads `products.style` beside `stock`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def whole(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return units that are promised to nobody, by (location, SKU), in runs that are whole.

        That is where each product of the SKU's style has such a unit. A style of one
        product is no run.
        """
        styles = {sku: (style, sizes) for sku, style, sizes in
                  _STYLES.rows(self._connection, skus=sorted(skus))}  # fmt: skip
        if not styles:
            return {}
        names = sorted({style for style, _ in styles.values()})
        there = {
            (place, style): count
            for place, style, count in _THERE.rows(self._connection, styles=names)
        }
        left = _LEFT.rows(self._connection, skus=sorted(styles))
        return {
            (place, sku): int(units)
            for place, sku, units in left
            if there.get((place, styles[sku][0])) == styles[sku][1]
        }
