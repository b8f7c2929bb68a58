"""Kits, release dates, and goods on their way: what promising must know beside the stock."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from central_server.api.documented import KEYED, problems
from central_server.api.rule_schemas import milliseconds
from central_server.api.schemas import Body, Identifier, Moment
from central_server.services.api_keys import KeyHolder
from central_server.sourcing.receipts import Receipt
from central_server.web.auth import require
from central_server.web.deps import central_of

router = APIRouter(prefix="/v1", tags=["supply"])

Key = Annotated[str, Path(min_length=1, max_length=64)]
"""A SKU is the retailer's own, and may have a slash in it; a path has it as it is, or as %2F."""
Admin = Annotated[KeyHolder, Depends(require("admin"))]
Reader = Annotated[KeyHolder, Depends(require("availability:read"))]
Units = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class BundleBody(Body):
    """Units by component; none: the SKU is no kit."""

    components: Annotated[dict[Identifier, Units], Field(max_length=50)]


class BundleView(BaseModel):
    """What a kit is made of."""

    sku: str
    components: dict[str, int]


class ReleaseBody(Body):
    """From when on a product may be sold; null: at once."""

    release_at: Moment | None


class ReleaseView(BaseModel):
    """From when on a product may be sold; null: nobody said."""

    sku: str
    release_at: str | None


class ReceiptBody(Body):
    """Units of a SKU that will come to a location."""

    location_id: Identifier
    sku: Identifier
    units: Units
    due_at: Moment
    reference: Annotated[str, Field(max_length=200)] = ""


class ReceiptView(BaseModel):
    """Goods that are on their way; `claimed` units are promised to orders."""

    id: str
    location_id: str
    sku: str
    units: int
    due_at: str
    reference: str
    claimed: int


class CloseBody(Body):
    """How many units came; none: nobody counted them, or they will not come."""

    units: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] | None = None


class ReceiptList(BaseModel):
    """What is on its way of a SKU, the earliest first."""

    receipts: list[ReceiptView]


@router.get(
    "/bundles/{sku:path}", response_model=BundleView, responses=problems(*KEYED, "not_found")
)
def get_bundle(request: Request, sku: Key, holder: Reader) -> object:
    """Return what a kit is made of."""
    return central_of(request).supply.bundle(sku)


@router.put(
    "/bundles/{sku:path}",
    response_model=BundleView,
    responses=problems(*KEYED, "unknown_sku", "bundle_invalid"),
)
def set_bundle(request: Request, sku: Key, body: BundleBody, holder: Admin) -> object:
    """Set what a kit is made of; its availability is that of its scarcest component."""
    return central_of(request).supply.set_bundle(sku, body.components)


@router.get(
    "/release-dates/{sku:path}", response_model=ReleaseView, responses=problems(*KEYED, "not_found")
)
def get_release(request: Request, sku: Key, holder: Reader) -> object:
    """Return from when on a product may be sold."""
    return central_of(request).supply.release(sku)


@router.put(
    "/release-dates/{sku:path}",
    response_model=ReleaseView,
    responses=problems(*KEYED, "unknown_sku"),
)
def set_release(request: Request, sku: Key, body: ReleaseBody, holder: Admin) -> object:
    """Say from when on a product may be sold. Before, orders that accept it wait (pre-order).

    Orders that wait follow a new date, and their customers are told.
    """
    return central_of(request).supply.set_release(sku, milliseconds(body.release_at))


@router.get("/receipts", response_model=ReceiptList, responses=problems(*KEYED))
def list_receipts(
    request: Request, holder: Reader, sku: Annotated[str, Query(min_length=1, max_length=64)]
) -> object:
    """Return what is on its way of a SKU."""
    return {"receipts": central_of(request).supply.coming(sku)}


@router.put(
    "/receipts/{receipt_id}",
    response_model=ReceiptView,
    responses=problems(
        *KEYED, "unknown_sku", "unknown_location", "receipt_awaited", "receipt_closed"
    ),
)
def expect_receipt(request: Request, receipt_id: Key, body: ReceiptBody, holder: Admin) -> object:
    """Note goods that are on their way, or what has changed about them."""
    due_ms = milliseconds(body.due_at)
    assert due_ms is not None
    receipt = Receipt(receipt_id, body.location_id, body.sku, body.units, due_ms, body.reference)
    return central_of(request).supply.expect(receipt)


@router.post(
    "/receipts/{receipt_id}/close",
    response_model=ReceiptView,
    responses=problems(*KEYED, "not_found"),
)
def close_receipt(
    request: Request, receipt_id: Key, holder: Admin, body: CloseBody | None = None
) -> object:
    """Note that goods came, once their units are counted as stock, or that they will not come.

    Where `units` says that fewer or more came than were on their way, or something else than
    before, an exception `receipt_discrepancy` waits for somebody at central.
    """
    return central_of(request).supply.close(receipt_id, None if body is None else body.units)
