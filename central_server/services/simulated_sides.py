"""What happened and what a simulation did: sums over orders, and the difference in words. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHOWN_MAX = 100
"""How many locations, and orders that would have gone elsewhere, a report names."""


@dataclass
class Side:
    """One side of the report, summed over orders."""

    parcels: int = 0
    split_orders: int = 0
    cost_minor: float = 0.0
    days: float = 0.0
    units: int = 0
    stocked_out: float = 0.0
    kept: float = 0.0
    orders: Counter[str] = field(default_factory=Counter)
    """Parcels by location."""

    def document(self) -> dict[str, Any]:
        """Return it as the API answers it; means are over parcels."""
        parcels = max(1, self.parcels)
        return {
            "parcels": self.parcels,
            "split_orders": self.split_orders,
            "cost_minor": round(self.cost_minor),
            "cost_minor_per_unit": round(self.cost_minor / max(1, self.units), 1),
            "days_mean": round(self.days / parcels, 2),
            "units_shipped": self.units,
            "units_stocked_out": round(self.stocked_out, 1),
            "promises_kept_percent": round(100 * self.kept / parcels, 1),
            "parcels_by_location": dict(self.orders.most_common(SHOWN_MAX)),
        }


def difference(actual: Side, simulated: Side) -> Mapping[str, Any]:
    """Return simulated less what happened, and what it means in a sentence."""
    before, after = actual.document(), simulated.document()
    found = {
        name: round(value - before[name], 2)
        for name, value in after.items()
        if isinstance(value, int | float)
    }
    saved = before["cost_minor"] - after["cost_minor"]
    words = "less" if saved >= 0 else "more"
    share = abs(saved) / max(1, before["cost_minor"])
    return {
        **found,
        "sentence": (
            f"These rules would have cost {abs(saved)} minor units {words} ({share:.1%}),"
            f" with {found['parcels']:+d} parcels, {found['days_mean']:+.2f} days and"
            f" {found['units_stocked_out']:+.1f} units stocked out."
        ),
    }
