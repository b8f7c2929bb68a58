"""What any flow's board tells the Today screen: entries, in the order in which to work."""

from dataclasses import dataclass
from enum import StrEnum

from store_client.services.words import Said

OPEN_MAX = 20_000
"""Open orders of a flow that anything here looks at."""


class Group(StrEnum):
    """What kind of work an entry is; the Today screen counts and filters by it."""

    PUT_BACK = "put back"
    TO_DO = "to pick"
    TO_PACK = "to pack"
    TO_SHELF = "to shelf"
    WAITING = "waiting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """One order on the board: what to do next, and how urgent that is."""

    id: str
    order_number: str
    customer: str
    step: Said
    """What to do next."""
    due: Said
    """By when, or how late."""
    units: int
    spot: str
    group: Group
    rank: tuple[int, int, str]
    """Sorts the board: kind of urgency, time, order number."""
    late: bool = False
    provisional: bool = False


def summary(entries: list[BoardEntry]) -> dict[Group, int]:
    """Return how many entries each group has."""
    counts = dict.fromkeys(Group, 0)
    for entry in entries:
        counts[entry.group] += 1
    return counts
