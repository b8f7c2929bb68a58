"""Why one plan was chosen before another that costs less: the goal that decided, in words."""

from central_server.sourcing.engine.model import Goal
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.problem import EPSILON
from central_server.sourcing.engine.scales import SPEED_STEP_DAYS, ranked

RANKS_LOWER = "ranks lower by the rules"
"""Where no goal by itself says why: what rounding decided."""
ROUNDING_MINOR = 0.5
"""What rounding may add to a figure that is counted in whole minor units."""
HOURS_A_DAY = 24
MINOR_PER_MAJOR = 100


def is_better(other: SourcingPlan, plan: SourcingPlan) -> bool:
    """Return whether `other` is the better one by the rules, beyond what rounding hides.

    Figures of goals in order are of one problem each: such plans are compared goal by goal.
    """
    if other.units != plan.units:
        return other.units > plan.units
    if not plan.ordered:
        return other.objective < plan.objective - EPSILON * max(1.0, abs(plan.objective))
    for difference, least in _differences(plan, other).values():
        if abs(difference) > least:
            return difference < 0
    return other.cost_minor < plan.cost_minor


def deciding(plan: SourcingPlan, other: SourcingPlan) -> str:
    """Return why `plan` was chosen, in words about `other` that follow "but"."""
    return _first_goal(plan, other) if plan.ordered else _weightiest(plan, other)


def _weightiest(plan: SourcingPlan, other: SourcingPlan) -> str:
    """Return what the rules count against `other` beside its cost."""
    late = other.preferences.speed - plan.preferences.speed
    parcels = other.preferences.shipments - plan.preferences.shipments
    words, counted = [], 0.0
    if late > ROUNDING_MINOR:
        words.append(_later(plan, other))
        counted += late
    if parcels > ROUNDING_MINOR:
        words.append(_more_shipments(plan, other))
        counted += parcels
    if not words:
        return RANKS_LOWER
    return f"{' and '.join(words)}, which counts {money(round(counted))} by the rules"


def _first_goal(plan: SourcingPlan, other: SourcingPlan) -> str:
    """Return the first of the goals by which `other` is worse."""
    for goal, (difference, least) in _differences(plan, other).items():
        if difference > least:
            return {
                Goal.COST: f"costs {money(round(difference))} more before the balance of stock",
                Goal.SPEED: _later(plan, other),
                Goal.SHIPMENTS: _more_shipments(plan, other),
                Goal.BALANCE: f"counts {money(round(difference))} more for the balance of stock",
            }[goal]
    return RANKS_LOWER


def _differences(plan: SourcingPlan, other: SourcingPlan) -> dict[Goal, tuple[float, float]]:
    """Return by how much `other` is worse in each goal, in their order, and what does not count.

    Cost and balance (minor units) count each unit and parcel rounded, costs to their step;
    arrivals (days) that are closer than a step are told apart by the next goal as well.
    """
    balance = other.terms.balance - plan.terms.balance
    cost = other.terms.total - plan.terms.total - balance
    parts = plan.units + len(plan.shipments) + len(other.shipments)
    found = {
        Goal.COST: (cost, ROUNDING_MINOR * plan.cost_step * parts),
        Goal.SPEED: (other.days - plan.days, SPEED_STEP_DAYS - EPSILON),
        Goal.SHIPMENTS: (float(len(other.shipments) - len(plan.shipments)), 0.0),
        Goal.BALANCE: (balance, ROUNDING_MINOR * plan.units),
    }
    return {goal: found[goal] for goal in ranked(plan.ordered)}


def _later(plan: SourcingPlan, other: SourcingPlan) -> str:
    time = _time(other.days - plan.days)
    if len(plan.shipments) == len(other.shipments) == 1:
        return f"arrives {time} later"
    return f"its shipments take {time} more in all"


def _more_shipments(plan: SourcingPlan, other: SourcingPlan) -> str:
    count = len(other.shipments) - len(plan.shipments)
    return f"takes {count} shipment{'' if count == 1 else 's'} more"


def _time(days: float) -> str:
    if days < 1:
        return _counted(max(1.0, round(days * HOURS_A_DAY)), "hour")
    return _counted(round(days, 1), "day")


def _counted(number: float, name: str) -> str:
    return f"{number:g} {name}{'' if number == 1 else 's'}"


def money(minor: int) -> str:
    """Return minor units as people write them."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // MINOR_PER_MAJOR}.{abs(minor) % MINOR_PER_MAJOR:02d}"
