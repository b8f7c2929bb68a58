"""Fulfillment orders: the part of an order given to one location under one flow.

Quantities are the truth and only grow (an undone step is its own counter or
operation). Everything people see, the status above all, is derived from them,
so it cannot disagree with them. Per line, with every counter in units:

    needed       = allocated - cancelled - short - refused - expired
    open         = needed - fulfilled            the customer still expects these
    held         = picked - fulfilled - put_back physically off the shelf, in our hands
    to_pick      = max(0, open - held)
    deliverable  = min(open, held)
    to_put_back  = held - deliverable            nobody expects these any more
    tied         = to_pick + held                what stock counts as allocated
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sync.domain.errors import QuantityRefused
from sync.domain.evolve import evolver
from sync.domain.pickups import WAIT_DAYS_MAX
from sync.domain.reservations import Reservation, evolve_reservation
from sync.domain.shipping import Shipment
from sync.domain.waves import PickMode, PickWave


class FulfillmentStatus(StrEnum):
    """Where a fulfillment order stands. Derived; a flow uses the members that it needs."""

    NEW = "new"
    ACCEPTED = "accepted"
    PICKING = "picking"
    PICKED = "picked"
    STAGED = "staged"
    READY_FOR_PICKUP = "ready_for_pickup"
    PARTIALLY_PICKED_UP = "partially_picked_up"
    PICKED_UP = "picked_up"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    PACKED = "packed"
    LABELED = "labeled"
    MANIFESTED = "manifested"
    SHIPPED = "shipped"
    WAITLISTED = "waitlisted"
    TENDERING = "tendering"
    PARTIALLY_CONVERTED = "partially_converted"
    CONVERTED = "converted"
    RELEASED = "released"
    REFUND_DUE = "refund_due"
    CUSTOMER_WAITING = "customer_waiting"


class ShortReason(StrEnum):
    """Why a store gives up units of a line. The first two say that the book stock was wrong."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    DISPLAY_ONLY = "display_only"
    STORE_BUSY = "store_busy"
    SOLD_ON_FLOOR = "sold_on_floor"
    PROMISE_LAPSED = "promise_lapsed"


CENTRAL_REASONS = frozenset({ShortReason.SOLD_ON_FLOOR, ShortReason.PROMISE_LAPSED})
"""Reasons of central's own decisions, of which the store knows nothing yet."""
SHRINKING_REASONS = frozenset({ShortReason.NOT_FOUND, ShortReason.DAMAGED})
"""Reasons for which the units leave the book stock as well as the order."""


class RefusalReason(StrEnum):
    """Why a customer at the counter does not take units that are ready."""

    CHANGED_MIND = "changed_mind"
    WRONG_ITEM = "wrong_item"
    DAMAGED = "damaged_item"
    PRICE = "price"


class ProofKind(StrEnum):
    """How the person at the counter showed that the goods are theirs."""

    PICKUP_CODE = "pickup_code"
    ID_CHECK = "id_check"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class PickupProof:
    """Who took the goods and how that was checked. The number of an ID is never kept."""

    kind: ProofKind
    recipient: str
    """Name of the person at the counter."""
    is_proxy: bool = False
    """Whether that person is somebody whom the customer sent."""
    document: str = ""
    """For an ID check: the kind of document, such as `passport`."""


@dataclass(frozen=True, slots=True)
class FulfillmentLine:
    """One line of a fulfillment order: what, how much, and how far it has come (units)."""

    line: int
    sku: str
    name: str
    allocated: int
    unit_price_minor: int = 0
    picked: int = 0
    short: int = 0
    cancelled: int = 0
    refused: int = 0
    expired: int = 0
    fulfilled: int = 0
    put_back: int = 0

    @property
    def needed(self) -> int:
        """Units that the customer gets or got from this location."""
        return self.allocated - self.cancelled - self.short - self.refused - self.expired

    @property
    def open(self) -> int:
        """Units that the customer still expects."""
        return (
            self.allocated - self.cancelled - self.short - self.refused
            - self.expired - self.fulfilled
        )  # fmt: skip

    @property
    def held(self) -> int:
        """Units off the shelf and not with a customer."""
        return self.picked - self.fulfilled - self.put_back

    @property
    def to_pick(self) -> int:
        """Units still to be taken from the shelf."""
        missing = self.open - self.held
        return missing if missing > 0 else 0  # noqa: FURB136 - twice as fast as max()

    @property
    def deliverable(self) -> int:
        """Units that can be handed over now."""
        return min(self.open, self.held)

    @property
    def to_put_back(self) -> int:
        """Units in our hands that nobody expects any more."""
        return self.held - self.deliverable

    @property
    def tied(self) -> int:
        """Units that stock must count as allocated."""
        expected, held = self.open, self.held
        return expected if expected > held else held  # noqa: FURB136 - as above

    def is_sound(self) -> bool:
        """Return whether the counters are possible together."""
        counters = (
            self.allocated, self.picked, self.short, self.cancelled, self.refused,
            self.expired, self.fulfilled, self.put_back,
        )  # fmt: skip
        return min(counters) >= 0 and self.open >= 0 and self.held >= 0


@dataclass(frozen=True, slots=True)
class FulfillmentOrder:
    """What one location has to do for one order, and how far it is. Times in ms, UTC."""

    id: str
    order_id: str
    order_number: str
    location_id: str
    flow: str
    lines: tuple[FulfillmentLine, ...]
    placed_at_ms: int
    promised_by_ms: int
    """When the customer was told it would be ready."""
    expires_at_ms: int | None = None
    """Until when ready goods wait for the customer."""
    currency: str = "USD"
    customer_name: str = ""
    customer_hint: str = ""
    """The end of a phone number: enough to recognize a person, too little to call one."""
    proxy_name: str = ""
    pickup_code_hash: str = ""
    accepted_at_ms: int | None = None
    staging_spot: str = ""
    ready_at_ms: int | None = None
    confirm_by_ms: int | None = None
    """By when, on central's clock, the store must have confirmed the promise; None: it need not."""
    confirmed_at_ms: int | None = None
    notes: tuple[tuple[str, str], ...] = ()
    """What only one flow needs, such as a parking spot, as (name, value)."""
    shipment: Shipment | None = None
    """Where parcels go and what lies in which box; None for what a customer fetches."""
    reserve: Reservation | None = None
    """Of goods that are paid in the store before they leave: how long they are held for that, and
    what was tendered. With `shipment`: of a parcel that the store sends once it is paid."""
    wait_days_max: int = WAIT_DAYS_MAX
    """How long ready goods wait at most, extensions included; the policy of the store."""
    wave: PickWave | None = None
    """With which other orders it is picked, by whom, into which tote."""

    @property
    def spent_minor(self) -> int:
        """The promised price of what the customer has taken."""
        return sum(line.unit_price_minor * line.fulfilled for line in self.lines)

    @property
    def is_unsettled(self) -> bool:
        """Whether money of the customer's is here for goods that they do not have, or is asked."""
        held = self.reserve
        return (
            held is not None
            and bool(held.tenders)
            and (held.asked_minor > 0 or held.paid_minor != self.spent_minor)
        )

    @property
    def waits(self) -> bool:
        """Whether it is on the waiting list: no stock is tied to it."""
        return self.reserve is not None and self.reserve.waits

    @property
    def is_unconfirmed(self) -> bool:
        """Whether central may still move this promise elsewhere."""
        return self.confirm_by_ms is not None and self.confirmed_at_ms is None

    def to_sort(self, line: FulfillmentLine) -> int:
        """Return how many picked units of `line` lie among those of other orders."""
        wave = self.wave
        if wave is None or wave.mode is not PickMode.SORT_AFTER_PICK:
            return 0
        return max(0, line.deliverable - wave.sorted_units(line.line))

    @property
    def units_to_sort(self) -> int:
        """Picked units of all lines that lie among those of other orders."""
        return 0 if self.wave is None else sum(self.to_sort(line) for line in self.lines)

    def line(self, number: int) -> FulfillmentLine | None:
        """Return line `number`, or None."""
        return next((line for line in self.lines if line.line == number), None)

    def with_line(self, changed: FulfillmentLine, **others: object) -> "FulfillmentOrder":
        """Return a copy in which the line of the same number is `changed`, and `others` too."""
        number = changed.line
        lines = tuple([changed if line.line == number else line for line in self.lines])
        return evolve_order(self, lines=lines, **others)

    def note(self, name: str) -> str:
        """Return the flow-specific note `name`, or an empty string."""
        return next((value for noted, value in self.notes if noted == name), "")

    def with_note(self, name: str, value: str) -> "FulfillmentOrder":
        """Return a copy in which the flow-specific note `name` is `value`."""
        kept = tuple(note for note in self.notes if note[0] != name)
        return evolve_order(self, notes=(*kept, (name, value)))

    def total(self, counter: str) -> int:
        """Return the sum over all lines of one counter or derived quantity, by its name."""
        return sum(getattr(line, counter) for line in self.lines)


evolve_line = evolver(FulfillmentLine)
"""(line, **changes) -> a copy with these fields changed."""
evolve_order = evolver(FulfillmentOrder)
"""(order, **changes) -> a copy with these fields changed."""


def cancel_open(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return `order` with everything the customer still expects cancelled (central's decision).

    Units that are already in the store's hands thereby become units to put back.
    """
    lines = tuple(evolve_line(line, cancelled=line.cancelled + line.open) for line in order.lines)
    if order.reserve is not None and order.reserve.waits:
        return evolve_order(
            order, lines=lines, reserve=evolve_reservation(order.reserve, waits=False)
        )
    return evolve_order(order, lines=lines)


def cancel_units(order: FulfillmentOrder, units: Mapping[int, int]) -> FulfillmentOrder:
    """Return `order` with so many units (by line) cancelled that were open (central's decision).

    Units that are still to be picked go first; of those in hand the rest becomes units to put
    back. Raises `QuantityRefused` for more than the customer still expects.
    """
    for number, count in units.items():
        line = order.line(number)
        most = 0 if line is None else line.open
        if line is None or not 0 < count <= most:
            raise QuantityRefused("cancel", count, most)
        order = order.with_line(evolve_line(line, cancelled=line.cancelled + count))
    return order
