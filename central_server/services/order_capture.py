"""Placing an order: validated, priced, routed, promised and written down in one transaction."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.records import (
    Location,
    Order,
    OrderLine,
    Price,
    Product,
)
from central_server.services.backorders import release_for_sure, wait_for_receipts
from central_server.services.decisions import Decision
from central_server.services.errors import (
    CurbsideNotOffered,
    IdempotencyKeyReused,
    NotInTime,
    NotPriced,
    PriceChanged,
    ShippingNotOffered,
    UnknownLocation,
    UnknownSkus,
)
from central_server.services.foresight import Foresight, foresee
from central_server.services.idempotency import RequestIdentity
from central_server.services.offers import offer_of
from central_server.services.order_giving import Giving, feed_parts, give, promise, tell
from central_server.services.order_groups import OrderGroups, OrderRequest, Outcome
from central_server.services.order_holding import hold_here
from central_server.services.order_lines import order_lines
from central_server.services.order_queue import OrderQueue
from central_server.services.order_views import deliveries_of, order_document
from central_server.services.parcel_mail import tell_received
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.parcels import Destination, addressed, promise_parcels
from central_server.services.pre_orders import refusal, release_of, sold_in
from central_server.services.promising import compact
from central_server.services.shipping import shipping_home
from central_server.services.transfers import fetch_from_elsewhere, lacking_at, send_to
from central_server.services.waiting_parcels import sent_now, wait_to_be_sent
from central_server.services.waiting_room import holds_of, let_wait
from sync.clock import Clock
from sync.domain.errors import CurrencyMismatch, InsufficientStock
from sync.domain.flows import curbside
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import new_id, new_order_number
from sync.domain.orders import Channel, OrderStatus, PaymentPlace

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit, View

CREATED = 201
WITH_LATER = "; with accept_later the order waits until then"
WITH_LIST = "; with waiting_list the reservation waits until then"


@dataclass(frozen=True, slots=True)
class NewLine:
    """What and how much; a price that is given must be the one in force."""

    sku: str
    quantity: int
    unit_price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Who gets the goods."""

    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as a channel sends it.

    Fetched, paid, at `location_id`; reserved and paid there; or sent somewhere, paid already
    or in the stores that send it.
    """

    location_id: str
    channel: Channel
    currency: str
    customer: Customer
    lines: tuple[NewLine, ...]
    proxy_name: str = ""
    external_id: str = ""
    ship_to: Destination | None = None
    """Where it is sent; None: it is fetched at the location."""
    accept_later: bool = False
    """Whether it may wait for goods that are on their way, where nobody has them now."""
    transfer: bool = False
    """Whether what the chosen store lacks is sent there from other locations."""
    payment: PaymentPlace = PaymentPlace.ONLINE
    waiting_list: bool = False
    """Whether a reservation that the store cannot hold now waits until it can."""
    customer_tier: str = ""
    """What the channel says of the customer, for rules of routing."""
    curbside: bool = False
    """Whether it is brought out to the customer's car."""
    need_by: str = ""
    """The last day (YYYY-MM-DD) on which it is of use; empty: any day."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer: the order as JSON, the same for every repetition."""

    order_id: str
    status: int
    body: str
    is_replayed: bool


class OrderCapture:
    """Takes orders."""

    def __init__(
        self,
        database: "Database",
        how: Giving,
        *,
        clock: Clock,
        out_of_service: tuple[type[Exception], ...],
    ) -> None:
        self._random = how.random
        self._how = how
        self._groups = OrderGroups(
            database, self._place, self._foresee, clock=clock, pokes=how.pokes,
            out_of_service=out_of_service,
        )  # fmt: skip
        self._queue = OrderQueue(self.place_many)
        self._parcels = OrderQueue(self.place_many)
        """Of their own: whoever fetches an order does not wait until parcels are decided."""

    def place(self, new: NewOrder, identity: RequestIdentity) -> Placed:
        """Place an order, or return the answer that this request got before.

        Raises a domain error where it cannot be promised; then nothing is kept,
        so the same request may succeed later.
        """
        (outcome,) = self.place_many([OrderRequest(new, identity)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def soon(self, new: NewOrder, identity: RequestIdentity) -> "Future[Placed]":
        """Return the outcome of `place` to come, together with orders that come meanwhile."""
        queue = self._queue if new.ship_to is None else self._parcels
        return queue.put(OrderRequest(new, identity))

    def place_many(self, requests: Sequence[OrderRequest]) -> list[Outcome]:
        """Place orders at once, each with an outcome of its own, all durable on return."""
        return self._groups.place(requests)

    def _foresee(
        self, view: "View", new: NewOrder, identity: RequestIdentity, now_ms: int
    ) -> Foresight | None:
        """Return where a parcel order would go; None where it need not be known."""
        to = new.ship_to
        if to is None or view.idempotency.get(identity.principal, identity.key) is not None:
            return None
        home = shipping_home(view, to.point(view), to.method)
        if home is None:
            return None
        lines = priced_lines(view, new, home)
        order = addressed(_order(new, home, lines, "", "", now_ms), to, to.point(view))
        return foresee(view, order, now_ms, self._how.promise_ms)

    def _place(
        self,
        unit: "Unit",
        new: NewOrder,
        identity: RequestIdentity,
        now_ms: int,
        foresight: Foresight | None = None,
    ) -> Placed:
        kept = unit.idempotency.claim(identity.principal, identity.key, identity.body_hash, now_ms)
        if kept is not None:
            if not identity.is_of(kept.body_hash):
                raise IdempotencyKeyReused
            order_id = kept.response[len('{"id":"') :].partition('"')[0]
            return Placed(order_id, kept.status, kept.response, is_replayed=True)
        order, parts = self._capture(unit, new, now_ms, foresight)
        holds = () if parts else unit.holds.of(order.id)
        deliveries = deliveries_of(unit.orders.events(order.id)) if order.ship_to else {}
        expected_ms = None if parts else unit.supply.promised_by(order.id)
        body = compact(order_document(order, parts, holds, deliveries, expected_ms=expected_ms))
        unit.idempotency.keep(identity.principal, identity.key, CREATED, body)
        return Placed(order.id, CREATED, body, is_replayed=False)

    def _capture(
        self, unit: "Unit", new: NewOrder, now_ms: int, foresight: Foresight | None
    ) -> tuple[Order, tuple[FulfillmentOrder, ...]]:
        if new.ship_to is not None:
            return self._capture_parcels(unit, new, new.ship_to, now_ms, foresight)
        location = _location(unit, new.location_id)
        if new.curbside and not location.pickup.parking:
            raise CurbsideNotOffered(location.id)
        order = self._order(unit, new, location, now_ms)
        release_ms = date_to_wait_for(unit, new, order, now_ms)
        if release_ms is not None:
            return self._pre_order(unit, new, order, location, now_ms, release_ms)
        if new.payment is PaymentPlace.IN_STORE:
            return self._hold(unit, new, order, location, now_ms)
        waiting = self._from_elsewhere(unit, new, order, location, now_ms)
        if waiting is not None:
            return waiting, ()
        units = {line.line: line.quantity for line in order.lines}
        try:
            plan, claim = promise(
                unit, order, units, location, now_ms, promise_ms=self._how.promise_ms
            )
        except InsufficientStock:
            if not new.accept_later:
                raise
            return self._later(unit, order, location, now_ms), ()
        except NotInTime as late:
            if not new.accept_later:
                raise
            return self._later_in_time(unit, order, location, now_ms, late), ()
        unit.orders.insert(order)
        given = give(unit, order, units, plan, now_ms, self._how, why="placed", claim=claim)
        return order, (given,)

    def _from_elsewhere(
        self, unit: "Unit", new: NewOrder, order: Order, place: Location, now_ms: int
    ) -> Order | None:
        """Return an order that waits for a transfer; None where it needs none.

        Raises `InsufficientStock` where nobody can send it. Others may have been asked for a part
        by then: who may wait for goods instead does so in a new transaction (`OrderGroups`).
        """
        lacking = lacking_at(unit, order, place, now_ms) if new.transfer else {}
        if not lacking:
            return None
        waiting, by_ms = fetch_from_elsewhere(unit, order, place, lacking, now_ms, self._how)
        self._tell_later(unit, waiting, place, by_ms, now_ms)
        return waiting

    def _pre_order(
        self, unit: "Unit", new: NewOrder, order: Order, place: Location, now_ms: int,
        release_ms: int,
    ) -> tuple[Order, tuple[FulfillmentOrder, ...]]:  # fmt: skip
        """Let an order wait for its release date; a reservation does so on the store's list."""
        if new.payment is PaymentPlace.IN_STORE:
            order, held = hold_here(
                unit, order, place, now_ms, self._how, may_wait=True, is_released=False
            )
            return order, (held,)
        return self._later(unit, order, place, now_ms, release_ms), ()

    def _hold(
        self, unit: "Unit", new: NewOrder, order: Order, place: Location, now_ms: int
    ) -> tuple[Order, tuple[FulfillmentOrder, ...]]:
        lacking = lacking_at(unit, order, place, now_ms) if new.transfer else {}
        if lacking:
            send_to(unit, order, place, lacking, now_ms, self._how)
        may_wait = new.waiting_list or bool(lacking)
        order, held = hold_here(unit, order, place, now_ms, self._how, may_wait=may_wait)
        return order, (held,)

    def _capture_parcels(
        self,
        unit: "Unit",
        new: NewOrder,
        to: Destination,
        now_ms: int,
        foresight: Foresight | None,
    ) -> tuple[Order, tuple[FulfillmentOrder, ...]]:
        home = shipping_home(unit, to.point(unit), to.method)
        if home is None:
            raise ShippingNotOffered(to.method)
        order = addressed(self._order(unit, new, home, now_ms), to, to.point(unit))
        how = self._how
        routing = ParcelRouting(unit, now_ms, how.promise_ms)
        routing.require_comparable(order)
        units = {line.line: line.quantity for line in order.lines}
        rule = routing.route_of(order, routing.order(order, units), order.ship_method)
        held = holds_of(order.id, rule, now_ms)
        release_ms = date_to_wait_for(unit, new, order, now_ms)
        decision: Decision | None = None
        if new.accept_later and (release_ms is not None or foresight is None):
            # What was foreseen can be sent now: a kit's own date is not seen in stock.
            release_ms = release_for_sure(unit, order, now_ms)
            decision = None if release_ms is not None else sent_now(unit, order, routing)
            if decision is None:
                waiting, found = wait_to_be_sent(unit, order, routing, now_ms, held, release_ms)
                self._tell_later(unit, waiting, found.place, found.by_ms, now_ms, release_ms)
                return waiting, ()
        holds = [*held, *offer_of(unit, order, rule, routing, now_ms, is_held=bool(held))]
        if holds:
            return let_wait(unit, order, holds, routing, now_ms, decision), ()
        first = foresight if decision is None else Foresight.of(decision)
        made = promise_parcels(unit, order, now_ms, how.random, routing, first=first)
        tell_received(unit, order, made, now_ms, how)
        feed_parts(unit, made.orders, how.pokes, made.bodies)
        return order, made.orders

    def _later(
        self, unit: "Unit", order: Order, place: Location, now_ms: int,
        release_ms: int | None = None,
    ) -> Order:  # fmt: skip
        # A date that is no more, since it was asked for, is over now: the hold ends at once.
        release_ms = release_for_sure(unit, order, now_ms) or (release_ms and now_ms)
        waiting, by_ms = wait_for_receipts(
            unit, order, place, now_ms, self._how.promise_ms, release_ms=release_ms
        )
        self._tell_later(unit, waiting, place, by_ms, now_ms, release_ms)
        return waiting

    def _later_in_time(
        self, unit: "Unit", order: Order, place: Location, now_ms: int, late: NotInTime
    ) -> Order:
        """Let an order wait for goods that come in time where whoever has them now is `late`."""
        try:
            return self._later(unit, order, place, now_ms)
        except (InsufficientStock, NotInTime):
            raise late from None

    def _tell_later(
        self, unit: "Unit", order: Order, place: Location, by_ms: int, now_ms: int,
        release_ms: int | None = None,
    ) -> None:  # fmt: skip
        notice = self._how.notices.backordered(order, place, by_ms, release_ms)
        tell(unit, order, notice, now_ms, self._how)

    def _order(self, unit: "Unit", new: NewOrder, location: Location, now_ms: int) -> Order:
        lines = priced_lines(unit, new, location)
        number = new_order_number(self._random)
        while unit.orders.number_taken(number):
            number = new_order_number(self._random)
        return _order(new, location, lines, new_id(now_ms, self._random), number, now_ms)


def priced_lines(view: "View", new: NewOrder, location: Location) -> tuple[OrderLine, ...]:
    """Return the lines of a new order at a location's prices, kits as their components.

    Raises `UnknownSkus`, `NotPriced`, `PriceChanged`, `CurrencyMismatch`.
    """
    skus = {line.sku for line in new.lines}
    bundles = view.supply.bundles(skus)
    skus |= {part for one in bundles.values() for part in one.components}
    products = view.catalogue.products(skus)
    prices = view.catalogue.prices(location.price_zone, skus)
    _check(new, location, products, prices)
    return order_lines(new.lines, products, prices, bundles)


def date_to_wait_for(view: "View", new: NewOrder, order: Order, now_ms: int) -> int | None:
    """Return from when on a new order may be sold that may wait until then; None: now.

    Raises `NotReleased` where it may not wait.
    """
    release_ms = release_of(view, sold_in(order), now_ms)
    is_reserved = new.ship_to is None and new.payment is PaymentPlace.IN_STORE
    may_wait = new.waiting_list if is_reserved else new.accept_later
    if release_ms is not None and not may_wait:
        raise refusal(view, order, now_ms, WITH_LIST if is_reserved else WITH_LATER)
    return release_ms


def _order(
    new: NewOrder, location: Location, lines: tuple[OrderLine, ...], order_id: str, number: str,
    now_ms: int,
) -> Order:  # fmt: skip
    return Order(
        id=order_id,
        number=number,
        channel=new.channel.value,
        pickup_location_id=location.id,
        currency=new.currency,
        total_minor=sum(line.quantity * line.unit_price_minor for line in lines),
        placed_at_ms=now_ms,
        lines=lines,
        status=OrderStatus.OPEN.value,
        customer_name=new.customer.name,
        customer_email=new.customer.email.lower(),
        customer_phone=new.customer.phone,
        proxy_name=new.proxy_name,
        external_id=new.external_id,
        customer_tier=new.customer_tier,
        handover=curbside.NAME if new.curbside else "",
        payment="" if new.payment is PaymentPlace.ONLINE else new.payment.value,
        need_by=new.need_by,
    )


def _location(unit: "Unit", location_id: str) -> Location:
    location = unit.locations.get(location_id)
    if location is None:
        raise UnknownLocation(location_id)
    return location


def _check(
    new: NewOrder, location: Location, products: Mapping[str, Product], prices: Mapping[str, Price]
) -> None:
    """Raise what is wrong with the lines of an order."""
    skus = sorted({line.sku for line in new.lines})
    if unknown := tuple(sku for sku in skus if sku not in products):
        raise UnknownSkus(unknown)
    if unpriced := tuple(sku for sku in skus if sku not in prices):
        raise NotPriced(unpriced, location.price_zone, new.currency)
    for line in new.lines:
        price = prices[line.sku]
        if price.currency != new.currency:
            raise CurrencyMismatch(new.currency, price.currency)
        if line.unit_price_minor not in {None, price.amount_minor}:
            raise PriceChanged(line.sku, line.unit_price_minor or 0, price.amount_minor)
