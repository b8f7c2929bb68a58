"""Promises that move to another place: those that are late or idle, given up, or broken by a sale.

The part of `Replication` that is about when, and about waiting for it in turn: whoever moves
units shares their SKUs with all who promise at one place (`promises.reserve`), and does so before
any stock is held. An order that has a SKU for itself may ask for that stock next.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from central_server.services.reserving import Only, among
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.operations import FulfillmentRejected, LineShortPicked, aggregate_of
from sync.domain.stock_operations import FloorSold
from sync.domain.transitions import Consequence, FulfillmentOperation
from sync.protocol.lines import OperationRecord

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

GIVING_UP = (LineShortPicked, FulfillmentRejected)


class Moving(ABC):
    """What a push, or a job, moves. See `Replication` for the rest."""

    _unit: "Unit"
    _location_id: str
    _now_ms: int
    _rows: dict[str, FulfillmentOrder]

    @abstractmethod
    def _load(self, fulfillment_ids: Collection[str]) -> None:
        """Load and lock orders with their parts."""

    @abstractmethod
    def _decide(self, operation: FulfillmentOperation, source: str) -> tuple[Consequence, ...]:
        """Apply a decision of central's own."""

    def lapse(self, only: Only = None, *, also: Collection[str] = ()) -> int:
        """Move promises elsewhere that this location was too late to confirm; return how many.

        `also` are SKUs of which more may move in this transaction.
        """
        found = among(self._unit.fulfillments.lapsed(self._now_ms, self._location_id), only)
        keys = [one.row.order.id for one in found]
        self._load(keys)
        self._share(self._skus_of(keys).union(also))
        count = 0
        for key in keys:
            order = self._rows[key]
            if order.is_unconfirmed and order.total("open"):
                self._decide(FulfillmentRejected(key, ShortReason.PROMISE_LAPSED), f"lapse:{key}")
                count += 1
        return count

    def give_on_idle(self, only: Only = None) -> int:
        """Move orders elsewhere that nobody here accepted in time; return how many."""
        found = among(self._unit.fulfillments.idle(self._now_ms, self._location_id), only)
        keys = [one.row.order.id for one in found]
        self._load(keys)
        self._share(self._skus_of(keys))
        count = 0
        for key in keys:
            order = self._rows[key]
            if order.accepted_at_ms is None and order.total("open") and not order.total("picked"):
                self._decide(FulfillmentRejected(key, ShortReason.PROMISE_LAPSED), f"idle:{key}")
                count += 1
        return count

    def _may_move(self, records: Iterable[OperationRecord]) -> set[str]:
        """Return the SKUs of what these operations give up, or break as far as can be foreseen.

        Orders are loaded, and stock is not held yet. A sale that breaks a promise after all
        waits for its SKU with stock in hand: PostgreSQL then runs one of two again.
        """
        given_up: set[str] = set()
        sold: Counter[str] = Counter()
        for one in records:
            if isinstance(one.op, GIVING_UP):
                given_up.add(aggregate_of(one.op))
            elif isinstance(one.op, FloorSold):
                for line in one.op.lines:
                    sold[line.sku] += line.units
        found = self._skus_of(given_up)
        if sold:
            here = self._unit.stock.rows(self._location_id, sold)
            found |= {one.sku for one in here if one.on_hand - sold[one.sku] < one.allocated}
        return found

    def _skus_of(self, keys: Iterable[str]) -> set[str]:
        orders = [self._rows[key] for key in keys if key in self._rows]
        return {line.sku for one in orders for line in one.lines}

    def _share(self, skus: Collection[str]) -> None:
        self._unit.stock.share_network(skus)
