"""What follows at central from the operations of an order that is brought out."""

from central_server.flows.curbside import notices
from central_server.services.fetching_handler import FETCHING_KINDS, FetchingHandler
from central_server.services.flow_handler import FollowUps, Place, Step
from central_server.services.notice import Notice, local_time
from sync.domain.flows.curbside import NAME, arrival_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.transitions import Consequence


class CurbsideHandler(FetchingHandler):
    """Implements `FlowHandler`: as for pickups, and arrivals stand in the order's timeline."""

    flow = NAME
    kinds = FETCHING_KINDS | {"customer_arrived"}

    def follow(self, step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
        """Ask for what follows from `step` and return what to tell the associate."""
        if step.operation.kind != "customer_arrived":
            return super().follow(step, ups)
        order = step.outcome.after
        arrival = arrival_of(order)
        if arrival is not None and not step.is_late and not step.by:
            ups.event(order, "customer_arrived", f"The customer waits at {arrival.parking}.")
        return ()

    def ready(self, order: FulfillmentOrder, place: Place, qr: str) -> Notice:
        """Return what the customer is told when the goods are ready; `qr` may be unknown."""
        until = local_time(order.expires_at_ms or 0, place.timezone)
        return notices.ready(order.order_number, order.customer_name, place.name, until, qr)
