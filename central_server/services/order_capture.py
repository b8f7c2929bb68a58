"""Placing an order: validated, priced, routed, promised and written down in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import (
    Location,
    Order,
    OrderEvent,
    Price,
    Product,
    Trace,
)
from central_server.services.candidates import all_candidates, one_candidate
from central_server.services.errors import (
    IdempotencyKeyReused,
    NotPriced,
    PickupNotOffered,
    PriceChanged,
    ShippingNotOffered,
    UnknownLocation,
    UnknownSkus,
)
from central_server.services.idempotency import RequestIdentity
from central_server.services.mail import mail_item
from central_server.services.notice import Notices
from central_server.services.order_lines import order_lines
from central_server.services.order_views import order_document
from central_server.services.parcels import Destination, addressed, promise_parcels
from central_server.services.promises import Ask, reserve
from central_server.services.promising import assign, compact, trace_document
from central_server.services.rights import keep_time
from central_server.services.shipping import shipping_home
from central_server.sourcing.routing import (
    Demand,
    DemandLine,
    RoutingRules,
    SourcingPlan,
    route,
)
from sync.clock import Clock
from sync.domain.errors import CurrencyMismatch, InsufficientStock
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import new_id, new_order_number
from sync.domain.orders import Channel, OrderStatus
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, FulfillmentRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

ROUTING_TRIES = 5
"""How often a promise that another order took first is routed anew."""
CREATED = 201


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
    """An order as a channel sends it: fetched at `location_id`, or sent somewhere."""

    location_id: str
    channel: Channel
    currency: str
    customer: Customer
    lines: tuple[NewLine, ...]
    proxy_name: str = ""
    external_id: str = ""
    ship_to: Destination | None = None
    """Where it is sent; None: it is fetched at the location."""


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
        notices: Notices,
        *,
        clock: Clock,
        random: Random,
        pokes: Pokes,
        promise_ms: int,
    ) -> None:
        self._database = database
        self._notices = notices
        self._clock = clock
        self._random = random
        self._pokes = pokes
        self._promise_ms = promise_ms

    def place(self, new: NewOrder, identity: RequestIdentity) -> Placed:
        """Place an order, or return the answer that this request got before.

        Raises a domain error where it cannot be promised; then nothing is kept,
        so the same request may succeed later.
        """
        now = self._clock.now_ms()
        return self._database.write(lambda unit: self._place(unit, new, identity, now))

    def _place(self, unit: "Unit", new: NewOrder, identity: RequestIdentity, now_ms: int) -> Placed:
        kept = unit.idempotency.claim(identity.principal, identity.key, identity.body_hash, now_ms)
        if kept is not None:
            if kept.body_hash != identity.body_hash:
                raise IdempotencyKeyReused
            order_id = kept.response[len('{"id":"') :].partition('"')[0]
            return Placed(order_id, kept.status, kept.response, is_replayed=True)
        keep_time(unit, now_ms)
        order, parts = self._capture(unit, new, now_ms)
        body = compact(order_document(order, parts))
        unit.idempotency.keep(identity.principal, identity.key, CREATED, body)
        self._feed(unit, parts)
        return Placed(order.id, CREATED, body, is_replayed=False)

    def _capture(
        self, unit: "Unit", new: NewOrder, now_ms: int
    ) -> tuple[Order, tuple[FulfillmentOrder, ...]]:
        if new.ship_to is not None:
            return self._capture_parcels(unit, new, new.ship_to, now_ms)
        location = _location(unit, new.location_id)
        order = self._order(unit, new, location, now_ms)
        plan = _promise(unit, order, location, now_ms)
        taken = location if plan.location_id == location.id else _taken(unit, plan)
        units = {line.line: line.quantity for line in order.lines}
        assignment = assign(
            order, taken, units, now_ms, self._random, promise_ms=self._promise_ms,
            lease=unit.leases.get(taken.id),
        )  # fmt: skip
        unit.orders.insert(order)
        unit.fulfillments.upsert_many([FulfillmentRow(assignment.order)])
        unit.orders.add_trace(Trace(order.id, now_ms, trace_document(plan, "placed")))
        text = f"{taken.name} gets it ready."
        data = {"fulfillment_id": assignment.order.id, "location_id": taken.id}
        unit.orders.append_events(
            [OrderEvent(order.id, now_ms, "placed", text, order.channel, data)]
        )
        self._tell(unit, order, assignment.order, taken, assignment.pickup_code)
        return order, (assignment.order,)

    def _capture_parcels(
        self, unit: "Unit", new: NewOrder, to: Destination, now_ms: int
    ) -> tuple[Order, tuple[FulfillmentOrder, ...]]:
        home = shipping_home(unit, to.point(unit), to.method)
        if home is None:
            raise ShippingNotOffered(to.method)
        order = addressed(self._order(unit, new, home, now_ms), to, to.point(unit))
        made = promise_parcels(unit, order, now_ms, self._random, self._promise_ms)
        self._tell(unit, order, made.orders[0], made.places[0], "")
        return order, made.orders

    def _tell(
        self, unit: "Unit", order: Order, part: FulfillmentOrder, place: Location, code: str
    ) -> None:
        if not order.customer_email:
            return
        notice = self._notices.received(part, place, code)
        item = mail_item(
            key=f"{notice.kind}:{order.id}", to=order.customer_email, subject=notice.subject,
            text=notice.text, now_ms=order.placed_at_ms, random=self._random,
        )  # fmt: skip
        unit.outbox.add([item])

    def _order(self, unit: "Unit", new: NewOrder, location: Location, now_ms: int) -> Order:
        skus = {line.sku for line in new.lines}
        bundles = unit.supply.bundles(skus)
        skus |= {part for one in bundles.values() for part in one.components}
        products = unit.catalogue.products(skus)
        prices = unit.catalogue.prices(location.price_zone, skus)
        _check(new, location, products, prices)
        lines = order_lines(new.lines, products, prices, bundles)
        number = new_order_number(self._random)
        while unit.orders.number_taken(number):
            number = new_order_number(self._random)
        return Order(
            id=new_id(now_ms, self._random),
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
        )

    def _feed(self, unit: "Unit", parts: tuple[FulfillmentOrder, ...]) -> None:
        feed = FeedWriter(unit.feed)
        for fulfillment in parts:
            scope = store_scope(fulfillment.location_id)
            feed.put(scope, Entity.FULFILLMENT, fulfillment.id, FulfillmentRow(fulfillment))
            skus = {line.sku for line in fulfillment.lines}
            for row in unit.stock.rows(fulfillment.location_id, skus):
                feed.put(scope, Entity.STOCK, row.sku, row)
        heads = feed.flush()
        unit.after_commit(lambda: self._pokes.publish(heads))


def _location(unit: "Unit", location_id: str) -> Location:
    location = unit.locations.get(location_id)
    if location is None:
        raise UnknownLocation(location_id)
    return location


def _taken(unit: "Unit", plan: SourcingPlan) -> Location:
    assert plan.location_id is not None
    location = unit.locations.get(plan.location_id)
    assert location is not None
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


def _promise(unit: "Unit", order: Order, chosen: Location, now_ms: int) -> SourcingPlan:
    """Route the order and reserve what the plan says; route again where somebody was faster."""
    lines = tuple(DemandLine(line.line, line.sku, line.quantity) for line in order.lines)
    demand = Demand(chosen.id, chosen.latitude, chosen.longitude, lines)
    wanted = demand.by_sku()
    rules = RoutingRules()
    shortfall = wanted
    ask = Ask(order.channel, chosen=chosen.id)
    for _ in range(ROUTING_TRIES):
        asked = one_candidate(unit, chosen, wanted, now_ms, ask)
        if not asked.pickup_enabled:
            raise PickupNotOffered(chosen.id)
        plan = route(demand, [asked], rules, now_ms)
        if plan.location_id is None:
            plan = route(demand, all_candidates(unit, wanted, now_ms, ask), rules, now_ms)
        shortfall = plan.shortfall()
        if plan.location_id is None:
            break
        if reserve(unit, plan.location_id, wanted, order.id, now_ms, ask):
            return plan
    raise InsufficientStock(shortfall)
