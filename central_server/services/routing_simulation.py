"""What other rules would have done with past parcel orders, beside what happened.

The orders of a period are placed again, one after the other, against a stock and a
capacity of their own: each order takes from them what these rules give it, while sales,
counts and pickups happen as they did (`past_stock`). Both sides are measured alike: carriers' rates
and the handling costs of the rules that are tried; days from order to arrival; parcels;
units that nobody had or that were not found; promises kept. What a location would have
missed or kept late is expected from what it missed and kept late in this period.

Not part of it: what customers would have done, and stock that records did not know.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from central_server.records import Order
from central_server.services.decisions import Decision
from central_server.services.order_views import Document, orders_in
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask, Promises
from central_server.services.routing_desk import rules_of
from central_server.services.times import rfc3339
from central_server.sourcing.capacity import CapacityUse
from central_server.sourcing.past_stock import PastStock
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import RoutingRuleSet
from central_server.sourcing.shipping import cost_of, days_of
from sync.clock import Clock
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import OpId

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View

ORDERS_MAX = 2_000
"""How many orders a simulation replays, the newest; what it left out is counted."""
SHOWN_MAX = 100
DAY_MS = 86_400_000


@dataclass
class Side:
    """One side of the report, summed over orders."""

    parcels: int = 0
    split_orders: int = 0
    cost_minor: float = 0.0
    days: float = 0.0
    units: int = 0
    stocked_out: float = 0.0
    kept: float = 0.0
    orders: Counter[str] = field(default_factory=Counter)
    """Parcels by location."""

    def document(self) -> dict[str, Any]:
        """Return it as the API answers it; means are over parcels."""
        parcels = max(1, self.parcels)
        return {
            "parcels": self.parcels,
            "split_orders": self.split_orders,
            "cost_minor": round(self.cost_minor),
            "cost_minor_per_unit": round(self.cost_minor / max(1, self.units), 1),
            "days_mean": round(self.days / parcels, 2),
            "units_shipped": self.units,
            "units_stocked_out": round(self.stocked_out, 1),
            "promises_kept_percent": round(100 * self.kept / parcels, 1),
            "parcels_by_location": dict(self.orders.most_common(SHOWN_MAX)),
        }


@dataclass(frozen=True, slots=True)
class Record:
    """What a location did in the period."""

    given: int = 0
    """Units that it was given."""
    missed: int = 0
    """Of these, units that it gave up."""
    parcels: int = 0
    late: int = 0

    @property
    def miss_share(self) -> float:
        """How often a unit was not found, or given up."""
        return self.missed / self.given if self.given else 0.0

    @property
    def kept_share(self) -> float:
        """How often it kept its promise; a location without parcels is taken to keep it."""
        return 1 - self.late / self.parcels if self.parcels else 1.0


class RoutingSimulation:
    """Replays past orders. It reads one snapshot and writes nothing."""

    def __init__(self, database: "Database", clock: Clock, *, promise_ms: int) -> None:
        self._database = database
        self._clock = clock
        self._promise_ms = promise_ms

    def run(self, version: int | None, *, from_ms: int, until_ms: int) -> dict[str, Any]:
        """Return the report for a version (draft or not; None: the rules in force).

        Raises `NotFound`.
        """
        now = self._clock.now_ms()
        with self._database.read() as view:
            rules = rules_of(view, version, now)
            ids, left = view.orders.parcels_placed(from_ms, until_ms, ORDERS_MAX)
            found = view.orders.get_many(ids)
            rates = ParcelRouting(view, now, self._promise_ms, rules)
            comparable = [one for one in found.values() if rates.refusal(one) is None]
            left += len(found) - len(comparable)
            orders = sorted(comparable, key=lambda one: (one.placed_at_ms, one.id))
            replay = _Replay(view, rules, orders, now, self._promise_ms)
            actual, simulated, moved = replay.play(from_ms)
        return {
            "version": rules.version,
            "from": rfc3339(from_ms),
            "until": rfc3339(until_ms),
            "orders": len(orders),
            "orders_left_out": left,
            "happened": actual.document(),
            "simulated": simulated.document(),
            "difference": _difference(actual, simulated),
            "orders_elsewhere": len(moved),
            "examples": moved[:SHOWN_MAX],
        }


class _Replay:
    """One period, played again."""

    def __init__(
        self,
        view: "View",
        rules: RoutingRuleSet,
        orders: Sequence[Order],
        now_ms: int,
        promise_ms: int,
    ) -> None:
        self._view = view
        self._rules = rules
        self._orders = orders
        self._now_ms = now_ms
        self._promise_ms = promise_ms
        ids = [one.id for one in orders]
        stored = view.fulfillments.of_orders(ids) if ids else {}
        self._parts = {key: orders_in(found) for key, found in stored.items()}
        self._rates = view.shipping.rates()
        self._records = _records([one for parts in self._parts.values() for one in parts])
        self._used: defaultdict[str, dict[int, CapacityUse]] = defaultdict(dict)

    def play(self, from_ms: int) -> tuple[Side, Side, list[Document]]:
        """Return both sides, and the orders that would have gone elsewhere."""
        stock = self._stock(from_ms)
        actual, simulated = Side(), Side()
        moved: list[Document] = []
        for order in self._orders:
            stock.advance(order.placed_at_ms)
            routing = ParcelRouting(
                self._view, order.placed_at_ms, self._promise_ms, self._rules, self._rates
            )
            units = {line.line: line.quantity for line in order.lines}
            free = stock.free({line.sku for line in order.lines})
            decision = routing.decide_among(order, units, free, self._used)
            self._take(decision, stock)
            went = self._happened(order, routing, actual)
            goes = self._simulated(order, routing, decision, simulated)
            if went != goes:
                moved.append({"order_id": order.id, "number": order.number, "went": went,
                              "would_go": goes})  # fmt: skip
        return actual, simulated, moved

    def _stock(self, from_ms: int) -> PastStock:
        skus = sorted({line.sku for order in self._orders for line in order.lines})
        promised = Promises(self._view, self._now_ms).at(skus, Ask(method=Method.SHIP.value))
        free = {
            (place, sku): one.raw
            for place, found in promised.items() for sku, one in found.items() if one.is_offered
        }  # fmt: skip
        return PastStock(free, self._view.stock.movements(skus, from_ms), self._sources())

    def _sources(self) -> set[str]:
        """Return under which names the replayed orders moved stock."""
        parts = [one.id for found in self._parts.values() for one in found]
        done = self._view.journal.history(parts) if parts else ()
        return {
            *(order.id for order in self._orders),
            *(f"{why}:{key}" for key in parts for why in ("lapse", "idle")),
            *(str(OpId(one.replica_id, one.epoch, one.seq)) for one in done),
        }

    def _take(self, decision: Decision, stock: PastStock) -> None:
        for shipment in decision.plan.shipments:
            for line in shipment.lines:
                stock.take(shipment.location_id, line.sku, line.quantity)
            part = decision.part_of(shipment.location_id, shipment.ready_ms, shipment.units)
            if part is not None:
                used = self._used[shipment.location_id]
                before = used.get(part.starts_ms, CapacityUse())
                used[part.starts_ms] = before + part.use_of(shipment.units)

    def _happened(self, order: Order, routing: ParcelRouting, side: Side) -> list[str]:
        sent = []
        for part in self._parts.get(order.id, ()):
            side.stocked_out += part.total("short")
            units = part.total("fulfilled") + part.total("open")
            if part.shipment is None or not units:
                continue
            sent.append(part.location_id)
            carrier, method = part.shipment.carrier, part.shipment.service
            leaves = _shipped_ms(part) or part.promised_by_ms
            self._count(order, routing, side, _Parcel(
                part.location_id, carrier, method, units, _grams(part, routing), leaves,
                float(not _is_late(part)),
            ))  # fmt: skip
        side.split_orders += len(sent) > 1
        return sorted(sent)

    def _simulated(
        self, order: Order, routing: ParcelRouting, decision: Decision, side: Side
    ) -> list[str]:
        plan = decision.plan
        side.stocked_out += sum(one.quantity for one in plan.unsourced)
        for shipment in plan.shipments:
            record = self._records.get(shipment.location_id, Record())
            side.stocked_out += shipment.units * record.miss_share
            place = decision.senders[shipment.location_id].location
            day = decision.part_of(place.id, shipment.ready_ms, shipment.units)
            ready = routing.ready_ms(place, 0 if day is None else day.starts_ms)
            choice = routing.sending.choice(
                place, order.ship_method, decision.grams_of(shipment), ready
            )
            if choice is not None:
                self._count(order, routing, side, _Parcel(
                    place.id, choice.carrier, choice.service, shipment.units,
                    decision.grams_of(shipment), choice.ship_by_ms,
                    record.kept_share,
                ))  # fmt: skip
        side.split_orders += len(plan.shipments) > 1
        return sorted(plan.locations)

    def _count(self, order: Order, routing: ParcelRouting, side: Side, one: "_Parcel") -> None:
        cost = cost_of(self._rates, one.carrier, one.service, one.grams) or 0
        does = routing.service_of(one.location_id)
        side.parcels += 1
        side.units += one.units
        side.orders[one.location_id] += 1
        side.kept += one.kept
        side.cost_minor += cost + does.handling_minor
        side.cost_minor += one.units * (does.unit_handling_minor + does.unit_surcharge_minor)
        travel = days_of(self._rates, one.carrier, one.service)
        side.days += max(0, one.leaves_ms - order.placed_at_ms) / DAY_MS + travel


def _grams(part: FulfillmentOrder, routing: ParcelRouting) -> int:
    """Return what was sent of a part, or is to be sent."""
    weights = routing.weights([line.sku for line in part.lines])
    return sum((line.fulfilled + line.open) * weights[line.sku] for line in part.lines)


@dataclass(frozen=True, slots=True)
class _Parcel:
    location_id: str
    carrier: str
    service: str
    units: int
    grams: int
    leaves_ms: int
    kept: float


def _records(parts: Sequence[FulfillmentOrder]) -> dict[str, Record]:
    """Return what each location did in the period."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for part in parts:
        one = sums[part.location_id]
        one[0] += part.total("allocated")
        one[1] += part.total("short")
        if part.total("fulfilled"):
            one[2] += 1
            one[3] += _is_late(part)
    return {place: Record(*one) for place, one in sums.items()}


def _shipped_ms(part: FulfillmentOrder) -> int | None:
    boxes = part.shipment.boxes if part.shipment else ()
    return max((box.shipped_at_ms for box in boxes if box.shipped_at_ms), default=None)


def _is_late(part: FulfillmentOrder) -> bool:
    shipped = _shipped_ms(part)
    return shipped is not None and shipped > part.promised_by_ms


def _difference(actual: Side, simulated: Side) -> Mapping[str, Any]:
    """Return simulated less what happened, and what it means in a sentence."""
    before, after = actual.document(), simulated.document()
    found = {
        name: round(value - before[name], 2)
        for name, value in after.items()
        if isinstance(value, int | float)
    }
    saved = before["cost_minor"] - after["cost_minor"]
    words = "less" if saved >= 0 else "more"
    share = abs(saved) / max(1, before["cost_minor"])
    return {
        **found,
        "sentence": (
            f"These rules would have cost {abs(saved)} minor units {words} ({share:.1%}),"
            f" with {found['parcels']:+d} parcels, {found['days_mean']:+.2f} days and"
            f" {found['units_stocked_out']:+.1f} units stocked out."
        ),
    }
