"""Orders: place, read, search, cancel."""

from asyncio import wrap_future
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from central_server.api.documented import KEYED, problems
from central_server.api.order_bodies import (
    ArrivedBody,
    CancelBody,
    CancelUnitsBody,
    OrderBody,
    OrderQuery,
)
from central_server.api.routing_views import RoutingWhy
from central_server.api.schemas import OrderPage, OrderView, OrderWithTimeline
from central_server.records import OrderFilter
from central_server.services.api_keys import KeyHolder
from central_server.web import idempotency
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.direct import DirectRoute, direct
from central_server.web.pagination import decode_cursor, encode_cursor

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=DirectRoute)

OrderId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z\-]+$")]
_EXAMPLE = {
    "location_id": "S001",
    "lines": [{"sku": "HS-10001", "quantity": 2}],
    "customer": {"name": "Rosa Eastman", "email": "rosa.eastman@example.com"},
    "channel": "web",
    "currency": "USD",
}


@router.post(
    "",
    status_code=201,
    response_model=OrderView,
    responses=problems(
        *KEYED, "idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_reused",
        "unknown_sku", "unknown_location", "currency_mismatch", "insufficient_stock",
        "not_in_time", "not_priced", "not_released", "price_changed", "pickup_not_offered",
        "curbside_not_offered",
        "shipping_not_offered",
        "body_too_large",
    ),
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": _EXAMPLE}}},
        **idempotency.PARAMETERS,
    },
)  # fmt: skip
@direct(OrderBody, "orders:write")
async def place_order(
    request: Request,
    body: OrderBody,
    holder: Annotated[KeyHolder, Depends(require("orders:write"))],
) -> Response:
    """Place an order to be fetched or sent. Stores promise it, or it is refused with the reason.

    With `payment: in_store` it is a reservation: the chosen store holds the goods unpaid.
    """
    identity = idempotency.identify(request, body, holder.id)
    placed = await wrap_future(central_of(request).orders.soon(body.value(), identity))
    headers = {
        "Location": f"/v1/orders/{placed.order_id}",
        idempotency.REPLAYED_HEADER: "true" if placed.is_replayed else "false",
    }
    return Response(placed.body, placed.status, headers, "application/json")


@router.get(
    "/{order_id}", response_model=OrderWithTimeline, responses=problems(*KEYED, "not_found")
)
def get_order(
    request: Request,
    order_id: OrderId,
    holder: Annotated[KeyHolder, Depends(require("orders:read"))],
) -> object:
    """Return an order, how its locations were chosen, and everything that happened to it."""
    return central_of(request).reading.order(order_id)


@router.get(
    "/{order_id}/routing", response_model=RoutingWhy, responses=problems(*KEYED, "not_found")
)
def get_order_routing(
    request: Request,
    order_id: OrderId,
    holder: Annotated[KeyHolder, Depends(require("orders:read"))],
) -> object:
    """Return why an order went where it went, in a sentence, and what came next."""
    return central_of(request).routing.why(order_id)


@router.get("", response_model=OrderPage, responses=problems(*KEYED, "cursor_invalid"))
def search_orders(
    request: Request,
    holder: Annotated[KeyHolder, Depends(require("orders:read"))],
    query: Annotated[OrderQuery, Query()],
) -> object:
    """Return orders that match all given filters, newest first."""
    after = decode_cursor(query.cursor, int, str) if query.cursor else None
    wanted = OrderFilter(
        location_id=query.location,
        status=query.status,
        channel=query.channel,
        email=query.email,
        number=query.number,
        sku=query.sku,
    )
    place = None if after is None else (int(after[0]), str(after[1]))
    found, last = central_of(request).reading.search(wanted, place, query.limit)
    return {"orders": found, "next": encode_cursor(*last) if last else None}


@router.post(
    "/{order_id}/cancel",
    response_model=OrderView,
    responses=problems(*KEYED, "not_found", "already_handed_over"),
)
def cancel_order(
    request: Request,
    order_id: OrderId,
    holder: Annotated[KeyHolder, Depends(require("orders:write"))],
    body: CancelBody | None = None,
) -> object:
    """Cancel what the customer still expects. Cancelling again gives the same answer."""
    return central_of(request).cancelling.cancel(
        order_id, reason=body.reason if body else "", actor=holder.name
    )


@router.post(
    "/{order_id}/cancellations",
    response_model=OrderView,
    responses=problems(
        *KEYED, "idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_reused",
        "not_found", "already_handed_over", "reserved_in_store", "order_change_invalid",
    ),
    openapi_extra=idempotency.PARAMETERS,
)  # fmt: skip
def cancel_units(
    request: Request,
    order_id: OrderId,
    body: CancelUnitsBody,
    holder: Annotated[KeyHolder, Depends(require("orders:write"))],
) -> Response:
    """Cancel some units of an order, wherever they are; the rest goes on.

    Stores hear of it with their next pull. The answer is the order after it.
    """
    act = f"POST /v1/orders/{order_id}/cancellations"
    identity = idempotency.identify(request, body, holder.id, act)
    done = central_of(request).cancelling_units.cancel(
        order_id, body.units(), identity, reason=body.reason, actor=holder.name
    )
    headers = {idempotency.REPLAYED_HEADER: "true" if done.is_replayed else "false"}
    return Response(done.body, headers=headers, media_type="application/json")


@router.post(
    "/{order_id}/arrived",
    response_model=OrderView,
    responses=problems(*KEYED, "not_found", "curbside_not_offered"),
)
def customer_arrived(
    request: Request,
    order_id: OrderId,
    holder: Annotated[KeyHolder, Depends(require("orders:write"))],
    body: ArrivedBody,
) -> object:
    """Say that the customer waits outside, and where. Said again, it corrects the place."""
    return central_of(request).arrivals.arrived(order_id, body.parking, body.vehicle)
