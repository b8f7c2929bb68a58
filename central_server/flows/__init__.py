"""Central's part of every flow. A new flow is one import and one entry here."""

from central_server.flows.pickup.handler import PickupHandler
from central_server.services.flow_handler import FlowHandler

ALL_HANDLERS: tuple[FlowHandler, ...] = (PickupHandler(),)
