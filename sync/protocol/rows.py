"""What the feed carries: one current row per thing, as (scope, entity, key, rev, body).

A scope is a set of rows that stores follow together: `catalogue`,
`prices:<zone>`, `store:<location>`. The checksum of a scope is the XOR of
`row_digest` over its living rows, so either half keeps it row by row.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from sync.domain.escrow import EscrowPolicy, Rights
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.domain.shipping import CarrierPickup
from sync.protocol.adapters import adapter
from sync.protocol.verdicts import Verdict

CATALOGUE_SCOPE = "catalogue"
PRICES_PREFIX = "prices:"
STORE_PREFIX = "store:"


class Entity(StrEnum):
    """Kinds of rows."""

    PRODUCT = "product"
    PRICE = "price"
    STORE = "store"
    ASSOCIATE = "associate"
    STOCK = "stock"
    FULFILLMENT = "fulfillment"
    EXCEPTION = "exception"
    VERDICT = "verdict"


def prices_scope(zone: str) -> str:
    """Return the scope of one price zone."""
    return PRICES_PREFIX + zone


def store_scope(location_id: str) -> str:
    """Return the scope of one store."""
    return STORE_PREFIX + location_id


def is_store_scope(scope: str) -> bool:
    """Return whether a scope holds one store's own rows."""
    return scope.startswith(STORE_PREFIX)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to which operation of which replica a row has taken everything in."""

    replica_id: str = ""
    epoch: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class FulfillmentRow:
    """A fulfillment order as central has it."""

    order: FulfillmentOrder
    watermark: Watermark = Watermark()


@dataclass(frozen=True, slots=True)
class StockRow:
    """One SKU at this store as central has it (units), where it lies, and who may spend it.

    The effect of an operation on a fulfillment order is pending just as long as
    that order's row does not include it; of an operation on stock (a sale), as
    long as `watermark` does not.
    """

    sku: str
    on_hand: int
    allocated: int
    floor: int = 0
    safety_stock: int = 0
    aisle: str = ""
    rights: Rights = Rights()
    watermark: Watermark = Watermark()
    """Up to which stock operation everything is included."""


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A sellable thing."""

    sku: str
    name: str
    brand: str = ""
    category: str = ""
    gtins: tuple[str, ...] = ()
    """Barcodes, each padded to 14 digits."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """The price of a SKU in a zone, in minor units."""

    sku: str
    amount_minor: int
    currency: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class AssociateRow:
    """Somebody who may sign in at this store; `pin_hash` is an argon2 hash."""

    id: str
    name: str
    role: Role
    pin_hash: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class StoreRow:
    """The store itself: what its terminal must know to work alone."""

    location_id: str
    name: str
    timezone: str
    price_zone: str
    spots: tuple[str, ...] = ()
    """Named places of the hold shelf."""
    hours: tuple[tuple[int, int], ...] = ()
    """Opening and closing in minutes after local midnight, Monday first; (0, 0) is closed."""
    closures: tuple[str, ...] = ()
    """Dates on which the store is closed, YYYY-MM-DD."""
    hold_days: int = 7
    """How many open days ready goods wait."""
    escrow: EscrowPolicy = EscrowPolicy()
    """How the store shares its stock with central."""
    carriers: tuple[CarrierPickup, ...] = ()
    """Who takes parcels here, and when; empty where the store ships nothing."""
    reserve: ReservePolicy = ReservePolicy()
    """What the store may do with reservations and their payments."""
    pickup: PickupPolicy = PickupPolicy()
    """How pickups wait, and where."""


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """Something that people of this store must look at; a tombstone once it is settled."""

    id: str
    kind: str
    """An `ExceptionKind`; as text, because a store may be older than a kind."""
    owner: str
    """`store`, or `central` for what the store is only told of."""
    text: str
    opened_ms: int
    due_ms: int
    order_number: str = ""
    fulfillment_id: str = ""
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A verdict that was settled after the push that brought the operation was answered."""

    replica_id: str
    epoch: int
    verdict: Verdict
    settled_at_ms: int


def verdict_key(replica_id: str, epoch: int, seq: int) -> str:
    """Return the key of the row that carries a settled verdict."""
    return f"{replica_id}/{epoch}/{seq}"


ROWS: dict[Entity, type[object]] = {
    Entity.PRODUCT: ProductRow,
    Entity.PRICE: PriceRow,
    Entity.STORE: StoreRow,
    Entity.ASSOCIATE: AssociateRow,
    Entity.STOCK: StockRow,
    Entity.FULFILLMENT: FulfillmentRow,
    Entity.EXCEPTION: ExceptionRow,
    Entity.VERDICT: VerdictRow,
}
"""What the body of each entity's rows is."""


def encode_body(entity: Entity, row: object) -> str:
    """Return the body of a feed row as compact JSON."""
    # A store has tens of thousands of stock rows, and most of their fields say nothing.
    compact = entity is Entity.STOCK
    return adapter(ROWS[entity]).dump_json(row, exclude_defaults=compact).decode()


def row_digest(entity: str, key: str, rev: int) -> int:
    """Return the 48-bit digest of one living row; a scope's checksum is the XOR of them."""
    digest = blake2b(f"{entity}\0{key}\0{rev}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")
