"""view = fold(rules, pending operations, base): the one merge there is.

`base` is central's newest row; `pending` are this store's operations that the
row does not include. The same rule that central applies is applied here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sync.domain.errors import DomainError
from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.reserve_operations import BEGINNINGS
from sync.domain.transitions import advance
from sync.protocol.lines import OperationRecord


@dataclass(frozen=True, slots=True)
class Folded:
    """A view: the order as this store sees it, and whether it hangs on a request."""

    order: FulfillmentOrder
    provisional: bool
    """A request is among the pending operations: central may still refuse it."""
    effects: tuple[tuple[str, int, int], ...] = ()
    """(SKU, on hand, allocated): how far, in units, `pending` moved what central's rows say."""


def fold(base: FulfillmentOrder, pending: Iterable[OperationRecord | None]) -> Folded:
    """Apply `pending` to `base`.

    An operation that the rules no longer allow on this base, or that this version
    cannot read (None), is passed over: what becomes of it is central's verdict to
    say, and the view stays possible. Stock follows the view: what was passed over
    moves none.
    """
    order = base
    provisional = False
    moved: dict[str, tuple[int, int]] = {}
    flow = flow_named(base.flow)
    for record in pending:
        if record is None:
            continue
        if type(record.op) in BEGINNINGS:  # the base is what it led to
            provisional = provisional or record.op.is_request
            for line in base.lines:
                if line.allocated and not record.op.is_request:
                    on_hand, allocated = moved.get(line.sku, (0, 0))
                    moved[line.sku] = (on_hand, allocated + line.allocated)
            continue
        try:
            outcome = advance(flow, order, record.op, record.at)
        except DomainError:
            continue
        order = outcome.after
        for effect in outcome.effects:
            on_hand, allocated = moved.get(effect.sku, (0, 0))
            moved[effect.sku] = (on_hand + effect.on_hand, allocated + effect.allocated)
        provisional = provisional or record.op.is_request
    return Folded(order, provisional, tuple((sku, *units) for sku, units in moved.items()))
