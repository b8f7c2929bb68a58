"""The part of the store in memory that lists orders."""

from dataclasses import dataclass
from typing import Any

from sync.domain.flows import status_of
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.paying import unpaid


@dataclass(frozen=True)
class Row:
    id: str
    order_number: str
    customer_name: str
    status: FulfillmentStatus
    promised_by_ms: int
    expires_at_ms: int | None
    staging_spot: str
    units_open: int
    units_to_pick: int
    units_to_put_back: int
    provisional: bool = False
    flow: str = "pickup"
    unpaid_minor: int | None = None


@dataclass(frozen=True)
class Held:
    by: str
    device: str
    seq: int
    undid: bool


class FakeBoards:
    """Lists the orders of `FakeStore`, whose field they are."""

    orders: dict[str, FulfillmentOrder]
    journal: list[Any]

    def board(self, flow: str, *, include_closed=False, limit=500, offset=0) -> list[Row]:
        rows = [row_of(order) for order in self.orders.values() if order.flow == flow]
        alive = [row for row in rows if include_closed or _active(row)]
        alive.sort(key=lambda row: (row.promised_by_ms, row.id))
        return alive[offset : offset + limit]

    def counts(self, flow: str) -> dict[FulfillmentStatus, int]:
        counts: dict[FulfillmentStatus, int] = {}
        for order in [one for one in self.orders.values() if one.flow == flow]:
            status = status_of(order)
            counts[status] = counts.get(status, 0) + 1
        return counts

    def find_orders(self, text: str, limit: int = 20) -> list[Row]:
        wanted = text.casefold()
        rows = (row_of(order) for order in self.orders.values())
        found = [
            row
            for row in rows
            if wanted in row.order_number.casefold()
            or wanted in row.customer_name.casefold()
            or wanted == row.id.casefold()
        ]
        return found[:limit]

    def spots_used(self, without: str = "") -> dict[str, int]:
        used: dict[str, int] = {}
        for row in self._lying():
            if row.id != without:
                used[row.staging_spot] = used.get(row.staging_spot, 0) + 1
        return used

    def orders_at(self, spot: str) -> list[Row]:
        wanted = spot.casefold()
        return [row for row in self._lying() if row.staging_spot.casefold() == wanted]

    def over(self, flow: str, now_ms: int) -> list[str]:
        rows = [row_of(one) for one in self.orders.values() if one.flow == flow]
        return [
            row.id
            for row in rows
            if _active(row) and row.expires_at_ms is not None and row.expires_at_ms <= now_ms
        ]

    def noted(self, flow: str, note: str) -> list[str]:
        found = [one for one in self.orders.values() if one.flow == flow and one.note(note)]
        return [one.id for one in found if _active(row_of(one))]

    def carriers(self, flow: str) -> dict[str, str]:
        found = [one for one in self.orders.values() if one.flow == flow and _active(row_of(one))]
        return {one.id: shipment_of(one).carrier for one in found}

    def holders(self, fulfillment_ids) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for seq, fate in enumerate(self.journal, start=1):
            if fate.kind in {"fulfillment_accepted", "line_picked", "line_unpicked"}:
                undid = fate.kind == "line_unpicked"
                found[fate.fulfillment_id] = Held(fate.by, fate.device, seq, undid)
            elif fate.kind == "wave_assigned":
                found.pop(fate.fulfillment_id, None)
        return {key: found[key] for key in fulfillment_ids if key in found}

    def _lying(self) -> list[Row]:
        rows = sorted(map(row_of, self.orders.values()), key=lambda row: row.promised_by_ms)
        return [row for row in rows if row.staging_spot and _active(row)]


def _active(row: Row) -> bool:
    waits = row.status in {FulfillmentStatus.WAITLISTED, FulfillmentStatus.REFUND_DUE}
    return bool(row.units_open or row.units_to_put_back or waits)


def row_of(order: FulfillmentOrder) -> Row:
    return Row(
        order.id, order.order_number, order.customer_name, status_of(order),
        order.promised_by_ms, order.expires_at_ms, order.staging_spot,
        order.total("open"), order.total("to_pick"), order.total("to_put_back"),
        flow=order.flow, unpaid_minor=_unpaid(order),
    )  # fmt: skip


def _unpaid(order: FulfillmentOrder) -> int | None:
    is_listed = status_of(order) is FulfillmentStatus.MANIFESTED
    return unpaid(order) if is_listed else None
