"""The part of a store that sells: each sale once, by the number of the point of sale."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from store_client.replica.journaling import Journaling
from store_client.replica.models import Sale
from store_client.replica.shares import Shares
from sync.domain.escrow import Share
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockEffect, StockReason
from sync.domain.people import Approval
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.protocol.lines import decode_line

Judge = Callable[[FloorSold], object]
"""May raise to call off a sale that has not happened yet."""


def no_judge(_: object) -> None:
    """Call nothing off."""


class Sales(Journaling):
    """Writes and reads sales, and says what one would break."""

    shares: Shares

    def sell(
        self,
        sale: Sale,
        *,
        by: str,
        dev: str,
        breaks: str = "",
        judge: Judge = no_judge,
        approval: Approval | None = None,
    ) -> FloorSold | None:
        """Journal what the point of sale sold; None where that transaction is known already.

        It says how many units go beyond the floor rights, and which promise was
        knowingly broken. Durable when this returns. A fact is never refused; for a
        sale that can still be called off, `judge` may raise, and nothing has happened.
        """
        operation = FloorSold(
            sale.transaction, sale.lines, breaks=breaks, sold_at_ms=sale.sold_at_ms
        )
        with self.journal.writing():
            if self.journal.knows(operation.aggregate):
                return None
            self.shares.catch_up()
            operation = replace(operation, over=self._over(sale.lines))
            judge(operation)
            effects = [
                StockEffect(one.sku, -one.units, 0, StockReason.FLOOR_SOLD) for one in sale.lines
            ]
            self._append(operation, by, dev, effects, at_ms=self.clock.now_ms(), approval=approval)
        self.shares.catch_up()
        return operation

    def _over(self, lines: Sequence[SkuUnits]) -> tuple[SkuUnits, ...]:
        wanted: dict[str, int] = {}
        for line in lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.units
        known = {share.sku: share for share in self.shares.shares(list(wanted))}
        over = {
            sku: known[sku].over(units) if sku in known else max(0, units)
            for sku, units in wanted.items()
        }
        return tuple(SkuUnits(sku, units) for sku, units in over.items() if units)

    def sale(self, transaction: str) -> FloorSold | None:
        """Return the sale of that number as it was journaled; None for one never heard of.

        Of one that the journal has forgotten only the items are known.
        """
        aggregate = FloorSold(transaction, ()).aggregate
        line = self.journal.first_line(aggregate)
        if line is not None:
            return cast("FloorSold", decode_line(line).op)
        items = self.journal.forgotten_sale(aggregate)
        return None if items is None else FloorSold(transaction, items)

    def sales_taken(self) -> int:
        """Return how many sales the journal holds."""
        return self.journal.rights.count_sales()

    def share(self, sku: str) -> Share | None:
        """Return how a SKU is divided now; None for one that the store never had."""
        return next(iter(self.shares.shares([sku])), None)

    def promises_of(self, sku: str) -> Sequence[FulfillmentOrder]:
        """Return the orders for which units of `sku` still lie on the shelf."""
        return self.shares.promises_of(sku)

    def is_unacknowledged(self, fulfillment_id: str) -> bool:
        """Return whether central may have moved this order, for all that the store knows."""
        return self.shares.is_unacknowledged(fulfillment_id)
