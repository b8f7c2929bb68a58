"""Orders that are sent, and wait first: for goods on their way, or until they may be sold.

    outlook   what every location may send now, and what it may send once receipts are there
    date      the earliest on which locations can send all of it by the rules of routing as they
              are then; the last day of its delivery is what the customer is promised
    claims    of the receipts that this plan needs, and of the earliest where the network has
              promised what lies there to others who wait

Where it goes is decided at its release, as stock and rules are then.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from central_server.records import Location, Order, OrderHold
from central_server.services.backorders import Taken, let_wait_for
from central_server.services.decisions import Decision
from central_server.services.errors import NotPriced
from central_server.services.need_by import require_by
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku
from central_server.services.shipping import barred
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.receipts import Inbound, inbound
from sync.domain.delivery import DeliveryDays
from sync.domain.errors import InsufficientStock
from sync.domain.opening import DAY_MINUTES, moment_of

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

DATES_MAX = 20
"""On how many dates, the earliest first, it is looked whether all of it can be sent."""


def is_lacking(unit: "Unit", order: Order, routing: ParcelRouting, release_ms: int | None) -> bool:
    """Return whether a new order cannot be sent now, so that it waits if it may.

    No other new order is promised its SKUs until the commit: what is found here holds.
    """
    units = _units(order)
    wanted = by_sku(order, units)
    unit.stock.lock_network(sorted(wanted))
    if release_ms is not None:
        return True
    ask = Ask(order.channel, Method.SHIP.value)
    network = Promises(unit, routing.now_ms).network(wanted, ask)
    if any(count > network[sku].quantity for sku, count in wanted.items()):
        return True
    excluded = barred(unit, order.id, wanted, routing.now_ms)
    return bool(routing.decide(order, units, excluded, ask).plan.unsourced)


def wait_to_be_sent(
    unit: "Unit",
    order: Order,
    routing: ParcelRouting,
    now_ms: int,
    holds: Sequence[OrderHold],
    release_ms: int | None,
) -> tuple[Order, int]:
    """Write down an order that is lacking something; return it, and by when it is delivered.

    Raises `InsufficientStock` where nothing that is on its way lets anybody send all of it, or
    where it would wait for nothing: then days are full. Raises `NotPriced` as others do, and
    `NotInTime`.
    """
    free = tuple(line.sku for line in order.lines if not line.unit_price_minor)
    if order.is_paid_here and free:
        raise NotPriced(free, "of the order", order.currency)
    wanted = by_sku(order, _units(order))
    unit.supply.lock_receipts(wanted)
    outlook = Outlook(unit, order, routing, release_ms)
    found = outlook.first()
    if found is None:
        raise InsufficientStock(outlook.missing())
    require_by(order, found.place, found.by_ms - 1)  # the end of a day is the next one's beginning
    waiting = let_wait_for(unit, order, found.taken, now_ms, found.by_ms, found.place, release_ms)
    unit.holds.open(holds)
    return waiting, found.by_ms


@dataclass(frozen=True, slots=True)
class Found:
    """How an order can be sent on a date: what it takes of receipts, and when it is there."""

    taken: Taken
    by_ms: int
    place: Location
    """Which sends the part that is there last."""


class Outlook:
    """What can be sent of an order as time passes."""

    def __init__(
        self, view: "View", order: Order, routing: ParcelRouting, release_ms: int | None
    ) -> None:
        self._view = view
        self._order = replace(order, need_by="")
        """Whenever it is sent: who needs it by a day is told when it could be there."""
        self._units = _units(order)
        self._wanted = by_sku(order, self._units)
        self._now_ms = routing.now_ms
        self._start_ms = max(routing.now_ms, release_ms or 0)
        self._promise_ms = routing.promise_ms
        self._ask = Ask(order.channel, Method.SHIP.value, for_later=release_ms is not None)
        promises = Promises(view, self._now_ms)
        excluded = barred(view, order.id, self._wanted, self._now_ms)
        free = promises.free(self._wanted, self._ask)
        self._free = {place: units for place, units in free.items() if place not in excluded}
        self._network = promises.network(self._wanted, self._ask)
        self.lacking = {
            sku: max(0, units - self._network[sku].quantity) for sku, units in self._wanted.items()
        }
        """What the network may not promise of what lies there, by SKU."""
        self._release_ms = release_ms
        self._coming = self._receipts(promises, excluded)

    def _receipts(self, promises: Promises, excluded: frozenset[str]) -> dict[str, list[Inbound]]:
        """Return what may be promised of receipts where such orders are sent from, by SKU."""
        coming = self._view.supply.coming(self._wanted)
        places = sorted({one.location_id for one in coming} - excluded)
        there = promises.at(self._wanted, self._ask, places) if places else {}
        found: dict[str, list[Inbound]] = {}
        for sku in self._wanted:
            free: list[Inbound] = []
            for place in places:
                promise = there[place][sku]
                if promise.is_offered and not promise.is_protected:
                    here = [one for one in coming if (one.sku, one.location_id) == (sku, place)]
                    free += inbound(here, max(0, -promise.raw), self._now_ms)
            free.sort(key=lambda one: (one.due_ms, one.receipt.id))
            found[sku] = _less(free, max(0, -self._network[sku].raw))
        return found

    def first(self) -> Found | None:
        """Return how all of it is sent on the earliest date on which it can be.

        None: on no date, or now, so that there is nothing to wait for.
        """
        for at_ms in self._dates():
            found = self.at(at_ms)
            if found is not None:
                waits = self._release_ms is not None or any(found.taken.values())
                return found if waits else None
        return None

    def _dates(self) -> list[int]:
        """Return the moments at which more may be sent than before."""
        dues = {max(one.due_ms, self._start_ms) for found in self._coming.values() for one in found}
        return [at for at in sorted({self._start_ms, *dues}) if self._may_do(at)][:DATES_MAX]

    def _may_do(self, at_ms: int) -> bool:
        return all(
            sum(one.units for one in self._by(sku, at_ms)) >= lacking
            for sku, lacking in self.lacking.items()
        )

    def _by(self, sku: str, at_ms: int) -> list[Inbound]:
        return [one for one in self._coming[sku] if one.due_ms <= at_ms]

    def missing(self) -> dict[str, int]:
        """Return what is too little, in units by SKU; all of it where the rules are the reason."""
        found = {
            sku: lacking - sum(one.units for one in self._coming[sku])
            for sku, lacking in self.lacking.items()
        }
        return {sku: units for sku, units in found.items() if units > 0} or self._wanted

    def at(self, at_ms: int) -> Found | None:
        """Return how all of it is sent at a moment; None where it cannot be."""
        stock = {place: dict(units) for place, units in self._free.items()}
        for sku in self._wanted:
            for one in self._by(sku, at_ms):
                here = stock.setdefault(one.receipt.location_id, {})
                here[sku] = here.get(sku, 0) + one.units
        routing = ParcelRouting(self._view, at_ms, self._promise_ms)
        decision = routing.decide_among(self._order, self._units, stock, {})
        if decision.plan.unsourced:
            return None
        arrivals = arrivals_of(self._order, decision, routing)
        taken = self._taken(decision.plan, at_ms)
        if arrivals is None or taken is None:
            return None
        last = max(arrivals, key=lambda one: (one.by_ms, one.place.id))
        return Found(taken, last.by_ms, last.place)

    def _taken(self, plan: SourcingPlan, at_ms: int) -> Taken | None:
        """Return what a plan takes of receipts, by SKU; None where others wait for the rest."""
        left = {place: dict(units) for place, units in self._free.items()}
        used: dict[str, dict[str, int]] = {sku: {} for sku in self._wanted}
        for shipment in plan.shipments:
            for line in shipment.lines:
                here = left.get(shipment.location_id, {})
                units = min(line.quantity, here.get(line.sku, 0))
                here[line.sku] = here.get(line.sku, 0) - units
                coming = [one for one in self._by(line.sku, at_ms)
                          if one.receipt.location_id == shipment.location_id]  # fmt: skip
                _take(used[line.sku], coming, line.quantity - units)
        for sku, lacking in self.lacking.items():
            more = lacking - sum(used[sku].values())
            if more > 0 and _take(used[sku], self._by(sku, at_ms), more):
                return None
        return {sku: list(receipts.items()) for sku, receipts in used.items()}


def _take(used: dict[str, int], coming: Sequence[Inbound], units: int) -> int:
    """Use receipts, the earliest first; return how many units they do not give."""
    for one in coming:
        count = min(units, one.units - used.get(one.receipt.id, 0))
        if count > 0:
            used[one.receipt.id] = used.get(one.receipt.id, 0) + count
            units -= count
    return units


def _less(free: Sequence[Inbound], owed: int) -> list[Inbound]:
    """Return receipts without the units that the network owes already, the earliest first."""
    found = []
    for one in free:
        units = min(owed, one.units)
        owed -= units
        if one.units > units:
            found.append(replace(one, units=one.units - units))
    return found


class Arrival(NamedTuple):
    """When a shipment leaves a place, and when it is delivered."""

    place: Location
    units: Mapping[str, int]
    leaves_ms: int
    days: DeliveryDays

    @property
    def by_ms(self) -> int:
        """The end of the last day."""
        return moment_of(ZoneInfo(self.place.timezone), self.days.latest, DAY_MINUTES)


def arrivals_of(order: Order, decision: Decision, routing: ParcelRouting) -> list[Arrival] | None:
    """Return the shipments of a plan; None where no carrier takes one of them."""
    found = []
    for shipment in decision.plan.shipments:
        place = decision.senders[shipment.location_id].location
        units: Counter[str] = Counter()
        for line in shipment.lines:
            units[line.sku] += line.quantity
        part = decision.part_of(place.id, shipment.ready_ms, shipment.units)
        ready_ms = routing.ready_ms(place, 0 if part is None else part.starts_ms)
        grams = decision.grams_of(shipment)
        choice = routing.sending.choice(place, order.ship_method, grams, ready_ms)
        if choice is None:
            return None
        point = order.latitude or 0.0, order.longitude or 0.0
        km = haversine_km(place.latitude, place.longitude, *point)
        days = routing.sending.delivery(place, choice, km)
        found.append(Arrival(place, units, choice.ship_by_ms, days))
    return found


def _units(order: Order) -> dict[int, int]:
    return {line.line: line.quantity for line in order.lines}
