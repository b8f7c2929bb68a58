"""What an endpoint may use: the use cases of one central, handed to the app by bootstrap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request

from central_server.services.api_keys import ApiKeys
from central_server.services.arrivals import Arrivals
from central_server.services.availability import AvailabilityQuery
from central_server.services.availability_feed import AvailabilityFeedReader
from central_server.services.baskets import BasketQuery
from central_server.services.cancel import Cancellation
from central_server.services.cancel_units import UnitCancellation
from central_server.services.enrolment import Enrolment
from central_server.services.escrow_policies import EscrowPolicies
from central_server.services.exception_desk import ExceptionDesk
from central_server.services.offers import OfferDesk
from central_server.services.order_capture import OrderCapture
from central_server.services.order_reading import OrderReading
from central_server.services.promise_preview import PromisePreview
from central_server.services.promise_rules import PromiseRuleBook
from central_server.services.quarantine import QuarantineDesk
from central_server.services.routing_desk import RoutingDesk
from central_server.services.routing_rules import RoutingRuleBook
from central_server.services.routing_simulation import RoutingSimulation
from central_server.services.sessions import Sessions
from central_server.services.stores import StoreDirectory
from central_server.services.supply import SupplyBook
from central_server.services.sync_service import SyncService
from central_server.services.tills import TillDesk
from central_server.services.unfillable import UnfillableDesk
from central_server.services.vendors import VendorDesk
from central_server.services.waiting_room import WaitingRoom
from central_server.web.pokes import PokeBoard
from central_server.web.shell import Figures
from sync.clock import Clock


@dataclass(frozen=True, slots=True)
class Central:
    """The use cases of one central, ready to be called from any thread."""

    clock: Clock
    orders: OrderCapture
    cancelling: Cancellation
    cancelling_units: UnitCancellation
    arrivals: Arrivals
    reading: OrderReading
    availability: AvailabilityQuery
    baskets: BasketQuery
    stores: StoreDirectory
    enrolment: Enrolment
    sessions: Sessions
    sync: SyncService
    keys: ApiKeys
    escrow: EscrowPolicies
    promise_rules: PromiseRuleBook
    promise_preview: PromisePreview
    routing_rules: RoutingRuleBook
    routing: RoutingDesk
    simulation: RoutingSimulation
    waiting: WaitingRoom
    offers: OfferDesk
    unfillable: UnfillableDesk
    supply: SupplyBook
    vendors: VendorDesk
    tills: TillDesk
    availability_feed: AvailabilityFeedReader
    exceptions: ExceptionDesk
    quarantine: QuarantineDesk
    pokes: PokeBoard
    figures: Figures
    new_trace_id: Callable[[], str]
    readiness: Callable[[], Mapping[str, str]]
    """Names what central waits for; empty when it is ready."""


def central_of(request: Request) -> Central:
    """Return the central that this request came to."""
    central = request.app.state.central
    assert isinstance(central, Central)
    return central
