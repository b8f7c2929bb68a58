"""What to do next for an order that is brought out: as at the hold shelf, but somebody may wait."""

from dataclasses import replace

from store_client.ports import BoardRow
from store_client.services import fetching_board as shelf
from store_client.services.board import BoardEntry
from store_client.services.due import NOW
from store_client.services.words import Said, duration
from sync.domain.flows.curbside import Arrival, arrival_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.protocol.rows import StoreRow

BRING_OUT = Said("⚑", "Bring out: waits outside", "bad", short="Bring out")
LONG_MS = 5 * 60_000
"""Whoever waits longer than this has waited long."""


def describe(row: BoardRow, store: StoreRow | None, now_ms: int) -> BoardEntry:
    """Return the board's entry for one order; who waits outside comes before all other work."""
    entry = shelf.describe(row, store, now_ms)
    if row.status is FulfillmentStatus.CUSTOMER_WAITING and not row.units_to_put_back:
        rank = (-1, row.promised_by_ms, row.order_number)
        return replace(entry, step=BRING_OUT, due=NOW, rank=rank)
    return entry


def waits_said(arrival: Arrival, now_ms: int) -> Said:
    """Return how long a customer has waited outside."""
    waited_ms = max(0, now_ms - arrival.since_ms)
    is_long = waited_ms >= LONG_MS
    return Said("!" if is_long else "", duration(waited_ms), "bad" if is_long else "warn")


def outside_words(order: FulfillmentOrder, now_ms: int) -> str:
    """Return where the customer waits and since when; empty where nobody does."""
    arrival = arrival_of(order)
    if arrival is None or not order.total("open"):
        return ""
    car = f" ({arrival.vehicle})" if arrival.vehicle else ""
    return f"Waits outside at {arrival.parking}{car}, {waits_said(arrival, now_ms).words}"
