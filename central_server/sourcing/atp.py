"""Available to promise, explained: every number with its terms and the age of its data."""

from dataclasses import dataclass

from sync.domain.inventory import AvailableToPromise, StockPosition, available_to_promise


@dataclass(frozen=True, slots=True)
class Availability:
    """What one location may be asked for of one SKU, and why (units)."""

    location_id: str
    sku: str
    terms: AvailableToPromise
    is_offered: bool
    """Whether the location offers this channel at all; if not, nothing can be promised."""
    age_ms: int | None
    """How long ago the store was last heard from; None if never."""

    @property
    def quantity(self) -> int:
        """Units that may be promised."""
        return self.terms.quantity if self.is_offered else 0


def data_age_ms(last_contact_ms: int | None, now_ms: int) -> int | None:
    """Return how old central's knowledge of a store is; None if it never made contact."""
    return None if last_contact_ms is None else max(0, now_ms - last_contact_ms)


def explain(
    position: StockPosition, *, is_offered: bool, last_contact_ms: int | None, now_ms: int
) -> Availability:
    """Return what may be promised from `position`, with its terms and their age."""
    return Availability(
        position.location_id,
        position.sku,
        available_to_promise(position),
        is_offered,
        data_age_ms(last_contact_ms, now_ms),
    )
