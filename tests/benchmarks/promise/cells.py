"""What is where: the book of each store's SKUs, and what central has heard of it."""

from collections import deque
from collections.abc import Sequence


class Cells:
    """Per cell (store x SKU), in units. `floor`, `online` and `over` only move under escrow.

    book: in the store, picked orders excluded. promised: promises not yet picked.
    floor, online: rights. over: floor sales beyond the rights since the last contact.
    """

    def __init__(self, opening: Sequence[int]) -> None:
        self.book = list(opening)
        self.promised = [0] * len(opening)
        self.floor = list(opening)
        self.online = [0] * len(opening)
        self.over = [0] * len(opening)
        self._unheard: list[deque[tuple[int, int]]] = [deque() for _ in opening]
        self._unheard_units = [0] * len(opening)

    def free(self, cell: int) -> int:
        """Return the units that nobody was promised; negative when promises will break."""
        return self.book[cell] - self.promised[cell]

    def happened(self, cell: int, at_s: int, units: int) -> None:
        """Note a change of the free units that central hears of at the next contact."""
        self._unheard[cell].append((at_s, units))
        self._unheard_units[cell] += units

    def free_as_heard(self, cell: int, contact_s: int) -> int:
        """Return the free units as central knows them, whose last contact was at `contact_s`."""
        unheard = self._unheard[cell]
        while unheard and unheard[0][0] <= contact_s:
            self._unheard_units[cell] -= unheard.popleft()[1]
        return self.book[cell] - self.promised[cell] - self._unheard_units[cell]

    def broken_rule(self, cell: int) -> str | None:
        """Return which rule of escrow a cell breaks: every right stands on a unit of its own.

        A sale beyond the rights (`over`) takes a unit that a right or a promise stands on,
        and is the only thing that may.
        """
        parts = (self.floor[cell], self.online[cell], self.promised[cell], self.over[cell])
        if min(*parts, self.book[cell]) < 0:
            return f"negative: floor, online, promised, over {parts}, book {self.book[cell]}"
        if sum(parts[:3]) != self.book[cell] + self.over[cell]:
            return f"F + O + R = {sum(parts[:3])}, B = {self.book[cell]}, over = {self.over[cell]}"
        return None
