"""Routing of what is sent: an order, locations and rules as the engine takes them, and its plan.

    facts      the lines with weight, price, category and needed capabilities
    locations  those that may promise any of it, with the carrier that would take a parcel,
               the rules that say what they do, and what still fits into their day
    plan       the engine's, by the first `route` rule that fits all of the order, also where only
               a part of it is routed, or the default

Nothing is reserved here; `shipping.divide` does that.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from central_server.records import Location, Order, ShippingRate
from central_server.services.decisions import Chosen, Decision, Sender
from central_server.services.errors import RatesInOtherCurrency
from central_server.services.need_by import day_ends_ms
from central_server.services.promises import Ask, Promises
from central_server.services.promising import accept_by_ms, by_sku, open_hours, ready_in_ms
from central_server.services.sending import Sending
from central_server.services.shelves import Shelves, Worth
from central_server.sourcing.calendar import OpenHours, promised_by
from central_server.sourcing.capacity import CapacityUse, PartOfDay, day_parts, parts_of_day
from central_server.sourcing.engine.explain import RANKS_LOWER
from central_server.sourcing.engine.model import (
    Candidate,
    RequestedLine,
    RoutingOrder,
)
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import Shipment
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.tariffs import Tariff
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.kits import NO_KITS, Kits, kits_of
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleSet
from central_server.sourcing.shipping import UNIT_GRAMS, CarrierChoice
from sync.domain.delivery import DeliveryDays

if TYPE_CHECKING:
    from central_server.storage.unit import View

STORE = "store"
MINUTE_MS = 60_000
EFFORT_MAX = 10_000
"""How long a proof that nothing is cheaper is sought while a customer waits (`solver`)."""
LATE_TRIES = 5
"""How often a plan is sought of which every part is there in time; then nobody makes it."""


class Sent(NamedTuple):
    """How a shipment leaves: with whom, delivered when, in which part of its location's day."""

    choice: CarrierChoice
    delivery: DeliveryDays
    day: PartOfDay | None


Free = Mapping[str, Mapping[str, int]]
"""Units that may be promised, by location and SKU."""
Used = Mapping[str, Mapping[int, CapacityUse]]
"""What is taken of parts of days, by location and then by start."""


class ParcelRouting:
    """Decides for orders of one transaction, by the rules that hold."""

    def __init__(
        self,
        view: "View",
        now_ms: int,
        promise_ms: int,
        rules: RoutingRuleSet | None = None,
        rates: tuple[ShippingRate, ...] | None = None,
    ) -> None:
        """`rules` and `rates` are those in force, if none are given."""
        self._view = view
        self.now_ms = now_ms
        self.promise_ms = promise_ms
        self.rules = view.routing_rules.in_force(now_ms) if rules is None else rules
        self.sending = Sending(view, rates)
        self._shelves = Shelves(view)
        self._weights: dict[str, int] = {}
        self._ready: dict[tuple[OpenHours, int, int], int] = {}

    def order(
        self, order: Order, units: Mapping[int, int], excluded: frozenset[str] = frozenset()
    ) -> RoutingOrder:
        """Return what of an order is routed (units by line), as the engine takes it.

        What is paid where it leaves is excluded from where nobody takes money.
        """
        if order.is_paid_here:
            excluded |= self._take_no_money
        wanted = [line for line in order.lines if units.get(line.line)]
        categories: Mapping[str, str] = {}
        if self.rules.asks_categories:
            categories = self._view.catalogue.categories([line.sku for line in wanted])
        grams = self.weights([line.sku for line in wanted])
        lines = tuple(
            RequestedLine(
                line.line, line.sku, units[line.line], grams[line.sku], line.unit_price_minor,
                categories.get(line.sku, ""),
                self.rules.needs_of(line.sku, categories.get(line.sku, ""), self.now_ms),
            )
            for line in wanted
        )  # fmt: skip
        by_ms = day_ends_ms(order.need_by, self._timezones) if order.need_by else None
        return RoutingOrder(
            lines, order.latitude or 0.0, order.longitude or 0.0, by_ms, order.channel,
            order.customer_tier, order.id, excluded,
        )  # fmt: skip

    @cached_property
    def _timezones(self) -> frozenset[str]:
        return frozenset(one.timezone for one in self._view.locations.all())

    @cached_property
    def _take_no_money(self) -> frozenset[str]:
        return frozenset(one.id for one in self._view.locations.all() if one.kind != STORE)

    def weights(self, skus: Collection[str]) -> dict[str, int]:
        """Return what a unit weighs (grams), by SKU: as it was weighed, else `UNIT_GRAMS`."""
        missing = [sku for sku in skus if sku not in self._weights]
        if missing:
            found = self._view.catalogue.weights(missing)
            self._weights.update({sku: found.get(sku, UNIT_GRAMS) for sku in missing})
        return {sku: self._weights[sku] for sku in skus}

    def refusal(self, order: Order) -> RatesInOtherCurrency | None:
        """Return why an order cannot be decided: its amounts and the rates cannot be compared."""
        rates = self.sending.currency
        if rates in {None, order.currency}:
            return None
        return RatesInOtherCurrency(order.currency, rates)

    def require_comparable(self, order: Order) -> None:
        """Raise `RatesInOtherCurrency` where an order and the rates are in two currencies."""
        refusal = self.refusal(order)
        if refusal is not None:
            raise refusal

    def route_of(self, order: Order, asked: RoutingOrder, method: str) -> RoutingRule:
        """Return the rule that says how an order is routed: by all of it that was not dropped.

        What moves, or waited, goes by the rule of its order, however little of that is `asked`.
        Who plays the past asks for units, too, that were dropped since.
        """
        units = {one.line: one.quantity for one in asked.lines}
        left = {
            one.line: max(one.quantity - one.dropped, units.get(one.line, 0)) for one in order.lines
        }
        whole = {line: count for line, count in left.items() if count > 0}
        if whole != units:
            asked = self.order(order, whole)
        return self.rules.route_for(asked, method, self.now_ms)

    def decide(
        self,
        order: Order,
        units: Mapping[int, int],
        excluded: frozenset[str],
        ask: Ask,
        *,
        shipments_max: int | None = None,
        only: Chosen | None = None,
        promised_by_ms: int | None = None,
    ) -> Decision:
        """Return where `units` (by line) of an order go. Nothing is reserved.

        `only` are the locations that were chosen for it before; what would arrive after
        `promised_by_ms` is no option.
        """
        asked = self.order(order, units, excluded)
        ends = [one for one in (asked.promised_by_ms, promised_by_ms) if one is not None]
        asked = replace(asked, promised_by_ms=min(ends, default=None))
        rule = self.route_of(order, asked, order.ship_method)
        wanted = tuple(by_sku(order, units))
        senders = self._senders(Promises(self._view, self.now_ms).free(wanted, ask))
        decision = self._decided(order, asked, rule, senders, shipments_max, only)
        late: frozenset[str] = frozenset()
        tries = 1
        while found := self._late(order, decision):
            late |= found
            left_out = late if tries < LATE_TRIES else frozenset(senders)
            tries += 1
            narrowed = replace(asked, excluded=asked.excluded | left_out)
            decision = self._decided(order, narrowed, rule, senders, shipments_max, only)
        return replace(decision, need_by=order.need_by, late=late)

    def sent(
        self, order: Order, decision: Decision, shipment: Shipment, grams: int | None = None
    ) -> Sent | None:
        """Return how a shipment of a decision leaves, and when it arrives; None: nobody takes it.

        The engine reckons with what a location could send of an order; this is what it sends:
        all of the shipment, or what of it weighs so many `grams`.
        """
        place = decision.senders[shipment.location_id].location
        day = decision.part_of(place.id, shipment.ready_ms, shipment.units)
        ready_ms = self.ready_ms(place, 0 if day is None else day.starts_ms)
        weight = decision.grams_of(shipment) if grams is None else grams
        choice = self.sending.choice(place, order.ship_method, weight, ready_ms)
        if choice is None:
            return None
        km = haversine_km(
            place.latitude, place.longitude, order.latitude or 0.0, order.longitude or 0.0
        )
        return Sent(choice, self.sending.delivery(place, choice, km), day)

    def _late(self, order: Order, decision: Decision) -> frozenset[str]:
        """Return the locations of a plan that would tell the customer a day that is too late."""
        if not order.need_by:
            return frozenset()
        return frozenset(
            one.location_id
            for one in decision.plan.shipments
            if (sent := self.sent(order, decision, one)) is not None
            and sent.delivery.latest.isoformat() > order.need_by
        )

    def decide_among(
        self,
        order: Order,
        units: Mapping[int, int],
        free: Free,
        used: Used,
        excluded: frozenset[str] = frozenset(),
    ) -> Decision:
        """Return where `units` of an order go among stock and capacity that somebody made up."""
        asked = self.order(order, units, excluded)
        rule = self.route_of(order, asked, order.ship_method)
        return self._decided(order, asked, rule, self._senders(free, used), None)

    def _decided(
        self,
        order: Order,
        asked: RoutingOrder,
        rule: RoutingRule,
        senders: Mapping[str, Sender],
        shipments_max: int | None,
        only: Chosen | None = None,
    ) -> Decision:
        skus = {line.line: line.sku for line in asked.lines}
        units = {line.line: line.quantity for line in asked.lines}
        grams = {line.line: line.weight_grams for line in asked.lines}
        kits = kits_by(rule, order, units)
        asked = kits.asked(asked)
        if kits.items:
            senders = {
                name: replace(one, free=kits.stocked(one.free)) for name, one in senders.items()
            }
        if shipments_max is not None and shipments_max < rule.shipments_max:
            rule = replace(rule, shipments_max=shipments_max)
        refusal = self.refusal(order)
        if refusal is not None:
            senders = {}
        network = self._network([asked], order.ship_method, rule, senders, kits)
        others = frozenset() if only is None else frozenset(senders) - only.locations
        narrowed = replace(asked, excluded=asked.excluded | others)
        plan = plan_order(narrowed, network, effort_max=EFFORT_MAX)
        apart = kits.taken_apart(plan, skus)
        because = RANKS_LOWER if only is None else only.because
        return Decision(
            asked, rule, self.rules.version, network, senders, apart, plan, grams,
            because=because,
            refusal="" if refusal is None else f"Nobody is asked: {refusal}.",
        )  # fmt: skip

    def network_of(
        self, rule: RoutingRule, method: str, orders: Sequence[RoutingOrder], free: Free
    ) -> Network:
        """Return one network for orders that are decided together.

        What a parcel costs is that of the biggest of them.
        """
        return self._network(orders, method, rule, self._senders(free))

    def _senders(self, free: Free, used: Used | None = None) -> dict[str, Sender]:
        """Return the locations that have any of it, with what is taken of their day."""
        places = self._view.locations.get_many(free)
        parts = {one.id: self._parts(one) for one in places.values()}
        limited = [name for name, found in parts.items() if found]
        if used is None:
            used = self._view.capacity.used(limited, self.now_ms) if limited else {}
        return {
            name: Sender(one, free[name], parts[name], used.get(name, {}))
            for name, one in places.items()
        }

    def _parts(self, place: Location) -> tuple[PartOfDay, ...]:
        rules = self.rules.capacities_of(place.id, place.region, place.kind)
        return parts_of_day(rules, open_hours(place), self.now_ms) if rules else ()

    def _network(
        self,
        orders: Sequence[RoutingOrder],
        method: str,
        rule: RoutingRule,
        senders: Mapping[str, Sender],
        kits: Kits = NO_KITS,
    ) -> Network:
        wanted, grams, heaviest = _asked_of(orders)
        tariffs: dict[str, Tariff] = {"": Tariff(())}
        places = [one.location for one in senders.values()]
        worth = self._shelves.worth(wanted, rule, places, kits)
        foreign = self._shelves.foreign(wanted, rule, places, kits, self.sending.currency)
        candidates = []
        for sender in senders.values():
            there = {
                sku: units for sku, count in wanted.items()
                if (units := min(count, sender.free.get(sku, 0))) > 0
            }  # fmt: skip
            heavy = min(sum(units * grams[sku] for sku, units in there.items()), heaviest)
            light = min((grams[sku] for sku in there), default=0)
            place = sender.location
            choices = self._choices(sender, method, heavy)
            name, tariff = self.sending.tariff(
                place, choices[_first_roomy(sender)], light, heavy, rule.km_minor
            )
            tariffs[name] = tariff
            candidates.append(self._candidate(sender, name, choices, worth))
        others = {
            name
            for name, sender in senders.items()
            if name in foreign or not rule.is_at(name, sender.location.region, sender.location.kind)
        }
        rules = replace(rule.engine_rules(tariffs, self.rules.version), excluded=frozenset(others))
        return Network(candidates, rules, self.now_ms, wanted)

    def _choices(
        self, sender: Sender, method: str, grams: int
    ) -> Sequence[CarrierChoice | None]:  # fmt: skip
        """Return who takes what is done in each part of a day that has limits, else at once."""
        begins = [part.starts_ms for part in sender.parts] or [0]
        place = sender.location
        return [
            self.sending.choice(place, method, grams, self.ready_ms(place, start))
            for start in begins
        ]

    def _candidate(
        self,
        sender: Sender,
        tariff: str,
        choices: Sequence[CarrierChoice | None],
        worth: Worth,
    ) -> Candidate:
        """Return a location as the engine takes it.

        Its lead is until the carrier comes; of parts of its day, each begins then, so that
        weekdays and days off of carriers count there like anywhere.
        """
        place = sender.location
        does = self.rules.service_of(place.id, place.region, place.kind, self.now_ms)
        leads = [0 if one is None else self._minutes_until(one.ship_by_ms) for one in choices]
        parts = day_parts(sender.parts, sender.used)
        if parts is not None:
            parts = tuple(
                replace(part, starts_ms=self.now_ms + lead * MINUTE_MS)
                for part, lead in zip(parts, leads, strict=True)
            )
        return Candidate(
            place.id, place.latitude, place.longitude,
            {sku: worth(sender, sku) for sku in sender.free},
            kind=place.kind,
            name=place.name,
            tariff=tariff,
            is_enabled=does.enabled,
            channels=frozenset(does.channels) or None,
            capabilities=frozenset(does.capabilities),
            radius_km=does.radius_km,
            lead_minutes=leads[0] if parts is None else 0,
            parts=parts,
            handling_minor=does.handling_minor,
            unit_handling_minor=does.unit_handling_minor,
            unit_surcharge_minor=does.unit_surcharge_minor,
        )  # fmt: skip

    def _minutes_until(self, moment_ms: int) -> int:
        return -((self.now_ms - moment_ms) // MINUTE_MS)

    def ready_ms(self, place: Location, begins_ms: int = 0) -> int:
        """Return when a location could have it ready, whatever its day is like.

        Or when work begins on it at `begins_ms`, if that is later than now.
        """
        start = max(self.now_ms, begins_ms)
        key = open_hours(place), ready_in_ms(place, self.promise_ms), start
        if key not in self._ready:
            calendar, working_ms, _ = key
            self._ready[key] = promised_by(calendar, start, working_ms)
        return self._ready[key]


def _first_roomy(sender: Sender) -> int:
    """Return the number of the first part of a day that takes anything; 0 where none does."""
    numbers = (number for number, part in enumerate(sender.parts) if sender.has_room(part, 1))
    return next(numbers, 0)


def kits_by(rule: RoutingRule, order: Order, units: Mapping[int, int]) -> Kits:
    """Return what of an order's units (by line) a rule keeps together as kits."""
    return NO_KITS if rule.splits_kits else kits_of(order.lines, units)


def _asked_of(orders: Sequence[RoutingOrder]) -> tuple[dict[str, int], dict[str, int], int]:
    """Return of orders the most units that one wants and a unit's grams, by SKU; and the heaviest.

    In grams.
    """
    wanted: dict[str, int] = {}
    grams: dict[str, int] = {}
    for one in orders:
        units: dict[str, int] = {}
        for line in one.lines:
            units[line.sku] = units.get(line.sku, 0) + line.quantity
            grams[line.sku] = line.weight_grams
        for sku, count in units.items():
            wanted[sku] = max(count, wanted.get(sku, 0))
    weights = (sum(line.quantity * line.weight_grams for line in one.lines) for one in orders)
    return wanted, grams, max(weights)


def pickup_accept_by(
    view: "View", order: Order, place: Location, units: Mapping[int, int], now_ms: int,
    begins_ms: int = 0,
) -> int | None:  # fmt: skip
    """Return by when a store has to accept a pickup (ms); None where no rule says so.

    `begins_ms` is when the part of its day begins that has room for it, if that is limited.
    """
    rules = view.routing_rules.in_force(now_ms)
    if not rules.limits_idling:
        return None
    routing = ParcelRouting(view, now_ms, 0, rules)
    here = replace(order, latitude=place.latitude, longitude=place.longitude)
    rule = routing.route_of(here, routing.order(here, units), Method.PICKUP.value)
    minutes = rule.accept_minutes
    return None if minutes is None else accept_by_ms(place, minutes, now_ms, begins_ms)
