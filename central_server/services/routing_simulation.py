"""What other rules would have done with past parcel orders, beside what happened.

The orders of a period are placed again, one after the other, against a stock and a
capacity of their own: each order takes from them what these rules give it, while sales,
counts and pickups happen as they did (`past_stock`). Both sides are measured alike: carriers' rates
and the handling costs of the rules that are tried; days from order to arrival; parcels;
units that nobody had or that were not found; promises kept. What a location gave up of an
order it gives up again, as late, and it goes on by the rules; what another would have missed
or kept late is expected from what it missed and kept late in this period. Grace is waited
for, and pickups take their part of a day as they did, by the limits that are tried. What waited
for a release date is decided when it was, and what waited for goods on their way, too, unless the
rules that are tried find all of it before; what still waits after that is not decided. Orders
that were called off, that are still held, or that were sent with a service that has no rate any
more, are left out on both sides.

Not part of it: what customers would have done, stock that records did not know, offers, holds
that a person ends, and orders that would be decided together.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from central_server.records import Order
from central_server.services.decisions import Decision
from central_server.services.order_views import Document, orders_in
from central_server.services.parcel_routing import Free, ParcelRouting
from central_server.services.past_records import (
    Record,
    is_late,
    records_of,
    shipped_ms,
    units_to_send,
)
from central_server.services.pauses import Pauses
from central_server.services.promises import Ask, Promises
from central_server.services.promising import open_hours
from central_server.services.routing_desk import rules_of
from central_server.services.simulated_sides import SHOWN_MAX, Side, difference
from central_server.services.times import rfc3339
from central_server.services.waiting_room import holds_of
from central_server.sourcing.capacity import DAY_LONGEST_MS, CapacityUse, parts_of_day
from central_server.sourcing.engine.plan import Shipment
from central_server.sourcing.past_stock import PastStock
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import RoutingRuleSet
from central_server.sourcing.shipping import cost_of, days_of
from sync.clock import Clock
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import OpId, made_at_ms

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View

ORDERS_MAX = 2_000
"""How many orders a simulation replays, the newest; what it left out is counted."""
DAY_MS = 86_400_000
NEVER = 2**63 - 1


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
            actual, simulated, moved = replay.play()
            left += len(orders) - len(replay.orders)
        return {
            "version": rules.version,
            "from": rfc3339(from_ms),
            "until": rfc3339(until_ms),
            "orders": len(replay.orders),
            "orders_left_out": left,
            "happened": actual.document(),
            "simulated": simulated.document(),
            "difference": difference(actual, simulated),
            "orders_elsewhere": len(moved),
            "examples": moved[:SHOWN_MAX],
        }


@dataclass(order=True, slots=True)
class _Turn:
    """Units of an order that are decided at a moment: all of it, or what was given up."""

    at_ms: int
    number: int
    order: Order = field(compare=False)
    units: Mapping[int, int] = field(compare=False)
    excluded: frozenset[str] = field(default=frozenset(), compare=False)
    waits_ms: int | None = field(default=None, compare=False)
    """When what it lacks came, if it lacks anything; `NEVER` if it never did."""

    @property
    def is_moved(self) -> bool:
        """Whether it is not new any more: it waited, or was given up."""
        return bool(self.excluded) or self.at_ms > self.order.placed_at_ms


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
        self._now_ms = now_ms
        self._promise_ms = promise_ms
        ids = [one.id for one in orders]
        stored = view.fulfillments.of_orders(ids) if ids else {}
        self._parts = {key: orders_in(found) for key, found in stored.items()}
        self._rates = view.shipping.rates()
        self._rated = {(one.carrier, one.service) for one in self._rates}
        gone = view.orders.called_off(ids) if ids else set()
        self._units = {
            one.id: units_to_send(one, self._parts.get(one.id, ()), is_called_off=one.id in gone)
            for one in orders
        }
        held = {one.order_id for one in view.holds.of_many(ids) if one.closed_ms is None}
        self.orders = [
            one for one in orders
            if self._units[one.id] and one.id not in held and self._is_priced(one)
        ]  # fmt: skip
        """Those that are compared: not what was called off, not what still waits, and not what
        was sent with a carrier's service of which no rate says any more what it costs."""
        self._places = {one.id: one for one in view.locations.all()}
        self._records = records_of([one for parts in self._parts.values() for one in parts])
        self._used: defaultdict[str, dict[int, CapacityUse]] = defaultdict(dict)
        self._goes: defaultdict[str, list[str]] = defaultdict(list)
        """Where each order is sent from in the replay."""

    def _is_priced(self, order: Order) -> bool:
        return all(
            one.shipment is None or (one.shipment.carrier, one.shipment.service) in self._rated
            for one in self._parts.get(order.id, ())
            if _is_done(one)
        )

    def play(self) -> tuple[Side, Side, list[Document]]:
        """Return both sides, and the orders that would have gone elsewhere."""
        from_ms = min((one.placed_at_ms for one in self.orders), default=self._now_ms)
        stock = self._stock(from_ms)
        actual, simulated = Side(), Side()
        waited = self._view.orders.waited([one.id for one in self.orders])
        turns = [
            turn
            for number, one in enumerate(self.orders)
            if (turn := self._first(number, one, waited.get(one.id))).at_ms < NEVER
        ]
        others = self._others(from_ms, max(
            (at_ms for one in turns for at_ms in (one.at_ms, one.waits_ms or 0) if at_ms < NEVER),
            default=from_ms,
        ) + 1)  # fmt: skip
        heapify(turns)
        while turns and (turn := heappop(turns)).at_ms < NEVER:
            stock.advance(turn.at_ms)
            while others and made_at_ms(others[-1].id) <= turn.at_ms:
                self._count_other(others.pop())
            again = self._play(turn, stock, simulated)
            for more in again:
                heappush(turns, more)
        moved: list[Document] = []
        for order in self.orders:
            went = self._happened(order, self._routing(order.placed_at_ms), actual)
            goes = sorted(set(self._goes[order.id]))
            simulated.split_orders += len(goes) > 1
            if went != goes:
                moved.append({"order_id": order.id, "number": order.number, "went": went,
                              "would_go": goes})  # fmt: skip
        return actual, simulated, moved

    def _routing(self, at_ms: int) -> ParcelRouting:
        return ParcelRouting(self._view, at_ms, self._promise_ms, self._rules, self._rates)

    def _first(self, number: int, order: Order, waited_for_date: bool | None) -> _Turn:
        """Return when an order is decided: `NEVER` where its date never came.

        What waited for a date is decided when it was, whatever the rules. What waited for goods
        is, too, where the rules that are tried do not find all of it before.
        """
        turn = _Turn(self._released_ms(order), number, order, self._units[order.id])
        if waited_for_date is None:
            return turn
        made = [made_at_ms(one.id) for one in self._parts[order.id]]
        then_ms = max(turn.at_ms, min(made)) if made else NEVER
        return replace(turn, at_ms=then_ms) if waited_for_date else replace(turn, waits_ms=then_ms)

    def _released_ms(self, order: Order) -> int:
        """Return when an order's grace ends by the rules that are tried."""
        routing = self._routing(order.placed_at_ms)
        asked = routing.order(order, self._units[order.id])
        rule = routing.route_of(order, asked, order.ship_method)
        ends = [one.until_ms for one in holds_of(order.id, rule, order.placed_at_ms)]
        return max([order.placed_at_ms, *(end for end in ends if end is not None)])

    def _play(self, turn: _Turn, stock: PastStock, side: Side) -> list[_Turn]:
        """Decide, and return what is decided later because a location gives it up again."""
        routing = self._routing(turn.at_ms)
        free = stock.free({line.sku for line in turn.order.lines if line.line in turn.units})
        decision = self._decide(turn, routing, free)
        if turn.waits_ms is not None and decision.plan.unsourced:
            return [replace(turn, at_ms=turn.waits_ms, waits_ms=None)]
        if not turn.excluded:  # what was given up is counted where it was
            side.stocked_out += sum(one.quantity for one in decision.plan.unsourced)
        self._take(decision, stock)
        again = []
        for shipment in decision.plan.shipments:
            units: Counter[int] = Counter()
            for line in shipment.lines:
                units[line.line] += line.quantity
            part = self._part_at(turn.order.id, shipment.location_id)
            refused = {} if part is None else _given_up(part, units)
            self._simulated(turn.order, routing, decision, shipment, units - Counter(refused),
                            side, is_known=part is not None)  # fmt: skip
            if part is not None and refused:
                side.stocked_out += sum(refused.values())
                again.append(_Turn(
                    turn.at_ms + self._delay_ms(part), turn.number, turn.order, refused,
                    turn.excluded | {shipment.location_id},
                ))  # fmt: skip
        return again

    def _decide(self, turn: _Turn, routing: ParcelRouting, free: Free) -> Decision:
        """Decide; what moves, or waited, goes late rather than nowhere, as in `shipping`."""
        order = turn.order

        def decided(one: Order) -> Decision:
            return routing.decide_among(one, turn.units, free, self._used, turn.excluded)

        found = decided(order)
        if not order.need_by or not found.plan.unsourced or not turn.is_moved:
            return found
        late = decided(replace(order, need_by=""))
        return late if late.plan.units > found.plan.units else found

    def _part_at(self, order_id: str, location_id: str) -> FulfillmentOrder | None:
        """Return what a location had of an order, first."""
        found = [one for one in self._parts.get(order_id, ()) if one.location_id == location_id]
        return min(found, key=lambda one: one.id, default=None)

    def _delay_ms(self, part: FulfillmentOrder) -> int:
        """Return how long a location kept what it gave up, by when it went elsewhere."""
        later = [one.id for one in self._parts[part.order_id] if one.id > part.id]
        made = made_at_ms(part.id)
        return max(0, made_at_ms(min(later)) - made) if later else 0

    def _others(self, from_ms: int, until_ms: int) -> list[FulfillmentOrder]:
        """Return what else took its part of days that rules limit, the last first.

        From four days before the first order: a part of its day may have been taken since the last
        one of the day before was over, and on days between on which nobody works.
        """
        if not self._rules.limits_capacity:
            return []
        mine = {one.id for one in self.orders}
        since_ms = max(0, from_ms - 4 * DAY_LONGEST_MS)
        found = orders_in(self._view.fulfillments.made(since_ms, until_ms))
        kept = [one for one in found if one.order_id not in mine and _is_done(one)]
        return sorted(kept, key=lambda one: one.id, reverse=True)

    def _count_other(self, one: FulfillmentOrder) -> None:
        """Let it take the first part of its location's day with room, full or not."""
        at_ms = made_at_ms(one.id)
        place = self._places[one.location_id]
        rules = self._rules.capacities_of(place.id, place.region, place.kind)
        parts = parts_of_day(rules, open_hours(place), at_ms) if rules else ()
        used, units = self._used[place.id], one.total("allocated")
        roomy = (part for part in parts if part.limit.fits(part.used_of(used) + part.use_of(units)))
        if parts:
            part = next(roomy, parts[0])
            used[part.starts_ms] = used.get(part.starts_ms, CapacityUse()) + part.use_of(units)

    def _stock(self, from_ms: int) -> PastStock:
        skus = sorted({line.sku for order in self.orders for line in order.lines})
        now = Promises(self._view, self._now_ms, pauses=Pauses(None, self._now_ms))
        promised = now.at(skus, Ask(method=Method.SHIP.value))
        free = {
            (place, sku): one.raw
            for place, found in promised.items() for sku, one in found.items()
            if one.is_offered and not one.is_protected
        }  # fmt: skip
        # What moved where no parcel may be sent from was never there for one.
        moved = self._view.stock_ledger.movements(skus, from_ms)
        there = (one for one in moved if (one.location_id, one.sku) in free)
        return PastStock(free, there, self._sources())

    def _sources(self) -> set[str]:
        """Return under which names the replayed orders moved stock."""
        parts = [one.id for order in self.orders for one in self._parts.get(order.id, ())]
        done = self._view.journal.history(parts) if parts else ()
        return {
            *(order.id for order in self.orders),
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
            leaves = shipped_ms(part) or part.promised_by_ms
            self._count(order, routing, side, _Parcel(
                part.location_id, carrier, method, units, _grams(part, routing), leaves,
                float(not is_late(part)),
            ))  # fmt: skip
        side.split_orders += len(set(sent)) > 1
        return sorted(set(sent))

    def _simulated(
        self,
        order: Order,
        routing: ParcelRouting,
        decision: Decision,
        shipment: Shipment,
        units: Counter[int],
        side: Side,
        *,
        is_known: bool,
    ) -> None:
        """Count a shipment of so many units by line.

        Where the location had this order (`is_known`), what it misses is known, too.
        """
        count = units.total()
        if not count:
            return
        record = self._records.get(shipment.location_id, Record())
        if not is_known:
            side.stocked_out += count * record.miss_share
        grams = sum(decision.grams[line] * many for line, many in units.items())
        sent = routing.sent(order, decision, shipment, grams)
        if sent is None:
            return
        choice = sent.choice
        self._goes[order.id].append(shipment.location_id)
        self._count(order, routing, side, _Parcel(
            shipment.location_id, choice.carrier, choice.service, count, grams,
            choice.ship_by_ms + record.behind_ms, record.kept_share,
        ))  # fmt: skip

    def _count(self, order: Order, routing: ParcelRouting, side: Side, one: "_Parcel") -> None:
        cost = cost_of(self._rates, one.carrier, one.service, one.grams) or 0
        place = self._places[one.location_id]
        does = self._rules.service_of(place.id, place.region, place.kind, routing.now_ms)
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


def _is_done(part: FulfillmentOrder) -> bool:
    """Return whether something of it was kept by its location: only that takes its day."""
    return part.total("open") + part.total("fulfilled") > 0


def _given_up(part: FulfillmentOrder, units: Mapping[int, int]) -> dict[int, int]:
    """Return how many of so many units a location does not find, as it did not."""
    short = {line.line: line.short for line in part.lines}
    found = {line: min(count, short.get(line, 0)) for line, count in units.items()}
    return {line: count for line, count in found.items() if count}
