"""Units of orders that no location carries, and those that were given up, while a push lasts.

    unsourced   wanted still, and carried by nobody
    dropped     given up: by the customer, or for want of stock

Nothing is written here: the push writes the counts that changed.
"""

from collections.abc import Callable, Mapping, Sequence

from central_server.records import Order, OrderLine
from central_server.services.flow_handler import TakenBack
from sync.domain.fulfillment import FulfillmentOrder


class Uncarried:
    """The counts of orders' lines, as a push has changed them so far."""

    def __init__(self, order: Callable[[str], Order]) -> None:
        """`order` gives an order, whose row is locked, by its id."""
        self._order = order
        self.counts: dict[tuple[str, int], tuple[int, int]] = {}
        """(unsourced, dropped) by (order, line), where it changed."""

    def mark(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Return what `roll_back` takes."""
        return dict(self.counts)

    def roll_back(self, mark: dict[tuple[str, int], tuple[int, int]]) -> None:
        """Forget what changed since `mark`."""
        self.counts = mark

    def leave(self, order_id: str, units: Mapping[int, int]) -> None:
        """Keep units (by line) as wanted, but carried by nobody."""
        for line, count in units.items():
            unsourced, dropped = self._of(order_id, line)
            self.counts[order_id, line] = (unsourced + count, dropped)

    def take_back(
        self, order_id: str, units: Mapping[int, int], carriers: Sequence[FulfillmentOrder]
    ) -> TakenBack:
        """Take units (by line) off both counts, as one of the `carriers` has them after all.

        First what nobody carries. What two carry then, more than was ordered, left twice; of the
        rest, what was given up is wanted again.
        """
        dropped_all = doubled = 0
        for number, count in units.items():
            unsourced, dropped = self._of(order_id, number)
            taken = min(count, unsourced)
            carried = sum(
                line.allocated - line.short
                for one in carriers for line in one.lines if line.line == number
            )  # fmt: skip
            ordered = self._line(order_id, number).quantity
            more = min(max(0, carried + unsourced - taken - ordered), count - taken)
            wanted_again = min(count - taken - more, dropped)
            doubled += more
            dropped_all += wanted_again
            self.counts[order_id, number] = (unsourced - taken, dropped - wanted_again)
        return TakenBack(dropped_all, doubled)

    def drop(self, order_id: str) -> None:
        """Give up all units of an order that nobody carries."""
        for line in self._order(order_id).lines:
            unsourced, dropped = self._of(order_id, line.line)
            if unsourced:
                self.counts[order_id, line.line] = (0, dropped + unsourced)

    def shifts(self) -> dict[str, tuple[int, int]]:
        """Return by how much the counts (unsourced, dropped) of whole orders changed, by id."""
        found: dict[str, tuple[int, int]] = {}
        for (order_id, line), counts in self.counts.items():
            before = self._line(order_id, line)
            unsourced, dropped = found.get(order_id, (0, 0))
            found[order_id] = (
                unsourced + counts[0] - before.unsourced, dropped + counts[1] - before.dropped
            )  # fmt: skip
        return found

    def _of(self, order_id: str, line: int) -> tuple[int, int]:
        changed = self.counts.get((order_id, line))
        if changed is not None:
            return changed
        found = self._line(order_id, line)
        return found.unsourced, found.dropped

    def _line(self, order_id: str, line: int) -> OrderLine:
        return next(one for one in self._order(order_id).lines if one.line == line)
