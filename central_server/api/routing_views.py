"""What the API answers about routing decisions: a sentence first, then every figure."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from central_server.api.schemas import Body, Moment


class ShipmentView(Body):
    """What one location ships. Terms are whole minor units."""

    location_id: str
    service: str
    lines: list[dict[str, str | int]]
    ready_at: str
    arrives_at: str
    distance_km: float
    terms: dict[str, int]
    broken_runs: list[str]
    """SKUs of which it takes the last unit out of a full run of sizes."""


class RoutingPlanView(Body):
    """The plan, and why it is the plan."""

    sentence: str
    shipments: list[ShipmentView]
    unsourced: list[dict[str, str | int]]
    cost_minor: int
    terms: dict[str, int]
    preferences: dict[str, float]
    """What weighted rules add to the cost, and nobody pays (minor units): `speed` for the days of
    all shipments, `shipments` for how many there are. With the cost they are the objective."""
    objective: float
    """What was minimised, by the goals of the rules."""
    bound: float
    """No plan that ships as much has a lower objective."""
    gap: float
    rules: str
    rule_version: int
    decided_at: str
    next_best: dict[str, object] | None
    """The best choice without one of the locations, what it costs more, and, where it costs less,
    `because`: the goal that decided against it."""
    candidates: list[dict[str, object]]
    """The finding about each candidate, nearest first."""


class RoutingDecisionView(BaseModel):
    """One decision. Of pickups, costs and shipments are missing: nothing is shipped."""

    model_config = ConfigDict(extra="allow")

    sentence: str
    """Why, in words, and what the next best choice would have cost."""
    why: str
    rule_version: int
    taken: str | None
    at: str
    rule: str = ""
    """Which rule said how it is routed."""
    need_by: str | None = None
    """The day (YYYY-MM-DD) by which it must be there; null: any day."""
    cost_minor: int | None = None
    terms: dict[str, int] | None = None
    """What the cost is made of (minor units)."""
    next_best: dict[str, Any] | None = None
    candidates: list[dict[str, Any]]
    """What was found about each location, nearest first."""


class RoutingWhy(BaseModel):
    """Why an order went where it went."""

    order_id: str
    number: str
    sentence: str
    """Of the newest decision."""
    decisions: list[RoutingDecisionView]
    """The first one first."""


class DryRunView(RoutingDecisionView):
    """Where an order would go."""

    unsourced: dict[str, int]
    """Units by SKU that nobody can give."""


class CapacityTerm(BaseModel):
    """What is taken and what fits; null: any number."""

    taken: int
    limit: int | None


class CapacityPart(BaseModel):
    """One part of a location's day."""

    model_config = ConfigDict(extra="allow")

    location_id: str
    rule: str
    until: str
    orders: CapacityTerm
    units: CapacityTerm
    labor_seconds: CapacityTerm


class CapacityView(BaseModel):
    """The parts of today that have limits and are not over."""

    parts: list[CapacityPart]


class SimulationBody(Body):
    """Which orders of the past, and by which version; without one, by the rules in force."""

    version: Annotated[int, Field(ge=1, le=2**53)] | None = None
    placed_from: Moment
    placed_until: Moment

    @model_validator(mode="after")
    def _lasts(self) -> "SimulationBody":
        if self.placed_until <= self.placed_from:
            raise ValueError("the period ends before it begins")
        return self

    def period(self) -> tuple[datetime, datetime]:
        """Return its two moments."""
        return self.placed_from, self.placed_until


class SimulationSide(BaseModel):
    """What happened, or what would have: sums over the orders, means over parcels."""

    parcels: int
    split_orders: int
    cost_minor: int
    cost_minor_per_unit: float
    days_mean: float
    """From the order to the arrival."""
    units_shipped: int
    units_stocked_out: float
    promises_kept_percent: float
    parcels_by_location: dict[str, int]


class SimulationView(BaseModel):
    """Both sides, and which orders would have gone elsewhere."""

    model_config = ConfigDict(extra="allow")

    version: int
    orders: int
    orders_left_out: int
    happened: SimulationSide
    simulated: SimulationSide
    difference: dict[str, Any]
    """Simulated less what happened; `sentence` says it in words."""
    orders_elsewhere: int
    examples: list[dict[str, Any]]
