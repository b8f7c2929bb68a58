"""What the simulation remembers outside of all machines: every operation that was ever committed.

A store's work is one history, whatever machines and names it was done under. An
operation may be missing at central only if a disk was lost that alone had it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

Place = tuple[int, int]
"""(epoch, seq)."""


def name_of(location_id: str, number: int) -> str:
    """Return the name of a location's `number`-th enrolment."""
    return f"R-{location_id}" if number == 1 else f"R-{location_id}-{number}"


def location_of(replica_id: str) -> str:
    """Return where a device of this name belongs."""
    return replica_id.split("-")[1]


def rank_of(replica_id: str) -> int:
    """Return which enrolment of its location a name is of, from 1."""
    _, _, *number = replica_id.split("-")
    return int(number[0]) if number else 1


@dataclass
class Kept:
    """One journal as it was seen last: what must still be there."""

    epoch: int = 0
    """The one that operations went to; 0 before it was seen."""
    places: list[Place] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    pruned: set[Place] = field(default_factory=set)
    """What was forgotten because it is old."""

    @property
    def end(self) -> Place:
        """The place of the last operation that was seen."""
        return self.places[-1] if self.places else (0, 0)

    def add(self, rows: Iterable[tuple[int, int, bytes, bytes]]) -> None:
        """Take in (epoch, seq, line, hash)."""
        for epoch, seq, line, hashed in rows:
            self.places.append((epoch, seq))
            self.lines.append(bytes(line))
            self.hashes.append(bytes(hashed))

    def held(self) -> Counter[bytes]:
        """Return the lines that the journal has to have."""
        pairs = zip(self.places, self.lines, strict=True)
        return Counter(line for place, line in pairs if place not in self.pruned)


@dataclass
class History:
    """All of one location's work."""

    counts: Counter[bytes] = field(default_factory=Counter)
    """How often each line was committed, by whatever machine."""
    order: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    """Line -> the machine that did it, and its when."""
    may_lack: Counter[bytes] = field(default_factory=Counter)
    """Lines that were for a time nowhere: lost before they were sent."""
    was_lost: set[bytes] = field(default_factory=set)
    """Lines that were missing where they were needed; another copy may bring them back, later."""
    unbound: set[bytes] = field(default_factory=set)
    """Done where the floor was not known: restored and central not heard, or in two places."""
    raw: set[bytes] = field(default_factory=set)
    """Hashes of what was put into a journal behind its back: no other disk has it at once."""
    is_shaken: bool = False
    """Whether a disk was ever put back or copied, or its device shut out."""

    def unseen(self, lines: Iterable[bytes]) -> list[bytes]:
        """Return which of a whole journal's lines nobody has seen before."""
        found: Counter[bytes] = Counter()
        new = []
        for line in lines:
            found[line] += 1
            if found[line] > self.counts[line]:
                new.append(line)
        return new

    def take_in(self, new: Iterable[bytes], machine: str, *, unbound: bool) -> None:
        """Note what was done just now."""
        for line in new:
            self.counts[line] += 1
            self.order.setdefault(line, (machine, len(self.order)))
            if unbound:
                self.unbound.add(line)

    def lose_all_but(self, holders: Iterable[Counter[bytes]]) -> int:
        """Note that these are all there is now; return how many operations are lost for good."""
        there: Counter[bytes] = Counter()
        for one in holders:
            there |= one
        lost = self.counts - there
        new = lost - self.may_lack
        self.was_lost.update(new)
        self.may_lack = lost
        return new.total()
