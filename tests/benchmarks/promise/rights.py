"""What central may promise, and what a store may sell: as today's systems do, and by escrow."""

from collections.abc import Sequence
from typing import Protocol

from sync.domain.escrow import fixed_floor
from tests.benchmarks.promise.cells import Cells
from tests.benchmarks.promise.learned import Learned
from tests.benchmarks.promise.outages import Outages
from tests.benchmarks.promise.policies import Kind, Policy
from tests.benchmarks.promise.trace import Shape


def granted(free: int, online: int, target: int) -> int:
    """Return the rights that a store grants (or, below zero, asks back) at a contact.

    The same as `surplus` and `shortage` of `sync.domain.escrow.Share`, which a test
    compares, without an object for each of a few million contacts.
    """
    floor = free - online
    if floor > target:
        return floor - target
    if floor > target // 2 or floor == target:
        return 0
    return -min(online, target - floor)


class Rights(Protocol):
    """The decisions of one policy. `cell` is a store's SKU, `at_s` the time."""

    def available(self, cell: int, at_s: int) -> int:
        """Return the units that central shows, and would promise."""

    def promise(self, cell: int) -> None:
        """Take one unit for a promise. Only after `available` has said that there is one."""

    def may_sell(self, cell: int, at_s: int) -> bool:
        """Say whether the store may sell a unit that lies on the shelf."""

    def sell(self, cell: int, at_s: int) -> bool:
        """Sell a unit on the floor; say if a store that can ask nobody went beyond its rights."""

    def receive(self, cell: int, at_s: int, units: int) -> None:
        """Take a delivery."""

    def pick(self, cell: int) -> None:
        """Take a promised unit off the shelf."""

    def give_up(self, cell: int, at_s: int) -> None:
        """End a promise that could not be picked."""

    def move(self, cell: int, at_s: int) -> None:
        """End a promise that its store did not confirm: it is made elsewhere."""


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

    def move(self, cell: int, at_s: int) -> None:
        raise AssertionError("without leases nothing is moved")


class Escrow:
    """Floor rights are spent by the store alone, online rights by central alone, while it may.

    At each contact the store grants and asks back as `sync.domain.escrow.Share` says.
    Between contacts nothing moves from one side to the other, until lease and
    confirmation are over and the store takes back what was not promised.
    """

    def __init__(
        self, shape: Shape, policy: Policy, cells: Cells, outages: Sequence[Outages],
        learned: Learned | None,
    ) -> None:  # fmt: skip
        self._skus = shape.skus
        self._percent = int(policy.amount)
        self._is_strict = policy.is_strict
        self._lease_s = policy.rules.lease_end_ms(0) // 1000
        self._reclaim_s = policy.rules.reclaim_after_ms / 1000
        self._cells = cells
        self._outages = outages
        self._learned = learned
        self._divided_s = [-1] * shape.cells
        self._kept = [0] * shape.cells

    def available(self, cell: int, at_s: int) -> int:
        contact_s = self._meet(cell, at_s)
        online = self._cells.online[cell]
        if not online or at_s - contact_s >= self._lease_s:
            return 0
        if self._learned is None or not self._is_away(cell, at_s):
            return online
        floor = self._learned.floor_when_silent(cell, contact_s, at_s)
        return max(0, online - max(0, floor - self._kept[cell]))

    def promise(self, cell: int) -> None:
        self._cells.online[cell] -= 1
        self._cells.promised[cell] += 1

    def may_sell(self, cell: int, at_s: int) -> bool:
        if not self._is_strict:
            return True
        self._meet(cell, at_s)
        return self._cells.floor[cell] > 0 or self._recalled(cell, at_s)

    def sell(self, cell: int, at_s: int) -> bool:
        self._meet(cell, at_s)
        self._cells.book[cell] -= 1
        self._cells.happened(cell, at_s, -1)
        if self._learned is not None:
            self._learned.sold(cell, at_s)
        if self._cells.floor[cell] > 0:
            self._cells.floor[cell] -= 1
            return False
        self._cells.over[cell] += 1
        return self._is_away(cell, at_s)

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

    def move(self, cell: int, at_s: int) -> None:
        """The right stays granted, to be spent by nobody, until the store takes it back."""
        self._meet(cell, at_s)
        self._cells.promised[cell] -= 1
        self._cells.online[cell] += 1

    def _is_away(self, cell: int, at_s: int) -> bool:
        return self._outages[cell // self._skus].silent_since(at_s) is not None

    def _recalled(self, cell: int, at_s: int) -> bool:
        """Take an online right back: only in contact, and only what central has not spent."""
        if self._is_away(cell, at_s) or self._cells.online[cell] == 0:
            return False
        self._cells.online[cell] -= 1
        self._to_floor(cell, 1)
        return self._cells.floor[cell] > 0

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
        elif at_s - contact_s > self._reclaim_s and self._cells.online[cell]:
            units, self._cells.online[cell] = self._cells.online[cell], 0
            self._to_floor(cell, units)
        return contact_s

    def _divide(self, cell: int, contact_s: int) -> None:
        cells = self._cells
        heard, free, online = cells.free_as_heard(cell, contact_s), cells.free(cell), cells.online
        if self._learned is not None:
            kept = self._learned.floor_in_contact(cell, contact_s)
        else:
            kept = fixed_floor(max(0, heard), self._percent)
        online[cell] += granted(heard, online[cell], kept)
        left = free - online[cell]
        cells.floor[cell] = max(0, left)
        cells.over[cell] = max(0, -left)
        self._divided_s[cell] = contact_s
        self._kept[cell] = kept
