"""Many orders in one request."""

from json import dumps
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from central_server.api.bulk_schemas import BulkAnswer, BulkBody
from central_server.api.documented import KEYED, problems
from central_server.services.api_keys import KeyHolder
from central_server.services.order_groups import OrderRequest, Outcome
from central_server.web import idempotency
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.direct import DirectRoute, direct
from central_server.web.problems import problem_of

router = APIRouter(prefix="/v1/bulk", tags=["orders"], route_class=DirectRoute)


@router.post(
    "/orders",
    response_model=BulkAnswer,
    responses=problems(*KEYED, "body_too_large"),
)
@direct(BulkBody, "orders:write")
def place_orders(
    request: Request,
    body: BulkBody,
    holder: Annotated[KeyHolder, Depends(require("orders:write"))],
) -> Response:
    """Place up to 100 orders. Each has its own key and outcome: placed, or refused with the reason.

    A key and order that are sent again, here or by themselves, get the same answer.
    """
    wanted = [
        OrderRequest(one.order.value(), idempotency.identity(one.key, one.order, holder.id))
        for one in body.orders
    ]
    outcomes = central_of(request).orders.place_many(wanted)
    results = (
        _result(request, one.key, outcome)
        for one, outcome in zip(body.orders, outcomes, strict=True)
    )
    return Response(f'{{"results":[{",".join(results)}]}}', 200, None, "application/json")


def _result(request: Request, key: str, outcome: Outcome) -> str:
    """Return one order's outcome as JSON; the order is JSON already."""
    if isinstance(outcome, Exception):
        problem = problem_of(request, outcome)
        document = bytes(problem.body).decode()
        return f'{{"key":{dumps(key)},"status":{problem.status_code},"problem":{document}}}'
    replayed = "true" if outcome.is_replayed else "false"
    head = f'"key":{dumps(key)},"status":{outcome.status},"replayed":{replayed}'
    return f'{{{head},"order":{outcome.body}}}'
