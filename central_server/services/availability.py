"""What may be promised, term by term, how old the data behind it is, and for when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from central_server.records import Location
from central_server.services.capacity import Days
from central_server.services.errors import UnknownSkus
from central_server.services.kits import KitPromises
from central_server.services.need_by import local_day
from central_server.services.network_dates import NetworkDates
from central_server.services.order_views import Document, delivery_document
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.places import RADIUS_KM, Where
from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import ANYBODY, Ask, Promised, Promises, as_chosen
from central_server.services.promising import open_hours, ready_in_ms
from central_server.services.times import rfc3339, rfc3339_or_none, to_ms
from central_server.services.transfer_receipts import offered
from central_server.sourcing.atp import data_age_ms
from central_server.sourcing.bundles import SCARCEST
from central_server.sourcing.calendar import PROMISE_MS, promised_by
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.promise_terms import NOT_RELEASED, WAITING, Promise
from central_server.sourcing.receipts import Inbound, inbound
from sync.clock import Clock
from sync.domain.orders import Channel

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View

SUMS = ("allocated", "floor", "safety_stock", "held_back", "holdback", "not_heard", NOT_RELEASED,
        "protected", "not_offered", WAITING, "network_limit", SCARCEST)  # fmt: skip
INBOUND_MAX = 20
SERVICE = "standard"
SHIP = Method.SHIP.value


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: SKUs, at named places, near a point, or of the whole network."""

    skus: tuple[str, ...]
    location_ids: tuple[str, ...] = ()
    near: tuple[float, float] | None = None
    """Latitude and longitude in degrees."""
    radius_km: float = RADIUS_KM
    of_network: bool = False
    ask: Ask = ANYBODY
    explain: bool = False
    service: str = SERVICE
    """How fast parcels are to go, for their days of delivery."""
    has_dates: bool = False
    """Whether the network says by when, too, and how old what it knows is: that is more work."""
    need_by: date | None = None
    """The last day on which it is of use: what is ready, or delivered, later is not promised."""

    @property
    def where(self) -> Where:
        """Of which places an answer is."""
        return Where(self.location_ids, self.near, self.radius_km)


class AvailabilityQuery:
    """Explains ATP."""

    def __init__(self, database: "Database", clock: Clock, *, promise_ms: int = PROMISE_MS) -> None:
        self._database = database
        self._clock = clock
        self._promise_ms = promise_ms
        self._memory = PromiseMemory()

    def explain(
        self, skus: tuple[str, ...], location_ids: tuple[str, ...], channel: Channel
    ) -> Document:
        """Return ATP of `skus` at the named locations, or where there is most of the first."""
        return self.answer(Question(skus, location_ids, ask=Ask(channel.value)))

    def answer(self, question: Question) -> Document:
        """Return what may be promised. Raises `UnknownSkus`, `NotFound`."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            found = _Answer(view, question, now, self._promise_ms, self._memory)
            return {
                "channel": question.ask.channel,
                "method": question.ask.method,
                "at": rfc3339(now),
                "rules_version": found.promises.rules.version,
                "availability": [] if question.of_network else found.places(),
                "network": found.network() if question.of_network else [],
            }


class _Answer:
    """One answer, by one snapshot."""

    def __init__(
        self,
        view: "View",
        question: Question,
        now_ms: int,
        promise_ms: int,
        memory: PromiseMemory,
    ) -> None:
        skus = question.skus
        known = view.catalogue.categories(skus)
        if unknown := tuple(sku for sku in skus if sku not in known):
            raise UnknownSkus(unknown)
        self._view = view
        self._question = question
        self._now_ms = now_ms
        self._promise_ms = promise_ms
        self.promises = Promises(view, now_ms)
        self._kits = KitPromises(self.promises, skus, memory)
        self.promises.learn(skus)
        self._releases = {
            sku: at_ms for sku in skus if (at_ms := self._kits.release_ms(sku)) is not None
        }
        """From when on what may not be sold yet may be."""
        self._coming = offered(view, view.supply.coming(self._kits.plain))
        self._own = as_chosen(question.ask)
        self._routing: ParcelRouting | None = None
        self._sent: dict[tuple[str, int], Document] = {}
        self._begins: Mapping[str, int | None] = {}
        """When the part of a place's day begins that has room; None: it is full."""

    @cached_property
    def _unreleased(self) -> KitPromises:
        """Return promises of nothing but what may not be sold yet, for who waits for that.

        The memory knows nothing of them: everything else stays with it.
        """
        return KitPromises(self.promises, tuple(self._releases))

    def network(self) -> list[Document]:
        """Return one entry a SKU."""
        ask = self._question.ask
        whole = self._kits.network(ask, is_explained=self._question.explain)
        later = self._unreleased.network(replace(ask, for_later=True)) if self._releases else {}
        dated = None
        if self._question.has_dates:
            dated = NetworkDates(
                self._view, self._kits, self._question.skus, ask, self._question.near,
                self._now_ms, self._dates,
            )  # fmt: skip
        entries = []
        for sku in self._question.skus:
            promise = whole[sku]
            entry: Document = {
                "sku": sku,
                "available_to_promise": promise.quantity,
                "release_at": rfc3339_or_none(self._releases.get(sku)),
                "pre_order": later[sku].quantity if sku in self._releases else None,
                "inbound": [
                    _inbound(one) for one in self._inbound(sku, None, later.get(sku, promise))
                ],
            }
            if dated is not None:
                entry |= dated.entry(sku, is_explained=self._question.explain)
            if self._question.explain:
                entry["explained"] = _explained(promise, "places")
                entry["components"] = self._components(sku, whole, "places")
            entries.append(entry)
        return entries

    def places(self) -> list[Document]:
        """Return one entry a place and SKU."""
        question = self._question
        first = self._parts(question.skus[0]) or question.skus[:1]
        places = question.where.places(self._view, self._kits.plain, first, self._now_ms)
        ids = [one.id for one in places]
        promised = self._kits.at(self._own, ids)
        methods = {
            method.value: promised
            if method.value == self._own.method
            else self._kits.at(as_chosen(replace(self._own, method=method.value)), ids)
            for method in Method
        }
        later = {
            method.value: self._unreleased.at(
                as_chosen(replace(self._question.ask, method=method.value, for_later=True)), ids
            )
            for method in Method
            if self._releases
        }
        heard = self._view.replicas.last_contacts(ids)
        self._begins = Days(self._view, self._now_ms).begins(ids)
        return [
            self._place(place, sku, promised[place.id], methods, later, heard.get(place.id))
            for place in places
            for sku in self._question.skus
        ]

    def _place(
        self,
        place: Location,
        sku: str,
        found: Mapping[str, Promise],
        methods: Mapping[str, Promised],
        later: Mapping[str, Promised],
        heard_ms: int | None,
    ) -> Document:
        promise = found[sku]
        age_ms = data_age_ms(heard_ms, self._now_ms)
        # What may not be sold yet is not what receipts have to make up for.
        sold = later[self._own.method][place.id][sku] if sku in self._releases else promise
        inbound_ = self._inbound(sku, place.id, sold)
        entries = [
            self._method(place, method, promises[place.id][sku])
            | {"pre_order": self._pre_order(place, sku, method, later, inbound_)}
            for method, promises in methods.items()
        ]
        own = next(one for one in entries if one["method"] == self._own.method)
        entry: Document = {
            "location_id": place.id,
            "sku": sku,
            "available_to_promise": promise.quantity,
            "offered": promise.is_offered,
            **self._in_time(own),
            "release_at": rfc3339_or_none(self._releases.get(sku)),
            "terms": {
                "on_hand": promise.begins,
                **{name: promise.term(name) for name in SUMS},
                "raw": promise.raw,
            },
            "data_age_seconds": None if age_ms is None else age_ms / 1000,
            "methods": entries,
            "inbound": [_inbound(one) for one in inbound_],
        }
        if self._question.explain:
            entry["explained"] = _explained(promise, "on_hand")
            entry["components"] = self._components(sku, found, "on_hand")
        return entry

    def _method(self, place: Location, method: str, promise: Promise) -> Document:
        begins = self._begins.get(place.id, self._now_ms)
        entry: Document = {
            "method": method,
            "available_to_promise": promise.quantity,
            "offered": promise.is_offered,
            "promised_by": None,
            "day_full": begins is None,
        }
        if promise.quantity and begins is not None:
            entry |= self._dates(place, method, begins)
            if self._is_late(place, method, entry):
                entry |= {"available_to_promise": 0, "too_late": True}
        return entry

    def _is_late(self, place: Location, method: str, dates: Document) -> bool:
        """Return whether what has these dates is not there by the day that was asked for."""
        latest = self._question.need_by
        if latest is None:
            return False
        if method == SHIP:
            return _delivered(dates) > latest
        ready_ms = to_ms(datetime.fromisoformat(str(dates["promised_by"])))
        return local_day(ready_ms, place.timezone) > latest

    def _in_time(self, own: Document) -> Document:
        """Return what changes of an entry whose own method is too late."""
        if not own.get("too_late"):
            return {}
        return {"available_to_promise": 0, "too_late": True}

    def _pre_order(
        self, place: Location, sku: str, method: str, later: Mapping[str, Promised],
        inbound_: Sequence[Inbound],
    ) -> Document | None:  # fmt: skip
        """Return what may be ordered before it may be sold: what lies there, or is on its way."""
        if sku not in self._releases or not (promise := later[method][place.id][sku]).is_offered:
            return None
        begins = self._releases[sku]
        if not promise.quantity:
            if not inbound_:
                return None
            begins = max(begins, inbound_[0].due_ms)
        dates = self._dates(place, method, begins)
        if self._is_late(place, method, dates):
            return None
        return {"available_to_promise": promise.quantity} | dates

    def _dates(self, place: Location, method: str, begins_ms: int) -> Document:
        """Return when a place has it ready whose work on it begins then, and when it is there."""
        ready_ms = promised_by(
            open_hours(place), max(self._now_ms, begins_ms), ready_in_ms(place, self._promise_ms)
        )
        dates: Document = {"promised_by": rfc3339(ready_ms)}
        return dates | self._delivery(place, begins_ms) if method == SHIP else dates

    def _delivery(self, place: Location, begins_ms: int) -> Document:
        """Return when a parcel leaves a place, and when it is delivered where it is asked for."""
        key = place.id, begins_ms
        if key not in self._sent:
            if self._routing is None:
                self._routing = ParcelRouting(self._view, self._now_ms, self._promise_ms)
            self._sent[key] = _sent_from(place, self._routing, self._question, begins_ms)
        return self._sent[key]

    def _components(self, sku: str, found: Mapping[str, Promise], begins: str) -> list[Document]:
        bundle = self._kits.bundles.get(sku)
        if bundle is None:
            return []
        return [
            {
                "sku": part,
                "units": each,
                "available_to_promise": found[part].quantity,
                "explained": _explained(found[part], begins),
            }
            for part, each in bundle.components.items()
        ]

    def _inbound(self, sku: str, location_id: str | None, promise: Promise) -> list[Inbound]:
        receipts = [
            one for one in self._coming if one.sku == sku and location_id in {None, one.location_id}
        ]
        return inbound(receipts, max(0, -promise.raw), self._now_ms)[:INBOUND_MAX]

    def _parts(self, sku: str) -> Sequence[str]:
        bundle = self._kits.bundles.get(sku)
        return () if bundle is None else tuple(bundle.components)


def _delivered(entry: Document) -> date:
    """Return the last day on which a parcel is delivered; where nobody takes it, never."""
    delivery = entry["delivery"]
    return date.max if delivery is None else date.fromisoformat(str(delivery["latest"]))  # type: ignore[index]


def _sent_from(
    place: Location, routing: ParcelRouting, question: Question, begins_ms: int
) -> Document:
    """Return when a unit that is ordered now leaves a place, and on which days it arrives.

    `begins_ms` is when the place has room for the work.
    """
    heaviest = max(routing.weights(question.skus).values())
    ready_ms = routing.ready_ms(place, begins_ms)
    choice = routing.sending.choice(place, question.service, heaviest, ready_ms)
    if choice is None:
        return {"leaves_at": None, "delivery": None}
    km = None
    if question.near is not None:
        km = haversine_km(place.latitude, place.longitude, *question.near)
    days = routing.sending.delivery(place, choice, km)
    return {"leaves_at": rfc3339(choice.ship_by_ms), "delivery": delivery_document(days)}


def _explained(promise: Promise, begins: str) -> list[Document]:
    """Return the parts whose sum is `raw`."""
    first: Document = {"term": begins, "units": promise.begins, "rule": None}
    rest: list[Document] = [
        {"term": one.name, "units": -one.units, "rule": one.rule} for one in promise.terms
    ]
    return [first, *rest]


def _inbound(one: Inbound) -> Document:
    return {
        "receipt_id": one.receipt.id,
        "location_id": one.receipt.location_id,
        "units": one.units,
        "due_at": rfc3339(one.due_ms),
    }
