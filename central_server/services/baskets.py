"""A whole basket: who can give all of it to whoever fetches it, and when all of it can be sent.

needs   what the lines are made of, kits as their components: two lines may want the same
fetched at named places, around a point, or where most of the first SKU is: all of it or not
sent    decided as an order for it would be: by whom, when it leaves, when it is delivered
later   by when `accept_later` would promise it where it is not there, or may not be sold yet
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from central_server.records import Location, Order, OrderLine, Price
from central_server.services.backorders import of_receipts
from central_server.services.capacity import Days
from central_server.services.errors import UnknownSkus
from central_server.services.order_capture import NewLine
from central_server.services.order_lines import order_lines
from central_server.services.order_views import Document, delivery_document
from central_server.services.outlook import Arrival, Outlook, arrivals_of
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.places import Where
from central_server.services.pre_orders import release_of, sold_in
from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku, open_hours, ready_in_ms
from central_server.services.shipping import barred, shipping_home
from central_server.services.times import rfc3339, rfc3339_or_none
from central_server.services.transfer_receipts import offered
from central_server.sourcing.atp import data_age_ms
from central_server.sourcing.calendar import PROMISE_MS, promised_by
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.promise_terms import Promise
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View


@dataclass(frozen=True, slots=True)
class Basket:
    """What is asked about together."""

    lines: tuple[NewLine, ...]
    where: Where = field(default_factory=Where)
    """At which places; the point, if there is one, is where it is sent to."""
    channel: str = Ask().channel
    service: str = "standard"
    """How fast parcels are to go."""


class BasketQuery:
    """Answers about baskets; changes nothing."""

    def __init__(self, database: "Database", clock: Clock, *, promise_ms: int = PROMISE_MS) -> None:
        self._database = database
        self._clock = clock
        self._promise_ms = promise_ms
        self._memory = PromiseMemory()

    def answer(self, basket: Basket) -> Document:
        """Return how all of a basket can be had. Raises `UnknownSkus`, `NotFound`."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            found = _Answer(view, basket, now, self._promise_ms, self._memory)
            return {
                "channel": basket.channel,
                "at": rfc3339(now),
                "release_at": rfc3339_or_none(found.release_ms),
                "pickup": found.pickups(),
                "ship": found.shipping(),
            }


class _Answer:
    """One answer, by one snapshot."""

    def __init__(
        self, view: "View", basket: Basket, now_ms: int, promise_ms: int, memory: PromiseMemory
    ) -> None:
        self._view = view
        self._basket = basket
        self._now_ms = now_ms
        self._promise_ms = promise_ms
        self._memory = memory
        self._lines, self._currency = _lines_of(view, basket)
        order = Order(
            id="", number="", channel=basket.channel, pickup_location_id="", currency="",
            total_minor=0, placed_at_ms=now_ms, lines=self._lines,
        )  # fmt: skip
        self._order = order
        self._units = {line.line: line.quantity for line in self._lines}
        self._wanted = by_sku(order, self._units)
        self.release_ms = release_of(view, sold_in(order), now_ms)
        """From when on all of it may be sold, if that is still to come."""
        self._promises = Promises(view, now_ms)

    def pickups(self) -> list[Document]:
        """Return what places can give, those first that have all of it, then the nearest."""
        first = [line.sku for line in self._lines if line.line == 1]
        where = self._basket.where
        places = where.places(self._view, self._wanted, first, self._now_ms)
        ids = [one.id for one in places]
        ask = Ask(self._basket.channel, Method.PICKUP.value, is_own=True)
        found = self._promises.at(tuple(self._wanted), ask, ids, network=self._network)
        later = found
        if self.release_ms is not None:
            ask = replace(ask, for_later=True)
            later = self._promises.at(tuple(self._wanted), ask, ids, network=self._network)
        coming = offered(self._view, self._view.supply.coming(self._wanted))
        heard = self._view.replicas.last_contacts(ids)
        begins = Days(self._view, self._now_ms).begins(ids, sum(self._wanted.values()))
        entries: list[Document] = []
        for place in places:
            lacking = {
                sku: units - found[place.id][sku].quantity
                for sku, units in self._wanted.items()
                if units > found[place.id][sku].quantity
            }
            here = [one for one in coming if one.location_id == place.id]
            _, due_ms, missing = of_receipts(self._wanted, later[place.id], here, self._now_ms)
            start = begins.get(place.id, self._now_ms)
            is_complete = not lacking and self.release_ms is None
            waits = not is_complete and not missing
            due_ms = max(due_ms, self.release_ms or 0)
            entries.append({
                "location_id": place.id,
                "distance_km": self._km(place),
                "complete": is_complete,
                "lacking": lacking,
                "day_full": start is None,
                "promised_by": None if start is None or not is_complete
                else self._ready(place, start),
                "promised_later": self._ready(place, due_ms) if waits else None,
                "data_age_seconds": _age_s(heard.get(place.id), self._now_ms),
            })  # fmt: skip
        return sorted(entries, key=lambda one: not one["complete"])

    def _network(self, skus: Collection[str], ask: Ask) -> Mapping[str, Promise]:
        return self._memory.network(self._promises, skus, ask)

    def _ready(self, place: Location, begins_ms: int) -> str:
        ready_in = ready_in_ms(place, self._promise_ms)
        return rfc3339(promised_by(open_hours(place), max(self._now_ms, begins_ms), ready_in))

    def _km(self, place: Location) -> float | None:
        if self._basket.where.near is None:
            return None
        return round(haversine_km(*self._basket.where.near, place.latitude, place.longitude), 1)

    def shipping(self) -> Document | None:
        """Return how all of it is sent to the point; None without one, or where nobody sends."""
        near, service = self._basket.where.near, self._basket.service
        if near is None or shipping_home(self._view, near, service) is None:
            return None
        routing = ParcelRouting(self._view, self._now_ms, self._promise_ms)
        order = replace(
            self._order, ship_to="basket", ship_method=service, latitude=near[0], longitude=near[1],
            currency=self._currency or routing.sending.currency or "",
        )  # fmt: skip
        excluded = barred(self._view, "", self._wanted, self._now_ms)
        ask = Ask(order.channel, Method.SHIP.value)
        decision = routing.decide(order, self._units, excluded, ask)
        outlook = Outlook(self._view, order, routing, self.release_ms)
        lacking = {sku: units for sku, units in outlook.lacking.items() if units}
        for one in decision.plan.unsourced:
            lacking[one.sku] = max(one.quantity, lacking.get(one.sku, 0))
        arrivals = arrivals_of(order, decision, routing)
        is_complete = not lacking and self.release_ms is None and arrivals is not None
        later = None if is_complete else outlook.first()
        sent = (arrivals or []) if is_complete else []
        return {
            "complete": is_complete,
            "lacking": lacking,
            "shipments": [_shipment(one) for one in sent],
            "promised_by": rfc3339(max(one.by_ms for one in sent)) if sent else None,
            "promised_later": None if later is None else rfc3339(later.by_ms),
        }


def _lines_of(view: "View", basket: Basket) -> tuple[tuple[OrderLine, ...], str]:
    """Return the basket as lines of an order, kits as their components, and their currency.

    What has no price costs nothing; empty where nothing has one. Raises `UnknownSkus`.
    """
    skus = {line.sku for line in basket.lines}
    bundles = view.supply.bundles(skus)
    skus |= {part for one in bundles.values() for part in one.components}
    products = view.catalogue.products(skus)
    if unknown := tuple(sorted(skus - products.keys())):
        raise UnknownSkus(unknown)
    near = basket.where.near
    home = None if near is None else shipping_home(view, near, basket.service)
    zone = "" if home is None else home.price_zone
    prices = {sku: Price(zone, sku, 0, "") for sku in skus} | view.catalogue.prices(zone, skus)
    currency = next((one.currency for one in prices.values() if one.currency), "")
    return order_lines(basket.lines, products, prices, bundles), currency


def _shipment(one: Arrival) -> Document:
    return {
        "location_id": one.place.id,
        "units": dict(one.units),
        "leaves_at": rfc3339(one.leaves_ms),
        "delivery": delivery_document(one.days),
    }


def _age_s(heard_ms: int | None, now_ms: int) -> float | None:
    age_ms = data_age_ms(heard_ms, now_ms)
    return None if age_ms is None else age_ms / 1000
