"""Orders for what may not be sold before its release date.

    placed    with `accept_later`, like a back-order: of what lies there and what is on its way,
              as if it could be sold (`Ask.for_later`)
    held      until the date, by a hold `pre_order`: no location hears of it before
    moved     where the date changes, the hold is over at once; whoever ends it asks here, and
              it is held again until the new date, which its customer is told
    released  at the date, in the order of placing, as far as its goods have come

Work that a location has already when a date is said stays there.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Location, Order, OrderEvent, OrderHold
from central_server.services.errors import NotReleased
from central_server.services.order_giving import Giving, tell
from central_server.services.outlook import Found, Outlook
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promising import open_hours, ready_in_ms
from central_server.services.shipping import shipping_home
from central_server.services.times import rfc3339
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.routing_rules import HoldKind

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

KIND = HoldKind.PRE_ORDER.value
EVENT = "pre_ordered"
PROMISES = frozenset({EVENT, "backordered", "delayed"})
"""What a timeline says of an order that waits, with by when it is promised and by whose days."""
LOCKED_MAX = 1000
"""Of more products whose dates change at once (a first import), none is locked: a database has
no end of locks. An order of that moment that waits is looked at when its date before is over."""


def sold_in(order: Order, *, is_open: bool = False) -> set[str]:
    """Return what was bought: SKUs, and kits beside their components.

    `is_open`: only what no location carries yet.
    """
    lines = [line for line in order.lines if line.unsourced or not is_open]
    kits = {line.kit.partition(":")[2] for line in lines}
    return {line.sku for line in lines} | kits - {""}


def set_releases(unit: "Unit", releases: Mapping[str, int | None], now_ms: int) -> None:
    """Say from when on products may be sold (ms, by SKU; None: at once), where that is new.

    An order of that moment that is to wait for the date before, or for other goods, is found
    here, or finds the new date (`backorders.release_for_sure`).
    """
    kits = unit.supply.bundles(releases)
    parts = {part for one in kits.values() for part in one.components}
    if len(releases) <= LOCKED_MAX:
        unit.stock.lock_network({*releases, *parts})
    unit.catalogue.set_releases(releases)
    unit.promise_rules.bump()
    unit.holds.look_at(KIND, {*releases, *parts}, now_ms)


def release_of(view: "View", skus: Collection[str], now_ms: int) -> int | None:
    """Return from when on all of it may be sold, if that is still to come."""
    latest = max(view.catalogue.releases(skus).values(), default=0)
    return latest if latest > now_ms else None


def refusal(
    view: "View", order: Order, now_ms: int, hint: str, *, is_open: bool = False
) -> NotReleased:
    """Return why an order is not taken now, and from when on it is; `hint` says how to wait.

    `is_open`: only what no location carries yet is asked about.
    """
    releases = view.catalogue.releases(sold_in(order, is_open=is_open))
    late = tuple(sorted(sku for sku, at_ms in releases.items() if at_ms > now_ms))
    return NotReleased(late, rfc3339(max(releases.values())), hint)


def hold_until(order: Order, release_ms: int, by_ms: int, now_ms: int) -> OrderHold:
    """Return what keeps an order until its goods may be sold; it is promised by `by_ms`."""
    text = f"It may not be sold before {rfc3339(release_ms)}."
    data = {"release_ms": release_ms, "promised_by_ms": by_ms}
    return OrderHold(order.id, KIND, now_ms, release_ms, text, data)


def pre_ordered(order: Order, place: Location, hold: OrderHold, now_ms: int) -> OrderEvent:
    """Return what the timeline says of it."""
    by_ms = _moment(hold, "promised_by_ms")
    text = f"Pre-ordered: {hold.text}"
    data = {"location_id": place.id, "promised_by": rfc3339(by_ms)}
    return OrderEvent(order.id, now_ms, EVENT, text, order.channel, data)


def keep_back(unit: "Unit", order: Order, now_ms: int, how: Giving) -> bool:
    """Hold an order, or hold it again, where what is open of it may not be sold yet.

    Returns whether it may not. Its customer is told a date that they do not know.
    The caller has locked the order.
    """
    release_ms = _open_until(unit, order, now_ms)
    if release_ms is None:
        return False
    before = next((one for one in unit.holds.of(order.id) if one.kind == KIND), None)
    by_ms, place = _promised_by(unit, order, release_ms, before, now_ms, how)
    hold = hold_until(order, release_ms, by_ms, now_ms)
    unit.holds.open([hold])
    if before is None or before.data != hold.data:
        _tell(unit, order, place, hold, now_ms, how)
    return True


def look_again(unit: "Unit", order: Order, now_ms: int) -> None:
    """Let a hold be over of an order that lost units, where the rest has another date, or none.

    As where a date changes: whoever ends it asks here. The caller has locked the order.
    """
    hold = _open_hold(unit, order)
    if hold is not None and _open_until(unit, order, now_ms) != _moment(hold, "release_ms"):
        unit.holds.open([replace(hold, until_ms=now_ms)])


def _open_until(unit: "Unit", order: Order, now_ms: int) -> int | None:
    """Return from when on what is open may be sold, if that is still to come.

    Who says another date waits then, and finds what is held by this one. Where there is no
    date nobody waits: an order of that moment goes before a date that is said after it.
    """
    skus = sold_in(order, is_open=True)
    if release_of(unit, skus, now_ms) is None:
        return None
    unit.stock.lock_network({line.sku for line in order.lines if line.unsourced})
    return release_of(unit, skus, now_ms)


def promise_again(unit: "Unit", order: Order, now_ms: int, how: Giving) -> None:
    """Promise a parcel that waits for its date as it is sent now: elsewhere, say, or faster."""
    hold = _open_hold(unit, order)
    if hold is None:
        return
    found = _sent_by(unit, order, _moment(hold, "release_ms"), now_ms, how)
    if found is not None and found.by_ms != _moment(hold, "promised_by_ms"):
        hold = replace(hold, data={**hold.data, "promised_by_ms": found.by_ms})
        unit.holds.open([hold])
        _tell(unit, order, found.place, hold, now_ms, how)


def _open_hold(unit: "Unit", order: Order) -> OrderHold | None:
    found = (one for one in unit.holds.of(order.id) if one.kind == KIND)
    return next((one for one in found if one.closed_ms is None), None)


def _moment(hold: OrderHold, name: str) -> int:
    return int(str(hold.data[name]))


def _tell(
    unit: "Unit", order: Order, place: Location, hold: OrderHold, now_ms: int, how: Giving
) -> None:
    unit.orders.append_events([pre_ordered(order, place, hold, now_ms)])
    release_ms, by_ms = _moment(hold, "release_ms"), _moment(hold, "promised_by_ms")
    notice = how.notices.backordered(order, place, by_ms, release_ms)
    tell(unit, order, notice, now_ms, how, about=f"{order.id}:{release_ms}:{now_ms}")


def _place_of(unit: "Unit", order: Order) -> Location:
    """Return where it is fetched; of a parcel, by whose days it is promised.

    Where it was promised nothing yet, that is the nearest location that sends such.
    """
    if order.ship_to:
        point = order.latitude or 0.0, order.longitude or 0.0
        place = told_for(unit, order) or shipping_home(unit, point, order.ship_method)
    else:
        place = unit.locations.get(order.pickup_location_id)
    assert place is not None
    return place


def told_for(view: "View", order: Order) -> Location | None:
    """Return by whose days a parcel that waits was promised last; None: it was promised none."""
    told = (one.data for one in reversed(view.orders.events(order.id)) if one.kind in PROMISES)
    return next((view.locations.get(str(data["location_id"])) for data in told), None)


def _promised_by(
    unit: "Unit", order: Order, release_ms: int, before: OrderHold | None, now_ms: int, how: Giving
) -> tuple[int, Location]:
    """Return by when an order is promised whose date is new, and by whose days.

    Parcels take as long as before.
    """
    place = _place_of(unit, order)
    expected_ms = unit.supply.promised_by(order.id) or 0
    if not order.ship_to:
        ready_ms = promised_by(open_hours(place), release_ms, ready_in_ms(place, how.promise_ms))
        return max(expected_ms, ready_ms), place
    if before is None:
        found = _sent_by(unit, order, release_ms, now_ms, how)
        if found is not None and found.by_ms > expected_ms:
            return found.by_ms, found.place
        return max(expected_ms, release_ms), place
    was_ms, said_ms = _moment(before, "release_ms"), _moment(before, "promised_by_ms")
    return max(expected_ms, release_ms, said_ms + release_ms - was_ms), place


def _sent_by(unit: "Unit", order: Order, release_ms: int, now_ms: int, how: Giving) -> Found | None:
    """Return by when who delivers a parcel that waits; None: nobody could send all of it.

    Nothing is kept for it at a place any more: where it leaves is decided at its release.
    """
    unit.stock.lock_network(sorted({line.sku for line in order.lines}))
    unit.holds.let_go([order.id])
    routing = ParcelRouting(unit, now_ms, how.promise_ms)
    return Outlook(unit, order, routing, release_ms, is_waiting=True).first()
