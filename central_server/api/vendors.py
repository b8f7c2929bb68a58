"""Vendors that send for us: their work, and their word about it."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from central_server.api.documented import KEYED, problems
from central_server.api.schemas import Body, FulfillmentView
from central_server.services.api_keys import KeyHolder
from central_server.services.vendors import SentBox
from central_server.web import idempotency
from central_server.web.auth import require
from central_server.web.deps import central_of
from sync.domain.fulfillment import ShortReason
from sync.domain.shipping import WEIGHT_GRAMS_MAX

router = APIRouter(prefix="/v1/vendors/{location_id}/fulfillments", tags=["vendors"])

Id = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_.\-]+$")]
Vendor = Annotated[KeyHolder, Depends(require("vendor:{location_id}"))]
Code = Annotated[str, Field(min_length=1, max_length=64)]
REFUSED = ("not_found", "illegal_transition", "quantity_refused", "operation_refused")


class UnitsBody(Body):
    """Units of a line."""

    line: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    quantity: Annotated[int, Field(ge=1, le=1000, strict=True)]


class SentBody(Body):
    """A box that left."""

    tracking: Code
    carrier: Code
    service: Code = "standard"
    weight_grams: Annotated[int, Field(ge=1, le=WEIGHT_GRAMS_MAX, strict=True)]
    lines: Annotated[tuple[UnitsBody, ...], Field(min_length=1, max_length=100)]


class GivenUpBody(Body):
    """What a vendor does not send; all that is open, if no lines are named."""

    lines: Annotated[tuple[UnitsBody, ...], Field(max_length=100)] = ()
    reason: ShortReason = ShortReason.NOT_FOUND


class VendorWork(FulfillmentView):
    """A part of an order that a vendor has to send."""

    order_number: str


class VendorWorkPage(BaseModel):
    """All that a vendor has to send, the earliest first."""

    work: list[VendorWork]


@router.get("", response_model=VendorWorkPage, responses=problems(*KEYED, "not_found"))
def list_work(request: Request, location_id: Id, holder: Vendor) -> object:
    """Return what a vendor or 3PL (a location of kind `dc` without a machine) has to send."""
    return {"work": central_of(request).vendors.work(location_id)}


@router.post(
    "/{fulfillment_id}/acknowledge",
    response_model=FulfillmentView,
    responses=problems(*KEYED, *REFUSED),
)
def acknowledge(request: Request, location_id: Id, fulfillment_id: Id, holder: Vendor) -> object:
    """Take an order on; where a rule has `accept_minutes`, it goes elsewhere without that."""
    return central_of(request).vendors.acknowledge(location_id, fulfillment_id)


@router.post(
    "/{fulfillment_id}/ship", response_model=FulfillmentView, responses=problems(*KEYED, *REFUSED)
)
def ship(
    request: Request, location_id: Id, fulfillment_id: Id, body: SentBody, holder: Vendor
) -> object:
    """Note that a box left. Sent again under the same number it counts once."""
    box = SentBox(
        body.tracking, body.carrier, body.service, body.weight_grams, _units(body.lines)
    )  # fmt: skip
    return central_of(request).vendors.ship(location_id, fulfillment_id, box)


@router.post(
    "/{fulfillment_id}/give-up",
    response_model=FulfillmentView,
    responses=problems(
        *KEYED, *REFUSED, "idempotency_key_missing", "idempotency_key_invalid",
        "idempotency_key_reused",
    ),
    openapi_extra=idempotency.WHERE_NEEDED,
)  # fmt: skip
def give_up(
    request: Request,
    response: Response,
    location_id: Id,
    fulfillment_id: Id,
    body: GivenUpBody,
    holder: Vendor,
) -> object:
    """Give up units, or all that is open: central sources them elsewhere.

    Where lines are named an `Idempotency-Key` is required: sent again, they are given up once.
    """
    act = f"POST /v1/vendors/{location_id}/fulfillments/{fulfillment_id}/give-up"
    identity = idempotency.identify(request, body, holder.id, act) if body.lines else None
    desk = central_of(request).vendors
    done = desk.give_up(location_id, fulfillment_id, _units(body.lines), body.reason, identity)
    response.headers[idempotency.REPLAYED_HEADER] = "true" if done.is_replayed else "false"
    return json.loads(done.body)


def _units(lines: tuple[UnitsBody, ...]) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in lines:
        found[one.line] = found.get(one.line, 0) + one.quantity
    return found
