"""The last session of each drawer, open or counted: it is read and kept, however old it is.

Until somebody counts it, what should be in the drawer is the sum of all that moved
money at its terminal since it was opened; then it says which number the next one has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sync.domain.money_operations import DRAWER_PREFIX

TURNS = (
    "SELECT o.aggregate, o.kind, o.epoch, o.seq"
    " FROM operations o INDEXED BY operations_by_aggregate LEFT JOIN verdicts v USING (epoch, seq)"
    f" WHERE o.aggregate >= '{DRAWER_PREFIX}' AND o.aggregate < '{DRAWER_PREFIX[:-1]};'"
    " AND o.kind IN ('drawer_opened', 'drawer_counted') AND coalesce(v.status, '') <> 'refused'"
    " ORDER BY o.epoch, o.seq"
)
"""When drawers were opened and counted. The index holds few of them beside all else."""
OF_SESSION = (
    "(epoch, seq) >= (?, ?) AND (epoch, seq) <= (?, ?)"
    " AND json_extract(CAST(line AS TEXT), '$.dev') = ?"
)
"""What was done at a terminal during a session; see `LastSession.given`."""
_OPEN_END = (2**62, 0)


@dataclass(frozen=True, slots=True)
class LastSession:
    """The last session of a drawer, from one place in the journal to another: epoch and seq."""

    device: str
    begin: tuple[int, int]
    end: tuple[int, int] = _OPEN_END

    @property
    def given(self) -> tuple[int, int, int, int, str]:
        """The parameters of `OF_SESSION`."""
        return (*self.begin, *self.end, self.device)


def last_sessions(turns: Iterable[Sequence[Any]]) -> list[LastSession]:
    """Return the last session of each drawer, by the rows of `TURNS`."""
    found: dict[str, LastSession] = {}
    for aggregate, kind, epoch, seq in turns:
        device = aggregate.removeprefix(DRAWER_PREFIX)
        if kind == "drawer_opened":
            found[device] = LastSession(device, (epoch, seq))
        elif device in found:
            found[device] = LastSession(device, found[device].begin, (epoch, seq))
    return list(found.values())
