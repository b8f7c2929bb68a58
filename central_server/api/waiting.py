"""Orders that are not with a location: the waiting room, changes before release, the unfillable."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field, model_validator

from central_server.api.documented import KEYED, problems
from central_server.api.order_bodies import NewAddressBody
from central_server.api.rule_schemas import Note
from central_server.api.schemas import Body, HoldView, OrderView
from central_server.services.api_keys import KeyHolder
from central_server.services.waiting_room import Change
from central_server.sourcing.routing_rules import HoldKind
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.pagination import LIMIT_DEFAULT, LIMIT_MAX

router = APIRouter(prefix="/v1", tags=["waiting orders"])

OrderId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z\-]+$")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Writer = Annotated[KeyHolder, Depends(require("orders:write"))]
Reader = Annotated[KeyHolder, Depends(require("orders:read"))]
LineNumber = Annotated[int, Field(ge=1, le=10_000, strict=True)]
Kind = Literal["fraud", "address", "payment", "manual"]


class WaitingOrder(HoldView):
    """An order that waits, and why."""

    order_id: str
    number: str


class WaitingPage(BaseModel):
    """What waits, the oldest first."""

    waiting: list[WaitingOrder]


class UnfillablePage(BaseModel):
    """Orders with units that nobody carries, the oldest first."""

    orders: list[dict[str, Any]]


class HoldBody(Body):
    """Why an order is to wait."""

    kind: Kind
    note: Note = ""


class ClearBody(Body):
    """What was found out."""

    note: Note = ""


class LineChange(Body):
    """How many units of a line are still wanted."""

    line: LineNumber
    quantity: Annotated[int, Field(ge=0, le=1000, strict=True)]


class ChangeBody(Body):
    """What changes: fewer units, another address."""

    lines: Annotated[tuple[LineChange, ...], Field(max_length=100)] = ()
    ship_to: NewAddressBody | None = None


class UnfillableBody(Body):
    """What is done about units that nobody has."""

    action: Literal["route_again", "substitute", "cancel", "back_order"]
    line: LineNumber | None = None
    """Of `substitute`: instead of which line. Of `cancel`: of this line only."""
    sku: Annotated[str, Field(max_length=64)] = ""
    """Of `substitute`: what is sent instead."""

    @model_validator(mode="after")
    def _is_complete(self) -> "UnfillableBody":
        if self.action == "substitute" and (self.line is None or not self.sku):
            raise ValueError("a substitution names line and sku")
        return self


@router.get("/waiting-orders", response_model=WaitingPage, responses=problems(*KEYED))
def list_waiting(
    request: Request, holder: Reader, limit: Limit = LIMIT_DEFAULT, kind: HoldKind | None = None
) -> object:
    """Return orders that are not released to a location yet, and why."""
    name = None if kind is None else kind.value
    return {"waiting": central_of(request).waiting.page(name, limit)}


@router.post(
    "/orders/{order_id}/holds",
    response_model=OrderView,
    responses=problems(*KEYED, "not_found", "not_held"),
)
def hold_order(request: Request, order_id: OrderId, body: HoldBody, holder: Writer) -> object:
    """Keep an order that waits for one reason more."""
    return central_of(request).waiting.hold(
        order_id, HoldKind(body.kind), text=body.note, by=holder.name
    )


@router.post(
    "/orders/{order_id}/holds/{kind}/clear",
    response_model=OrderView,
    responses=problems(*KEYED, "not_found", "not_held", "not_released"),
)
def clear_hold(
    request: Request, order_id: OrderId, kind: HoldKind, body: ClearBody, holder: Writer
) -> object:
    """End a hold; with the last one the order is routed. Clearing it again changes nothing."""
    return central_of(request).waiting.clear(order_id, kind, note=body.note, by=holder.name)


@router.post(
    "/orders/{order_id}/changes",
    response_model=OrderView,
    responses=problems(*KEYED, "not_found", "not_held", "order_change_invalid"),
)
def change_order(request: Request, order_id: OrderId, body: ChangeBody, holder: Writer) -> object:
    """Change an order that no location has yet: fewer units, another address."""
    quantities = {one.line: one.quantity for one in body.lines}
    to = body.ship_to.destination() if body.ship_to else None
    change = Change(quantities, to)
    return central_of(request).waiting.change(order_id, change, by=holder.name)


@router.get("/unfillable-orders", response_model=UnfillablePage, responses=problems(*KEYED))
def list_unfillable(request: Request, holder: Reader, limit: Limit = LIMIT_DEFAULT) -> object:
    """Return orders of which nobody carries a part, and which wait for nothing."""
    return {"orders": central_of(request).unfillable.page(limit)}


@router.post(
    "/orders/{order_id}/unfillable",
    response_model=OrderView,
    responses=problems(*KEYED, "not_found", "nothing_unsourced", "nothing_to_await",
                       "reserved_in_store", "unknown_sku", "insufficient_stock"),
)  # fmt: skip
def settle_unfillable(
    request: Request, order_id: OrderId, body: UnfillableBody, holder: Writer
) -> object:
    """Route again, substitute, cancel in part, or wait for receipts."""
    desk = central_of(request).unfillable
    if body.action == "substitute":
        return desk.substitute(order_id, body.line or 0, body.sku, by=holder.name)
    if body.action == "cancel":
        lines = None if body.line is None else frozenset({body.line})
        return desk.cancel(order_id, lines, by=holder.name)
    if body.action == "back_order":
        return desk.back_order(order_id, by=holder.name)
    return desk.route_again(order_id, by=holder.name)
