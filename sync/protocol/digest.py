"""A store's data in a form that store and central can both produce, and be compared by.

This is how anybody proves that the two are one: `store-client digest --json`
on one side, `GET /v1/stores/{id}/digest` on the other, `differences` between.
"""

from collections.abc import Iterable, Mapping

from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.protocol.session import Message

NAMED_MAX = 50


class OrderDigest(Message):
    """A fulfillment order: its status and, per line, every counter in units."""

    status: str
    lines: tuple[tuple[int, ...], ...]
    """(line, allocated, picked, short, cancelled, refused, expired, fulfilled, put back)."""
    tenders: tuple[tuple[int, str, str, int, int], ...] = ()
    """Of a reservation: (number, means, state, amount, rounding), in minor units."""


class StoreDigest(Message):
    """Everything a store and central must agree on once nothing is on its way."""

    location_id: str
    replica_id: str
    last_seq: int
    last_hash: str
    orders: Mapping[str, OrderDigest]
    stock: Mapping[str, tuple[int, int]]
    """SKU -> (on hand, allocated)."""


def order_digest(order: FulfillmentOrder) -> OrderDigest:
    """Return what is compared of one fulfillment order."""
    return OrderDigest(
        status=status_of(order).value,
        lines=tuple(
            (line.line, line.allocated, line.picked, line.short, line.cancelled, line.refused,
             line.expired, line.fulfilled, line.put_back)
            for line in order.lines
        ),
        tenders=tuple(
            (one.number, one.means.value, one.state.value, one.amount_minor, one.rounding_minor)
            for one in (order.reserve.tenders if order.reserve is not None else ())
        ),
    )  # fmt: skip


def differences(store: StoreDigest, central: StoreDigest) -> list[str]:
    """Return every difference in words; an empty list means that they agree."""
    found = []
    if (store.replica_id, store.last_seq, store.last_hash) != (
        central.replica_id,
        central.last_seq,
        central.last_hash,
    ):
        found.append(
            f"journal: the store is at operation {store.last_seq}, central at {central.last_seq}"
        )
    found += _compare("order", store.orders, central.orders)
    found += _compare("stock of", store.stock, central.stock)
    return found[:NAMED_MAX]


def _compare(
    what: str, store: Mapping[str, object], central: Mapping[str, object]
) -> Iterable[str]:
    for key in sorted(store.keys() | central.keys()):
        here, there = store.get(key), central.get(key)
        if here != there:
            yield f"{what} {key}: store {here}, central {there}"
