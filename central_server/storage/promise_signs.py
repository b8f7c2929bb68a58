"""Signs of change: what tells, in one small query, whether promises in memory still hold.

Every change of a location's stock leaves a row in the feed of its scope, whose rev rises
inside the changing transaction. So the sum of all these revs rises with every change,
and whoever has seen rev n of a scope finds what changed since by its rows above n.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Cast, Column, Connection, bindparam, cast, func, select, text

from central_server.records import Lease
from central_server.storage.prepared import Prepared
from central_server.storage.promise_tables import PROMISE_REVISION
from central_server.storage.raw import Then, Together
from central_server.storage.tables import FEED_ROWS, FEED_SCOPES, LEASES
from sync.protocol.rows import CATALOGUE_SCOPE

STORE_SCOPES = "store:"
_OF_STORES = text("feed_scopes.scope >= 'store:' AND feed_scopes.scope < 'store;'")


def _sum(column: Column[int]) -> Cast[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


_HEAD = Prepared(
    lambda _: select(
        select(_sum(FEED_SCOPES.c.rev)).where(_OF_STORES).scalar_subquery(),
        select(PROMISE_REVISION.c.revision).scalar_subquery(),
        select(FEED_SCOPES.c.rev).where(FEED_SCOPES.c.scope == CATALOGUE_SCOPE).scalar_subquery(),
        select(func.count(LEASES.c.location_id)).scalar_subquery(),
        select(_sum(LEASES.c.until_ms)).scalar_subquery(),
        select(_sum(LEASES.c.token_ms)).scalar_subquery(),
        select(_sum(LEASES.c.generation)).scalar_subquery(),
    )
)
_REVS = Prepared(lambda _: select(FEED_SCOPES.c.scope, FEED_SCOPES.c.rev).where(_OF_STORES))
_CHANGED = Prepared(
    lambda _: select(FEED_ROWS.c.entity, FEED_ROWS.c.key).where(
        FEED_ROWS.c.scope == bindparam("scope"), FEED_ROWS.c.rev > bindparam("after")
    )
)
_LEASES = Prepared(
    lambda _: select(
        LEASES.c.location_id, LEASES.c.generation, LEASES.c.token_ms, LEASES.c.until_ms,
        LEASES.c.confirm_by_ms,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """How far a snapshot is."""

    feeds: int
    """The sum of the revs of all stores' scopes: of two snapshots the later one's is no less."""
    revision: int
    catalogue: int
    """The rev of the catalogue: rules may go by categories."""
    leases: tuple[int, ...]
    """Count and sums: other numbers mean that a lease changed."""

    def is_before(self, other: "Head") -> bool:
        """Return whether this snapshot lacks something that the other one has."""
        return (
            self.feeds < other.feeds
            or self.revision < other.revision
            or self.catalogue < other.catalogue
        )


class PromiseSigns:
    """Reads signs of change."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def head(self) -> Head:
        """Return how far this snapshot is."""
        row = _HEAD.row(self._connection)
        assert row is not None
        feeds, revision, catalogue, *leases = row
        return Head(feeds, revision or 0, catalogue or 0, tuple(leases))

    def revs(self) -> dict[str, int]:
        """Return the rev of every location's scope, by location."""
        start = len(STORE_SCOPES)
        return {scope[start:]: rev for scope, rev in _REVS.rows(self._connection)}

    def moved(self, before: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
        """Return the rev of every location's scope, and those from `before` of what has moved."""
        revs = self.revs()
        moved = {place: before.get(place, 0) for place in revs}
        return revs, {place: rev for place, rev in moved.items() if rev != revs[place]}

    def changed(self, after: Mapping[str, int]) -> list[tuple[str, str, str]]:
        """Return (location, entity, key) of what changed in locations' scopes after these revs."""
        found: list[tuple[str, str, str]] = []

        def note(place: str) -> Then:
            return lambda rows: found.extend((place, entity, key) for entity, key in rows)

        # One statement a scope, as each goes by its index, whatever the planner has heard.
        with Together(self._connection) as together:
            for place, rev in after.items():
                _CHANGED.ask(together, note(place), scope=STORE_SCOPES + place, after=rev)
        return found

    def leases(self) -> list[Lease]:
        """Return every lease."""
        return [Lease(*row) for row in _LEASES.rows(self._connection)]
