"""Waves: the orders that one person picks on one walk, sorted by where things lie.

For every flow whose table knows waves. A wave is what its orders say of it, so it
survives a power cut, is the same on every terminal of the store, and is over when
nothing of it is to be picked or sorted.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from store_client.services.calendar import local
from store_client.services.desk import Desk, Refusal
from store_client.services.holder import held_by_others
from store_client.services.open_orders import begun_orders, for_a_desk
from store_client.services.pick_lists import (
    LeftOut,
    PickRow,
    Tote,
    Wave,
    WaveName,
    is_walked,
    left_out_words,
    wave_of,
)
from store_client.services.pick_path import Shelf, shelves_of
from store_client.services.scanner import Code
from store_client.services.shelf import refuse_over_scan
from sync.domain import operations as op
from sync.domain.errors import IllegalTransition
from sync.domain.flows import flow_named, status_of
from sync.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    ShortReason,
)
from sync.domain.waves import PickMode
from sync.protocol.rows import StoreRow

__all__ = [
    "ORDERS_MAX", "GivenBack", "PickRow", "Tote", "Wave", "WaveName", "WaveScan",
    "find", "free_orders", "leave", "leave_one", "leaving", "left_out_words", "none_left",
    "not_yours", "over", "pick_row", "scan", "short_row", "sort_scan", "start", "take_over",
    "to_take_over", "waves_of",
]  # fmt: skip
ORDERS_MAX = 12
"""Totes that fit on a cart."""
S = FulfillmentStatus
_TO_PICK = frozenset({S.NEW, S.ACCEPTED, S.PICKING})
NO_SHELVES: Mapping[str, Shelf] = {}


@dataclass(frozen=True, slots=True)
class WaveScan:
    """What a scan in a wave did."""

    wave: Wave
    tote: int
    order: FulfillmentOrder
    line: FulfillmentLine
    says: str


def waves_of(orders: Iterable[FulfillmentOrder]) -> list[Wave]:
    """Return the waves that are not over, by name; where things lie is left out."""
    members: dict[WaveName, list[FulfillmentOrder]] = {}
    for order in orders:
        if order.wave is not None:
            members.setdefault(WaveName(order.flow, order.wave.name), []).append(order)
    waves = [wave_of(key, found, NO_SHELVES) for key, found in sorted(members.items())]
    return [wave for wave in waves if not wave.is_over]


def free_orders(orders: Iterable[FulfillmentOrder]) -> list[FulfillmentOrder]:
    """Return the orders that can go into a wave."""
    return [order for order in orders if order.wave is None and _is_to_pick(order)]


def _is_to_pick(order: FulfillmentOrder) -> bool:
    return status_of(order) in _TO_PICK and order.total("to_pick") > 0


def over() -> Refusal:
    """Return why nothing is done to a wave of which no order is open any more."""
    return Refusal("This wave is over.", "Start another one.")


def find(desk: Desk, key: WaveName) -> Wave:
    """Return a wave as it stands, or refuse."""
    orders = [
        one
        for one in begun_orders(desk, key.flow)
        if one.wave is not None and one.wave.name == key.name
    ]
    if not orders:
        raise over()
    wave = wave_of(key, orders, shelves_of(desk.store, orders))
    pickers = {one.wave.picker for one in orders if one.wave is not None}
    if wave.is_over and len(pickers) > 1:
        return replace(wave, picker=_last_picker(desk, orders))
    return wave


def _last_picker(desk: Desk, orders: Iterable[FulfillmentOrder]) -> str:
    """Return who picks the order that was put into its wave last, by the store's journal."""

    def assigned(order: FulfillmentOrder) -> int:
        fates = desk.store.fates_of(order.id)
        return max((one.seq for one in fates if one.kind == "wave_assigned"), default=0)

    last = max(orders, key=assigned).wave
    return last.picker if last is not None else ""


def start(
    desk: Desk,
    flow: str,
    wanted: Sequence[str] = (),
    size: int = ORDERS_MAX,
    mode: PickMode = PickMode.SORT_WHILE_PICK,
) -> Wave:
    """Put the most urgent orders (or the `wanted` ones) into a new wave of this person's."""
    desk.require_worker()
    if mode is PickMode.SORT_AFTER_PICK and not _sorts(flow):
        raise Refusal("These orders are sorted while they are picked.", "Choose that mode.")
    orders, _ = for_a_desk(desk, flow, wanted)
    asked = [one for one in free_orders(orders) if not wanted or one.id in wanted]
    held = held_by_others(desk.store, desk.actor, asked)
    free = [one for one in asked if one.id not in held]
    if held and not free:
        who = next(iter(held.values()))
        raise Refusal(f"{who.words}.", "Leave it to them, or open it and take it over there.")
    most = min(size, ORDERS_MAX)
    missed = {key: one.words for key, one in held.items()}
    missed |= {order.id: f"{most} fit on a cart" for order in free[most:]}
    key: WaveName | None = None
    tote = 1
    for order in free[:most]:
        try:
            if key is None:
                key = WaveName(flow, _begin(desk, order, _next_name(desk, orders), mode))
            else:
                done = op.WaveAssigned(order.id, key.name, desk.actor.id, tote, mode)
                desk.perform(done, judge=partial(_require_free, desk))
        except _BegunElsewhere as error:
            missed[order.id] = error.why.rstrip(".")
        else:
            tote += 1
    if key is None:
        why = left_out_words(_left_out(desk, flow, wanted, missed))
        raise Refusal(
            f"No order waits to be picked. {why}".strip(), "New ones appear by themselves."
        )
    wave = find(desk, key)
    there = {one.order.id for one in wave.totes}
    asked_for = [one for one in wanted if one not in there]
    return replace(wave, left_out=_left_out(desk, flow, asked_for, missed))


def _left_out(
    desk: Desk, flow: str, wanted: Iterable[str], missed: Mapping[str, str]
) -> tuple[LeftOut, ...]:
    """Return why these orders are in no wave of this person's; `missed` says it of some."""
    found = []
    for key in wanted:
        order = desk.store.fulfillment(key)
        number = key if order is None else order.order_number
        elsewhere = order is not None and order.flow != flow
        why = "it belongs to another desk" if elsewhere else _why_not(desk, order)
        found.append(LeftOut(key, number, missed.get(key, why)))
    return tuple(sorted(found, key=lambda one: one.number))


def _why_not(desk: Desk, order: FulfillmentOrder | None) -> str:
    if order is None or not _is_to_pick(order):
        return "nothing of it is to be picked"
    if order.wave is None:
        return "it was not free"
    return f"{desk.name_of(order.wave.picker)} picks it in wave {order.wave.name}"


class _BegunElsewhere(Refusal):
    """Another terminal put the order into a wave, or began to pick it, first."""


class _NameTaken(Refusal):
    """Another terminal began a wave of the same name first."""


def _require_free(desk: Desk, order: FulfillmentOrder) -> None:
    held = held_by_others(desk.store, desk.actor, [order]).get(order.id)
    if held is not None:
        raise _BegunElsewhere(f"{held.words}.")
    if order.wave is not None:
        raise _BegunElsewhere(f"{_why_not(desk, order)}.")


def _begin(desk: Desk, order: FulfillmentOrder, name: str, mode: PickMode) -> str:
    """Begin a wave with `order`; return its name, which no other terminal has given away."""

    def judge(now: FulfillmentOrder) -> None:
        _require_free(desk, now)
        if name in _names(begun_orders(desk, order.flow)):
            raise _NameTaken(f"Another wave is called {name} by now.")

    try:
        desk.perform(op.WaveAssigned(order.id, name, desk.actor.id, 1, mode), judge=judge)
    except _NameTaken:
        orders = begun_orders(desk, order.flow)
        return _begin(desk, order, _next_name(desk, orders), mode)
    return name


def _sorts(flow: str) -> bool:
    """Return whether orders of a flow can be sorted after they were picked together."""
    return any(row.kind == "units_sorted" for row in flow_named(flow).rows)


def _names(orders: Iterable[FulfillmentOrder]) -> set[str]:
    return {order.wave.name for order in orders if order.wave is not None}


def _next_name(desk: Desk, orders: Iterable[FulfillmentOrder]) -> str:
    """Return a name that no wave of this terminal has today: terminal, day, number."""
    store: StoreRow | None = desk.store.store_row()
    now_ms = desk.clock.now_ms()
    day = f"{local(store, now_ms):%m%d}" if store else "0000"
    start_of = f"{desk.device}-{day}-"
    used = _names(orders)
    number = 1
    while f"{start_of}{number}" in used:
        number += 1
    return f"{start_of}{number}"


class _LeftMeanwhile(Refusal):
    """Another terminal took the order out of the wave first."""


def to_take_over(desk: Desk, wave: Wave) -> list[Tote]:
    """Return what taking a wave over would name this person on; refuse where that is nothing."""
    desk.require_worker()
    me = desk.actor.id
    theirs = [
        tote
        for tote in wave.totes
        if is_walked(tote.order) and tote.order.wave and tote.order.wave.picker != me
    ]
    if not theirs and wave.picker == me and not wave.is_over:
        raise Refusal("This wave is yours already.", "Go on scanning.")
    if not theirs:
        raise Refusal("Nothing of this wave is left to take over.", "Open its orders.")
    return theirs


def take_over(desk: Desk, key: WaveName) -> Wave:
    """Go on with a wave that somebody else has begun, totes and all.

    What is picked and sorted keeps who did it: nobody can be named on it any more.
    """
    wave = find(desk, key)

    def require_in(order: FulfillmentOrder) -> None:
        if order.wave is None or order.wave.name != key.name:
            raise _LeftMeanwhile("It is not in this wave any more.")

    for tote in to_take_over(desk, wave):
        done = op.WaveAssigned(tote.order.id, key.name, desk.actor.id, tote.number, wave.mode)
        with suppress(_LeftMeanwhile, IllegalTransition):  # the others are taken over all the same
            desk.perform(done, judge=require_in)
    return find(desk, key)


def not_yours(picker: str) -> Refusal:
    """Return why nothing is done to a wave that somebody of this name picks."""
    return Refusal(f"{picker} picks this wave.", "Take it over first, or leave it.")


def _of_mine(desk: Desk, key: WaveName) -> Wave:
    """Return a wave that the person at the desk picks; refuse another's in words."""
    wave = find(desk, key)
    if wave.picker != desk.actor.id and not wave.is_over:
        raise not_yours(desk.name_of(wave.picker))
    return wave


def _lines_with(desk: Desk, wave: Wave, code: Code) -> list[tuple[Tote, FulfillmentLine]]:
    hits = desk.store.product_by_code(code.lookup)
    skus = {hit.sku for hit in hits} | {code.text}
    lines = [(tote, line) for tote in wave.totes for line in tote.order.lines if line.sku in skus]
    if not lines:
        what = hits[0].name if hits else f"Code {code.text}"
        raise Refusal(f"{what} is not in this wave.", "Leave it on the shelf.")
    return lines


def scan(desk: Desk, key: WaveName, code: Code) -> WaveScan:
    """Pick one unit for the first tote that wants what was scanned."""
    wave = _of_mine(desk, key)
    lines = _lines_with(desk, wave, code)
    wanting = [(tote, line) for tote, line in lines if line.to_pick]
    if not wanting:
        if any(tote.order.to_sort(line) for tote, line in lines):
            raise Refusal(f"All {lines[0][1].name} are picked; they are to be sorted.", "F6 sorts.")
        refuse_over_scan(lines[0][1])
    tote, line = wanting[0]
    after = desk.perform(op.LinePicked(tote.order.id, line.line, 1, gtin=code.gtin))
    return _scanned(desk, wave, tote, after, line.line, sorts=False)


def sort_scan(desk: Desk, key: WaveName, code: Code) -> WaveScan:
    """Sort one picked unit into the first tote that waits for what was scanned."""
    wave = _of_mine(desk, key)
    if wave.mode is not PickMode.SORT_AFTER_PICK:
        raise Refusal("This wave is sorted while it is picked.", "Each scan says its tote.")
    lines = _lines_with(desk, wave, code)
    waiting = [(tote, line) for tote, line in lines if tote.order.to_sort(line)]
    if not waiting:
        raise Refusal(
            f"No picked {lines[0][1].name} is left to sort.", "Put this one back on the shelf."
        )
    tote, line = waiting[0]
    after = desk.perform(op.UnitsSorted(tote.order.id, line.line, 1))
    return _scanned(desk, wave, tote, after, line.line, sorts=True)


def pick_row(desk: Desk, key: WaveName, sku: str) -> WaveScan:
    """Pick one unit of a row whose barcode cannot be scanned."""
    return scan(desk, key, Code(sku))


def short_row(desk: Desk, key: WaveName, sku: str, reason: ShortReason) -> Wave:
    """Give up everything of a row that is still to be picked: one operation an order."""
    wave = _of_mine(desk, key)
    due = [
        (tote, line)
        for tote in wave.totes
        for line in tote.order.lines
        if line.sku == sku and line.to_pick
    ]
    if not due:
        raise Refusal("Nothing of this item is left to pick.", "Choose another one.")
    for tote, line in due:
        desk.perform(op.LineShortPicked(tote.order.id, line.line, line.to_pick, reason))
    return _still(desk, wave)


def none_left(desk: Desk, key: WaveName, code: Code, reason: ShortReason) -> Wave:
    """Give up what is still to be picked of the item that a code means."""
    lines = [line for _, line in _lines_with(desk, _of_mine(desk, key), code)]
    line = next((line for line in lines if line.to_pick), lines[0])
    return short_row(desk, key, line.sku, reason)


def leaving(wave: Wave) -> list[FulfillmentOrder]:
    """Return what leaves a wave that is given back: it is to be picked, and lies apart.

    An order whose units lie among those of others stays: they have to be sorted.
    """
    left = [
        tote.order
        for tote in wave.totes
        if _is_to_pick(tote.order) and not tote.order.units_to_sort
    ]
    if not left and wave.to_sort:
        raise Refusal("Its items lie among those of other orders.", "Sort them first: F6.")
    if not left:
        raise Refusal("Nothing of this wave is to be picked.", "Pack what is picked.")
    return left


class GivenBack(NamedTuple):
    """How many orders left a wave, one at least, and how many stay to be sorted."""

    orders: int
    staying: int


def leave(desk: Desk, key: WaveName) -> GivenBack:
    """Take every order out of the wave that can leave it."""
    wave = _of_mine(desk, key)
    left = leaving(wave)
    for order in left:
        desk.perform(op.WaveAssigned(order.id, ""))
    return GivenBack(len(left), sum(bool(tote.order.units_to_sort) for tote in wave.totes))


def leave_one(desk: Desk, order: FulfillmentOrder) -> FulfillmentOrder:
    """Take one order out of its wave, to be picked by itself."""
    if order.wave is None:
        raise Refusal("This order is in no wave.", "Pick it here.")
    if order.units_to_sort:
        raise Refusal(
            "Its items lie among those of other orders.", "Sort them first: open the wave."
        )
    return desk.perform(op.WaveAssigned(order.id, ""))


def _still(desk: Desk, before: Wave) -> Wave:
    orders = [desk.store.fulfillment(tote.order.id) for tote in before.totes]
    there = [order for order in orders if order is not None]
    return wave_of(before.key, there, shelves_of(desk.store, there))


def _scanned(
    desk: Desk, before: Wave, tote: Tote, order: FulfillmentOrder, number: int, *, sorts: bool
) -> WaveScan:
    line = order.line(number)
    if line is None:
        raise Refusal("This line is not part of the order any more.", "Go on with the next one.")
    wave = _still(desk, before)
    says = f"Tote {tote.number} ({order.order_number}): {line.name}"
    if wave.mode is PickMode.SORT_AFTER_PICK and not sorts:
        row = next(row for row in wave.rows if row.sku == line.sku)
        says = f"Picked {row.picked} of {row.picked + row.to_pick}: {line.name}"
    return WaveScan(wave, tote.number, order, line, says)
