"""Bodies of the API for rules of routing."""

from typing import Annotated

from pydantic import Field

from central_server.api.rule_schemas import Names, Note, milliseconds
from central_server.api.schemas import Body, Identifier, Moment
from central_server.sourcing.engine.model import Goal
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from sync.domain.orders import Channel

Rate = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**12, strict=True)]
Minutes = Annotated[int, Field(ge=0, le=100_000, strict=True)]


class _OrdersBody(Body):
    """Which orders a `route` is for."""

    channels: tuple[Channel, ...] = ()
    methods: Names = ()
    tiers: Names = ()
    categories: Names = ()
    value_from_minor: Count | None = None
    value_below_minor: Count | None = None
    near_latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    near_longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    near_km: Rate | None = None


class _PlacesBody(_OrdersBody):
    """Which locations a rule reaches."""

    locations: Names = ()
    except_locations: Names = ()
    regions: Names = ()
    location_kinds: Names = ()
    skus: Names = ()


class _GoalsBody(_PlacesBody):
    """How a `route` decides, and what happens before and after."""

    goals: Annotated[tuple[Goal, ...], Field(max_length=4)] = ()
    """The most important first; empty: weighted by the figures below."""
    km_minor: Rate = 0.1
    speed_minor: Rate = 0.0
    shipment_minor: Rate = 200.0
    stock_weight: Rate = 1.0
    balance_weight: Rate = 1.0
    supply_weeks: Rate = 0.0
    supply_minor: Rate = 0.0
    broken_run_minor: Rate = 0.0
    horizon_days: Rate = 0.0
    walk_in_margin_percent: Rate = 0.0
    markdown_percent: Rate = 0.0
    transfer_minor: Rate | None = None
    """What moving a unit to where it sells costs; of one that is left, no more is lost."""
    failed_pick_minor: Rate = 500.0
    shipments_max: Annotated[int, Field(ge=1, le=20, strict=True)] = 3
    splits_lines: bool = True
    splits_kits: bool = False
    whole_below_minor: Count = 0
    kept_units: Count = 0
    radius_km: Rate | None = None
    grace_minutes: Minutes = 0
    release_every_minutes: Minutes = 0
    hold_for: tuple[HoldKind, ...] = ()
    accept_minutes: Minutes | None = None
    offer_stores: Minutes = 0
    offer_minutes: Minutes = 30


class RoutingRuleBody(_GoalsBody):
    """One rule of any kind. What a kind has no use for is a finding, not an error."""

    id: Identifier
    kind: RoutingRuleKind
    enabled: bool = True
    capabilities: Names = ()
    handling_minor: Rate = 0.0
    unit_handling_minor: Rate = 0.0
    unit_surcharge_minor: Rate = 0.0
    from_minute: Minutes = 0
    until_minute: Minutes = 1440
    units: Count | None = None
    orders: Count | None = None
    labor_minutes: Count | None = None
    minutes_per_order: Rate = 0.0
    minutes_per_unit: Rate = 0.0
    effective_from: Moment | None = None
    effective_until: Moment | None = None
    note: Note = ""

    def rule(self) -> RoutingRule:
        """Return the rule."""
        values = self.model_dump(exclude={"effective_from", "effective_until"})
        values["channels"] = tuple(one.value for one in self.channels)
        return RoutingRule(
            **values,
            effective_from_ms=milliseconds(self.effective_from),
            effective_until_ms=milliseconds(self.effective_until),
        )


class RoutingRulesBody(Body):
    """All rules of a version, in the order in which they are asked."""

    rules: Annotated[tuple[RoutingRuleBody, ...], Field(max_length=500)]
    note: Note = ""

    def values(self) -> tuple[RoutingRule, ...]:
        """Return the rules."""
        return tuple(one.rule() for one in self.rules)
