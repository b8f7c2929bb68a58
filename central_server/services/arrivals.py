"""A customer says that they stand outside: their store hears of it at once, if it is reached."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from central_server.services.errors import CurbsideNotOffered, NotFound
from central_server.services.judging import Judging
from central_server.services.order_views import Document, order_document, orders_in
from central_server.services.replication import Replication
from sync.domain.flows.curbside import NAME, CustomerArrived, arrival_of
from sync.domain.fulfillment import FulfillmentOrder

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


class Arrivals:
    """Takes what customers say of where they wait."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._judging = judging

    def arrived(self, order_id: str, parking: str, vehicle: str) -> Document:
        """Note that the customer of an order waits outside; return the order as it is then.

        Said again, it corrects the place; the time stays. An order that has ended
        answers as it is. Raises `NotFound`, `CurbsideNotOffered`.
        """
        now_ms = self._judging.clock.now_ms()
        with self._database.read() as view:
            if view.orders.get(order_id) is None:
                raise NotFound("order", order_id)
            parts = orders_in(view.fulfillments.of_orders([order_id])[order_id])
        outside = [one for one in parts if one.flow == NAME]
        if not outside:
            raise CurbsideNotOffered(order_id)
        open_parts = [one for one in outside if one.total("open")]
        for location_id in sorted({one.location_id for one in open_parts}):
            here = [one for one in open_parts if one.location_id == location_id]
            news = [one for one in here if not _is_known(one, parking, vehicle)]
            said = [CustomerArrived(one.id, parking, now_ms, vehicle) for one in news]
            if not said:
                continue
            self._database.write(partial(self._note, location_id, said, now_ms))
        with self._database.read() as view:
            order = view.orders.get(order_id)
            assert order is not None
            return order_document(
                order, orders_in(view.fulfillments.of_orders([order_id])[order_id])
            )

    def _note(
        self, location_id: str, said: Iterable[CustomerArrived], now_ms: int, unit: "Unit"
    ) -> None:
        location = unit.locations.get(location_id)
        assert location is not None
        applier = Replication(unit, self._judging, location, now_ms)
        applier.decide(said, "arrived")
        applier.flush()
        unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))


def _is_known(order: FulfillmentOrder, parking: str, vehicle: str) -> bool:
    """Return whether an order says so already: a phone may send it again and again."""
    arrival = arrival_of(order)
    if arrival is None or arrival.parking != parking:
        return False
    return vehicle in {"", arrival.vehicle}
