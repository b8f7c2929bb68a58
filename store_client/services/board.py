"""What any flow's board tells the Today screen: entries, in the order in which to work."""

from dataclasses import dataclass
from enum import StrEnum

from store_client.ports import BoardRow
from store_client.services.words import Said
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus

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


@dataclass(frozen=True, slots=True)
class Facts:
    """What the next step at the hold shelf follows from; from a row or from a whole order."""

    status: FulfillmentStatus
    to_pick: int
    to_put_back: int
    units_open: int
    promised_by_ms: int
    expires_at_ms: int | None
    staging_spot: str
    provisional: bool = False
    """Hangs on a request that central has not answered; unknown (False) for a whole order."""


def facts_of(order: FulfillmentOrder) -> Facts:
    """Return the facts of a whole order."""
    return Facts(
        status_of(order), order.total("to_pick"), order.total("to_put_back"), order.total("open"),
        order.promised_by_ms, order.expires_at_ms, order.staging_spot,
    )  # fmt: skip


def facts_of_row(row: BoardRow) -> Facts:
    """Return the facts of a board's row."""
    return Facts(
        row.status, row.units_to_pick, row.units_to_put_back, row.units_open,
        row.promised_by_ms, row.expires_at_ms, row.staging_spot, row.provisional,
    )  # fmt: skip


def summary(entries: list[BoardEntry]) -> dict[Group, int]:
    """Return how many entries each group has."""
    counts = dict.fromkeys(Group, 0)
    for entry in entries:
        counts[entry.group] += 1
    return counts
