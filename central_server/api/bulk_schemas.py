"""Many orders in one request."""

from typing import Annotated

from pydantic import BaseModel, Field

from central_server.api.order_bodies import OrderBody
from central_server.api.schemas import Body, OrderView, ProblemView
from central_server.web.idempotency import KEY_LENGTH_MAX

ORDERS_MAX = 100


class KeyedOrder(Body):
    """An order, and the key that makes sending it again harmless."""

    key: Annotated[str, Field(min_length=1, max_length=KEY_LENGTH_MAX, pattern=r"^[!-~]+$")]
    order: OrderBody


class BulkBody(Body):
    """Orders that are placed at once, each for itself."""

    orders: Annotated[tuple[KeyedOrder, ...], Field(min_length=1, max_length=ORDERS_MAX)]


class BulkResult(BaseModel):
    """What came of one order: the order, or the problem that it alone would have got."""

    key: str
    status: int
    replayed: bool | None = None
    order: OrderView | None = None
    problem: ProblemView | None = None


class BulkAnswer(BaseModel):
    """One result for each order, in their order."""

    results: tuple[BulkResult, ...]
