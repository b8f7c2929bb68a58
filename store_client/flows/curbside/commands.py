"""What an associate does beside the work of the hold shelf: customers arrive, and drive away."""

from collections.abc import Iterable
from dataclasses import dataclass

from store_client.ports import BoardRow
from store_client.services.board import OPEN_MAX
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import clean
from store_client.services.shelf import load
from sync.domain.flows.curbside import (
    ARRIVED,
    NAME,
    PLACE_CHARACTERS_MAX,
    VEHICLE_CHARACTERS_MAX,
    Arrival,
    CustomerArrived,
    CustomerLeft,
    arrival_of,
)
from sync.domain.fulfillment import FulfillmentOrder


@dataclass(frozen=True, slots=True)
class Waiting:
    """A customer outside, and their order."""

    order: FulfillmentOrder
    arrival: Arrival


def outside(desk: Desk) -> list[Waiting]:
    """Return who waits outside, the longest wait first."""
    orders = [desk.store.fulfillment(key) for key in desk.store.noted(NAME, ARRIVED)]
    found = [
        Waiting(order, arrival)
        for order in orders
        if order is not None and order.total("open")
        if (arrival := arrival_of(order)) is not None
    ]
    return sorted(found, key=lambda one: (one.arrival.since_ms, one.order.id))


def not_here(desk: Desk, waiting: Iterable[Waiting]) -> list[BoardRow]:
    """Return the orders of those who are not `waiting` outside, the earliest promise first."""
    here = {one.order.id for one in waiting}
    rows = desk.store.board(NAME, limit=OPEN_MAX)
    return sorted(
        (row for row in rows if row.id not in here and row.units_open),
        key=lambda row: (row.promised_by_ms, row.order_number),
    )


def find_parking(desk: Desk, text: str) -> str:
    """Return the store's spelling of a parking spot, or refuse with the spots there are."""
    place = clean(text)
    store = desk.store.store_row()
    known = store.pickup.parking if store is not None else ()
    if not place:
        raise Refusal("No parking spot given.", _spots(known))
    for spot in known:
        if spot.casefold() == place.casefold():
            return spot
    if known:
        raise Refusal(f"There is no parking spot “{place[:12]}” here.", _spots(known))
    if len(place) > PLACE_CHARACTERS_MAX:
        raise Refusal("That is too long for a spot.", f"Use {PLACE_CHARACTERS_MAX} characters.")
    return place


def _spots(known: tuple[str, ...]) -> str:
    return f"Spots: {', '.join(known)}." if known else "Type where the car stands, such as P1."


def arrived(desk: Desk, fulfillment_id: str, parking: str, vehicle: str = "") -> FulfillmentOrder:
    """Note that the customer waits outside; said again, it corrects the place."""
    if not load(desk, fulfillment_id).total("open"):
        raise Refusal("Nothing of this order waits any more.", "See what happened: Ctrl+T.")
    place = find_parking(desk, parking)
    looks = clean(vehicle)[:VEHICLE_CHARACTERS_MAX]
    now_ms = desk.store.central_now_ms()
    return desk.perform(CustomerArrived(fulfillment_id, place, now_ms, looks))


def arrived_at(desk: Desk, fulfillment_id: str, text: str) -> FulfillmentOrder:
    """Note an arrival typed on one line: the spot, a comma, what the car looks like."""
    parking, _, vehicle = text.partition(",")
    return arrived(desk, fulfillment_id, parking, vehicle)


def left(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Note that nobody waits outside for this order."""
    if arrival_of(load(desk, fulfillment_id)) is None:
        raise Refusal("Nobody waits outside for this order.", "F6 says that somebody does.")
    return desk.perform(CustomerLeft(fulfillment_id))
