"""The epochs of a journal: where each begins, under which name, and whether central knows it.

Places go on from one epoch to the next, so that they order all of a store's work.
An epoch may begin beyond the end of the one before: what lies between was done
here once and is lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sync.protocol.rows import Watermark


class Life(NamedTuple):
    """One epoch."""

    epoch: int
    replica_id: str
    base: int
    """The place before its first operation."""
    certain: bool
    """Whether this machine itself knows that its database was restored."""
    opened: bool
    """Whether central has taken a push of it."""
    begun_ms: int = 0


class Sending(NamedTuple):
    """Where sending goes on."""

    life: Life
    after_seq: int


@dataclass(frozen=True, slots=True)
class Lives:
    """All epochs of a journal, the oldest first."""

    all: tuple[Life, ...]

    def __iter__(self) -> Iterator[Life]:
        """Yield the oldest first."""
        return iter(self.all)

    @property
    def newest(self) -> Life:
        """The epoch that operations go to."""
        return self.all[-1]

    def at(self, seq: int) -> Life:
        """Return the epoch of the operation at a place."""
        return next((life for life in reversed(self.all) if life.base < seq), self.all[0])

    def before(self, life: Life) -> Life | None:
        """Return the epoch before one, None before the first."""
        return max((one for one in self.all if one.epoch < life.epoch), default=None)

    def named(self, replica_id: str, epoch: int) -> Life | None:
        """Return an epoch by its name at central."""
        wanted = (replica_id, epoch)
        return next((one for one in self.all if (one.replica_id, one.epoch) == wanted), None)

    def first_of(self, replica_id: str) -> Life:
        """Return the first epoch under a name."""
        return next(life for life in self.all if life.replica_id == replica_id)

    @property
    def present(self) -> Life:
        """The first epoch under the present name."""
        return self.first_of(self.newest.replica_id)

    def begun_by(self, mark: Watermark, name: str) -> int:
        """Return the first epoch of the name that a row's watermark speaks for.

        Of earlier ones central may hold work back, whatever the row includes; under one name
        what follows on the same order waits behind it. A row of another device's
        speaks for the present `name`.
        """
        known = any(life.replica_id == mark.replica_id for life in self.all)
        return self.first_of(mark.replica_id if known else name).epoch

    def included(self, mark: Watermark, name: str) -> int:
        """Return the last place that a row with this watermark includes.

        A row of another device's includes what was done here under former names; one that
        no device has touched includes nothing.
        """
        if not mark.replica_id:
            return self.all[0].base
        if all(life.replica_id != mark.replica_id for life in self.all):
            return self.first_of(name).base
        later = (life.base for life in self.all if life.epoch > mark.epoch)
        return min((mark.seq, *later))
