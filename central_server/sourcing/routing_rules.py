"""Rules of routing: which orders are routed how, and what locations may take on. Data, not code.

A version is a list of rules; a rule is of one kind:

    route      for which orders, and how these are routed: goals (in order, or weighted),
               limits, and what happens before and after; of these the FIRST that fits counts
    serve      what a location does at all: enabled, channels, radius, capabilities, what
               a parcel and a unit cost there; the FIRST that reaches a location counts
    capacity   how much a location takes on in one part of its day, in units, orders and labor
               minutes; outside of the parts of its day it takes none. Of parts that overlap
               at a location, the FIRST counts
    need       which capability goods need of a location; all that reach a SKU count

A rule holds from `effective_from_ms` until (and without) `effective_until_ms`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from central_server.sourcing.engine.model import Condition, Goal, RoutingOrder, Rules
from central_server.sourcing.engine.rulebooks import fits
from central_server.sourcing.engine.tariffs import Tariff

SHIPMENTS_MAX = 3
"""An order is split over no more locations, where no rule says otherwise: each parcel costs."""


class RoutingRuleKind(StrEnum):
    """What a rule does."""

    ROUTE = "route"
    SERVE = "serve"
    CAPACITY = "capacity"
    NEED = "need"


class HoldKind(StrEnum):
    """Why an order is not released to a location yet."""

    GRACE = "grace"
    """Its customer may still change or cancel it; it ends by its time."""
    FRAUD = "fraud"
    ADDRESS = "address"
    PAYMENT = "payment"
    MANUAL = "manual"
    OFFER = "offer"
    """It is offered to several stores; the first that claims it gets it."""
    PRE_ORDER = "pre_order"
    """Something of it may not be sold before its release date."""
    ROOM = "room"
    """The days of all who could do it are full; it is tried again when the next one begins."""


@dataclass(frozen=True)
class RoutingRule:
    """One rule. Of what is empty, everything is reached; of what is None, nothing is said."""

    id: str
    kind: RoutingRuleKind
    # Which orders: of `route`. Of `serve`, `channels` are those that the location serves.
    channels: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """How fast: `standard`, `express` ..., as carriers call it; `pickup` for what is fetched."""
    tiers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    """Of `route`: one line of these is enough. Of `need`: which goods."""
    value_from_minor: int | None = None
    value_below_minor: int | None = None
    near_latitude: float | None = None
    near_longitude: float | None = None
    near_km: float | None = None
    """Together: the destination is within so many kilometers of a point."""
    # Which locations: of `serve` and `capacity` what is reached, of `route` who may ship.
    locations: tuple[str, ...] = ()
    except_locations: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    location_kinds: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    """Which goods: of `need`."""
    # Goals and limits: of `route`.
    goals: tuple[Goal, ...] = ()
    """From the most important on (lexicographic); what they leave equal the cost decides, then the
    number of shipments. Empty: weighted by the figures below."""
    km_minor: float = 0.1
    """What a kilometer of a parcel counts beside its carrier's rate: rates know no distance."""
    speed_minor: float = 0.0
    shipment_minor: float = 200.0
    stock_weight: float = 1.0
    balance_weight: float = 1.0
    supply_weeks: float = 0.0
    supply_minor: float = 0.0
    broken_run_minor: float = 0.0
    """What it costs to take the last unit of a size where all sizes of its style are there."""
    horizon_days: float = 0.0
    """Days until the next delivery, or until what is left is marked down; 0: a unit on a shelf is
    worth nothing to whoever walks in. With it, by the price in the location's zone:"""
    walk_in_margin_percent: float = 0.0
    """What is earned of a unit that a walk-in customer buys."""
    markdown_percent: float = 0.0
    """What is lost of a unit that is left at the end."""
    transfer_minor: float | None = None
    """What moving a unit to where it sells costs: no more is lost on one that is left."""
    failed_pick_minor: float = 500.0
    shipments_max: int = SHIPMENTS_MAX
    """Into how many an order is split; what is given up of it later is divided anew, likewise."""
    splits_lines: bool = True
    splits_kits: bool = False
    """Whether components of one kit may leave from several locations."""
    whole_below_minor: int = 0
    kept_units: int = 0
    radius_km: float | None = None
    """Of `route`: for these orders. Of `serve`: how far the location ships. Pickups move no farther
    from the store that was chosen."""
    # Before and after: of `route`.
    grace_minutes: int = 0
    """How long the customer may change or cancel before a location gets the work."""
    release_every_minutes: int = 0
    """Grace ends at whole multiples of so many minutes (UTC), so that orders that come within them
    are decided together; 0: each order's grace ends by itself."""
    hold_for: tuple[HoldKind, ...] = ()
    """What has to be cleared by a person first."""
    accept_minutes: int | None = None
    """After how long an order that no one accepted goes elsewhere; while its location is open."""
    offer_stores: int = 0
    """To how many stores it is offered at once, the best first; 0: it is given to one."""
    offer_minutes: int = 30
    """How long, while any of these stores is open; then it is routed as others are."""
    # What a location does: of `serve`. Of `need`, `capabilities` are what goods need.
    enabled: bool = True
    capabilities: tuple[str, ...] = ()
    handling_minor: float = 0.0
    unit_handling_minor: float = 0.0
    unit_surcharge_minor: float = 0.0
    # One part of the day: of `capacity`. Minutes after local midnight.
    from_minute: int = 0
    until_minute: int = 1440
    units: int | None = None
    orders: int | None = None
    labor_minutes: int | None = None
    minutes_per_order: float = 0.0
    minutes_per_unit: float = 0.0
    effective_from_ms: int | None = None
    effective_until_ms: int | None = None
    note: str = ""

    @property
    def prices_shelves(self) -> bool:
        """Whether a unit has a price where it lies."""
        return bool(self.horizon_days and self.has_worth and self.stock_weight)

    @property
    def has_worth(self) -> bool:
        """Whether it says what a unit earns, or loses, where it lies."""
        return bool(self.walk_in_margin_percent or self.markdown_percent or self.transfer_minor)

    def left_over_minor(self, price_minor: float) -> float:
        """Return what is lost on a unit of this price that nobody buys: the lesser of two."""
        markdown = price_minor * self.markdown_percent / 100
        if self.transfer_minor is None:
            return markdown
        return min(markdown, self.transfer_minor) if markdown else self.transfer_minor

    @property
    def counts_runs(self) -> bool:
        """Whether it matters that a run of sizes is broken."""
        return bool(self.broken_run_minor and (self.balance_weight or self.goals))

    def holds(self, now_ms: int) -> bool:
        """Return whether it is within its time box."""
        return (self.effective_from_ms is None or self.effective_from_ms <= now_ms) and (
            self.effective_until_ms is None or now_ms < self.effective_until_ms
        )

    def is_at(self, location_id: str, region: str, kind: str) -> bool:
        """Return whether it reaches a location."""
        return (
            (not self.locations or location_id in self.locations)
            and location_id not in self.except_locations
            and (not self.regions or region in self.regions)
            and (not self.location_kinds or kind in self.location_kinds)
        )

    def overlaps(self, other: "RoutingRule") -> bool:
        """Return whether two parts of a day have a minute in common."""
        return self.from_minute < other.until_minute and other.from_minute < self.until_minute

    def is_for(self, order: RoutingOrder, method: str) -> bool:
        """Return whether it says how an order is routed that is sent by `method`."""
        return (not self.methods or method in self.methods) and fits(self._condition, order)

    @cached_property
    def _condition(self) -> Condition:
        circle = (self.near_latitude, self.near_longitude, self.near_km)
        return Condition(
            channels=frozenset(self.channels) or None,
            tiers=frozenset(self.tiers) or None,
            categories=frozenset(self.categories) or None,
            value_from_minor=self.value_from_minor,
            value_below_minor=self.value_below_minor,
            within_km_of=None if None in circle else circle,  # type: ignore[arg-type]
        )

    def engine_rules(self, tariffs: Mapping[str, Tariff], version: int) -> Rules:
        """Return what the engine decides by."""
        return Rules(
            tariffs, version, self.id, self.goals,
            speed_minor=self.speed_minor, balance_weight=self.balance_weight,
            shipment_minor=self.shipment_minor, stock_weight=self.stock_weight,
            supply_weeks=self.supply_weeks, supply_minor=self.supply_minor,
            broken_run_minor=self.broken_run_minor,
            failed_pick_minor=self.failed_pick_minor, radius_km=self.radius_km,
            shipments_max=self.shipments_max, splits_lines=self.splits_lines,
            whole_below_minor=self.whole_below_minor, kept_units=self.kept_units,
        )  # fmt: skip


DEFAULT_ROUTE = RoutingRule("default", RoutingRuleKind.ROUTE)
"""How orders are routed for which no rule says anything."""
DEFAULT_SERVICE = RoutingRule("default", RoutingRuleKind.SERVE)


@dataclass(frozen=True)
class RoutingRuleSet:
    """One version of all rules. Version 0 is no rules at all."""

    version: int = 0
    rules: tuple[RoutingRule, ...] = ()

    def until_ms(self, now_ms: int) -> int | None:
        """Return when a time box of these rules begins or ends next; None: never again."""
        edges = (edge for one in self.rules
                 for edge in (one.effective_from_ms, one.effective_until_ms))  # fmt: skip
        return min((edge for edge in edges if edge is not None and edge > now_ms), default=None)

    def route_for(self, order: RoutingOrder, method: str, now_ms: int) -> RoutingRule:
        """Return the first rule that says how an order is routed."""
        for rule in self._of(RoutingRuleKind.ROUTE):
            if rule.holds(now_ms) and rule.is_for(order, method):
                return rule
        return DEFAULT_ROUTE

    def service_of(self, location_id: str, region: str, kind: str, now_ms: int) -> RoutingRule:
        """Return the first rule that says what a location does."""
        for rule in self._of(RoutingRuleKind.SERVE):
            if rule.holds(now_ms) and rule.is_at(location_id, region, kind):
                return rule
        return DEFAULT_SERVICE

    def capacities_of(self, location_id: str, region: str, kind: str) -> tuple[RoutingRule, ...]:
        """Return the rules that limit a location's days, of any time box; empty: no limit."""
        return tuple(
            rule
            for rule in self._of(RoutingRuleKind.CAPACITY)
            if rule.is_at(location_id, region, kind)
        )

    def needs_of(self, sku: str, category: str, now_ms: int) -> frozenset[str]:
        """Return the capabilities that a SKU needs."""
        return frozenset(
            name
            for rule in self._of(RoutingRuleKind.NEED)
            if rule.holds(now_ms)
            and (not rule.skus or sku in rule.skus)
            and (not rule.categories or category in rule.categories)
            for name in rule.capabilities
        )

    @cached_property
    def asks_categories(self) -> bool:
        """Whether some rule goes by categories."""
        return any(rule.categories for rule in self.rules)

    @cached_property
    def limits_idling(self) -> bool:
        """Whether some rule says by when orders are to be accepted."""
        return any(rule.accept_minutes is not None for rule in self.rules)

    @property
    def limits_capacity(self) -> bool:
        """Whether some rule limits what locations take on."""
        return bool(self._by_kind[RoutingRuleKind.CAPACITY])

    @cached_property
    def _by_kind(self) -> dict[RoutingRuleKind, tuple[RoutingRule, ...]]:
        return {
            kind: tuple(rule for rule in self.rules if rule.kind is kind)
            for kind in RoutingRuleKind
        }

    def _of(self, kind: RoutingRuleKind) -> Iterable[RoutingRule]:
        return self._by_kind[kind]


NO_ROUTING_RULES = RoutingRuleSet()
