"""Central's part of every flow. A new flow is one import and one entry here."""

from central_server.flows.curbside.handler import CurbsideHandler
from central_server.flows.pickup.handler import PickupHandler
from central_server.flows.reserve.handler import ReserveHandler
from central_server.flows.reserve.notices import ReserveNotices
from central_server.flows.ship.handler import ShipHandler
from central_server.flows.ship.notices import ShipNotices
from central_server.services.fetching_notices import PickupNotices
from central_server.services.flow_handler import FlowHandler
from central_server.services.notice import NoticesByFlow

ALL_HANDLERS: tuple[FlowHandler, ...] = (
    PickupHandler(),
    CurbsideHandler(),
    ShipHandler(),
    ReserveHandler(),
)

NOTICES = NoticesByFlow(
    {ShipHandler.flow: ShipNotices(), ReserveHandler.flow: ReserveNotices()},
    otherwise=PickupNotices(),
)
"""What central's own use cases tell customers."""
