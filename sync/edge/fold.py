"""view = fold(rules, pending operations, base): the one merge there is.

`base` is central's newest row; `pending` are this store's operations that the
row does not include. The same rule that central applies is applied here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sync.domain.errors import DomainError
from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.transitions import advance
from sync.protocol.lines import OperationRecord


@dataclass(frozen=True, slots=True)
class Folded:
    """A view: the order as this store sees it, and whether it hangs on a request."""

    order: FulfillmentOrder
    provisional: bool
    """A request is among the pending operations: central may still refuse it."""


def fold(base: FulfillmentOrder, pending: Iterable[OperationRecord | None]) -> Folded:
    """Apply `pending` to `base`.

    An operation that the rules no longer allow on this base, or that this version
    cannot read (None), is passed over: what becomes of it is central's verdict to
    say, and the view stays possible.
    """
    order = base
    provisional = False
    flow = flow_named(base.flow)
    for record in pending:
        if record is None:
            continue
        try:
            order = advance(flow, order, record.op, record.at).after
        except DomainError:
            continue
        provisional = provisional or record.op.is_request
    return Folded(order, provisional)
