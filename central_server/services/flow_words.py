"""What handlers of flows say of an order: who it is for, how much, and what changed in it."""

from sync.domain.fulfillment import FulfillmentOrder, ShortReason


def difference(less: FulfillmentOrder, more: FulfillmentOrder, counter: str) -> dict[int, int]:
    """Return by line how much higher a counter is in `more`; lines without change are left out."""
    pairs = zip(less.lines, more.lines, strict=True)
    changes = {old.line: getattr(new, counter) - getattr(old, counter) for old, new in pairs}
    return {line: units for line, units in changes.items() if units > 0}


def customer_of(order: FulfillmentOrder) -> str:
    """Return how a customer is addressed."""
    return order.customer_name or "customer"


def pieces(count: int) -> str:
    """Return a number of pieces in words."""
    return "1 piece" if count == 1 else f"{count} pieces"


def late_words(operation: object, place_name: str) -> str:
    """Return that a place may have what was taken from it; empty: it gave that up itself."""
    is_late = getattr(operation, "reason", None) is ShortReason.PROMISE_LAPSED
    return f"{place_name} did not take it on in time, and may have it. " if is_late else ""
