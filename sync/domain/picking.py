"""What flows share: what operations on goods in a store do to quantities, one function each.

Every function is an `Effect` of `sync.domain.transitions`: (order, operation,
when in ms) -> order. It raises `QuantityRefused` or `UnknownLine` where its guard
fails. A flow's table says when each is possible.
"""

from typing import cast

from sync.domain import operations as op
from sync.domain.errors import QuantityRefused, UnknownLine
from sync.domain.fulfillment import (
    CENTRAL_REASONS,
    FulfillmentLine,
    FulfillmentOrder,
    ShortReason,
    evolve_line,
    evolve_order,
)
from sync.domain.transitions import Consequence, ConsequenceKind, FulfillmentOperation
from sync.domain.waves import PickMode, PickWave, evolve_wave

PUT_IT_BACK = Consequence(
    ConsequenceKind.PUT_BACK_DUE, "The order ended while you worked on it: put the goods back."
)

NOTHING_CHANGED = Consequence(
    ConsequenceKind.NO_EFFECT, "The order had already ended at central: nothing changed."
)

ONLY_THE_OTHERS = Consequence(
    ConsequenceKind.NO_EFFECT,
    "Some of these units were not expected any more: only the others count.",
)

COUNTS_ALL_THE_SAME = Consequence(
    ConsequenceKind.NO_EFFECT,
    "Some of these units were not expected any more: it counts all the same.",
)

TAKEN_MEANWHILE = Consequence(
    ConsequenceKind.PUT_BACK_DUE,
    "Some of these units are not expected any more (cancelled, or another store has them): put"
    " those back.",
)


def line_of(order: FulfillmentOrder, number: int) -> FulfillmentLine:
    """Return line `number`, or raise `UnknownLine`."""
    line = order.line(number)
    if line is None:
        raise UnknownLine(number)
    return line


def bounded(what: str, asked: int, allowed: int) -> int:
    """Return `asked` where it is 1 to `allowed`, or raise `QuantityRefused`."""
    if not 0 < asked <= allowed:
        raise QuantityRefused(what, asked, max(0, allowed))
    return asked


def accept(order: FulfillmentOrder, _: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    """Take the work on."""
    return evolve_order(order, accepted_at_ms=at_ms)


def assign_wave(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Put it into a wave, or take it out; that takes the work on too.

    Units that are in hand already lie with the order: they are not sorted again.
    Somebody who takes a wave over finds the totes as they are.
    """
    done = cast("op.WaveAssigned", operation)
    accepted = order.accepted_at_ms if order.accepted_at_ms is not None else at_ms
    if not done.wave:
        return evolve_order(order, wave=None, accepted_at_ms=accepted)
    before = order.wave
    if before is not None and (before.name, before.mode) == (done.wave, done.mode):
        in_tote = before.in_tote
    elif done.mode is PickMode.SORT_AFTER_PICK:
        in_tote = tuple((line.line, line.held) for line in order.lines if line.held)
    else:
        in_tote = ()
    wave = PickWave(done.wave, done.picker, done.tote, done.mode, in_tote)
    return evolve_order(order, wave=wave, accepted_at_ms=accepted)


def sort(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Count units as lying in the order's tote."""
    done = cast("op.UnitsSorted", operation)
    line = line_of(order, done.line)
    return _sorted(order, line, bounded("sort", done.quantity, order.to_sort(line)))


def sort_late(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Count what was sorted though fewer are expected by now."""
    done = cast("op.UnitsSorted", operation)
    line = line_of(order, done.line)
    return _sorted(order, line, bounded("sort", done.quantity, line.allocated))


def _sorted(order: FulfillmentOrder, line: FulfillmentLine, units: int) -> FulfillmentOrder:
    wave = order.wave
    if wave is None:
        return order
    counts = dict(wave.in_tote)
    counts[line.line] = min(line.allocated, counts.get(line.line, 0) + units)
    return evolve_order(order, wave=evolve_wave(wave, in_tote=tuple(sorted(counts.items()))))


def pick(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    """Take units from the shelf; whoever picks has taken the work on."""
    done = cast("op.LinePicked", operation)
    line = line_of(order, done.line)
    quantity = bounded("pick", done.quantity, line.to_pick)
    accepted = order.accepted_at_ms if order.accepted_at_ms is not None else at_ms
    picked = evolve_line(line, picked=line.picked + quantity)
    return order.with_line(picked, accepted_at_ms=accepted)


def pick_late(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Count units that were picked though nobody expects them any more."""
    done = cast("op.LinePicked", operation)
    line = line_of(order, done.line)
    quantity = bounded("pick", done.quantity, line.allocated - line.picked + line.put_back)
    return order.with_line(evolve_line(line, picked=line.picked + quantity))


def pick_overtaken(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Count all units that were picked, though central expects fewer by now."""
    accepted = at_ms if order.accepted_at_ms is None else order.accepted_at_ms
    return evolve_order(pick_late(order, operation, at_ms), accepted_at_ms=accepted)


def unpick(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Take back a pick. Units that nobody expects are `put_back`, not picked anew: these first."""
    done = cast("op.LineUnpicked", operation)
    line = line_of(order, done.line)
    quantity = bounded("take back", done.quantity, 0 if line.to_put_back else line.held)
    return unpicked(order, line, quantity)


def unpick_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Take back a pick of whatever is held."""
    done = cast("op.LineUnpicked", operation)
    line = line_of(order, done.line)
    return unpicked(order, line, bounded("take back", done.quantity, line.held))


def unpicked(order: FulfillmentOrder, line: FulfillmentLine, quantity: int) -> FulfillmentOrder:
    """Return `order` with units of a pick undone: it lies at no spot any more."""
    returned = evolve_line(line, picked=line.picked - quantity)
    return _less_in_tote(order.with_line(returned, staging_spot="", ready_at_ms=None), returned)


def most_given_up(line: FulfillmentLine, reason: ShortReason) -> int:
    """Return how many units of `line` a store can give up.

    Of a line that was cancelled in part those that are not found are the cancelled ones
    first: what is in hand is there, and the customer still wants it.
    """
    if line.cancelled and reason is ShortReason.NOT_FOUND:
        return line.to_pick
    return line.open


def give_up(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Give units of a line up."""
    done = cast("op.LineShortPicked", operation)
    line = line_of(order, done.line)
    quantity = bounded("give up", done.quantity, most_given_up(line, done.reason))
    accepted = order.accepted_at_ms
    if accepted is None and done.reason not in CENTRAL_REASONS:
        accepted = at_ms
    given_up = evolve_line(line, short=line.short + quantity)
    return order.with_line(given_up, accepted_at_ms=accepted)


def give_up_rest(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Give up what is still expected of the line; central has taken the others already."""
    done = cast("op.LineShortPicked", operation)
    line = line_of(order, done.line)
    bounded("give up", done.quantity, line.allocated)
    given_up = min(most_given_up(line, done.reason), done.quantity)
    return order.with_line(evolve_line(line, short=line.short + given_up))


def refuse_rest(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Count what was still to be given as refused; nobody expects the others any more."""
    done = cast("op.LineRefused", operation)
    line = line_of(order, done.line)
    bounded("refuse", done.quantity, line.held)
    refused = min(line.deliverable, done.quantity)
    return order.with_line(evolve_line(line, refused=line.refused + refused))


def give_up_all(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    """Give up everything that is open."""
    lines = tuple(evolve_line(line, short=line.short + line.open) for line in order.lines)
    return evolve_order(order, lines=lines)


def unchanged(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    """Change nothing."""
    return order


def stage(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Note the spot of the hold shelf."""
    return evolve_order(order, staging_spot=cast("op.Staged", operation).spot)


def unstage(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    """Take the goods off the hold shelf: they are in hand, and nobody is to come for them yet."""
    return evolve_order(order, staging_spot="", ready_at_ms=None)


def reopened(line: FulfillmentLine, missing: int) -> FulfillmentLine:
    """Return `line` with `missing` units expected again that had been given up, cancelled first."""
    for counter in ("cancelled", "expired", "refused", "short"):
        undone = min(max(0, missing), getattr(line, counter))
        line = evolve_line(line, **{counter: getattr(line, counter) - undone})
        missing -= undone
    return line


def refuse(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Count units that the customer at the counter does not want."""
    done = cast("op.LineRefused", operation)
    line = line_of(order, done.line)
    quantity = bounded("refuse", done.quantity, line.deliverable)
    return order.with_line(evolve_line(line, refused=line.refused + quantity))


def expire_all(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    """Count everything that is open as not fetched in time."""
    lines = tuple(evolve_line(line, expired=line.expired + line.open) for line in order.lines)
    return evolve_order(order, lines=lines)


def put_back(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Count units that are back on the shelf."""
    done = cast("op.PutBack", operation)
    line = line_of(order, done.line)
    quantity = bounded("put back", done.quantity, line.to_put_back)
    fewer = evolve_line(line, put_back=line.put_back + quantity)
    return _less_in_tote(order.with_line(fewer), fewer)


def _less_in_tote(order: FulfillmentOrder, line: FulfillmentLine) -> FulfillmentOrder:
    """Return `order` with no more units of `line` in its tote than are in hand at all."""
    wave = order.wave
    if wave is None or wave.sorted_units(line.line) <= line.held:
        return order
    counts = {**dict(wave.in_tote), line.line: line.held}
    in_tote = tuple(sorted((number, units) for number, units in counts.items() if units))
    return evolve_order(order, wave=evolve_wave(wave, in_tote=in_tote))
