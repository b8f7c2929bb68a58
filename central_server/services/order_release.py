"""Giving what of an order nobody carries yet to locations: after a hold, a receipt, or by hand."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from central_server.records import Order, OrderEvent
from central_server.services.decisions import Chosen
from central_server.services.exceptions import exception_record
from central_server.services.order_giving import Giving, feed_parts, give, promise
from central_server.services.order_views import orders_in, status_of_order
from central_server.services.parcel_mail import tell_received
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.parcels import write_parts
from central_server.services.promising import by_sku
from central_server.services.room import TEXT, parcel_again_ms, pickup_again_ms, wait_for_room
from central_server.services.shipping import barred, divide
from central_server.services.transfer_receipts import going_to
from sync.domain.errors import InsufficientStock
from sync.domain.exceptions import ExceptionKind
from sync.domain.orders import OrderStatus

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

Only = Chosen | None
Units = Mapping[int, int]
"""Units by line."""


def release_or_open(
    unit: "Unit",
    order: Order,
    units: Units,
    now_ms: int,
    how: Giving,
    text: str,
    only: Only = None,
    *,
    may_wait: bool = True,
) -> dict[int, int] | None:
    """Release what an order waited for; return what is missing, None where it waits for room.

    It does where only full days are in the way, and it `may_wait`. What else is missing is
    somebody's business, and so is room that does not come; `text` says how it came that goods
    are missing.
    """
    is_asked = bool(order.ship_to) and may_wait  # a part of a parcel might be given away first
    again_ms = _again_ms(unit, order, units, now_ms, how) if is_asked else None
    if again_ms is not None and wait_for_room(unit, order, again_ms, now_ms):
        write_counts(unit, order)
        return None
    missing = release(unit, order, units, now_ms, how, why="released", only=only)
    if not missing:
        return missing
    again_ms = _again_ms(unit, order, missing, now_ms, how)
    is_whole = may_wait and missing == units
    if again_ms is not None and is_whole and wait_for_room(unit, order, again_ms, now_ms):
        write_counts(unit, order)
        return None
    lacking = by_sku(order, missing)
    why = f"{text}: {InsufficientStock(lacking)}"
    if again_ms is not None:
        goods = ", ".join(f"{count} x {sku}" for sku, count in sorted(lacking.items()))
        why = f"{TEXT} Nobody does this of order {order.number}: {goods}"
    open_unsourced(unit, order, why, now_ms, how.random)
    return missing


def _again_ms(unit: "Unit", order: Order, units: Units, now_ms: int, how: Giving) -> int | None:
    """Return when full days are over that alone keep an order; None: they do not."""
    if order.ship_to:
        excluded = barred(unit, order.id, by_sku(order, units), now_ms) | going_to(unit, order)
        routing = ParcelRouting(unit, now_ms, how.promise_ms)
        return parcel_again_ms(unit, order, units, excluded, routing)
    place = unit.locations.get(order.pickup_location_id)
    assert place is not None
    return pickup_again_ms(unit, order, units, place, now_ms)


def release(
    unit: "Unit",
    order: Order,
    units: Units,
    now_ms: int,
    how: Giving,
    *,
    why: str,
    only: Only = None,
) -> dict[int, int]:
    """Promise `units` that the order waits for, like work that moves; return what is missing.

    `only` are the locations that were chosen for it before, which is followed as far as it
    still can be. The caller has locked the order.
    """
    if order.ship_to:
        missing = _parcels(unit, order, units, now_ms, how, why, only)
    else:
        missing = _pickup(unit, order, units, now_ms, how, why)
    given = {line: count - missing.get(line, 0) for line, count in units.items()}
    lines = tuple(
        replace(line, unsourced=line.unsourced - given.get(line.line, 0)) for line in order.lines
    )
    changed = replace(order, lines=lines)
    write_counts(unit, changed)
    return missing


def write_counts(unit: "Unit", order: Order) -> OrderStatus:
    """Write the counts of an order's lines, and the status that follows; return that."""
    counts = {(order.id, line.line): (line.unsourced, line.dropped) for line in order.lines}
    unit.orders.set_line_counts(counts)
    stored = unit.fulfillments.of_orders([order.id])[order.id]
    awaits = unit.supply.promised_by(order.id) is not None
    status = status_of_order(order, orders_in(stored), unit.holds.of(order.id), awaits)
    unit.orders.set_statuses({order.id: status.value})
    return status


def open_unsourced(unit: "Unit", order: Order, text: str, now_ms: int, random: Random) -> None:
    """Put an order of which nobody can give all on the list of people; `text` says why."""
    record = exception_record(
        ExceptionKind.UNSOURCED, text, cause=f"{ExceptionKind.UNSOURCED}:{order.id}:released",
        now_ms=now_ms, random=random, location_id=order.pickup_location_id,
    )  # fmt: skip
    detail = {**record.detail, "order_number": order.number}
    unit.exceptions.open([replace(record, order_id=order.id, detail=detail)])
    unit.orders.append_events([OrderEvent(order.id, now_ms, "unsourced", text, "central")])


def _parcels(
    unit: "Unit", order: Order, units: Units, now_ms: int, how: Giving, why: str,
    only: Only,
) -> dict[int, int]:  # fmt: skip
    excluded = barred(unit, order.id, by_sku(order, units), now_ms) | going_to(unit, order)
    found = divide(
        unit, order, units, excluded, source=order.id,
        routing=ParcelRouting(unit, now_ms, how.promise_ms),
        is_moved=True, first=only,
    )  # fmt: skip
    made = write_parts(unit, order, found, now_ms, how.random, how.promise_ms, why=why)
    if made.orders:
        tell_received(unit, order, made, now_ms, how)
        feed_parts(unit, made.orders, how.pokes, made.bodies)
    return found.missing


def _pickup(
    unit: "Unit", order: Order, units: Units, now_ms: int, how: Giving, why: str
) -> dict[int, int]:
    place = unit.locations.get(order.pickup_location_id)
    assert place is not None
    try:
        plan, claim = promise(
            unit, order, units, place, now_ms, promise_ms=how.promise_ms, is_moved=True
        )
    except InsufficientStock:
        return dict(units)
    give(unit, order, units, plan, now_ms, how, why=why, claim=claim)
    return {}
