"""What central may promise, and what a store may sell: as today's systems do, and by escrow."""

from collections.abc import Sequence
from typing import Protocol

from tests.benchmarks.promise.cells import Cells
from tests.benchmarks.promise.learned import Learned
from tests.benchmarks.promise.outages import Outages
from tests.benchmarks.promise.policies import ACCEPT_S, Kind, Policy
from tests.benchmarks.promise.trace import Shape


class Rights(Protocol):
    """The decisions of one policy. `cell` is a store's SKU, `at_s` the time."""

    def available(self, cell: int, at_s: int) -> int:
        """Return the units that central shows, and would promise."""

    def promise(self, cell: int) -> None:
        """Take one unit for a promise. Only after `available` has said that there is one."""

    def may_sell(self, cell: int, at_s: int) -> bool:
        """Say whether the store may sell a unit that lies on the shelf."""

    def sell(self, cell: int, at_s: int) -> bool:
        """Sell a unit on the floor; return whether that went beyond the store's rights."""

    def receive(self, cell: int, at_s: int, units: int) -> None:
        """Take a delivery."""

    def pick(self, cell: int) -> None:
        """Take a promised unit off the shelf."""

    def give_up(self, cell: int, at_s: int) -> None:
        """End a promise without a unit: it could not be picked, or was moved."""


class LastKnown:
    """Central promises from the stock it knew last, minus what is kept back, for ever."""

    def __init__(
        self, shape: Shape, policy: Policy, cells: Cells, outages: Sequence[Outages]
    ) -> None:
        self._skus = shape.skus
        self._units = int(policy.amount) if policy.kind is Kind.SAFETY else 0
        self._percent = int(policy.amount) if policy.kind is Kind.HOLDBACK else 0
        self._cells = cells
        self._outages = outages

    def available(self, cell: int, at_s: int) -> int:
        free = self._cells.free_as_heard(
            cell, self._outages[cell // self._skus].contact_before(at_s)
        )
        return max(0, free - self._units + -free * self._percent // 100)

    def promise(self, cell: int) -> None:
        self._cells.promised[cell] += 1

    def may_sell(self, cell: int, at_s: int) -> bool:
        return True

    def sell(self, cell: int, at_s: int) -> bool:
        self._cells.book[cell] -= 1
        self._cells.happened(cell, at_s, -1)
        return False

    def receive(self, cell: int, at_s: int, units: int) -> None:
        self._cells.book[cell] += units
        self._cells.happened(cell, at_s, units)

    def pick(self, cell: int) -> None:
        self._cells.book[cell] -= 1
        self._cells.promised[cell] -= 1

    def give_up(self, cell: int, at_s: int) -> None:
        self._cells.promised[cell] -= 1


class Escrow:
    """Floor rights are spent by the store alone, online rights by central alone, while it may.

    At each contact the free units are divided anew. Between contacts nothing moves from
    one side to the other, until lease and acceptance are over and the store takes back
    what was not promised.
    """

    def __init__(
        self, shape: Shape, policy: Policy, cells: Cells, outages: Sequence[Outages],
        learned: Learned,
    ) -> None:  # fmt: skip
        self._skus = shape.skus
        self._policy = policy
        self._cells = cells
        self._outages = outages
        self._learned = learned
        self._divided_s = [-1] * shape.cells
        self._kept = [0] * shape.cells
        self._is_sized = policy.kind is Kind.SIZED

    def available(self, cell: int, at_s: int) -> int:
        contact_s = self._meet(cell, at_s)
        online = self._cells.online[cell]
        silent_s = at_s - contact_s
        if not online or silent_s >= self._policy.lease_s:
            return 0
        if not self._is_sized or self._outages[cell // self._skus].silent_since(at_s) is None:
            return online
        floor = self._learned.floor_when_silent(cell, contact_s, at_s)
        return max(0, online - max(0, floor - self._kept[cell]))

    def promise(self, cell: int) -> None:
        self._cells.online[cell] -= 1
        self._cells.promised[cell] += 1

    def may_sell(self, cell: int, at_s: int) -> bool:
        if not self._policy.is_strict:
            return True
        self._meet(cell, at_s)
        return self._cells.floor[cell] > 0 or self._recalled(cell, at_s)

    def sell(self, cell: int, at_s: int) -> bool:
        self._meet(cell, at_s)
        self._cells.book[cell] -= 1
        self._cells.happened(cell, at_s, -1)
        self._learned.sold(cell, at_s)
        if self._cells.floor[cell] > 0 or self._recalled(cell, at_s):
            self._cells.floor[cell] -= 1
            return False
        self._cells.over[cell] += 1
        return True

    def receive(self, cell: int, at_s: int, units: int) -> None:
        self._meet(cell, at_s)
        self._cells.book[cell] += units
        self._cells.happened(cell, at_s, units)
        self._to_floor(cell, units)

    def pick(self, cell: int) -> None:
        self._cells.book[cell] -= 1
        self._cells.promised[cell] -= 1

    def give_up(self, cell: int, at_s: int) -> None:
        self._meet(cell, at_s)
        self._cells.promised[cell] -= 1
        self._to_floor(cell, 1)

    def _recalled(self, cell: int, at_s: int) -> bool:
        """Take an online right back: only in contact, and only what central has not spent."""
        connected = self._outages[cell // self._skus].silent_since(at_s) is None
        if not connected or self._cells.online[cell] == 0:
            return False
        self._cells.online[cell] -= 1
        self._cells.floor[cell] += 1
        return True

    def _to_floor(self, cell: int, units: int) -> None:
        """Add floor rights; those that were overdrawn are made good first."""
        repaid = min(units, self._cells.over[cell])
        self._cells.over[cell] -= repaid
        self._cells.floor[cell] += units - repaid

    def _meet(self, cell: int, at_s: int) -> int:
        """Divide anew if there was a contact, take back if there was none for too long."""
        contact_s = self._outages[cell // self._skus].contact_before(at_s)
        if contact_s > self._divided_s[cell]:
            self._divide(cell, contact_s)
        elif at_s - contact_s > self._policy.lease_s + ACCEPT_S and self._cells.online[cell]:
            units, self._cells.online[cell] = self._cells.online[cell], 0
            self._to_floor(cell, units)
        return contact_s

    def _divide(self, cell: int, contact_s: int) -> None:
        cells = self._cells
        heard, free = cells.free_as_heard(cell, contact_s), cells.free(cell)
        if self._is_sized:
            kept = self._learned.floor_in_contact(cell, contact_s)
        else:
            kept = -(-max(0, heard) * int(self._policy.amount) // 100)
        online = max(0, min(heard - kept, free))
        cells.online[cell] = online
        cells.floor[cell] = max(0, free - online)
        cells.over[cell] = max(0, -free)
        self._divided_s[cell] = contact_s
        self._kept[cell] = kept
