"""The selling part of the store in memory, by the real rules."""

from dataclasses import replace
from threading import RLock
from typing import Any

from sync.domain.escrow import Share
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.stock_operations import FloorSold, SkuUnits


class FakeSales:
    """What `FakeStore` does when something is sold; its fields are that one's."""

    lock: RLock
    version: int
    catalogue: list[Any]
    orders: dict[str, FulfillmentOrder]
    sales: dict[str, FloorSold]
    sold_by: list[tuple[str, str]]
    unacknowledged: set[str]
    approvals: list[tuple[str, str, str, str]]
    """(kind, who did it, who approved, why) of what was approved."""

    def note_approval(self, operation, by: str, approval) -> None:
        """Remember who approved an operation."""
        if approval is not None:
            self.approvals.append((operation.kind, by, approval.by, approval.why))

    def sell(
        self, sale, *, by: str, dev: str, breaks: str = "", judge=lambda _: None, approval=None
    ):
        with self.lock:
            if sale.transaction in self.sales:
                return None
            over = []
            for line in sale.lines:
                share = self.share(line.sku)
                units = max(0, line.units) if share is None else share.over(line.units)
                over += [SkuUnits(line.sku, units)] if units else []
            sold = FloorSold(sale.transaction, sale.lines, tuple(over), breaks, sale.sold_at_ms)
            judge(sold)
            self.sales[sale.transaction] = sold
            self.sold_by.append((by, dev))
            self.note_approval(sold, by, approval)
            for line in sale.lines:
                self._move(line)
            self.version += 1
            return sold

    def _move(self, line: SkuUnits) -> None:
        self.catalogue = [
            replace(hit, on_hand=(hit.on_hand or 0) - line.units,
                    available=max(0, (hit.on_hand or 0) - line.units - hit.allocated))
            if hit.sku == line.sku else hit
            for hit in self.catalogue
        ]  # fmt: skip

    def sale(self, transaction: str) -> FloorSold | None:
        return self.sales.get(transaction)

    def share(self, sku: str) -> Share | None:
        hit = next((hit for hit in self.catalogue if hit.sku == sku), None)
        if hit is None or hit.on_hand is None:
            return None
        return Share(sku, hit.on_hand, hit.allocated, hit.online)

    def promises_of(self, sku: str) -> list[FulfillmentOrder]:
        return [
            order
            for order in self.orders.values()
            if any(line.sku == sku and line.to_pick for line in order.lines)
        ]

    def is_unacknowledged(self, fulfillment_id: str) -> bool:
        return fulfillment_id in self.unacknowledged
