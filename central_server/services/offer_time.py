"""How long stores may claim an order that is offered to them.

Its minutes run while at least one of them is open that may claim it, and nobody may while the order
is held for anything else: they begin when nothing else holds it, and stop when something does.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import OrderHold
from central_server.services.promising import open_hours
from central_server.sourcing.routing_rules import HoldKind
from sync.domain.opening import any_open_until_ms

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

KIND = HoldKind.OFFER.value
MINUTE_MS = 60_000


def begun(view: "View", offer: OrderHold, now_ms: int) -> OrderHold:
    """Return an offer whose minutes run from now on; one that does not know them as it is."""
    minutes, stores = offer.data.get("minutes"), offer.data.get("stores")
    if not isinstance(minutes, int) or not isinstance(stores, list):
        return offer
    calendars = [open_hours(one) for one in view.locations.get_many(stores).values()]
    return replace(offer, until_ms=any_open_until_ms(calendars, now_ms, minutes * MINUTE_MS))


def begin_alone(unit: "Unit", left: Sequence[OrderHold], now_ms: int) -> None:
    """Let an offer begin where it is all that is `left` of what holds an order."""
    if [one.kind for one in left] == [KIND]:
        unit.holds.open([begun(unit, left[0], now_ms)])


def stop(unit: "Unit", holds: Sequence[OrderHold]) -> None:
    """Let an open offer wait until what else holds its order is cleared."""
    unit.holds.open([
        replace(one, until_ms=None) for one in holds
        if one.kind == KIND and one.closed_ms is None and "minutes" in one.data
    ])  # fmt: skip
