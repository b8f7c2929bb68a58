"""What a retailer lets a store do with goods that customers fetch: policy, as data.

Central sets it for a location; the store gets it with its own row, and works by
it with the network cut.
"""

from dataclasses import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WAIT_DAYS_MAX = 28
"""The longest wait of ready goods, extensions included, unless the policy says otherwise."""


@dataclass(frozen=True, slots=True)
class SpotCapacity:
    """How many orders a spot of the hold shelf holds."""

    spot: str
    orders: int


@dataclass(frozen=True, slots=True)
class PickupPolicy:
    """What holds for pickups at a store."""

    ready_minutes: int = 0
    """Opening time until an order is to be ready; 0 is central's own setting."""
    wait_days_max: int = WAIT_DAYS_MAX
    """The longest wait of ready goods in days, extensions included."""
    reminder_hours: tuple[int, ...] = (48, 12)
    """So long before the pickup-by date the customer is reminded, once each."""
    capacities: tuple[SpotCapacity, ...] = ()
    """Spots that hold a limited number of orders; any other spot has no limit."""
    parking: tuple[str, ...] = ()
    """Names of the spots where customers wait in their cars; empty: any name will do."""

    def capacity_of(self, spot: str) -> int | None:
        """Return how many orders a spot holds; None where there is no limit."""
        wanted = spot.casefold()
        return next((one.orders for one in self.capacities if one.spot.casefold() == wanted), None)


def reminder_due(
    hours: tuple[int, ...], ready_at_ms: int, expires_at_ms: int, now_ms: int
) -> int | None:
    """Return which reminder (hours before the end) is due at `now_ms`; None where none is.

    The latest one that has come: what was missed while central did not run is not
    sent late beside it. A reminder from before the goods were ready is none.
    """
    due = [
        before
        for before in hours
        if ready_at_ms < expires_at_ms - before * HOUR_MS <= now_ms < expires_at_ms
    ]
    return min(due, default=None)
