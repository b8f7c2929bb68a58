"""Routing as a dry run: order, locations, stock and rules in; plan and trace out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from central_server.api.documented import KEYED, problems
from central_server.api.order_bodies import OrderBody
from central_server.api.routing_schemas import RoutingPlanBody
from central_server.api.routing_views import (
    CapacityView,
    DryRunView,
    RoutingPlanView,
    SimulationBody,
    SimulationView,
)
from central_server.services.api_keys import KeyHolder
from central_server.services.routing_dry_run import dry_run
from central_server.services.times import to_ms
from central_server.web.auth import require
from central_server.web.deps import central_of

VersionNumber = Annotated[int | None, Query(ge=1, le=2**53)]
router = APIRouter(prefix="/v1/routing", tags=["routing"])

EXAMPLE = {
    "order": {
        "lines": [
            {"line": 1, "sku": "HS-10001", "quantity": 2, "weight_grams": 450},
            {"line": 2, "sku": "HS-10002", "quantity": 1, "weight_grams": 1200},
        ],
        "latitude": 39.96, "longitude": -83.0, "promised_by": "2026-03-06T20:00:00Z",
    },
    "candidates": [
        {"location_id": "S001", "latitude": 40.1, "longitude": -82.9, "handling_minor": 150,
         "stock": {
             "HS-10001": {"units": 2, "walk_ins_per_day": 0.4, "horizon_days": 5,
                          "walk_in_margin_minor": 2200, "markdown_minor": 300},
             "HS-10002": {"units": 4, "prices_minor": [120, 480, 900, 1500]},
         }},
        {"location_id": "DC1", "kind": "dc", "latitude": 35.1, "longitude": -90.0,
         "lead_minutes": 240, "stock": {"HS-10001": {"units": 40}}},
    ],
    "rules": {
        "tariffs": {"": [{"name": "ground", "zones": [
            {"up_to_km": 400, "transit_days": 1, "parcel_minor": 650, "kg_minor": 40},
            {"transit_days": 3, "parcel_minor": 880, "kg_minor": 95},
        ]}]},
        "speed_minor": 25,
    },
    "now": "2026-03-02T15:00:00Z",
}  # fmt: skip


@router.post(
    "/plan",
    response_model=RoutingPlanView,
    responses=problems(*KEYED, "body_too_large"),
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": EXAMPLE}}},
    },
)
def plan(
    request: Request,
    body: RoutingPlanBody,
    holder: Annotated[KeyHolder, Depends(require("orders:read"))],
) -> object:
    """Say which locations should ship an order, for how much, and why. Nothing is allocated.

    Everything that the decision needs is in the request, so the same request gets the
    same answer.
    """
    now = central_of(request).clock.now_ms() if body.now is None else to_ms(body.now)
    return dry_run(
        body.order.value(),
        [one.value() for one in body.candidates],
        body.rules.value(),
        now,
        effort_max=body.effort_max,
        has_trace=body.trace,
    )


@router.post(
    "/dry-run",
    response_model=DryRunView,
    responses=problems(
        *KEYED, "not_found", "unknown_sku", "unknown_location", "currency_mismatch", "not_in_time",
        "not_priced", "not_released", "price_changed", "pickup_not_offered",
        "shipping_not_offered", "body_too_large",
    ),
)  # fmt: skip
def try_order(
    request: Request,
    body: OrderBody,
    holder: Annotated[KeyHolder, Depends(require("orders:read"))],
    version: VersionNumber = None,
) -> object:
    """Say where an order would go now, and why. Nothing is reserved.

    By the rules in force, or by those of `version`, draft or not.
    """
    return central_of(request).routing.dry_run(body.value(), version)


@router.post(
    "/simulations",
    response_model=SimulationView,
    responses=problems(*KEYED, "not_found", "body_too_large"),
)
def simulate(
    request: Request,
    body: SimulationBody,
    holder: Annotated[KeyHolder, Depends(require("orders:read"))],
) -> object:
    """Say what rules would have done with past parcel orders, beside what happened."""
    start, end = (to_ms(one) for one in body.period())
    return central_of(request).simulation.run(body.version, from_ms=start, until_ms=end)


@router.get("/capacity", response_model=CapacityView, responses=problems(*KEYED))
def get_capacity(
    request: Request, holder: Annotated[KeyHolder, Depends(require("orders:read"))]
) -> object:
    """Return what is taken of each part of the day that rules limit."""
    return {"parts": central_of(request).routing.capacity()}
