"""Answers about what may be promised."""

from pydantic import BaseModel


class AtpTerms(BaseModel):
    """`on_hand` less all others is `raw` (units); what may be promised is never below zero.

    `held_back` are rights that central leaves alone because the store is silent, `not_heard`
    is the same where no rights are shared; `not_released` may not be sold before its release
    date; `waiting` is kept for orders that are fetched there
    and wait for other goods, and for parcels that are held and would leave there;
    `network_limit` is what only other places may use.
    Of a kit, `on_hand` are the kits that lie there, and `scarcest_component` is how many of them
    its components' own terms take away.
    """

    on_hand: int
    allocated: int
    floor: int
    safety_stock: int
    held_back: int
    holdback: int
    not_heard: int
    not_released: int
    protected: int
    not_offered: int
    waiting: int
    network_limit: int
    scarcest_component: int
    raw: int


class ExplainedTerm(BaseModel):
    """One part of a sum, and the rule that asks for it (none: the books)."""

    term: str
    units: int
    rule: str | None


class ComponentView(BaseModel):
    """A component of a kit: how many it takes, and what there is."""

    sku: str
    units: int
    available_to_promise: int
    explained: list[ExplainedTerm]


class DeliveryView(BaseModel):
    """The first and the last day on which a parcel is delivered (dates, YYYY-MM-DD)."""

    earliest: str
    latest: str


class PreOrderView(BaseModel):
    """What may be ordered, with `accept_later`, of what may not be sold before `release_at`.

    Units that lie there; more may be on their way (`inbound`). Dates are of the first unit.
    """

    available_to_promise: int
    promised_by: str
    leaves_at: str | None = None
    delivery: DeliveryView | None = None


class MethodView(BaseModel):
    """What may be promised by one delivery method.

    `offered`: parcels (ship) are not where no carrier comes, nor as long as the place is not asked
    for these goods because it did not find them.
    `promised_by`: ready for the customer (pickup), or for the carrier (ship). `delivery`: of
    `ship`, by the asked `service`, to the point asked about (`near`) or else anywhere.
    `day_full`: rules of capacity leave no room for another order there; it has no dates then.
    `too_late`: not there by the day that was asked for (`need_by`), so none may be promised.
    """

    method: str
    available_to_promise: int
    offered: bool
    promised_by: str | None
    day_full: bool = False
    too_late: bool = False
    leaves_at: str | None = None
    delivery: DeliveryView | None = None
    pre_order: PreOrderView | None = None


class InboundView(BaseModel):
    """Units that are on their way and not promised yet."""

    receipt_id: str
    location_id: str
    units: int
    due_at: str


class AvailabilityView(BaseModel):
    """What may be promised of one SKU at one location, why, and how old the data is."""

    location_id: str
    sku: str
    available_to_promise: int
    offered: bool
    too_late: bool = False
    """Of the asked method: not there by `need_by`. The terms are those of the stock."""
    release_at: str | None = None
    """From when on it may be sold, if that is still to come."""
    terms: AtpTerms
    data_age_seconds: float | None
    methods: list[MethodView]
    inbound: list[InboundView]
    explained: list[ExplainedTerm] | None = None
    components: list[ComponentView] | None = None


class NetworkMethodView(BaseModel):
    """What all places together may promise by one delivery method, and by when.

    The date is that of `location_id`: of the five places nearest to the point (`near`), or with
    most of it, the first with room in its day. An order may go elsewhere by the rules of routing;
    `/v1/availability/basket` decides as they do.
    """

    method: str
    available_to_promise: int
    location_id: str | None
    promised_by: str | None
    leaves_at: str | None = None
    delivery: DeliveryView | None = None


class NetworkPlace(BaseModel):
    """What one place adds to the sum, and how old the data about it is."""

    location_id: str
    available_to_promise: int
    data_age_seconds: float | None


class NetworkView(BaseModel):
    """What may be promised of one SKU over all places together.

    With `dates`: what each method promises by when, and `data_age_seconds` of the place among
    them that was not heard for longest.
    """

    sku: str
    available_to_promise: int
    release_at: str | None = None
    pre_order: int | None = None
    """Units that lie there and may be ordered, with `accept_later`, before `release_at`."""
    data_age_seconds: float | None = None
    methods: list[NetworkMethodView] | None = None
    inbound: list[InboundView]
    explained: list[ExplainedTerm] | None = None
    components: list[ComponentView] | None = None
    places: list[NetworkPlace] | None = None
    """With `dates` and `explain`: the places with most, at most 100."""


class AvailabilityAnswer(BaseModel):
    """All requested SKUs, at all requested locations or over all of them."""

    channel: str
    method: str
    at: str
    rules_version: int
    availability: list[AvailabilityView]
    network: list[NetworkView]


class BasketPickup(BaseModel):
    """Whether a place has all of a basket, what it lacks (units by SKU), and by when it is ready.

    `promised_later`: by when it would be with `accept_later`, of goods that are on their way
    there or may not be sold yet; null where that does not help.
    """

    location_id: str
    distance_km: float | None
    complete: bool
    lacking: dict[str, int]
    day_full: bool
    promised_by: str | None
    promised_later: str | None
    data_age_seconds: float | None


class BasketShipment(BaseModel):
    """What one location sends, when it leaves there, and on which days it is delivered."""

    location_id: str
    units: dict[str, int]
    leaves_at: str
    delivery: DeliveryView


class BasketShip(BaseModel):
    """How all of a basket is sent, decided like an order for it would be now.

    `promised_by` is the end of the last day of delivery; `promised_later` as for pickups.
    """

    complete: bool
    lacking: dict[str, int]
    shipments: list[BasketShipment]
    promised_by: str | None
    promised_later: str | None


class BasketAnswer(BaseModel):
    """How all of a basket can be had; `ship` is null without a point, or where nobody sends."""

    channel: str
    at: str
    release_at: str | None
    """From when on all of it may be sold, if that is still to come."""
    pickup: list[BasketPickup]
    ship: BasketShip | None


class FeedItem(BaseModel):
    """A SKU that crossed a threshold: `level` thresholds are reached, 0 is sold out."""

    sku: str
    level: int
    available_to_promise: int
    at: str


class FeedPage(BaseModel):
    """Changes in order; `next` is where to go on, at once while there is `more`.

    Of one place where `location_id` says so, else of all together.
    """

    location_id: str | None
    channel: str
    method: str
    thresholds: list[int]
    items: list[FeedItem]
    more: bool
    next: str
