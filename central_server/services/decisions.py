"""A decision of routing: the plan, what it was made from, and how it is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from central_server.records import Location
from central_server.services.order_views import Document
from central_server.services.promising import TRACE_ENTRIES_MAX
from central_server.services.times import rfc3339
from central_server.sourcing.capacity import CapacityUse, PartOfDay
from central_server.sourcing.engine.explain import RANKS_LOWER, RoutingTrace, explain
from central_server.sourcing.engine.model import RoutingOrder
from central_server.sourcing.engine.network import Finding, Network
from central_server.sourcing.engine.plan import Shipment, SourcingPlan
from central_server.sourcing.routing_rules import RoutingRule

TOO_LATE = Finding.TOO_LATE.value
NAMED_MAX = 3
"""So many locations are named that would be too late; of others it is said how many."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Locations that were chosen for an order before it was decided about by itself."""

    locations: frozenset[str]
    because: str
    """Why no other counts, in words that follow "but"."""
    by: tuple[str, int] | None = None
    """The rule and the version that chose them: by others they are not followed. None: what
    was chosen without rules is followed by any, as far as they allow it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A location that could send something."""

    location: Location
    free: Mapping[str, int]
    """Units that it may promise, by SKU."""
    parts: tuple[PartOfDay, ...]
    """The parts of its day that have limits; empty: none."""
    used: Mapping[int, CapacityUse]
    """What is taken of its day, by the start of the part that it was counted by."""

    def has_room(self, part: PartOfDay, units: int) -> bool:
        """Return whether an order of so many units still fits into a part of its day."""
        return part.limit.fits(part.used_of(self.used) + part.use_of(units))


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan, and what it was made from."""

    order: RoutingOrder
    rule: RoutingRule
    version: int
    network: Network
    senders: Mapping[str, Sender]
    plan: SourcingPlan
    """In lines of the order."""
    planned: SourcingPlan
    """The same as the engine has it: kits are items."""
    grams: Mapping[int, int]
    """What a unit weighs, by line of the order."""
    because: str = RANKS_LOWER
    """Why a cheaper plan was not chosen, where there is one."""
    need_by: str = ""
    """The day by which the order must be there; empty: any day."""
    late: frozenset[str] = frozenset()
    """Locations that were left out because what they would send of it comes later."""
    is_missed: bool = False
    """Whether nobody makes that day, so that it goes late."""
    refusal: str = ""
    """Why nobody was asked, in words."""

    def follows(self, chosen: Chosen | None) -> bool:
        """Return whether it was made by the rules that chose some locations before."""
        return chosen is None or chosen.by in {None, (self.rule.id, self.version)}

    def grams_of(self, shipment: Shipment) -> int:
        """Return what a shipment (in lines of the order) weighs."""
        return sum(self.grams[line.line] * line.quantity for line in shipment.lines)

    def part_of(self, location_id: str, leaves_ms: int, units: int) -> PartOfDay | None:
        """Return the part of the day into which a parcel of so many units falls.

        It leaves at a moment; of parts of which all leaves then, the first with room.
        """
        sender = self.senders[location_id]
        place = self.network.number(location_id)
        assert place is not None
        left = self.network.candidates[place].parts or ()
        found = [
            part for part, one in zip(sender.parts, left, strict=True)
            if one.starts_ms == leaves_ms
        ]  # fmt: skip
        roomy = (part for part in found if sender.has_room(part, units))
        return next(roomy, found[0] if found else None)

    def document(self, why: str) -> Document:
        """Return the decision as it is stored: in words, in figures, and what came next."""
        trace = explain(
            self.order, self.network, self.planned,
            entries_max=TRACE_ENTRIES_MAX, because=self.because,
        )  # fmt: skip
        if self.refusal:
            trace = replace(trace, sentence=self.refusal)
        return decision_document(self, why, trace)


def decision_document(decision: Decision, why: str, trace: RoutingTrace) -> Document:
    """Return a decision as it is stored."""
    plan, best = decision.plan, trace.next_best
    late = decision.late
    candidates: list[Document] = [
        {
            "location_id": one.location_id,
            "finding": TOO_LATE if one.location_id in late else one.finding.value,
            "distance_km": one.distance_km, "units": one.units,
        }
        for one in trace.entries
    ]  # fmt: skip
    shipped = [one.terms.rounded() for one in plan.shipments]
    return {
        "why": why,
        "rule": decision.rule.id,
        "rule_version": decision.version,
        "taken": " ".join(plan.locations) or None,
        "sentence": trace.sentence + _about_time(decision, candidates),
        "cost_minor": plan.cost_minor,
        "terms": {name: sum(one[name] for one in shipped) for name in plan.terms.rounded()},
        "gap": round(plan.gap, 4),
        "shipments": [
            {
                "location_id": one.location_id, "service": one.service, "units": one.units,
                "arrives_at": rfc3339(one.arrives_ms), "terms": dict(terms),
                "broken_runs": list(one.broken_runs),
            }
            for one, terms in zip(plan.shipments, shipped, strict=True)
        ],
        "next_best": None if best is None else {
            "without": best.without, "locations": list(best.plan.locations),
            "extra_minor": best.extra_minor,
        },
        **({"need_by": decision.need_by} if decision.need_by else {}),
        "candidates": candidates,
        "more_candidates": len(decision.network.candidates) - len(trace.entries),
    }  # fmt: skip


def _about_time(decision: Decision, candidates: Iterable[Document]) -> str:
    """Return in words by which day it must be there, and who would be too late."""
    if not decision.need_by:
        return ""
    if decision.is_missed:
        return f" It was needed by {decision.need_by}, by when nobody can send all of it."
    return f" It must be there by {decision.need_by}.{too_late(candidates)}"


def too_late(candidates: Iterable[Document]) -> str:
    """Return who would be too late, the nearest by name; nothing where that is nobody."""
    late = [str(one["location_id"]) for one in candidates if one["finding"] == TOO_LATE]
    if not late:
        return ""
    more = len(late) - NAMED_MAX
    named = ", ".join(late[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
    return f" Too late would be: {named}."
