"""What the operations of a parcel order do to it: quantities, boxes, labels. No table stands here.

Each effect is a function of (order, operation, when in ms) and raises
`OperationRefused` where a guard fails; `sync.domain.flows.ship` says when it is legal.
"""

from collections.abc import Callable
from typing import cast

from sync.domain import operations as op
from sync.domain import tendering
from sync.domain.errors import OperationRefused, QuantityRefused, UnknownLine
from sync.domain.fulfillment import (
    CENTRAL_REASONS,
    FulfillmentLine,
    FulfillmentOrder,
    evolve_line,
    evolve_order,
)
from sync.domain.paying import reservation_of
from sync.domain.picking import expire_all, most_given_up, reopened
from sync.domain.reserve_operations import ReservationConverted
from sync.domain.ship_operations import (
    BoxPacked,
    LabelPrinted,
    LabelRequested,
    Manifested,
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
from sync.domain.tenders import TenderRefused
from sync.domain.transitions import FulfillmentOperation


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


def unchanged(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    """Leave the order as it is."""
    return order


def accept(order: FulfillmentOrder, _: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    """Note when the store took it on."""
    return evolve_order(order, accepted_at_ms=at_ms)


def pick(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    """Take units from the shelf, as many as are still to be picked."""
    done = cast("op.LinePicked", operation)
    line = _line(order, done.line)
    return _picked(order, line, _bounded("pick", done.quantity, line.to_pick), at_ms)


def pick_late(
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


def unpick(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Take back a pick of what is in no box; units that nobody expects are `put_back` first."""
    done = cast("op.LineUnpicked", operation)
    line = _line(order, done.line)
    most = 0 if line.to_put_back else loose(order, line)
    quantity = _bounded("take back", done.quantity, most)
    return order.with_line(evolve_line(line, picked=line.picked - quantity))


def unpick_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Take back a pick, whatever central expects by now."""
    done = cast("op.LineUnpicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("take back", done.quantity, loose(order, line))
    return order.with_line(evolve_line(line, picked=line.picked - quantity))


def short(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    """Give units up."""
    done = cast("op.LineShortPicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("give up", done.quantity, most_given_up(line, done.reason))
    accepted = order.accepted_at_ms
    if accepted is None and done.reason not in CENTRAL_REASONS:
        accepted = at_ms
    given_up = evolve_line(line, short=line.short + quantity)
    return order.with_line(given_up, accepted_at_ms=accepted)


def short_rest(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Give up what is still expected of the line; central has taken the others already."""
    done = cast("op.LineShortPicked", operation)
    line = _line(order, done.line)
    _bounded("give up", done.quantity, line.allocated)
    given_up = min(most_given_up(line, done.reason), done.quantity)
    return order.with_line(evolve_line(line, short=line.short + given_up))


def reject(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    """Give everything up that is still open."""
    lines = tuple(evolve_line(line, short=line.short + line.open) for line in order.lines)
    return evolve_order(order, lines=lines)


def pack(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Put units that wait for it into a new box."""
    done = cast("BoxPacked", operation)
    return _packed(order, done, lambda line: to_pack(order, line))


def pack_late(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
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


def unpack(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Empty a box: its label is void, its goods are in hand again."""
    number = operation.box  # type: ignore[attr-defined]
    box = _box(order, number)
    return _with_boxes(order, tuple(one for one in shipment_of(order).boxes if one != box))


def print_label(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Give a box a number; it is used from now on."""
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


def request_label(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Note that a label was asked for."""
    asked = cast("LabelRequested", operation)
    box = _box(order, asked.box)
    if box.tracking or box.requested_at_ms is not None:
        raise BoxRefused(asked.box, "it has a label, or one is on its way")
    requested = evolve_box(
        box, requested_at_ms=at_ms, carrier=asked.carrier, service=asked.service, problem=""
    )
    return _with_box(order, requested)


def void(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Take label, request and manifest off a box."""
    box = _box(order, operation.box)  # type: ignore[attr-defined]
    return _with_box(
        order, evolve_box(box, tracking="", requested_at_ms=None, problem="", manifest="")
    )


def manifest(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Put a labeled box on a list."""
    done = cast("Manifested", operation)
    box = _box(order, done.box)
    if not box.tracking:
        raise BoxRefused(done.box, "it has no label yet")
    if not done.manifest:
        raise BoxRefused(done.box, "a manifest needs a name")
    return _with_box(order, evolve_box(box, manifest=done.manifest))


def hand_over(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Let a box leave: what lies in it is with the carrier."""
    return _leave(_paid_elsewhere(order), _box(order, operation.box), at_ms)  # type: ignore[attr-defined]


def hand_over_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """The carrier has it: undo the cancellation for just these units."""
    return _gone(_paid_elsewhere(order), _box(order, operation.box), at_ms)  # type: ignore[attr-defined]


def _leave(order: FulfillmentOrder, box: Box, at_ms: int) -> FulfillmentOrder:
    if not box.manifest:
        raise BoxRefused(box.number, "it is on no manifest yet")
    for entry in box.lines:
        line = _line(order, entry.line)
        quantity = _bounded("ship", entry.quantity, line.deliverable)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return _with_box(order, evolve_box(box, shipped_at_ms=at_ms))


def _gone(order: FulfillmentOrder, box: Box, at_ms: int) -> FulfillmentOrder:
    for entry in box.lines:
        line = _line(order, entry.line)
        quantity = _bounded("ship", entry.quantity, line.held)
        line = reopened(line, quantity - line.open)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return _with_box(order, evolve_box(box, shipped_at_ms=at_ms))


def put_back(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Put units back on the shelf, out of their boxes where they lie in some."""
    done = cast("op.PutBack", operation)
    line = _line(order, done.line)
    quantity = _bounded("put back", done.quantity, line.to_put_back)
    boxed = quantity - loose(order, line)
    if boxed > 0:
        boxes = without_units(shipment_of(order).boxes, line.line, boxed)
        order = _with_boxes(order, boxes)
    return order.with_line(evolve_line(line, put_back=line.put_back + quantity))


# --- parcels that are paid here ---------------------------------------------------------------


def _paid_elsewhere(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return `order` where its boxes may leave without a sale."""
    if order.reserve is not None:
        raise TenderRefused("It is paid here: a box of it leaves as a sale.")
    return order


def _sold_box(order: FulfillmentOrder, operation: FulfillmentOperation) -> Box:
    """Return the box that a sale is about; what is in it is paid."""
    done = cast("ReservationConverted", operation)
    box = _box(order, done.box)
    if box_content(box) != done.lines:
        raise BoxRefused(done.box, "something else is in it")
    tendering.paid_sale(order, operation)
    return box


def box_content(box: Box) -> tuple[op.LineQuantity, ...]:
    """Return what a sale says of a box: its units by line."""
    return tuple(op.LineQuantity(entry.line, entry.quantity) for entry in box.lines)


def sell(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    """Let a box leave that is paid."""
    return _leave(order, _sold_box(order, operation), at_ms)


def sell_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """It is paid, and the carrier has it: undo the end for just these units."""
    return _gone(order, _sold_box(order, operation), at_ms)


def expire(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Nobody paid in time: nothing of it is expected any more."""
    return expire_all(_unpaid(order), operation, at_ms)


def release(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    """The customer does not want it: nothing of it is expected any more."""
    lines = tuple(evolve_line(one, refused=one.refused + one.open) for one in _unpaid(order).lines)
    return evolve_order(order, lines=lines)


def _unpaid(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return an order that is to be paid here, of which nothing is paid that has not left."""
    reservation_of(order)
    if order.is_unsettled:
        raise TenderRefused("Money of the customer's is here: give it back first.")
    return order


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
