"""What a routing decision is made from, as plain values. Nothing here reads a clock or a database.

Amounts are integers in minor units, all of one currency, which nobody names; rates are
floats in minor units per something, because tariffs have fractions. Weights are grams,
distances kilometers, times milliseconds UTC, coordinates degrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from central_server.sourcing.calendar import OpenHours
from central_server.sourcing.engine.tariffs import Tariff


class Goal(StrEnum):
    """What a plan may be judged by."""

    COST = "cost"
    """Money: freight, handling, surcharge, what the units are worth where they lie, risk."""
    SPEED = "speed"
    """Days between now and the arrival of a shipment, over all shipments."""
    BALANCE = "balance"
    """Minor units: taking from where stock is short, or from a full run of sizes."""
    SHIPMENTS = "shipments"
    """How many shipments there are."""


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """One line that wants units."""

    line: int
    sku: str
    quantity: int
    weight_grams: int = 0
    """Of one unit: the same in all lines of its SKU."""
    unit_price_minor: int = 0
    category: str = ""
    needs: frozenset[str] = frozenset()
    """Capabilities that a location must have to handle it: the same in all lines of its SKU."""
    group: str = ""
    """Lines of one group leave from one location together, whatever it is called; groups that
    share a SKU are one. Empty: by itself, unless another line of its SKU is in a group."""


@dataclass(frozen=True, slots=True)
class RoutingOrder:
    """What routing must know of an order."""

    lines: tuple[RequestedLine, ...]
    latitude: float
    longitude: float
    """Where it goes to."""
    promised_by_ms: int | None = None
    """What arrives later is no option; None: whenever it arrives."""
    channel: str = "web"
    customer_tier: str = ""
    order_id: str = ""
    excluded: frozenset[str] = frozenset()
    """Locations that gave it up."""

    @property
    def value_minor(self) -> int:
        """What the customer pays for the lines."""
        return sum(line.quantity * line.unit_price_minor for line in self.lines)

    def categories(self) -> frozenset[str]:
        """Return the categories of its lines."""
        return frozenset(line.category for line in self.lines)


@dataclass(frozen=True, slots=True)
class Stock:
    """What one location has of one SKU, and what a unit of it is worth there."""

    units: int
    """Units that may be promised."""
    prices_minor: tuple[float, ...] = ()
    """What giving up the first, second, third ... unit costs; the last one goes on for the
    others. Empty: computed from the five figures below (`prices.shelf_prices`)."""
    walk_ins_per_day: float = 0.0
    """Units a day that customers would buy on the spot."""
    horizon_days: float = 0.0
    """Days until the next delivery, or until what is left is marked down."""
    walk_in_margin_minor: float = 0.0
    """Earned by a unit that a walk-in customer buys."""
    markdown_minor: float = 0.0
    """Lost on a unit that is left at the end: marked down, or moved to where it sells."""
    dual_minor: float = 0.0
    """Price of a unit for online orders to come (`duals`); it counts where it is higher."""
    fill_probability: float = 1.0
    """That a unit on record is found (`learning`)."""
    is_full_run: bool = False
    """Whether all sizes of its style are there, so that taking the last one breaks the run."""


@dataclass(frozen=True, slots=True)
class DayPart:
    """What a location can still take on in one part of its day."""

    starts_ms: int
    ends_ms: int
    units: int
    orders: int
    labor_minutes: float = float("inf")
    minutes_per_order: float | None = None
    minutes_per_unit: float | None = None
    """Labor that a shipment takes in this part; None: what it takes there at any time."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that may ship: store, distribution center, vendor (drop ship) or 3PL."""

    location_id: str
    latitude: float
    longitude: float
    stock: Mapping[str, Stock]
    """By SKU; a SKU that is not listed has none."""
    kind: str = "store"
    name: str = ""
    tariff: str = ""
    """Which of the rules' tariffs it ships by."""
    is_enabled: bool = True
    channels: frozenset[str] | None = None
    """Which order sources it serves; None: all."""
    capabilities: frozenset[str] = frozenset()
    radius_km: float | None = None
    """How far it ships; None: anywhere."""
    lead_minutes: int = 0
    """Working time from order to ready parcel; of a vendor, days."""
    calendar: OpenHours | None = None
    """None: always open."""
    cut_offs: Mapping[str, int] = field(default_factory=dict)
    """Minutes after local midnight at which the carrier of a service collects, once a day.
    A service that is not listed leaves as soon as the parcel is ready."""
    parts: tuple[DayPart, ...] | None = None
    """Capacity by day part, in order of time: work goes into the first that is not over and has
    room. None: no limit."""
    minutes_per_order: float = 0.0
    minutes_per_unit: float = 0.0
    """Labor that a shipment takes, where its part of the day says nothing else."""
    handling_minor: float = 0.0
    """For each shipment."""
    unit_handling_minor: float = 0.0
    unit_surcharge_minor: float = 0.0
    """What a unit costs more than from own stock: a vendor's or 3PL's price."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Policy: data, not code. One rule set."""

    tariffs: Mapping[str, Tariff]
    version: int = 1
    name: str = "default"
    ordered: tuple[Goal, ...] = ()
    """Goals from the most important on, each deciding only among equals of those before it
    (costs of a unit or parcel in hundredths of a minor unit; where that takes too many digits, in
    whole ones). What all of them leave equal the cost decides, then the
    number of shipments. Empty: weighted."""
    speed_minor: float = 0.0
    """Weighted: what a day of a shipment is worth."""
    balance_weight: float = 1.0
    shipment_minor: float = 0.0
    """Weighted: what a customer's parcel more is worth avoiding, beside its freight."""
    stock_weight: float = 1.0
    """How much of a unit's worth where it lies counts."""
    supply_weeks: float = 0.0
    """Below so many weeks of supply a unit is short; 0: weeks of supply do not count."""
    supply_minor: float = 0.0
    """What taking the last short unit costs; the first short one costs a part of it."""
    broken_run_minor: float = 0.0
    """What breaking a full run of sizes costs."""
    failed_pick_minor: float = 0.0
    """What a unit that is not found costs: routing it anew, its delay."""
    radius_km: float | None = None
    shipments_max: int | None = None
    splits_lines: bool = True
    """Whether the units of one line may come from several locations; lines of one SKU are one."""
    whole_below_minor: int = 0
    """Orders of less value are not split at all."""
    is_all_or_nothing: bool = False
    """Whether an order of which something is missing stays unrouted as a whole."""
    kept_units: int = 0
    """Units of each SKU that stay at every store, online orders or not."""
    excluded: frozenset[str] = frozenset()
    kinds: frozenset[str] | None = None
    """Which kinds of location may ship; None: all."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Which orders a rule set is for. Everything that is given must hold."""

    channels: frozenset[str] | None = None
    tiers: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    """One line of these categories is enough."""
    value_from_minor: int | None = None
    value_below_minor: int | None = None
    within_km_of: tuple[float, float, float] | None = None
    """Latitude, longitude, kilometers around the destination."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rule sets with their conditions, in order: the first that fits is used."""

    entries: tuple[tuple[Condition, Rules], ...]
    default: Rules
