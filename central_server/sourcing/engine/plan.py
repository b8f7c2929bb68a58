"""What a routing decision is: shipments with their costs, term by term, and what is proved."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from central_server.sourcing.engine.model import Goal
from central_server.sourcing.engine.problem import EPSILON

DAY_MS = 86_400_000
FLOAT_SHARE = 1e-12
"""Objectives that differ by a smaller share count as equal: goals in order make great figures."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Where the cost of a shipment comes from (minor units)."""

    freight: float = 0.0
    handling: float = 0.0
    surcharge: float = 0.0
    shelf: float = 0.0
    """What units would have been worth where they lie; negative: left over, they would lose it."""
    risk: float = 0.0
    """Expected cost of units that are not found."""
    balance: float = 0.0

    @property
    def total(self) -> float:
        """All together."""
        return self.freight + self.handling + self.surcharge + self.shelf + self.risk + self.balance

    def plus(self, other: "Terms") -> "Terms":
        """Return the sums."""
        return Terms(
            self.freight + other.freight, self.handling + other.handling,
            self.surcharge + other.surcharge, self.shelf + other.shelf,
            self.risk + other.risk, self.balance + other.balance,
        )  # fmt: skip

    def rounded(self) -> Mapping[str, int]:
        """Return whole minor units by name; they add up to `total` exactly.

        The total is rounded, and the terms to what is nearest to them under that sum:
        all down, then up again those that lost most (largest remainders).
        """
        exact = {
            "freight": self.freight, "handling": self.handling, "surcharge": self.surcharge,
            "shelf": self.shelf, "risk": self.risk, "balance": self.balance,
        }  # fmt: skip
        found = {name: floor(amount) for name, amount in exact.items()}
        total = round(self.total)
        lost = sorted(exact, key=lambda name: found[name] - exact[name])
        for name in lost[: total - sum(found.values())]:
            found[name] += 1
        return {**found, "total": total}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What weighted rules add to the cost of a plan to choose by (minor units). Nobody pays it."""

    speed: float = 0.0
    """The days of all shipments, at the rules' `speed_minor` each."""
    shipments: float = 0.0
    """The shipments, at the rules' `shipment_minor` each."""

    @property
    def total(self) -> float:
        """Both; with the terms of the plan they are its objective, up to rounding."""
        return self.speed + self.shipments


@dataclass(frozen=True, slots=True)
class Shipped:
    """Units of one order line in a shipment."""

    line: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shipment:
    """What one location ships."""

    location_id: str
    service: str
    lines: tuple[Shipped, ...]
    ready_ms: int
    arrives_ms: int
    distance_km: float
    terms: Terms
    broken_runs: tuple[str, ...] = ()
    """SKUs of which it takes the last unit out of a full run of sizes, where rules mind that."""

    @property
    def units(self) -> int:
        """Units in it."""
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class SourcingPlan:
    """Where an order goes."""

    shipments: tuple[Shipment, ...]
    """In the order of location ids."""
    unsourced: tuple[Shipped, ...]
    """What nobody can ship."""
    terms: Terms
    objective: float
    """What was minimised: the goals as the rules weigh or order them."""
    bound: float
    """No plan that ships as many units has a lower objective."""
    rules: str
    rule_version: int
    decided_at_ms: int
    preferences: Preferences = Preferences()
    """What was added to the cost to choose by; nothing where goals stand in order."""
    ordered: tuple[Goal, ...] = ()
    """The goals that stood in order; empty: they were weighed."""
    cost_step: float = 0.0
    """What the cost of a unit or parcel was counted in then (minor units)."""

    @property
    def units(self) -> int:
        """Units that ship."""
        return sum(shipment.units for shipment in self.shipments)

    @property
    def days(self) -> float:
        """Days from the decision to the arrival of each shipment, all together."""
        return sum(max(0, one.arrives_ms - self.decided_at_ms) / DAY_MS for one in self.shipments)

    @property
    def cost_minor(self) -> int:
        """The cost in whole minor units: what its shipments cost, each in whole ones."""
        return sum(round(shipment.terms.total) for shipment in self.shipments)

    @property
    def gap(self) -> float:
        """How far the objective may be above the least one, as a share; 0: proved optimal.

        Of the objective or the freight, whichever is more: what is saved of markdowns may bring
        the objective near zero, of which anything is a great share.
        """
        excess = self.objective - self.bound
        whole = max(1.0, abs(self.objective), self.terms.freight)
        return excess / whole if excess > max(EPSILON, whole * FLOAT_SHARE) else 0.0

    @property
    def locations(self) -> tuple[str, ...]:
        """Who ships."""
        return tuple(shipment.location_id for shipment in self.shipments)

    @property
    def broken_runs(self) -> tuple[str, ...]:
        """SKUs of runs of sizes that it breaks."""
        return tuple(sku for shipment in self.shipments for sku in shipment.broken_runs)

    @property
    def arrives_ms(self) -> int | None:
        """When the last shipment arrives; None if there is none."""
        return max((shipment.arrives_ms for shipment in self.shipments), default=None)
