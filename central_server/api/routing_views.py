"""What the API answers about routing decisions: a sentence first, then every figure."""

from typing import Any

from pydantic import BaseModel, ConfigDict


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
