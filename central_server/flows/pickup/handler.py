"""What follows at central from the operations of a pickup."""

from central_server.services.fetching_handler import FetchingHandler
from sync.domain.flows.pickup import NAME


class PickupHandler(FetchingHandler):
    """Implements `FlowHandler` for pickups."""

    flow = NAME
