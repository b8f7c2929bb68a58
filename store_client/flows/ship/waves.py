"""Waves: the orders that one person picks on one walk, sorted by where things lie.

A wave is what its orders say of it, so it survives a power cut, is the same on
every terminal of the store, and is over when nothing of it is to be picked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store_client.services.calendar import local
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import Code
from store_client.services.shelf import refuse_over_scan
from sync.domain import operations as op
from sync.domain.flows.ship import NAME, shipment_of, status_of
from sync.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    ShortReason,
)
from sync.domain.ship_operations import WaveAssigned
from sync.protocol.rows import StoreRow

ORDERS_MAX = 12
"""Totes that fit on a cart."""
ROWS_MAX = 2_000
S = FulfillmentStatus
_TO_PICK = frozenset({S.NEW, S.ACCEPTED, S.PICKING})


@dataclass(frozen=True, slots=True)
class Tote:
    """One order of a wave: what is picked for it goes into the tote of this number."""

    number: int
    order: FulfillmentOrder


@dataclass(frozen=True, slots=True)
class PickRow:
    """One place to walk to: all units of a SKU that the wave wants."""

    sku: str
    name: str
    aisle: str
    to_pick: int
    picked: int
    totes: tuple[tuple[int, int], ...]
    """(tote, units still to be picked for it)."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave as it stands."""

    name: str
    picker: str
    totes: tuple[Tote, ...]
    rows: tuple[PickRow, ...]

    @property
    def to_pick(self) -> int:
        """Units still on the shelves."""
        return sum(row.to_pick for row in self.rows)

    @property
    def picked(self) -> int:
        """Units in the totes."""
        return sum(row.picked for row in self.rows)


@dataclass(frozen=True, slots=True)
class WaveScan:
    """What a scan in a wave did."""

    wave: Wave
    tote: int
    order: FulfillmentOrder
    line: FulfillmentLine
    says: str


def open_orders(desk: Desk) -> list[FulfillmentOrder]:
    """Return the store's open parcel orders, the earliest cut-off first."""
    rows = desk.store.board(NAME, limit=ROWS_MAX)
    found = [desk.store.fulfillment(row.id) for row in rows]
    orders = [order for order in found if order is not None]
    return sorted(orders, key=lambda one: (one.promised_by_ms, one.order_number))


def waves_of(orders: Iterable[FulfillmentOrder], aisles: dict[str, str]) -> list[Wave]:
    """Return the waves that are not over, by name."""
    members: dict[str, list[FulfillmentOrder]] = {}
    for order in orders:
        if shipment_of(order).wave:
            members.setdefault(shipment_of(order).wave, []).append(order)
    waves = [_wave(name, found, aisles) for name, found in sorted(members.items())]
    return [wave for wave in waves if wave.to_pick]


def free_orders(orders: Iterable[FulfillmentOrder]) -> list[FulfillmentOrder]:
    """Return the orders that can go into a wave."""
    return [
        order for order in orders if status_of(order) in _TO_PICK and not shipment_of(order).wave
    ]


def aisles_of(desk: Desk, orders: Iterable[FulfillmentOrder]) -> dict[str, str]:
    """Return where each SKU lies."""
    found = {}
    for sku in {line.sku for order in orders for line in order.lines}:
        hits = desk.store.product_by_code(sku)
        found[sku] = next((hit.aisle for hit in hits if hit.sku == sku), "")
    return found


def find(desk: Desk, name: str) -> Wave:
    """Return the wave `name` as it stands, or refuse."""
    orders = [one for one in open_orders(desk) if shipment_of(one).wave == name]
    if not orders:
        raise Refusal("This wave is over.", "Start another one.")
    return _wave(name, orders, aisles_of(desk, orders))


def _wave(name: str, orders: list[FulfillmentOrder], aisles: dict[str, str]) -> Wave:
    totes = tuple(
        Tote(number, order)
        for number, order in enumerate(sorted(orders, key=lambda one: one.order_number), 1)
    )
    wanted: dict[str, list[tuple[int, FulfillmentLine]]] = {}
    for tote in totes:
        for line in tote.order.lines:
            if line.open or line.held:
                wanted.setdefault(line.sku, []).append((tote.number, line))
    rows = [
        PickRow(
            sku, found[0][1].name, aisles.get(sku, ""),
            sum(line.to_pick for _, line in found), sum(line.held for _, line in found),
            tuple((tote, line.to_pick) for tote, line in found if line.to_pick),
        )
        for sku, found in wanted.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (not row.to_pick, aisle_key(row.aisle), row.name))
    picker = next((shipment_of(one).picker for one in orders), "")
    return Wave(name, picker, totes, tuple(rows))


def aisle_key(aisle: str) -> tuple[int, int, str]:
    """Return what sorts aisles as people walk them: 2-A before 10-A, unknown places last."""
    digits = ""
    for character in aisle:
        if not character.isdigit():
            break
        digits += character
    return (0 if aisle else 1, int(digits or "0"), aisle)


def start(desk: Desk, wanted: Sequence[str] = (), size: int = ORDERS_MAX) -> Wave:
    """Put the orders with the earliest cut-offs (or the `wanted` ones) into a new wave."""
    desk.require_worker()
    orders = open_orders(desk)
    free = [one for one in free_orders(orders) if not wanted or one.id in wanted]
    if not free:
        raise Refusal("No order waits to be picked.", "New ones appear by themselves.")
    name = _next_name(desk, orders)
    for order in free[: min(size, ORDERS_MAX)]:
        desk.perform(WaveAssigned(order.id, name, desk.actor.id))
    return find(desk, name)


def _next_name(desk: Desk, orders: Iterable[FulfillmentOrder]) -> str:
    """Return a name that no wave of this terminal has today: terminal, day, number."""
    store: StoreRow | None = desk.store.store_row()
    now_ms = desk.clock.now_ms()
    day = f"{local(store, now_ms):%m%d}" if store else "0000"
    start_of = f"{desk.device}-{day}-"
    used = {shipment_of(order).wave for order in orders}
    number = 1
    while f"{start_of}{number}" in used:
        number += 1
    return f"{start_of}{number}"


def scan(desk: Desk, name: str, code: Code) -> WaveScan:
    """Pick one unit for the first tote that wants what was scanned."""
    wave = find(desk, name)
    hits = desk.store.product_by_code(code.lookup)
    skus = {hit.sku for hit in hits} | {code.text}
    lines = [(tote, line) for tote in wave.totes for line in tote.order.lines if line.sku in skus]
    if not lines:
        what = hits[0].name if hits else f"Code {code.text}"
        raise Refusal(f"{what} is not in this wave.", "Leave it on the shelf.")
    wanting = [(tote, line) for tote, line in lines if line.to_pick]
    if not wanting:
        refuse_over_scan(lines[0][1])
    tote, line = wanting[0]
    after = desk.perform(op.LinePicked(tote.order.id, line.line, 1, gtin=code.gtin))
    return _scanned(desk, name, tote, after, line.line)


def pick_row(desk: Desk, name: str, sku: str) -> WaveScan:
    """Pick one unit of a row whose barcode cannot be scanned."""
    return scan(desk, name, Code(sku))


def short_row(desk: Desk, name: str, sku: str, reason: ShortReason) -> Wave:
    """Give up everything of a row that is still to be picked: one operation an order."""
    wave = find(desk, name)
    for tote in wave.totes:
        for line in tote.order.lines:
            if line.sku == sku and line.to_pick:
                desk.perform(op.LineShortPicked(tote.order.id, line.line, line.to_pick, reason))
    return _still(desk, wave)


def leave(desk: Desk, name: str) -> int:
    """Take every order out of the wave that is still to be picked; return how many."""
    wave = find(desk, name)
    left = [tote.order for tote in wave.totes if status_of(tote.order) in _TO_PICK]
    for order in left:
        desk.perform(WaveAssigned(order.id, ""))
    return len(left)


def _still(desk: Desk, before: Wave) -> Wave:
    orders = [desk.store.fulfillment(tote.order.id) for tote in before.totes]
    there = [order for order in orders if order is not None]
    return _wave(before.name, there, aisles_of(desk, there))


def _scanned(desk: Desk, name: str, tote: Tote, order: FulfillmentOrder, line: int) -> WaveScan:
    found = order.line(line)
    if found is None:
        raise Refusal("This line is not part of the order any more.", "Go on with the next one.")
    says = f"Tote {tote.number} ({order.order_number}): {found.name}"
    return WaveScan(find(desk, name), tote.number, order, found, says)
