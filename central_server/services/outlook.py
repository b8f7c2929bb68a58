"""What can be sent of an order as time passes: on which date all of it, and from where.

free    what every location may send now; of one that is paused nothing that lies there counts
coming  what it may send besides once receipts are there that nobody else is promised; at one
        that is paused, once that is over: it is not asked before, whatever has come
date    the earliest on which locations can send all of it by the rules of routing as they
        are then; the last day of its delivery is what the customer is promised
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from central_server.records import Location, Order
from central_server.services.decisions import Decision
from central_server.services.errors import NotInTime
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.pauses import Pauses
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku
from central_server.services.shipping import too_late
from central_server.services.transfer_receipts import going_to, offered
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.receipts import Inbound, inbound
from sync.domain.delivery import DeliveryDays
from sync.domain.errors import InsufficientStock
from sync.domain.opening import DAY_MINUTES, moment_of

if TYPE_CHECKING:
    from central_server.storage.unit import View

DATES_MAX = 20
"""On how many dates, the earliest first, it is looked whether all of it can be sent."""
NEVER = 2**63 - 1
Taken = Mapping[str, list[tuple[str, int]]]
"""What is taken of which receipts, by SKU."""


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
        self, view: "View", order: Order, routing: ParcelRouting, release_ms: int | None, *,
        is_waiting: bool = False,
    ) -> None:  # fmt: skip
        """`is_waiting`: what is wanted is of the network already, and kept at no place."""
        self._view = view
        self._asked = order
        self._routing = routing
        self._order = replace(order, need_by="")
        """Whenever it is sent: who needs it by a day is told when it could be there."""
        self._units = {
            line.line: units
            for line in order.lines
            if (units := line.unsourced if is_waiting else line.quantity)
        }
        self._wanted = by_sku(order, self._units)
        self._now_ms = routing.now_ms
        self._start_ms = max(routing.now_ms, release_ms or 0)
        self._promise_ms = routing.promise_ms
        self._ask = Ask(
            order.channel, Method.SHIP.value, is_moved=is_waiting, for_later=release_ms is not None
        )
        promises = Promises(view, self._now_ms)
        self._paused = _paused(view, order, self._wanted, self._now_ms)
        self._excluded = frozenset(self._paused)
        free = promises.free(self._wanted, self._ask)
        self._free = {place: units for place, units in free.items() if place not in self._excluded}
        network = promises.network(self._wanted, self._ask)
        own = self._wanted if is_waiting else dict.fromkeys(self._wanted, 0)
        self._owed = {sku: max(0, -network[sku].raw - own[sku]) for sku in own}
        """What the network has promised others and does not have, by SKU."""
        may = {
            sku: max(0, one.raw + own[sku]) if is_waiting else one.quantity
            for sku, one in network.items()
        }
        self.lacking = {sku: max(0, units - may[sku]) for sku, units in self._wanted.items()}
        """What the network may not promise of what lies there, by SKU."""
        self._release_ms = release_ms
        # As if nothing were paused: what comes there counts from the end of the pause on (`_by`).
        self._coming = self._receipts(
            Promises(view, self._now_ms, promises.rules, pauses=Pauses(None, self._now_ms))
        )

    def _receipts(self, promises: Promises) -> dict[str, list[Inbound]]:
        """Return what may be promised of receipts where such orders are sent from, by SKU.

        `promises` are as if nothing were paused. What a place keeps for orders that wait there is
        the network's to cover: it is taken off receipts with the network's, if nothing that lies
        anywhere covers it.
        """
        coming = offered(self._view, self._view.supply.coming(self._wanted))
        places = sorted({one.location_id for one in coming})
        there = promises.at(self._wanted, self._ask, places) if places else {}
        kept = promises.kept(self._wanted, self._ask)
        found: dict[str, list[Inbound]] = {}
        for sku in self._wanted:
            free: list[Inbound] = []
            for place in places:
                promise = there[place][sku]
                if promise.is_offered and not promise.is_protected:
                    here = [one for one in coming if (one.sku, one.location_id) == (sku, place)]
                    owed = -promise.raw - kept.get(sku, {}).get(place, 0)
                    free += inbound(here, max(0, owed), self._now_ms)
            free.sort(key=lambda one: (one.due_ms, one.receipt.id))
            found[sku] = _less(free, self._owed[sku])
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

    def is_sent_now(self) -> bool:
        """Return whether whoever routes all of it finds who sends it now."""
        decision = self._routing.decide(self._order, self._units, self._excluded, self._ask)
        return not decision.plan.unsourced

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
        return [
            one for one in self._coming[sku]
            if max(one.due_ms, self._paused.get(one.receipt.location_id, 0)) <= at_ms
        ]  # fmt: skip

    def refusal(self) -> InsufficientStock | NotInTime:
        """Return why it is not taken where it is sent on no date, or could be now, but too late."""
        late = None
        if not any(self.lacking.values()):
            routing, units = self._routing, self._units
            late = too_late(routing, self._asked, units, self._excluded, self._ask)
        return late or InsufficientStock(self._missing())

    def _missing(self) -> dict[str, int]:
        """Return what is too little, in units by SKU.

        All of it where rules or pauses are the reason.
        """
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


def _paused(view: "View", order: Order, skus: Collection[str], now_ms: int) -> dict[str, int]:
    """Return until when locations are not asked, by location."""
    found = dict.fromkeys(going_to(view, order), NEVER)
    for one in view.shipping.paused(order.id, skus, now_ms):
        found[one.location_id] = max(one.until_ms, found.get(one.location_id, 0))
    return found


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
        sent = routing.sent(order, decision, shipment)
        if sent is None:
            return None
        units: Counter[str] = Counter()
        for line in shipment.lines:
            units[line.sku] += line.quantity
        place = decision.senders[shipment.location_id].location
        found.append(Arrival(place, units, sent.choice.ship_by_ms, sent.delivery))
    return found
