"""What plans of several orders cost by the goals of their rules.

Of one order the solver says it (`SourcingPlan.objective`). Of several, units of one cell are
given up one after the other, and each costs more than those before it: so the shelf and the
balance of stock are counted by cell (`Worth`), and the rest by plan (`direct_minor`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from central_server.sourcing.engine.model import Goal, Rules
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.scales import SPEED_STEP_DAYS, ranked

Cell = tuple[str, str]
"""Location and SKU."""
Units = Mapping[Cell, Sequence[float]]
"""For each cell, what giving up its first, second ... unit costs (minor units), ascending."""
TOLERANCE = 1e-6
"""Totals that differ by less are equal (minor units, days)."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What giving up the units of cells costs; a cell has as many units as it has prices."""

    shelf: Units
    """What they are worth where they lie, weighed."""
    harms: Units = field(default_factory=dict)
    """What that costs the balance of stock, not weighed; of cells that are not there, nothing."""

    def weighed(self, rules: Rules) -> dict[Cell, tuple[float, ...]]:
        """Return both as one price, by the weight of the balance."""
        weight = rules.balance_weight
        found = {}
        for cell, prices in self.shelf.items():
            harms = self.harms.get(cell)
            found[cell] = tuple(prices) if not harms or not weight else tuple(
                price + weight * harm for price, harm in zip(prices, harms, strict=True)
            )  # fmt: skip
        return found


def used(plan: SourcingPlan) -> dict[Cell, int]:
    """Return the units that a plan takes of each cell."""
    found: defaultdict[Cell, int] = defaultdict(int)
    for shipment in plan.shipments:
        for line in shipment.lines:
            found[shipment.location_id, line.sku] += line.quantity
    return dict(found)


def missing(plan: SourcingPlan) -> int:
    """Return how many units nobody ships."""
    return sum(line.quantity for line in plan.unsourced)


def direct_minor(plan: SourcingPlan, rules: Rules) -> float:
    """Return what a plan costs by weighted goals, beside what the cells it takes from cost."""
    return (
        _money(plan)
        + rules.shipment_minor * len(plan.shipments)
        + (rules.speed_minor * plan.days if rules.speed_minor else 0.0)
    )


def _money(plan: SourcingPlan) -> float:
    terms = plan.terms
    return terms.freight + terms.handling + terms.surcharge + terms.risk


def total(plans: Iterable[SourcingPlan], rules: Rules, worth: Worth) -> tuple[float, ...]:
    """Return what plans cost one after the other, the most important figure first.

    That is units that are not there, units that are not shipped, and then the goals: weighted
    as one (minor units), else in their order, costs of each plan in whole minor units.
    """
    gone: defaultdict[Cell, int] = defaultdict(int)
    sums: list[float] = []
    for plan in plans:
        oversold, shelf, harm = 0, 0.0, 0.0
        for cell, units in used(plan).items():
            start = gone[cell]
            end = gone[cell] = start + units
            prices = worth.shelf.get(cell, ())
            oversold += units - len(prices[start:end])
            shelf += sum(prices[start:end])
            harm += sum(worth.harms.get(cell, ())[start:end])
        figures = [float(oversold), float(missing(plan)), *_goals(plan, rules, shelf, harm)]
        sums = [one + more for one, more in zip(sums, figures, strict=True)] if sums else figures
    return tuple(sums)


def _goals(plan: SourcingPlan, rules: Rules, shelf: float, harm: float) -> list[float]:
    if not rules.ordered:
        return [direct_minor(plan, rules) + shelf + rules.balance_weight * harm]
    found = {
        Goal.COST: float(round(_money(plan) + shelf)),
        Goal.SPEED: plan.days,
        Goal.SHIPMENTS: float(len(plan.shipments)),
        Goal.BALANCE: float(round(harm)),
    }
    return [found[goal] for goal in ranked(rules.ordered)]


def is_worse(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether a total is above another one: the first figure that differs decides."""
    for mine, theirs in zip(one, other, strict=True):
        if abs(mine - theirs) > TOLERANCE:
            return mine > theirs
    return False


def weighted(rules: Rules, plans: Sequence[SourcingPlan]) -> Rules:
    """Return rules that weigh their goals, such that the order of the goals mostly holds.

    One step of a goal outweighs what an order like those of `plans` could gain by the goals
    after it. A program over many orders needs one scale for all of them, and numbers that are
    no greater than that: `is_worse` has the last word.
    """
    if not rules.ordered:
        return rules
    reach = {
        Goal.COST: max((_money(one) + abs(one.terms.shelf) for one in plans), default=0.0),
        Goal.SPEED: max((one.days for one in plans), default=0.0),
        Goal.SHIPMENTS: max((float(len(one.shipments)) for one in plans), default=0.0),
        Goal.BALANCE: rules.supply_minor + rules.broken_run_minor,
    }
    weights = dict.fromkeys(Goal, 0.0)
    below = 0.0
    for goal in reversed(ranked(rules.ordered)):
        weights[goal] = (below + 1.0) / (SPEED_STEP_DAYS if goal is Goal.SPEED else 1.0)
        below += weights[goal] * (reach[goal] + 1.0)
    unit = weights[Goal.COST]
    return replace(
        rules, ordered=(), speed_minor=weights[Goal.SPEED] / unit,
        shipment_minor=weights[Goal.SHIPMENTS] / unit,
        balance_weight=weights[Goal.BALANCE] / unit,
    )  # fmt: skip


def in_money(rules: Rules) -> Rules:
    """Return weighted rules; of goals in their order only the cost is left.

    Prices of units are money, and what a day is worth before money has no price.
    """
    if not rules.ordered:
        return rules
    return replace(rules, ordered=(), speed_minor=0.0, shipment_minor=0.0, balance_weight=0.0)
