"""Ship from store: picked in a store, packed into boxes, labeled, and given to a carrier.

NEW -> ACCEPTED -> PICKING -> PICKED -> PACKED -> LABELED -> MANIFESTED -> SHIPPED

The status is that of what is still here: where a first box has left, the rest
goes through the same states again. Any of them ends early as REJECTED (store)
or CANCELLED (customer); goods in hand are then put back, out of their boxes.
"""

from collections.abc import Callable
from typing import cast

from sync.domain import operations as op
from sync.domain.errors import OperationRefused, QuantityRefused, UnknownLine
from sync.domain.fulfillment import (
    CENTRAL_REASONS,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    evolve_line,
    evolve_order,
)
from sync.domain.ship_operations import (
    OPERATIONS,
    BoxPacked,
    LabelPrinted,
    LabelRequested,
    Manifested,
    WaveAssigned,
)
from sync.domain.shipping import (
    BOXES_MAX,
    NO_SHIPMENT,
    WEIGHT_GRAMS_MAX,
    Box,
    PackedUnits,
    Shipment,
    evolve_box,
    evolve_shipment,
    without_units,
)
from sync.domain.transitions import (
    Consequence,
    ConsequenceKind,
    Flow,
    FulfillmentOperation,
    Overtaken,
    Transition,
    confirmation,
    make_flow,
)

NAME = "ship_from_store"

S = FulfillmentStatus
_TO_PICK = frozenset({S.NEW, S.ACCEPTED, S.PICKING})
_PACKING = frozenset({S.PICKING, S.PICKED})
_BOXED = frozenset({S.PACKED, S.LABELED, S.MANIFESTED})
_PICKED = frozenset({S.PICKED}) | _BOXED
_AT_WORK = frozenset({S.PICKING}) | _PICKED
_OPEN = _TO_PICK | _PICKED
_CLOSED = frozenset({S.REJECTED, S.CANCELLED, S.SHIPPED})


class BoxRefused(OperationRefused):
    """A box is not there, has left already, or cannot be used for this."""

    code = "box_refused"

    def __init__(self, box: int, reason: str) -> None:
        self.box = box
        self.reason = reason
        super().__init__(f"box {box}: {reason}")


def shipment_of(order: FulfillmentOrder) -> Shipment:
    """Return what shipping adds to `order`."""
    return order.shipment or NO_SHIPMENT


def status_of(order: FulfillmentOrder) -> FulfillmentStatus:
    """Return the status that follows from the quantities and the boxes of `order`."""
    expected = to_pick = held = 0
    for line in order.lines:
        expected += line.open
        held += line.held
        to_pick += line.to_pick
    if expected == 0:
        return _closed_status(order)
    if to_pick:
        if held or order.total("fulfilled"):
            return S.PICKING
        return S.NEW if order.accepted_at_ms is None else S.ACCEPTED
    return _packing_status(order)


def _packing_status(order: FulfillmentOrder) -> FulfillmentStatus:
    shipment = shipment_of(order)
    if any(shipment.packed(line.line) < line.deliverable for line in order.lines):
        return S.PICKED
    here = [box for box in shipment.boxes if box.is_here]
    if not all(box.tracking for box in here):
        return S.PACKED
    return S.MANIFESTED if all(box.manifest for box in here) else S.LABELED


def _closed_status(order: FulfillmentOrder) -> FulfillmentStatus:
    if order.total("fulfilled"):
        return S.SHIPPED
    if order.total("short") and not order.total("cancelled"):
        return S.REJECTED
    return S.CANCELLED


def loose(order: FulfillmentOrder, line: FulfillmentLine) -> int:
    """Return how many units of `line` are in hand and in no box."""
    return line.held - shipment_of(order).packed(line.line)


def to_pack(order: FulfillmentOrder, line: FulfillmentLine) -> int:
    """Return how many units of `line` wait to be packed."""
    return max(0, line.deliverable - shipment_of(order).packed(line.line))


def _line(order: FulfillmentOrder, number: int) -> FulfillmentLine:
    line = order.line(number)
    if line is None:
        raise UnknownLine(number)
    return line


def _box(order: FulfillmentOrder, number: int) -> Box:
    box = shipment_of(order).box(number)
    if box is None:
        raise BoxRefused(number, "there is no such box")
    if not box.is_here:
        raise BoxRefused(number, "the carrier has it already")
    return box


def _with_box(order: FulfillmentOrder, changed: Box) -> FulfillmentOrder:
    shipment = shipment_of(order)
    boxes = tuple(changed if box.number == changed.number else box for box in shipment.boxes)
    return _with_boxes(order, boxes)


def _with_boxes(order: FulfillmentOrder, boxes: tuple[Box, ...]) -> FulfillmentOrder:
    return evolve_order(order, shipment=evolve_shipment(shipment_of(order), boxes=boxes))


def _bounded(what: str, asked: int, allowed: int) -> int:
    if not 0 < asked <= allowed:
        raise QuantityRefused(what, asked, max(0, allowed))
    return asked


def _unchanged(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    return order


def _accept(order: FulfillmentOrder, _: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    return evolve_order(order, accepted_at_ms=at_ms)


def _wave(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    done = cast("WaveAssigned", operation)
    accepted = order.accepted_at_ms if order.accepted_at_ms is not None else at_ms
    picker = done.picker if done.wave else ""
    shipment = evolve_shipment(shipment_of(order), wave=done.wave, picker=picker)
    return evolve_order(order, shipment=shipment, accepted_at_ms=accepted)


def _pick(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    done = cast("op.LinePicked", operation)
    line = _line(order, done.line)
    return _picked(order, line, _bounded("pick", done.quantity, line.to_pick), at_ms)


def _pick_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Count all units that were picked, though central expects fewer by now."""
    done = cast("op.LinePicked", operation)
    line = _line(order, done.line)
    most = line.allocated - line.picked + line.put_back
    return _picked(order, line, _bounded("pick", done.quantity, most), at_ms)


def _picked(
    order: FulfillmentOrder, line: FulfillmentLine, units: int, at_ms: int
) -> FulfillmentOrder:
    accepted = order.accepted_at_ms if order.accepted_at_ms is not None else at_ms
    return order.with_line(evolve_line(line, picked=line.picked + units), accepted_at_ms=accepted)


def _unpick(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Take back a pick of what is in no box; units that nobody expects are `put_back` first."""
    done = cast("op.LineUnpicked", operation)
    line = _line(order, done.line)
    most = 0 if line.to_put_back else loose(order, line)
    quantity = _bounded("take back", done.quantity, most)
    return order.with_line(evolve_line(line, picked=line.picked - quantity))


def _unpick_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    done = cast("op.LineUnpicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("take back", done.quantity, loose(order, line))
    return order.with_line(evolve_line(line, picked=line.picked - quantity))


def _short(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    done = cast("op.LineShortPicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("give up", done.quantity, line.open)
    accepted = order.accepted_at_ms
    if accepted is None and done.reason not in CENTRAL_REASONS:
        accepted = at_ms
    given_up = evolve_line(line, short=line.short + quantity)
    return order.with_line(given_up, accepted_at_ms=accepted)


def _short_rest(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Give up what is still expected of the line; central has taken the others already."""
    done = cast("op.LineShortPicked", operation)
    line = _line(order, done.line)
    _bounded("give up", done.quantity, line.allocated)
    return order.with_line(evolve_line(line, short=line.short + min(line.open, done.quantity)))


def _reject(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    lines = tuple(evolve_line(line, short=line.short + line.open) for line in order.lines)
    return evolve_order(order, lines=lines)


def _pack(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = cast("BoxPacked", operation)
    return _packed(order, done, lambda line: to_pack(order, line))


def _pack_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Count what lies in the box, also what central does not expect any more."""
    done = cast("BoxPacked", operation)
    return _packed(order, done, lambda line: loose(order, line))


def _packed(
    order: FulfillmentOrder, done: BoxPacked, most: Callable[[FulfillmentLine], int]
) -> FulfillmentOrder:
    shipment = shipment_of(order)
    if shipment.box(done.box) is not None:
        raise BoxRefused(done.box, "this box is packed already")
    if not 0 < done.box <= BOXES_MAX:
        raise BoxRefused(done.box, f"number boxes from 1 to {BOXES_MAX}")
    if not 0 < done.weight_grams <= WEIGHT_GRAMS_MAX:
        raise BoxRefused(done.box, f"weigh it: 1 to {WEIGHT_GRAMS_MAX} grams")
    if not done.lines:
        raise BoxRefused(done.box, "nothing is in it")
    asked: dict[int, int] = {}
    for entry in done.lines:
        asked[entry.line] = asked.get(entry.line, 0) + entry.quantity
    for number, units in asked.items():
        _bounded("pack", units, most(_line(order, number)))
    lines = tuple(PackedUnits(entry.line, entry.quantity) for entry in done.lines)
    box = Box(done.box, done.weight_grams, lines, shipment.carrier, shipment.service)
    return _with_boxes(order, (*shipment.boxes, box))


def _unpack(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Empty a box: its label is void, its goods are in hand again."""
    number = operation.box  # type: ignore[attr-defined]
    box = _box(order, number)
    return _with_boxes(order, tuple(one for one in shipment_of(order).boxes if one != box))


def _print_label(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    done = cast("LabelPrinted", operation)
    box = _box(order, done.box)
    if box.tracking or box.requested_at_ms is not None:
        raise BoxRefused(done.box, "it has a label: void that one first")
    if not done.number:
        raise BoxRefused(done.box, "a label needs a number")
    labeled = evolve_box(
        box, tracking=done.number, carrier=done.carrier, service=done.service, problem=""
    )
    used = (*shipment_of(order).used, done.number)
    after = _with_box(order, labeled)
    return evolve_order(after, shipment=evolve_shipment(shipment_of(after), used=used))


def _request_label(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    asked = cast("LabelRequested", operation)
    box = _box(order, asked.box)
    if box.tracking or box.requested_at_ms is not None:
        raise BoxRefused(asked.box, "it has a label, or one is on its way")
    requested = evolve_box(
        box, requested_at_ms=at_ms, carrier=asked.carrier, service=asked.service, problem=""
    )
    return _with_box(order, requested)


def _void(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    box = _box(order, operation.box)  # type: ignore[attr-defined]
    return _with_box(
        order, evolve_box(box, tracking="", requested_at_ms=None, problem="", manifest="")
    )


def _manifest(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = cast("Manifested", operation)
    box = _box(order, done.box)
    if not box.tracking:
        raise BoxRefused(done.box, "it has no label yet")
    if not done.manifest:
        raise BoxRefused(done.box, "a manifest needs a name")
    return _with_box(order, evolve_box(box, manifest=done.manifest))


def _hand_over(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    box = _box(order, operation.box)  # type: ignore[attr-defined]
    if not box.manifest:
        raise BoxRefused(box.number, "it is on no manifest yet")
    for entry in box.lines:
        line = _line(order, entry.line)
        quantity = _bounded("ship", entry.quantity, line.deliverable)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return _with_box(order, evolve_box(box, shipped_at_ms=at_ms))


def _hand_over_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """The carrier has it: undo the cancellation for just these units."""
    box = _box(order, operation.box)  # type: ignore[attr-defined]
    for entry in box.lines:
        line = _line(order, entry.line)
        quantity = _bounded("ship", entry.quantity, line.held)
        line = _reopened(line, quantity - line.open)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return _with_box(order, evolve_box(box, shipped_at_ms=at_ms))


def _reopened(line: FulfillmentLine, missing: int) -> FulfillmentLine:
    for counter in ("cancelled", "short"):
        undone = min(max(0, missing), getattr(line, counter))
        line = evolve_line(line, **{counter: getattr(line, counter) - undone})
        missing -= undone
    return line


def _put_back(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Put units back on the shelf, out of their boxes where they lie in some."""
    done = cast("op.PutBack", operation)
    line = _line(order, done.line)
    quantity = _bounded("put back", done.quantity, line.to_put_back)
    boxed = quantity - loose(order, line)
    if boxed > 0:
        boxes = without_units(shipment_of(order).boxes, line.line, boxed)
        order = _with_boxes(order, boxes)
    return order.with_line(evolve_line(line, put_back=line.put_back + quantity))


def label_arrived(order: FulfillmentOrder, box: int, number: str) -> FulfillmentOrder | None:
    """Return `order` with the label that central bought; None where nobody waits for it."""
    found = shipment_of(order).box(box)
    if found is None or not found.is_here or found.requested_at_ms is None:
        return None
    return _with_box(order, evolve_box(found, tracking=number, requested_at_ms=None, problem=""))


def label_failed(order: FulfillmentOrder, box: int, problem: str) -> FulfillmentOrder | None:
    """Return `order` knowing why the carrier gives no label; None where nobody waits for it."""
    found = shipment_of(order).box(box)
    if found is None or not found.is_here or found.requested_at_ms is None:
        return None
    return _with_box(order, evolve_box(found, requested_at_ms=None, problem=problem))


_PUT_IT_BACK = Consequence(
    ConsequenceKind.PUT_BACK_DUE, "The order ended while you worked on it: put the goods back."
)
_FACT_WINS = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "The order had ended at central, but the carrier has the box: it counts as shipped.",
)
_NOTHING = Consequence(
    ConsequenceKind.NO_EFFECT, "The order had already ended at central: nothing changed."
)
_TAKEN_MEANWHILE = Consequence(
    ConsequenceKind.PUT_BACK_DUE,
    "Central had given some of these units to another store meanwhile: put the others back.",
)
_NOT_PICKED_ANY_MORE = Consequence(
    ConsequenceKind.NO_EFFECT, "Nothing of it is to be picked any more: nothing changed."
)

_PICK_ROWS = (
    *confirmation(_OPEN, _CLOSED),
    Transition("fulfillment_accepted", frozenset({S.NEW}), frozenset({S.ACCEPTED}), _accept),
    Transition("fulfillment_accepted", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition("wave_assigned", _TO_PICK, frozenset({S.ACCEPTED, S.PICKING}), _wave),
    Transition("wave_assigned", _PICKED, _PICKED, _wave, late=_NOT_PICKED_ANY_MORE),
    Transition("wave_assigned", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition(
        "line_picked",
        _TO_PICK,
        _PACKING | _BOXED,
        _pick,
        overtaken=Overtaken(_pick_late, _TAKEN_MEANWHILE),
    ),
    # Central took the last units to be picked away while the store picked them.
    Transition("line_picked", _PICKED, _PICKED, _pick_late, late=_TAKEN_MEANWHILE),
    Transition("line_picked", _CLOSED, _CLOSED, _pick_late, late=_PUT_IT_BACK),
    Transition(
        "line_unpicked",
        _PACKING,
        frozenset({S.ACCEPTED}) | _PACKING,
        _unpick,
        overtaken=Overtaken(_unpick_late, _NOTHING),
    ),
    Transition("line_unpicked", _BOXED, _BOXED, _unpick_late, late=_NOTHING),
    Transition("line_unpicked", _CLOSED, _CLOSED, _unpick_late, late=_NOTHING),
    Transition(
        "line_short_picked",
        _OPEN,
        _OPEN | _CLOSED,
        _short,
        overtaken=Overtaken(_short_rest, _NOTHING),
    ),
    Transition("line_short_picked", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition("fulfillment_rejected", _OPEN, _CLOSED, _reject),
    Transition("fulfillment_rejected", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
)
_BOX_ROWS = (
    Transition(
        "box_packed",
        _PACKING,
        _PACKING | frozenset({S.PACKED}),
        _pack,
        overtaken=Overtaken(_pack_late, _TAKEN_MEANWHILE),
    ),
    Transition("box_packed", _BOXED, _BOXED, _pack_late, late=_TAKEN_MEANWHILE),
    Transition("box_packed", _CLOSED, _CLOSED, _pack_late, late=_PUT_IT_BACK),
    Transition("box_unpacked", _AT_WORK, _AT_WORK, _unpack),
    Transition("box_unpacked", _CLOSED, _CLOSED, _unpack),
    Transition(
        "label_printed",
        _PACKING | frozenset({S.PACKED}),
        _AT_WORK,
        _print_label,
    ),
    Transition("label_printed", _CLOSED, _CLOSED, _print_label, late=_PUT_IT_BACK),
    Transition("label_requested", _PACKING | frozenset({S.PACKED}), _AT_WORK, _request_label),
    Transition("label_voided", _AT_WORK, _AT_WORK, _void),
    Transition("label_voided", _CLOSED, _CLOSED, _void, late=_NOTHING),
    Transition("manifested", _AT_WORK, _AT_WORK, _manifest),
    Transition("manifested", _CLOSED, _CLOSED, _manifest, late=_PUT_IT_BACK),
    Transition(
        "handed_to_carrier",
        _AT_WORK,
        _OPEN | frozenset({S.SHIPPED}),
        _hand_over,
        overtaken=Overtaken(_hand_over_late, _FACT_WINS),
    ),
    Transition(
        "handed_to_carrier", _CLOSED, frozenset({S.SHIPPED}), _hand_over_late, late=_FACT_WINS
    ),
    Transition("put_back", _AT_WORK | _CLOSED, _OPEN | _CLOSED, _put_back),
)

FLOW: Flow = make_flow(NAME, (*_PICK_ROWS, *_BOX_ROWS), status_of, OPERATIONS)
"""The flow of parcels from stores."""
