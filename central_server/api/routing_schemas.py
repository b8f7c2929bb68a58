"""Bodies of `POST /v1/routing/plan`: everything that the routing engine takes, in JSON.

They are the dataclasses of `central_server.sourcing.engine.model`, field by field;
times are RFC 3339. What a field means is said there once more, with its units.
"""

from collections import Counter
from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from central_server.api.schemas import Body, Identifier, Moment
from central_server.services.times import to_ms
from central_server.sourcing.calendar import OpenHours
from central_server.sourcing.engine.model import (
    Candidate,
    DayPart,
    Goal,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from central_server.sourcing.engine.timing import is_timezone
from sync.domain.opening import DAYS_OF_WORK_MAX

LINES_MAX = 20
UNITS_MAX = 1000
CANDIDATES_MAX = 1_500
STOCK_ENTRIES_MAX = 15_000
SERVICES_MAX = 8
ZONES_MAX = 20
CELLS_MAX = 100_000
"""Goals in order weigh every unit at every location by itself: some seconds for so many."""
COMPARISONS_MAX = 10_000_000
"""The ways in which a location could ship are compared with each other: seconds for so many."""
DAYS_MAX = 1_000_000
"""Days of calendars that are looked at until work is done: some seconds for so many."""
EFFORT_MAX = 100_000
DAY_MINUTES = 1440

Rate = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""Minor units per something."""
Worth = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
Names = Annotated[frozenset[Identifier], Field(max_length=CANDIDATES_MAX)]


class LineBody(Body):
    """One line that wants units."""

    line: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=UNITS_MAX, strict=True)]
    weight_grams: Annotated[int, Field(ge=0, le=10_000_000, strict=True)] = 0
    unit_price_minor: Annotated[int, Field(ge=0, le=10**12, strict=True)] = 0
    category: Annotated[str, Field(max_length=64)] = ""
    needs: Annotated[frozenset[Identifier], Field(max_length=16)] = frozenset()
    """Capabilities that a location must have to handle it: the same in all lines of its SKU."""
    group: Annotated[str, Field(max_length=64)] = ""
    """Lines of one group leave from one location together; so do all lines of their SKUs."""


class RoutingOrderBody(Body):
    """What is to be shipped, where to, and by when."""

    lines: Annotated[tuple[LineBody, ...], Field(min_length=1, max_length=LINES_MAX)]
    latitude: Latitude
    longitude: Longitude
    promised_by: Moment | None = None
    channel: Annotated[str, Field(max_length=64)] = "web"
    customer_tier: Annotated[str, Field(max_length=64)] = ""
    excluded: Names = frozenset()
    """Locations that gave the order up."""

    @model_validator(mode="after")
    def _has_distinct_lines(self) -> "RoutingOrderBody":
        if len({line.line for line in self.lines}) < len(self.lines):
            raise ValueError("line numbers must be distinct")
        return self

    @model_validator(mode="after")
    def _says_the_same_of_a_sku(self) -> "RoutingOrderBody":
        """Refuse lines of one SKU that differ: they are sent as one."""
        firsts: dict[str, LineBody] = {}
        for line in self.lines:
            first = firsts.setdefault(line.sku, line)
            if first.weight_grams != line.weight_grams:
                raise ValueError(
                    f"{line.sku} has {first.weight_grams} g and {line.weight_grams} g in different"
                    " lines: say one weight"
                )
            if first.needs != line.needs:
                raise ValueError(f"lines of {line.sku} need different capabilities: say the same")
        return self

    def units(self) -> Counter[str]:
        """Return the units wanted of each SKU."""
        wanted: Counter[str] = Counter()
        for line in self.lines:
            wanted[line.sku] += line.quantity
        return wanted

    def value(self) -> RoutingOrder:
        """Return it as the engine takes it."""
        return RoutingOrder(
            lines=tuple(RequestedLine(**dict(line)) for line in self.lines),
            latitude=self.latitude,
            longitude=self.longitude,
            promised_by_ms=None if self.promised_by is None else to_ms(self.promised_by),
            channel=self.channel,
            customer_tier=self.customer_tier,
            excluded=self.excluded,
        )


class StockBody(Body):
    """What a location has of a SKU, and what its units are worth there.

    Either `prices_minor`, or the figures from which they follow: price of the s-th unit =
    margin x P(walk-ins >= s) - markdown x P(walk-ins < s), walk-ins Poisson with
    walk_ins_per_day x horizon_days.
    """

    units: Count
    prices_minor: Annotated[tuple[Worth, ...], Field(max_length=UNITS_MAX)] = ()
    """What giving up the first, second ... unit costs; the last one goes on."""
    walk_ins_per_day: Rate = 0.0
    horizon_days: Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False)] = 0.0
    walk_in_margin_minor: Rate = 0.0
    markdown_minor: Rate = 0.0
    dual_minor: Worth = 0.0
    """Price of a unit for online orders to come; it counts where it is higher."""
    fill_probability: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    is_full_run: bool = False

    @field_validator("prices_minor")
    @classmethod
    def _never_fall(cls, prices: tuple[float, ...]) -> tuple[float, ...]:
        """Refuse what no plan could be proved best by: the last unit on a shelf is the dearest."""
        if any(later < before for before, later in pairwise(prices)):
            raise ValueError("prices_minor never fall: a later unit costs no less")
        return prices


class DayPartBody(Body):
    """What a location can still take on in a part of its day."""

    starts_at: Moment
    ends_at: Moment
    units: Count
    orders: Count
    labor_minutes: Rate | None = None
    minutes_per_order: Rate | None = None
    minutes_per_unit: Rate | None = None
    """What a shipment takes in this part; without them, what the candidate says."""

    @model_validator(mode="after")
    def _lasts(self) -> "DayPartBody":
        if to_ms(self.ends_at) <= to_ms(self.starts_at):
            raise ValueError("this part of the day ends before it begins")
        return self

    def value(self) -> DayPart:
        """Return it as the engine takes it."""
        labor = float("inf") if self.labor_minutes is None else self.labor_minutes
        return DayPart(
            to_ms(self.starts_at), to_ms(self.ends_at), self.units, self.orders, labor,
            self.minutes_per_order, self.minutes_per_unit,
        )  # fmt: skip


class CalendarBody(Body):
    """When a location works, in its own time zone."""

    timezone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$")] = "UTC"
    hours: Annotated[
        tuple[tuple[Annotated[int, Field(ge=0, le=2 * DAY_MINUTES)],
                    Annotated[int, Field(ge=0, le=2 * DAY_MINUTES)]], ...],
        Field(max_length=7),
    ] = ()  # fmt: skip
    """Opening and closing in minutes after local midnight, Monday first; [0, 0] is closed, a night
    ends after 1440."""
    closures: Annotated[
        frozenset[Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]], Field(max_length=400)
    ] = frozenset()

    @field_validator("hours")
    @classmethod
    def _ends_after_it_begins(
        cls, hours: tuple[tuple[int, int], ...]
    ) -> tuple[tuple[int, int], ...]:
        """Refuse a night that ends before it begins: it would count as closed."""
        for opening, closing in hours:
            if 0 < closing < opening:
                raise ValueError(
                    f"[{opening}, {closing}] closes before it opens: after midnight add"
                    f" {DAY_MINUTES}, and [0, 0] is closed"
                )
        return hours

    def days_for(self, lead_minutes: int) -> int:
        """Return about how many days it takes to do that much work; 0: it is always open."""
        weekly = sum(max(0, closing - opening) for opening, closing in self.hours)
        return 0 if not weekly else min(7 * (lead_minutes // weekly + 1), DAYS_OF_WORK_MAX)

    @model_validator(mode="after")
    def _is_known(self) -> "CalendarBody":
        if not is_timezone(self.timezone):
            raise ValueError(f"no such time zone: {self.timezone}")
        return self


class CandidateBody(Body):
    """A location that may ship: store, distribution center, vendor or 3PL."""

    location_id: Identifier
    latitude: Latitude
    longitude: Longitude
    stock: Annotated[dict[Identifier, StockBody], Field(max_length=LINES_MAX * 10)]
    """By SKU."""
    kind: Annotated[str, Field(max_length=32)] = "store"
    tariff: Annotated[str, Field(max_length=64)] = ""
    is_enabled: bool = True
    channels: Names | None = None
    capabilities: Annotated[frozenset[Identifier], Field(max_length=64)] = frozenset()
    radius_km: Rate | None = None
    lead_minutes: Annotated[int, Field(ge=0, le=525_600)] = 0
    calendar: CalendarBody | None = None
    cut_offs: Annotated[
        dict[Identifier, Annotated[int, Field(ge=0, lt=DAY_MINUTES)]],
        Field(max_length=SERVICES_MAX),
    ] = Field(default={})
    """By service: minutes after local midnight at which the carrier collects."""
    parts: Annotated[tuple[DayPartBody, ...], Field(max_length=48)] | None = None
    minutes_per_order: Rate = 0.0
    minutes_per_unit: Rate = 0.0
    handling_minor: Rate = 0.0
    unit_handling_minor: Rate = 0.0
    unit_surcharge_minor: Rate = 0.0

    @field_validator("parts")
    @classmethod
    def _in_order(cls, parts: tuple[DayPartBody, ...] | None) -> tuple[DayPartBody, ...] | None:
        """Refuse what would be passed over: work goes into the first part with room."""
        if any(later.starts_at < before.starts_at for before, later in pairwise(parts or ())):
            raise ValueError("parts stand in order of time: the earliest first")
        return parts

    def value(self) -> Candidate:
        """Return it as the engine takes it."""
        plain = dict(self)
        plain["stock"] = {sku: Stock(**dict(stock)) for sku, stock in self.stock.items()}
        calendar = self.calendar
        plain["calendar"] = calendar and OpenHours(
            calendar.timezone, calendar.hours, calendar.closures
        )
        plain["parts"] = self.parts and tuple(part.value() for part in self.parts)
        return Candidate(**plain)


class ZoneBody(Body):
    """What a service costs up to a distance."""

    transit_days: Annotated[float, Field(ge=0, le=365, allow_inf_nan=False)]
    parcel_minor: Rate
    unit_minor: Rate = 0.0
    kg_minor: Rate = 0.0
    parcel_km_minor: Rate = 0.0
    unit_km_minor: Rate = 0.0
    kg_km_minor: Rate = 0.0
    up_to_km: Rate | None = None
    """None: any distance."""


class ServiceBody(Body):
    """One way of shipping; its zones, nearest first."""

    name: Identifier
    zones: Annotated[tuple[ZoneBody, ...], Field(min_length=1, max_length=ZONES_MAX)]

    @field_validator("zones")
    @classmethod
    def _nearest_first(cls, zones: tuple[ZoneBody, ...]) -> tuple[ZoneBody, ...]:
        """Refuse a zone that nothing could ever be in."""
        ends = [float("inf") if one.up_to_km is None else one.up_to_km for one in zones]
        if any(later <= before for before, later in pairwise(ends)):
            raise ValueError("zones stand nearest first, each reaching further than the last")
        return zones


class RulesBody(Body):
    """The rule set: goals, limits, tariffs."""

    tariffs: Annotated[
        dict[
            Annotated[str, Field(max_length=64)],
            Annotated[tuple[ServiceBody, ...], Field(min_length=1, max_length=SERVICES_MAX)],
        ],
        Field(min_length=1, max_length=100),
    ]
    version: Annotated[int, Field(ge=1)] = 1
    name: Annotated[str, Field(max_length=64)] = "default"
    ordered: Annotated[tuple[Goal, ...], Field(max_length=4)] = ()
    """Goals, the most important first; empty: weighted by the figures below. What they leave
    equal the cost decides, then the number of shipments."""
    speed_minor: Rate = 0.0
    balance_weight: Rate = 1.0
    shipment_minor: Rate = 0.0
    stock_weight: Rate = 1.0
    supply_weeks: Rate = 0.0
    supply_minor: Rate = 0.0
    broken_run_minor: Rate = 0.0
    failed_pick_minor: Rate = 0.0
    radius_km: Rate | None = None
    shipments_max: Annotated[int, Field(ge=1, le=100)] | None = None
    splits_lines: bool = True
    whole_below_minor: Count = 0
    is_all_or_nothing: bool = False
    kept_units: Count = 0
    excluded: Names = frozenset()
    kinds: Names | None = None

    @field_validator("ordered")
    @classmethod
    def _once_each(cls, goals: tuple[Goal, ...]) -> tuple[Goal, ...]:
        if len(set(goals)) < len(goals):
            raise ValueError("a goal stands there twice: leave the later one out")
        return goals

    def value(self) -> Rules:
        """Return it as the engine takes it."""
        plain = dict(self)
        plain["tariffs"] = {
            name: Tariff(tuple(
                Service(service.name, tuple(Zone(**dict(zone)) for zone in service.zones))
                for service in services
            ))
            for name, services in self.tariffs.items()
        }  # fmt: skip
        return Rules(**plain)


class RoutingPlanBody(Body):
    """An order, the locations with their stock, and the rules. Nothing is allocated."""

    order: RoutingOrderBody
    candidates: Annotated[tuple[CandidateBody, ...], Field(min_length=1, max_length=CANDIDATES_MAX)]
    rules: RulesBody
    now: Moment | None = None
    """The instant of the decision; if it is missing, now."""
    effort_max: Annotated[int, Field(ge=0, le=EFFORT_MAX)] = 25_000
    """How long the proof of optimality may be sought: options looked at."""
    trace: bool = True
    """Whether every candidate's finding and the next best choice are wanted."""

    @model_validator(mode="after")
    def _fits_together(self) -> "RoutingPlanBody":
        names = [one.location_id for one in self.candidates]
        if len(set(names)) < len(names):
            raise ValueError("candidates must have distinct location_ids")
        unknown = sorted({one.tariff for one in self.candidates} - set(self.rules.tariffs))
        if unknown:
            raise ValueError(f"rules.tariffs lacks {', '.join(map(repr, unknown))}")
        entries = sum(len(one.stock) for one in self.candidates)
        if entries > STOCK_ENTRIES_MAX:
            raise ValueError(f"{entries} stock entries; at most {STOCK_ENTRIES_MAX}")
        return self

    @model_validator(mode="after")
    def _can_be_decided_in_time(self) -> "RoutingPlanBody":
        """Refuse what would take minutes, whoever asks for it and why."""
        services = {name: len(one) for name, one in self.rules.tariffs.items()}
        ways = [
            (one, services[one.tariff] * max(1, len(one.parts or ()))) for one in self.candidates
        ]
        comparisons = sum(count**2 for _, count in ways)
        if comparisons > COMPARISONS_MAX:
            raise ValueError(
                f"services and parts of days make {comparisons} comparisons of ways to ship; at"
                f" most {COMPARISONS_MAX}: send fewer candidates, parts or services"
            )
        days = sum(
            len(one.parts or "1") * one.calendar.days_for(one.lead_minutes)
            for one in self.candidates if one.calendar is not None
        )  # fmt: skip
        if days > DAYS_MAX:
            raise ValueError(
                f"working times over calendars and parts of days look at {days} days; at most"
                f" {DAYS_MAX}: send fewer candidates or parts, or shorter lead_minutes"
            )
        wanted = self.order.units()
        cells = sum(
            count * min(units, stock.units)
            for one, count in (ways if self.rules.ordered else ())
            for sku, units in wanted.items() if (stock := one.stock.get(sku)) is not None
        )  # fmt: skip
        if cells > CELLS_MAX:
            raise ValueError(
                f"goals in order weigh {cells} units at locations, by each service; at most"
                f" {CELLS_MAX}: send fewer candidates or units, or weigh the goals"
                " (rules.ordered empty)"
            )
        return self
