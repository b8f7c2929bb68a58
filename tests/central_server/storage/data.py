"""Things to store, as small as they can be."""

from typing import Any

from central_server.records import Location, Order, OrderLine
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from sync.protocol.rows import FulfillmentRow

NOW = 1_750_000_000_000


def location(location_id: str = "L1", **values: Any) -> Location:
    """Return a store."""
    return Location(
        **{"id": location_id, "name": f"Store {location_id}", "price_zone": "Z", **values}
    )


def order(order_id: str = "O1", **values: Any) -> Order:
    """Return an order of two units of A."""
    default: dict[str, Any] = {
        "id": order_id, "number": f"N-{order_id}", "channel": "web", "pickup_location_id": "L1",
        "currency": "USD", "total_minor": 200, "placed_at_ms": NOW,
        "lines": (OrderLine(1, "A", "Thing", 2, 100),),
    }  # fmt: skip
    return Order(**{**default, **values})


def fulfillment(
    fulfillment_id: str = "F1", order_id: str = "O1", location_id: str = "L1", **line: Any
) -> FulfillmentRow:
    """Return a fulfillment order of two units of A."""
    lines = (FulfillmentLine(**{"line": 1, "sku": "A", "name": "Thing", "allocated": 2, **line}),)
    return FulfillmentRow(
        FulfillmentOrder(
            fulfillment_id, order_id, f"N-{order_id}", location_id, "pickup", lines, NOW, NOW + 1
        )
    )
