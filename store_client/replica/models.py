"""What the terminal reads: small frozen values, no SQL behind them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.stock_operations import SkuUnits


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One fulfillment order on a board. Times in ms, UTC; quantities in units."""

    id: str
    order_number: str
    customer_name: str
    flow: str
    status: FulfillmentStatus
    promised_by_ms: int
    expires_at_ms: int | None
    staging_spot: str
    units_open: int
    units_to_pick: int
    units_to_put_back: int
    provisional: bool
    """Hangs on a request that central has not answered."""
    unpaid_minor: int | None = None
    """Of a listed parcel that is paid here: what is not paid, or not clear, yet; else None."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works on an order alone, and where: the last to accept it, pick of it or undo that."""

    by: str
    device: str
    seq: int
    """Which operation of the store says so."""
    undid: bool = False
    """Whether that undid a pick: where it was the last unit, nobody has the order."""


@dataclass(frozen=True, slots=True)
class ProductHit:
    """A product with its price and this store's stock; None where the store knows none."""

    sku: str
    name: str
    brand: str
    category: str
    gtins: tuple[str, ...]
    price_minor: int | None
    currency: str
    on_hand: int | None
    allocated: int
    available: int
    """On hand and not allocated: what nobody was promised, to the store's knowledge."""
    aisle: str
    online: int = 0
    """Of the available units, those that central may promise."""


@dataclass(frozen=True, slots=True)
class Sale:
    """What the point of sale sold, under its own number; negative units came back."""

    transaction: str
    lines: tuple[SkuUnits, ...]
    sold_at_ms: int = 0
    """When, by the clock of the point of sale; 0: it did not say."""


@dataclass(frozen=True, slots=True)
class MoneyMove:
    """An operation of this store that moves money."""

    seq: int
    by: str
    device: str
    """The terminal, whose drawer it is."""
    at_ms: int
    operation: Any
    is_known: bool
    """Whether central has taken it."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """Failed tries of a PIN or a pickup code, and until when no more are taken."""

    failures: int
    until_ms: int

    def locked(self, now_ms: int) -> bool:
        """Return whether tries are refused at `now_ms`."""
        return now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class SyncState:
    """How the store stands with central."""

    last_contact_ms: int | None
    backlog: int
    """Operations that central does not have yet."""
    last_error: str
    daemon_alive: bool
    quarantined: int
    bootstrapped: bool
    """Whether the store has ever received its own data."""
    halted: bool
    clock_offset_ms: int
    alerts: tuple[str, ...]


class FateState(StrEnum):
    """What has become of an operation so far."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    AMENDED = "amended"
    REFUSED = "refused"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class OperationFate:
    """One operation of this store and central's verdict on it, in words."""

    seq: int
    kind: str
    fulfillment_id: str
    order_number: str
    line: int | None
    quantity: int | None
    by: str
    at_ms: int
    state: FateState
    text: str
    approved_by: str = ""
    """Who approved it with their PIN, where somebody had to."""


@dataclass(frozen=True, slots=True)
class InboxItem:
    """Something that people of this store must look at."""

    id: str
    kind: str
    owner: str
    text: str
    opened_ms: int
    due_ms: int
    order_number: str
    fulfillment_id: str
    assignee: str
    is_done: bool
    """Somebody here said that it is done; central's row is still there."""
    note: str
    """What they said, once done."""
    said: str
    """What central said to an earlier `done` that it did not take."""
