"""What central keeps, as plain values: the words that services and storage share.

Rows that also travel to stores are those of `sync.protocol.rows`; here stand the
others. Times are milliseconds UTC, money is in minor units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.domain.escrow import EscrowPolicy
from sync.domain.inventory import StockReason
from sync.domain.orders import PaymentPlace
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.domain.shipping import CarrierPickup, ShippingRate
from sync.protocol.rows import FulfillmentRow, ProductRow

__all__ = [
    "EVERYWHERE", "ApiKey", "Customer", "EnrolmentCode", "EscrowRule", "ExceptionCursor",
    "ExceptionFilter", "ExceptionRecord", "ImportJob", "KeptAnswer", "Lease", "LedgerEntry",
    "Location", "Order", "OrderCursor", "OrderEvent", "OrderFilter", "OrderHead", "OrderHold",
    "OrderLine", "OutboxItem", "Price", "Product", "Replica", "ServerIdentity",
    "ShippingRate", "StoredFulfillment", "StoredOperation", "Trace",
]  # fmt: skip

Product = ProductRow
"""A product at central is the row that stores get."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Who this central is. `incarnation` rises with every restore from a backup."""

    server_id: str
    incarnation: int
    secret: str


@dataclass(frozen=True, slots=True)
class Location:
    """A place that holds stock: a store or a distribution center."""

    id: str
    name: str
    kind: str = "store"
    """`store` or `dc`."""
    latitude: float = 0.0
    longitude: float = 0.0
    timezone: str = "UTC"
    region: str = ""
    price_zone: str = ""
    address_line: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    pickup_enabled: bool = True
    spots: tuple[str, ...] = ()
    """Named places of the hold shelf."""
    hours: tuple[tuple[int, int], ...] = ()
    """Opening and closing in minutes after local midnight, Monday first; (0, 0) is closed."""
    closures: tuple[str, ...] = ()
    """Dates on which it is closed, YYYY-MM-DD."""
    hold_days: int = 7
    floor_percent: int = 0
    """Share of the book stock that only the store may spend."""
    safety_stock: int = 0
    """Safety stock that a SKU gets where nothing else is said."""
    escrow: EscrowPolicy = EscrowPolicy()
    """How the store shares its stock with central."""
    carriers: tuple[CarrierPickup, ...] = ()
    """Who takes parcels there, and when; empty where nothing is shipped from."""
    reserve: ReservePolicy = ReservePolicy()
    """What the store may do with reservations and their payments."""
    pickup: PickupPolicy = PickupPolicy()
    """How pickups wait there, and where."""


EVERYWHERE = "*"
"""In an escrow rule: every location that has none of its own."""


@dataclass(frozen=True, slots=True)
class EscrowRule:
    """From when on a location shares its stock in which way. Policy data, never overwritten."""

    location_id: str
    effective_from_ms: int
    escrow: EscrowPolicy
    service_percent: int = 95
    """The critical ratio of sizing: how often the floor should outlast an outage."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Until when central may promise from a store's online rights, and on what. Times in ms."""

    location_id: str
    generation: int
    token_ms: int
    """Central's time in the newest answer that the store has seen."""
    until_ms: int
    confirm_by_ms: int
    """By when what is promised now must be confirmed."""

    def is_alive(self, now_ms: int) -> bool:
        """Return whether central may promise at `now_ms`."""
        return now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a SKU in a zone."""

    zone: str
    sku: str
    amount_minor: int
    currency: str
    version: int = 1
    effective_from_ms: int = 0


@dataclass(frozen=True, slots=True)
class StockSums:
    """One SKU over all locations."""

    places: int = 0
    """How many have it, or had it."""
    on_hand: int = 0
    """Units; where less than nothing is on hand, that counts as nothing."""
    weekly_milli: int = 0
    """Demand in thousandths of a unit a week."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One signed movement of stock, never changed afterwards."""

    location_id: str
    sku: str
    on_hand: int
    allocated: int
    reason: StockReason
    source: str
    """The order's id or the operation's, whichever caused it."""
    at_ms: int
    """When central heard of it."""
    happened_ms: int | None = None
    """When it happened, where a store said so and it can be true."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer on file."""

    id: str
    name: str
    email: str = ""
    phone: str = ""
    latitude: float | None = None
    longitude: float | None = None
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order, in units."""

    line: int
    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    unsourced: int = 0
    """Open units that no fulfillment order carries now."""
    dropped: int = 0
    """Units cancelled while nobody carried them."""
    kit: str = ""
    """The kit that it is a part of, as it was bought: number of the line and SKU."""
    kit_units: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was placed. Its status follows from quantities; the column is for search."""

    id: str
    number: str
    channel: str
    pickup_location_id: str
    currency: str
    total_minor: int
    placed_at_ms: int
    lines: tuple[OrderLine, ...]
    status: str = "open"
    customer_id: str = ""
    customer_name: str = ""
    customer_email: str = ""
    customer_phone: str = ""
    latitude: float | None = None
    """Where the customer is, if known: for routing."""
    longitude: float | None = None
    proxy_name: str = ""
    pickup_code: str = ""
    """In clear: central tells the customer again when the goods are ready. Stores get hashes."""
    external_id: str = ""
    """What the channel calls it."""
    ship_to: str = ""
    """Of a parcel order: the `Address` as JSON; empty where the customer fetches it."""
    ship_method: str = ""
    """How fast, such as `standard`."""
    customer_tier: str = ""
    """What the channel says of its customer, for rules of routing: `gold`, say."""
    handover: str = ""
    """`curbside`: what is fetched is brought out to the car; empty: at the counter."""
    payment: str = ""
    """`in_store`: it is paid where its goods leave; empty: it came paid."""
    need_by: str = ""
    """The last day (YYYY-MM-DD) on which it is of use: delivered, or ready; empty: any day."""

    @property
    def is_paid_here(self) -> bool:
        """Whether each location takes the payment for what it gives."""
        return self.payment == PaymentPlace.IN_STORE


@dataclass(frozen=True, slots=True)
class OrderHead:
    """What most operations need of their order: far less than all of it."""

    id: str
    status: str
    customer_email: str
    ordered: int
    """Units over all lines, as the two below."""
    unsourced: int
    dropped: int


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One entry of an order's timeline."""

    order_id: str
    at_ms: int
    kind: str
    text: str
    actor: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderHold:
    """Why an order is not released to a location yet; one that is over stays on record."""

    order_id: str
    kind: str
    opened_ms: int
    until_ms: int | None = None
    """When it ends by itself; None: when a person clears it."""
    text: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    closed_ms: int | None = None
    closed_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class OrderCursor:
    """Where the next page of a search goes on: orders older than this one."""

    placed_at_ms: int
    id: str


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What a search asks for. None asks nothing; several together must all hold."""

    location_id: str | None = None
    """Chosen for pickup, or holding a fulfillment order of it."""
    channel: str | None = None
    status: str | None = None
    email: str | None = None
    """Compared without regard to case."""
    number: str | None = None
    sku: str | None = None
    placed_from_ms: int | None = None
    placed_before_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StoredFulfillment:
    """A fulfillment order with what central keeps beside it."""

    row: FulfillmentRow
    status: str
    revision: int
    """Rises by one with every change."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Why an order went where it went."""

    order_id: str
    at_ms: int
    trace: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Replica:
    """A store's device as central sees it. It `follows` the name that its machine had before."""

    id: str
    location_id: str
    epoch: int
    last_seq: int
    last_hash: bytes
    install_nonce: str
    enabled: bool
    public_key: str
    app_version: str
    enrolled_at_ms: int
    last_contact_ms: int | None
    backlog: int
    clock_offset_ms: int
    base_seq: int = 0  # the place before the first operation of its epoch
    pushed_ms: int | None = None
    follows: str = ""


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """A one-time code under its hash."""

    hash: str
    location_id: str
    expires_at_ms: int
    used_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StoredOperation:
    """An operation in central's journal, with its verdict as JSON (None: plainly accepted)."""

    replica_id: str
    epoch: int
    seq: int
    line: bytes
    hash: bytes
    kind: str
    aggregate: str
    by_associate: str
    at_ms: int
    received_ms: int
    status: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """Something that a person must look at: it has an owner and a due time."""

    id: str
    kind: str
    owner: str
    due_ms: int
    opened_ms: int
    order_id: str = ""
    fulfillment_id: str = ""
    location_id: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)
    closed_ms: int | None = None
    cause: str = ""
    """At most one is open for each; empty: the id, that is, no cause that could repeat."""
    assignee: str = ""
    """The person who looks after it, if one does."""
    note: str = ""
    """What was done about it."""
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class ExceptionFilter:
    """What a list of exceptions asks for. None asks nothing."""

    owner: str | None = None
    kind: str | None = None
    location_id: str | None = None
    order_id: str | None = None
    is_open: bool | None = True


@dataclass(frozen=True, slots=True)
class ExceptionCursor:
    """Where the next page goes on: exceptions due later than this one."""

    due_ms: int
    id: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer that was given to a request with an idempotency key."""

    body_hash: str
    status: int
    response: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key: the secret itself is never kept."""

    id: str
    prefix: str
    hash: str
    scopes: tuple[str, ...]
    name: str
    created_ms: int
    revoked_ms: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A side effect that leaves after the commit. `key` makes doing it twice the same as once."""

    id: str
    kind: str
    key: str
    payload: Mapping[str, object]
    created_ms: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class ImportJob:
    """How far an import of one source is, so that it can go on where it stopped."""

    id: str
    source_hash: str
    kind: str
    offset: int = 0
    ok: int = 0
    bad: int = 0
    done: bool = False
