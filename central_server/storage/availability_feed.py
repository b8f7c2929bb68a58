"""What shops were told of availability last: one row a SKU, in the order of its rev."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import Connection, bindparam, func, select, text

from central_server.storage.bulk import is_postgresql, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.promise_tables import AVAILABILITY_FEED

_TABLE = AVAILABILITY_FEED.c
_COLUMNS = ("channel", "method", "sku", "level", "units", "rev", "at_ms")
_LOCK = 5_140_171_207
"""Any number: on PostgreSQL, who publishes waits for others under it."""


LevelOf = Callable[[int], int]
"""Returns the level of so many units."""

_LEVELS = Prepared(
    lambda engine: select(_TABLE.sku, _TABLE.level, _TABLE.units).where(
        _TABLE.channel == bindparam("channel"), _TABLE.method == bindparam("method"),
        engine.among(_TABLE.sku, "skus"),
    )
)  # fmt: skip


class AvailabilityFeed:
    """The table `availability_feed`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def publish(
        self,
        channel: str,
        method: str,
        found: Mapping[str, int],
        now_ms: int,
        level_of: LevelOf,
    ) -> int:
        """Write units by SKU where their level is another one; return how many were.

        A rev is taken under a lock that lasts until the commit, so a reader that has seen
        one has seen all below.
        """
        if is_postgresql(self._connection):
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        changed = self.changed(channel, method, found, level_of)
        if changed:
            last = self.last_rev(channel, method)
            rows = [
                (channel, method, sku, level_of(units), units, rev, now_ms)
                for rev, (sku, units) in enumerate(sorted(changed.items()), last + 1)
            ]
            upsert_many(self._connection, AVAILABILITY_FEED, _COLUMNS, rows)
        return len(changed)

    def changed(
        self,
        channel: str,
        method: str,
        found: Mapping[str, int],
        level_of: LevelOf,
    ) -> dict[str, int]:
        """Return those of the units by SKU whose level is another than the one written.

        `level_of` is by the thresholds of now: what was written by others is another one, too.
        """
        kept = self._levels(channel, method, found)

        def is_told(sku: str, units: int) -> bool:
            level, told = kept.get(sku, (0, 0))
            return level_of(units) == level == level_of(told)

        return {sku: units for sku, units in found.items() if not is_told(sku, units)}

    def last_rev(self, channel: str, method: str) -> int:
        """Return the newest rev."""
        wanted = select(func.max(_TABLE.rev)).where(
            _TABLE.channel == channel, _TABLE.method == method
        )
        return int(self._connection.execute(wanted).scalar() or 0)

    def after(
        self, channel: str, method: str, rev: int, limit: int
    ) -> list[tuple[str, int, int, int, int]]:
        """Return (SKU, level, units, rev, at) with a rev above this one, in order."""
        wanted = (
            select(_TABLE.sku, _TABLE.level, _TABLE.units, _TABLE.rev, _TABLE.at_ms)
            .where(_TABLE.channel == channel, _TABLE.method == method, _TABLE.rev > rev)
            .order_by(_TABLE.rev)
            .limit(limit)
        )
        rows = self._connection.execute(wanted)
        return [(sku, level, units, own, at_ms) for sku, level, units, own, at_ms in rows]

    def _levels(
        self, channel: str, method: str, skus: Collection[str]
    ) -> dict[str, tuple[int, int]]:
        rows = _LEVELS.rows(self._connection, channel=channel, method=method, skus=skus)
        return {sku: (level, units) for sku, level, units in rows}
