"""Orders for goods that are on their way: what each waits for, and its release when they came.

    placed     the receipts at the chosen store that give what is not there now, the earliest
               first, are claimed; the customer is told when the last of them is counted on
    granted    a store that shares its stock gives central what came, in its next round; that is
               waited for, but not for long (`GRANT_WAIT_MS`)
    asked      what is sent from a place that is paused when they come early goes after the pause
    released   once a receipt is closed, whatever came of it: the order is sourced like a promise
               that moved, at the chosen store or elsewhere; failing that, a person hears of it

An order is whole: it is released when nothing of it waits for another receipt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import Location, Order, OrderEvent
from central_server.services.late_receipts import LateReceipts
from central_server.services.need_by import require_by
from central_server.services.notice import Notices
from central_server.services.order_giving import Giving
from central_server.services.order_release import release_or_open
from central_server.services.outlook import Taken
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.piecework import Piece, Piecework
from central_server.services.pre_orders import (
    hold_until,
    keep_back,
    pre_ordered,
    release_of,
    sold_in,
)
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku, open_hours, ready_in_ms
from central_server.services.shipping import barred
from central_server.services.times import rfc3339
from central_server.services.transfer_receipts import going_to, offered
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.promise_terms import Promise
from central_server.sourcing.receipts import Receipt, claims, inbound
from sync.clock import Clock
from sync.domain.errors import InsufficientStock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit, View

GRANT_WAIT_MS = 15 * 60_000
"""What has come to a store that shares its stock is the store's own until its next round."""
Claim = tuple[str, int, str, int, int]
"""Order, line, receipt, units, promised by."""
Goods = tuple[str, str]
"""Location and SKU of what came."""


def release_for_sure(unit: "Unit", order: Order, now_ms: int) -> int | None:
    """Return from when on all of a new order may be sold, if that is still to come.

    Until the commit nobody says another date, and no other new order is promised its SKUs.
    """
    wanted = by_sku(order, {line.line: line.quantity for line in order.lines})
    unit.stock.lock_network(sorted(wanted))
    return release_of(unit, sold_in(order), now_ms)


def wait_for_receipts(
    unit: "Unit",
    order: Order,
    place: Location,
    now_ms: int,
    promise_ms: int,
    *,
    release_ms: int | None = None,
) -> tuple[Order, int]:
    """Write down an order that waits for goods; return it and when it is promised for.

    Or that waits until it may be sold (`release_ms`): then what lies there is enough.
    Raises `InsufficientStock` where what is on its way does not give it either, or where it
    waits for nothing: then the store's day is full. And `NotInTime`. The caller has its SKUs
    for itself (`release_for_sure`).
    """
    wanted = by_sku(order, {line.line: line.quantity for line in order.lines})
    unit.supply.lock_receipts(wanted)
    coming = offered(unit, unit.supply.coming(wanted))
    ask = Ask(order.channel, chosen=place.id, for_later=release_ms is not None)
    promised = Promises(unit, now_ms).at(tuple(wanted), ask, [place.id])[place.id]
    here = [one for one in coming if one.location_id == place.id]
    taken, due_ms, missing = of_receipts(wanted, promised, here, now_ms)
    due_ms = max(due_ms, release_ms or 0)
    if missing or not (release_ms or any(taken.values())):
        raise InsufficientStock(missing or wanted)
    by_ms = promised_by(open_hours(place), due_ms, ready_in_ms(place, promise_ms))
    require_by(order, place, by_ms)
    return let_wait_for(unit, order, taken, now_ms, by_ms, place, release_ms), by_ms


def of_receipts(
    wanted: Mapping[str, int], promised: Mapping[str, Promise], here: Sequence[Receipt], now_ms: int
) -> tuple[Taken, int, dict[str, int]]:
    """Return what a place takes of its receipts, when the last of it is there, and what is missing.

    `promised` is what the place may promise of what lies there.
    """
    taken: dict[str, list[tuple[str, int]]] = {}
    due_ms, missing = now_ms, {}
    for sku, units in wanted.items():
        coming = [one for one in here if one.sku == sku]
        found = inbound(coming, max(0, -promised[sku].raw), now_ms)
        lacking = units - promised[sku].quantity
        parts = claims(lacking, found) if lacking > 0 else []
        if parts is None or not promised[sku].is_offered:
            missing[sku] = lacking - sum(one.units for one in found)
            continue
        taken[sku] = [(one.receipt.id, count) for one, count in parts]
        due_ms = max([due_ms, *(one.due_ms for one, _ in parts)])
    return taken, due_ms, missing


def let_wait_for(
    unit: "Unit",
    order: Order,
    taken: Taken,
    now_ms: int,
    by_ms: int,
    place: Location,
    release_ms: int | None,
) -> Order:
    """Write down a new order that waits for what it takes of receipts, or for its release date."""
    waiting = replace(
        order, lines=tuple(replace(line, unsourced=line.quantity) for line in order.lines)
    )
    unit.orders.insert(waiting)
    if any(taken.values()):
        claim_receipts(unit, waiting, taken, now_ms, by_ms, place)
    if release_ms is not None:
        hold = hold_until(order, release_ms, by_ms, now_ms)
        unit.holds.open([hold])
        unit.orders.append_events([pre_ordered(order, place, hold, now_ms)])
    return waiting


def claim_receipts(
    unit: "Unit", waiting: Order, taken: Taken, now_ms: int, by_ms: int, place: Location
) -> None:
    """Let an order wait for what it takes of receipts, and write that down."""
    unit.supply.claim(_divided(waiting, taken, by_ms), now_ms)
    text = f"Waits for goods that are on their way to {place.name}."
    data = {"location_id": place.id, "promised_by": rfc3339(by_ms)}
    event = OrderEvent(waiting.id, now_ms, "backordered", text, waiting.channel, data)
    unit.orders.append_events([event])


def _divided(order: Order, taken: Taken, by_ms: int) -> list[Claim]:
    """Divide what is taken of receipts over the lines of an order, the last lines first."""
    left = {sku: [*parts] for sku, parts in taken.items()}
    found: list[Claim] = []
    for line in reversed(order.lines):
        units = line.unsourced
        while units and left.get(line.sku):
            receipt_id, there = left[line.sku].pop()
            used = min(units, there)
            found.append((order.id, line.line, receipt_id, used, by_ms))
            units -= used
            if there > used:
                left[line.sku].append((receipt_id, there - used))
    return found


class Backorders:
    """Releases orders whose goods have come."""

    def __init__(
        self,
        database: "Database",
        notices: Notices,
        *,
        clock: Clock,
        random: Random,
        pokes: Pokes,
        promise_ms: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._how = Giving(random, notices, pokes, promise_ms)
        self.late = LateReceipts(database, clock, self._how)
        self._pieces = Piecework(
            database, clock, random, job="backorders", words="was not released"
        )

    def run(self) -> int:
        """Release what waits for closed receipts only, the oldest first; return how many.

        Nobody passes an older order that waits for the grant of the same goods. And let people
        hear of what is late.
        """
        with self._database.read() as view:
            due = view.supply.released_orders()
        awaited = Awaited()
        released = self._pieces.each(
            (Piece(one, order_id=one) for one in due), lambda piece: self._release(piece, awaited)
        )
        self.late.run()
        return released

    def _release(self, piece: Piece, awaited: "Awaited") -> int:
        now = self._clock.now_ms()
        return self._database.write(lambda unit: self._released(unit, piece.order_id, now, awaited))

    def _released(self, unit: "Unit", order_id: str, now_ms: int, awaited: "Awaited") -> int:
        order = unit.orders.get(order_id, lock=True)
        if order is None or order_id not in unit.supply.released_orders():
            return 0
        if keep_back(unit, order, now_ms, self._how):
            return 0
        if awaited.are_before(unit, order) or may_be_granted_yet(unit, order, now_ms):
            awaited.add(unit, order)
            return 0
        if is_asked_later(unit, order, now_ms, self._how.promise_ms):
            return 0
        unit.supply.end_claims_of(order_id, now_ms)
        units = {line.line: line.unsourced for line in order.lines if line.unsourced}
        if not units:
            return 0
        text = f"What order {order.number} waited for did not come"
        missing = release_or_open(unit, order, units, now_ms, self._how, text)
        return int(missing not in (None, units))


class Awaited:
    """Goods that orders wait to be granted: nobody who came later passes them."""

    def __init__(self) -> None:
        self._oldest: dict[Goods, str] = {}

    @classmethod
    def now(cls, view: "View", now_ms: int) -> "Awaited":
        """Return those of orders that wait for nothing but the grant."""
        found = cls()
        orders = view.orders.get_many(view.supply.released_orders())
        for _, order in sorted(orders.items()):
            if may_be_granted_yet(view, order, now_ms):
                found.add(view, order)
        return found

    def add(self, view: "View", order: Order) -> None:
        """Let an order wait for its goods."""
        for goods in _goods_of(view, order):
            self._oldest[goods] = min(order.id, self._oldest.get(goods, order.id))

    def are_before(self, view: "View", order: Order) -> bool:
        """Return whether an older order waits for any of the same goods."""
        return any(self._oldest.get(one, order.id) < order.id for one in _goods_of(view, order))


def _goods_of(view: "View", order: Order) -> set[Goods]:
    """Return what an order waits for, where it came, and where it is fetched."""
    _, places = view.supply.came(order.id)
    found = {*places} if order.ship_to else {*places, order.pickup_location_id}
    return {(place, line.sku) for place in found for line in order.lines if line.unsourced}


def may_be_granted_yet(view: "View", order: Order, now_ms: int) -> bool:
    """Return whether the store where it came has all of it, a part among its own for now."""
    wanted = by_sku(order, {line.line: line.unsourced for line in order.lines if line.unsourced})
    closed_ms, places = view.supply.came(order.id)
    if not wanted or len(places) != 1 or not 0 <= now_ms - closed_ms < GRANT_WAIT_MS:
        return False
    (place_id,) = places
    method = Method.SHIP if order.ship_to else Method.PICKUP
    ask = Ask(order.channel, method.value, order.pickup_location_id, is_moved=True)
    promises = Promises(view, now_ms)
    found = promises.at(tuple(wanted), ask, [place_id])[place_id]
    lacking = {sku: units - found[sku].raw for sku, units in wanted.items()}
    nodes = promises.known(tuple(wanted), place_id)
    return any(units > 0 for units in lacking.values()) and all(
        units <= 0 or (nodes[sku].position.is_shared and units <= nodes[sku].position.floor)
        for sku, units in lacking.items()
    )


def asked_again_ms(view: "View", order: Order, now_ms: int) -> int | None:
    """Return when the place is asked again where a parcel's goods came while it is paused.

    None: it is asked now, or was promised for before the end of its pause (`outlook`).
    """
    by_ms = view.supply.promised_by(order.id)
    if by_ms is None or not order.ship_to:
        return None
    skus = [line.sku for line in order.lines if line.unsourced]
    _, places = view.supply.came(order.id)
    paused = view.shipping.paused(order.id, skus, now_ms)
    until_ms = max((one.until_ms for one in paused if one.location_id in places), default=None)
    return None if until_ms is None or until_ms >= by_ms else until_ms


def is_asked_later(view: "View", order: Order, now_ms: int, promise_ms: int) -> bool:
    """Return whether a parcel waits until the place is asked again where its goods came early.

    Nobody else sends all of it now.
    """
    units = {line.line: line.unsourced for line in order.lines if line.unsourced}
    if not units or asked_again_ms(view, order, now_ms) is None:
        return False
    excluded = barred(view, order.id, by_sku(order, units), now_ms) | going_to(view, order)
    ask = Ask(order.channel, Method.SHIP.value, is_moved=True)
    whenever = replace(order, need_by="")
    routing = ParcelRouting(view, now_ms, promise_ms)
    return bool(routing.decide(whenever, units, excluded, ask).plan.unsourced)
