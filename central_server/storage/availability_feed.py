"""What shops were told of availability last: one row a SKU, in the order of its rev."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, select, text

from central_server.storage.bulk import is_postgresql, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.promise_tables import AVAILABILITY_FEED, AVAILABILITY_FEED_PLACES

_LOCK = 5_140_171_207
"""Any number: on PostgreSQL, who publishes waits for others under it."""
_VALUES = ("sku", "level", "units", "rev", "at_ms")
_OF_NETWORK = ("channel", "method")
_OF_PLACE = ("location_id", *_OF_NETWORK)

Key = tuple[str, ...]
"""What a feed is of: channel and method; of one place, the location before them."""
LevelOf = Callable[[int], int]
"""Returns the level of so many units."""


def _levels(table: Table, names: Key) -> Prepared:
    return Prepared(
        lambda engine: select(table.c.sku, table.c.level, table.c.units).where(
            *(table.c[name] == bindparam(name) for name in names),
            engine.among(table.c.sku, "skus"),
        )
    )


_LEVELS = _levels(AVAILABILITY_FEED, _OF_NETWORK)
_LEVELS_THERE = _levels(AVAILABILITY_FEED_PLACES, _OF_PLACE)


class AvailabilityFeed:
    """The tables `availability_feed` and `availability_feed_places`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def publish(self, key: Key, found: Mapping[str, int], now_ms: int, level_of: LevelOf) -> int:
        """Write units by SKU where their level is another one; return how many were.

        A rev is taken under a lock that lasts until the commit, so a reader that has seen
        one has seen all below.
        """
        if is_postgresql(self._connection):
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        changed = self.changed(key, found, level_of)
        if changed:
            table, names = _kept(key)
            last = self.last_rev(key)
            rows = [
                (*key, sku, level_of(units), units, rev, now_ms)
                for rev, (sku, units) in enumerate(sorted(changed.items()), last + 1)
            ]
            upsert_many(self._connection, table, (*names, *_VALUES), rows)
        return len(changed)

    def changed(self, key: Key, found: Mapping[str, int], level_of: LevelOf) -> dict[str, int]:
        """Return those of the units by SKU whose level is another than the one written.

        `level_of` is by the thresholds of now: what was written by others is another one, too.
        """
        kept = self._levels(key, found)

        def is_told(sku: str, units: int) -> bool:
            level, told = kept.get(sku, (0, 0))
            return level_of(units) == level == level_of(told)

        return {sku: units for sku, units in found.items() if not is_told(sku, units)}

    def last_rev(self, key: Key) -> int:
        """Return the newest rev."""
        table, _ = _kept(key)
        wanted = select(func.max(table.c.rev)).where(_is_of(key))
        return int(self._connection.execute(wanted).scalar() or 0)

    def after(self, key: Key, rev: int, limit: int) -> list[tuple[str, int, int, int, int]]:
        """Return (SKU, level, units, rev, at) with a rev above this one, in order."""
        table, _ = _kept(key)
        wanted = (
            select(*(table.c[name] for name in _VALUES))
            .where(_is_of(key), table.c.rev > rev)
            .order_by(table.c.rev)
            .limit(limit)
        )
        rows = self._connection.execute(wanted)
        return [(sku, level, units, own, at_ms) for sku, level, units, own, at_ms in rows]

    def _levels(self, key: Key, skus: Collection[str]) -> dict[str, tuple[int, int]]:
        query = _LEVELS if len(key) == len(_OF_NETWORK) else _LEVELS_THERE
        given: dict[str, Any] = dict(zip(_kept(key)[1], key, strict=True))
        rows = query.rows(self._connection, **given, skus=skus)
        return {sku: (level, units) for sku, level, units in rows}


def _kept(key: Key) -> tuple[Table, Key]:
    """Return where a feed is kept, and the names of what it is of."""
    if len(key) == len(_OF_NETWORK):
        return AVAILABILITY_FEED, _OF_NETWORK
    return AVAILABILITY_FEED_PLACES, _OF_PLACE


def _is_of(key: Key) -> ColumnElement[bool]:
    table, names = _kept(key)
    return and_(*(table.c[name] == value for name, value in zip(names, key, strict=True)))
