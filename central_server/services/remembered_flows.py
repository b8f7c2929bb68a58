"""Flows that remember each order's last status, for as long as one push is judged."""

from collections.abc import Callable
from dataclasses import replace

from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.transitions import Flow

StatusOf = Callable[[FulfillmentOrder], FulfillmentStatus]


class RememberedFlows:
    """The flows by name.

    An operation's end is the next one's beginning, and finding a status is the larger
    part of judging.
    """

    def __init__(self) -> None:
        self._flows: dict[str, Flow] = {}
        self._statuses: dict[str, tuple[FulfillmentOrder, FulfillmentStatus]] = {}

    def named(self, name: str) -> Flow:
        """Return a flow whose status of an order is asked once."""
        flow = self._flows.get(name)
        if flow is None:
            listed = flow_named(name)
            flow = self._flows[name] = replace(
                listed, status_of=self._remembering(listed.status_of)
            )
        return flow

    def _remembering(self, status_of: StatusOf) -> StatusOf:
        known = self._statuses

        def remembered(order: FulfillmentOrder) -> FulfillmentStatus:
            last = known.get(order.id)
            if last is not None and last[0] is order:
                return last[1]
            status = status_of(order)
            known[order.id] = (order, status)
            return status

        return remembered
