"""The fulfillment flows, one module each. A new flow is one import and one entry here."""

from functools import reduce
from operator import or_
from typing import get_args

from sync.domain.errors import UnknownFlow
from sync.domain.exceptions import Task
from sync.domain.flows import curbside, pickup, reserve, ship
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.money_operations import MoneyOperation
from sync.domain.operations import Operation
from sync.domain.stock_operations import StockOperation
from sync.domain.transitions import Flow

ALL_FLOWS: tuple[Flow, ...] = (pickup.FLOW, curbside.FLOW, ship.FLOW, reserve.FLOW)

FULFILLMENT_OPERATIONS: tuple[type, ...] = (
    *get_args(Operation),
    *(operation for flow in ALL_FLOWS for operation in flow.operations),
)
"""Operations on fulfillment orders: the common vocabulary and what single flows add."""

ALL_OPERATIONS: tuple[type, ...] = (
    *FULFILLMENT_OPERATIONS,
    *get_args(StockOperation),
    *get_args(MoneyOperation),
    *get_args(Task),
)
"""Every operation that exists."""

OPERATION_UNION = reduce(or_, ALL_OPERATIONS)
"""The same as a union type, told apart by `kind`."""

_BY_NAME = {flow.name: flow for flow in ALL_FLOWS}


def flow_named(name: str) -> Flow:
    """Return the flow called `name`, or raise `UnknownFlow`."""
    found = _BY_NAME.get(name)
    if found is None:
        raise UnknownFlow(name)
    return found


def status_of(order: FulfillmentOrder) -> FulfillmentStatus:
    """Return the status of `order` by the rules of its flow."""
    return flow_named(order.flow).status_of(order)
