"""How stores share their stock, as it crosses HTTP."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from central_server.api.schemas import Body
from central_server.records import EscrowRule
from sync.domain.escrow import EscrowPolicy


class EscrowPolicyView(BaseModel):
    """How a store shares its stock with central. Times in milliseconds."""

    enabled: bool
    lease_ms: int
    confirm_ms: int
    rate_ppm: int
    margin_ms: int
    strict: bool
    strict_categories: list[str]


class EscrowRuleView(BaseModel):
    """A policy and from when on it holds; `location_id` is `*` for every store."""

    location_id: str
    effective_from: str
    policy: EscrowPolicyView
    service_percent: int


class EscrowRuleState(EscrowRuleView):
    """A rule, and what it is to the store.

    `overruled` is a general one beside one of its own, and any where the place is no store.
    """

    state: Literal["in_force", "to_come", "past", "overruled"]


class EscrowView(BaseModel):
    """How a store shares its stock now, and what was and will be."""

    location_id: str
    policy: EscrowPolicyView
    generation: int
    lease_until: str | None
    may_promise: bool
    rules: list[EscrowRuleState]


class EscrowBody(Body):
    """A policy to hold from a moment on, by default from now."""

    effective_from: AwareDatetime | None = None
    enabled: bool = True
    lease_minutes: Annotated[int, Field(ge=1, le=10_080)] = 120
    confirm_minutes: Annotated[int, Field(ge=1, le=1_440)] = 15
    strict: bool = False
    strict_categories: Annotated[
        tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=100)
    ] = ()
    service_percent: Annotated[int, Field(ge=50, le=99)] = 95

    def rule(self, location_id: str, now_ms: int) -> EscrowRule:
        """Return the rule for a location."""
        start = self.effective_from
        policy = EscrowPolicy(
            enabled=self.enabled,
            lease_ms=self.lease_minutes * 60_000,
            confirm_ms=self.confirm_minutes * 60_000,
            strict=self.strict,
            strict_categories=self.strict_categories,
        )
        since = now_ms if start is None else int(start.timestamp() * 1000)
        return EscrowRule(location_id, since, policy, self.service_percent)
