"""Routing without consequences: a plan for values that somebody made up or read elsewhere."""

from collections.abc import Iterable

from central_server.services.times import rfc3339
from central_server.sourcing.engine.explain import RoutingTrace, route_explained, sentence
from central_server.sourcing.engine.model import Candidate, RoutingOrder, Rules
from central_server.sourcing.engine.plan import Shipped, SourcingPlan
from central_server.sourcing.engine.routing import route


def dry_run(
    order: RoutingOrder,
    candidates: Iterable[Candidate],
    rules: Rules,
    now_ms: int,
    *,
    effort_max: int,
    has_trace: bool,
) -> dict[str, object]:
    """Return the plan of `route` as a document, with its trace if that is wanted.

    Raises `InvalidRequest` as `route` does.
    """
    if not has_trace:
        return plan_document(route(order, candidates, rules, now_ms, effort_max=effort_max), None)
    return plan_document(*route_explained(order, candidates, rules, now_ms, effort_max=effort_max))


def plan_document(plan: SourcingPlan, trace: RoutingTrace | None) -> dict[str, object]:
    """Return a plan and its trace as JSON values."""
    best = trace.next_best if trace is not None else None
    shipped = [shipment.terms.rounded() for shipment in plan.shipments]
    terms = {name: sum(one[name] for one in shipped) for name in plan.terms.rounded()}
    return {
        "sentence": trace.sentence if trace is not None else sentence(plan, None, is_sought=False),
        "shipments": [
            {
                "location_id": shipment.location_id,
                "service": shipment.service,
                "lines": _lines(shipment.lines),
                "ready_at": rfc3339(shipment.ready_ms),
                "arrives_at": rfc3339(shipment.arrives_ms),
                "distance_km": shipment.distance_km,
                "terms": dict(rounded),
                "broken_runs": list(shipment.broken_runs),
            }
            for shipment, rounded in zip(plan.shipments, shipped, strict=True)
        ],
        "unsourced": _lines(plan.unsourced),
        "cost_minor": plan.cost_minor,
        "terms": terms,
        "preferences": {
            "speed": plan.preferences.speed,
            "shipments": plan.preferences.shipments,
        },
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "rules": plan.rules,
        "rule_version": plan.rule_version,
        "decided_at": rfc3339(plan.decided_at_ms),
        "next_best": None if best is None else {
            "without": best.without,
            "locations": list(best.plan.locations),
            "extra_minor": best.extra_minor,
            "because": best.because,
        },
        "candidates": [
            {
                "location_id": entry.location_id,
                "finding": entry.finding.value,
                "distance_km": entry.distance_km,
                "units": entry.units,
            }
            for entry in (trace.entries if trace is not None else ())
        ],
    }  # fmt: skip


def _lines(lines: Iterable[Shipped]) -> list[dict[str, str | int]]:
    return [{"line": one.line, "sku": one.sku, "quantity": one.quantity} for one in lines]
