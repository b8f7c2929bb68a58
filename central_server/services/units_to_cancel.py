"""Which units of an order are cancelled, of those that its customer still expects. Pure.

    first     those that nobody carries: no location has heard of them
    then      those that are not picked yet: where little is in hand, of small parts first
    at last   those in a store's hands, which it puts back

Kits are cancelled whole: as many of their components, where one location has them all, there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from central_server.records import Order, OrderLine
from central_server.services.errors import AlreadyHandedOver, OrderChangeInvalid
from central_server.services.order_lines import require_whole_kits
from sync.domain.fulfillment import FulfillmentOrder

Units = Mapping[int, int]
"""Units by line."""


@dataclass
class Taken:
    """What is cancelled: of what nobody carries, and at which fulfillment orders (by id)."""

    dropped: dict[int, int] = field(default_factory=dict)
    parts: dict[str, dict[int, int]] = field(default_factory=dict)


def pending_of(order: Order, parts: Iterable[FulfillmentOrder]) -> dict[int, int]:
    """Return the units by line that the customer still expects."""
    found = {line.line: line.unsourced for line in order.lines}
    for part in parts:
        for line in part.lines:
            found[line.line] += line.open
    return found


def taken_off(order: Order, parts: Sequence[FulfillmentOrder], units: Units) -> Taken:
    """Return where `units` are cancelled.

    Raises `AlreadyHandedOver` where the customer has some of them, and `OrderChangeInvalid`
    for lines or units that there are not, and for parts of kits.
    """
    _require_pending(order, parts, units)
    kits = {line.kit for line in order.lines if line.kit and line.line in units}
    require_whole_kits(order.lines, kits, units)
    taking = _Taking(order, parts)
    for group in _groups(order.lines, units):
        taking.take(group, units)
    return taking.taken


def _require_pending(order: Order, parts: Sequence[FulfillmentOrder], units: Units) -> None:
    if not any(units.values()):
        raise OrderChangeInvalid("say which units are cancelled")
    pending = pending_of(order, parts)
    for number, count in units.items():
        if number not in pending:
            raise OrderChangeInvalid(f"there is no line {number}")
        if count <= pending[number]:
            continue
        has = sum(line.fulfilled for part in parts for line in part.lines if line.line == number)
        if has and count <= pending[number] + has:
            raise AlreadyHandedOver(order.id)
        raise OrderChangeInvalid(f"line {number} has {pending[number]} that are still to come")


def _groups(lines: Iterable[OrderLine], units: Units) -> list[dict[int, int]]:
    """Return what is cancelled together: of a plain line one unit, of a kit each component's."""
    found: dict[str, dict[int, int]] = {}
    for line in lines:
        if units.get(line.line):
            key = line.kit or f"line {line.line}"
            found.setdefault(key, {})[line.line] = line.kit_units if line.kit else 1
    return list(found.values())


class _Taking:
    """What is left to be taken where, and what was."""

    def __init__(self, order: Order, parts: Iterable[FulfillmentOrder]) -> None:
        self.taken = Taken()
        parts = sorted(parts, key=_readiness)
        self._nobody = {line.line: line.unsourced for line in order.lines}
        self._to_pick = [self._of(part, "to_pick") for part in parts]
        self._open = [self._of(part, "open") for part in parts]
        self._parts = parts

    @staticmethod
    def _of(part: FulfillmentOrder, quantity: str) -> dict[int, int]:
        return {line.line: getattr(line, quantity) for line in part.lines}

    def take(self, each: Units, units: Units) -> None:
        """Cancel as many of a group as are wanted: broken ones, whole ones, what lies apart.

        A kit of which nobody carries a component is the one that cannot be sent.
        """
        line = next(iter(each))
        left = units[line] // each[line]
        if len(each) > 1:
            broken = max(-(-self._nobody[number] // count) for number, count in each.items())
            broken = min(broken, left)
            for number, count in each.items():
                self._from_all({number: 1}, broken * count)
            left -= broken
        left -= self._from_all(each, left)
        for number, count in each.items():
            self._from_all({number: 1}, left * count)

    def _from_all(self, each: Units, wanted: int) -> int:
        left = wanted
        left -= self._drop(each, left)
        for there in (self._to_pick, self._open):
            for index in range(len(self._parts)):
                left -= self._cancel(there[index], index, each, left)
        return wanted - left

    def _drop(self, each: Units, wanted: int) -> int:
        count = _whole(self._nobody, each, wanted)
        for line, units in each.items():
            if count:
                self._nobody[line] -= count * units
                dropped = self.taken.dropped
                dropped[line] = dropped.get(line, 0) + count * units
        return count

    def _cancel(self, there: dict[int, int], index: int, each: Units, wanted: int) -> int:
        count = _whole(there, each, wanted)
        for line, units in each.items():
            if count:
                self._to_pick[index][line] = max(0, self._to_pick[index][line] - count * units)
                self._open[index][line] -= count * units
                gone = self.taken.parts.setdefault(self._parts[index].id, {})
                gone[line] = gone.get(line, 0) + count * units
        return count


def _readiness(part: FulfillmentOrder) -> tuple[int, int, str]:
    """Order parts by what it costs to make them smaller: little in hand, and soon nothing left."""
    return part.total("held"), part.total("open"), part.location_id


def _whole(there: Units, each: Units, wanted: int) -> int:
    """Return how many groups are there, `wanted` at most."""
    return min(wanted, *(there.get(line, 0) // units for line, units in each.items()))
