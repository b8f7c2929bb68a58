"""Operations of reservations that only they have: tenders, the sale, and how they begin and end.

Amounts are in minor units of the order's currency. A card's number is in none of
them: `reference` is what the payment terminal itself calls the payment.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from sync.domain.fulfillment import RefusalReason
from sync.domain.operations import LineQuantity
from sync.domain.tenders import TenderKind


@dataclass(frozen=True, slots=True)
class ReservedLine:
    """A line of a reservation that is made in the store, at the price that it is promised for."""

    line: int
    sku: str
    name: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class ReservationTerms:
    """What is the same of everything that begins at a counter. Times in ms, UTC."""

    order_number: str
    currency: str
    customer_name: str
    hold_until_ms: int
    extend_until_ms: int
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class ReservationMade:
    """The store reserved units of its own for a customer at the counter."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    terms: ReservationTerms
    reserved: tuple[ReservedLine, ...]
    kind: Literal["reservation_made"] = "reservation_made"


@dataclass(frozen=True, slots=True)
class WaitRequested:
    """A request: put a customer on the waiting list for what this store has not got."""

    is_request: ClassVar[bool] = True
    fulfillment_id: str
    terms: ReservationTerms
    reserved: tuple[ReservedLine, ...]
    kind: Literal["wait_requested"] = "wait_requested"


@dataclass(frozen=True, slots=True)
class WaitServed:
    """Central's decision: units are there for a reservation that waited. Times in ms; 0: none."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    hold_until_ms: int
    confirm_by_ms: int = 0
    kind: Literal["wait_served"] = "wait_served"


@dataclass(frozen=True, slots=True)
class ReservationReleased:
    """The customer does not want any of it any more, here or on the telephone."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    reason: RefusalReason
    kind: Literal["reservation_released"] = "reservation_released"


@dataclass(frozen=True, slots=True)
class TenderTaken:
    """Cash was put into the drawer, or stored value accepted within the store's own limit."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    tender: int
    means: TenderKind
    amount_minor: int
    rounding_minor: int = 0
    account: str = ""
    """Of stored value: the hash of its code."""
    kind: Literal["tender_taken"] = "tender_taken"


@dataclass(frozen=True, slots=True)
class CardAsked:
    """The payment terminal is asked to charge a card. Recorded before it is asked."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    tender: int
    amount_minor: int
    kind: Literal["card_asked"] = "card_asked"


@dataclass(frozen=True, slots=True)
class CardAnswered:
    """What the payment terminal answered."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    tender: int
    approved: bool
    reference: str = ""
    is_offline: bool = False
    """Approved without the issuer: it may be declined when the terminal is connected again."""
    kind: Literal["card_answered"] = "card_answered"


@dataclass(frozen=True, slots=True)
class ValueAsked:
    """A request: may a gift card or credit pay this? Central knows its balance."""

    is_request: ClassVar[bool] = True
    fulfillment_id: str
    tender: int
    means: TenderKind
    amount_minor: int
    account: str
    kind: Literal["value_asked"] = "value_asked"


@dataclass(frozen=True, slots=True)
class ValueAnswered:
    """Central's decision on a gift card or credit."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    tender: int
    approved: bool
    kind: Literal["value_answered"] = "value_answered"


@dataclass(frozen=True, slots=True)
class TenderReturned:
    """A tender was given back before the goods left."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    tender: int
    declined: bool = False
    """Of a card approved offline: its issuer has declined it, so that nothing goes back onto it."""
    kind: Literal["tender_returned"] = "tender_returned"


@dataclass(frozen=True, slots=True)
class ReservationConverted:
    """The goods were paid and left, with the customer or their carrier: that is the sale."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    lines: tuple[LineQuantity, ...]
    total_minor: int
    """The price of these goods, as it was promised."""
    box: int = 0
    """Of a parcel that is paid in the store: which box its carrier took with them."""
    kind: Literal["reservation_converted"] = "reservation_converted"


RESERVE_OPERATIONS: tuple[type, ...] = (
    ReservationMade,
    WaitRequested,
    WaitServed,
    ReservationReleased,
    TenderTaken,
    CardAsked,
    CardAnswered,
    ValueAsked,
    ValueAnswered,
    TenderReturned,
    ReservationConverted,
)
BEGINNINGS: tuple[type, ...] = (ReservationMade, WaitRequested)
"""Operations with which a fulfillment order begins, at the store."""
CENTRALS_OWN: tuple[type, ...] = (WaitServed, ValueAnswered)
"""Decisions of central's: no store makes them."""
