"""What shops were told of availability last: one row a SKU, in the order of its rev."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, select, text

from central_server.storage.bulk import is_postgresql, upsert_many
from central_server.storage.prepared import Engine, Prepared
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
Units = Mapping[str, int]
"""What may be promised, by SKU."""


def _levels(table: Table, names: Key) -> Prepared:
    """Return the question what was told; each of `names`, and of SKUs, is a list."""
    key = (*names, "sku")
    return Prepared(
        lambda engine: select(*(table.c[name] for name in (*key, "level", "units"))).where(
            *(_any(engine, table.c[name]) for name in key)
        )
    )


def _any(engine: Engine, column: Any) -> ColumnElement[bool]:
    """Return `column` among the list of its name, where all columns of a key have such lists.

    Lists that are tables PostgreSQL joins in an order of its own, and reads these feeds whole.
    """
    if not engine.is_postgresql:
        return engine.among(column, column.name)
    condition = text(f"{column.table.name}.{column.name} = ANY(CAST(:{column.name} AS text[]))")
    return cast("ColumnElement[bool]", condition.bindparams(bindparam(column.name)))


_LEVELS = _levels(AVAILABILITY_FEED, _OF_NETWORK)
_LEVELS_THERE = _levels(AVAILABILITY_FEED_PLACES, _OF_PLACE)


class AvailabilityFeed:
    """The tables `availability_feed` and `availability_feed_places`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def publish(self, key: Key, found: Units, now_ms: int, level_of: LevelOf) -> int:
        """Write units by SKU where their level is another one; return how many were.

        A rev is taken under a lock that lasts until the commit, so a reader that has seen
        one has seen all below.
        """
        if is_postgresql(self._connection):
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        changed = self.changed({key: found}, level_of).get(key)
        if changed:
            table, names = _kept(key)
            last = self.last_rev(key)
            rows = [
                (*key, sku, level_of(units), units, rev, now_ms)
                for rev, (sku, units) in enumerate(sorted(changed.items()), last + 1)
            ]
            upsert_many(self._connection, table, (*names, *_VALUES), rows)
        return len(changed or ())

    def changed(self, found: Mapping[Key, Units], level_of: LevelOf) -> dict[Key, dict[str, int]]:
        """Return those of the units, by feed and SKU, whose level is another than the one written.

        Feeds without any are not in it. `level_of` is by the thresholds of now: what was
        written by others is another one, too. One statement for feeds of the network, and one
        for those of places, however many there are.
        """
        kept = self._levels(found)

        def is_told(row: Key, units: int) -> bool:
            level, told = kept.get(row, (0, 0))
            return level_of(units) == level == level_of(told)

        changed = {
            key: {sku: count for sku, count in units.items() if not is_told((*key, sku), count)}
            for key, units in found.items()
        }
        return {key: units for key, units in changed.items() if units}

    def told(self) -> set[str]:
        """Return the SKUs of which any shop was told that there are some."""
        return {
            sku
            for table in (AVAILABILITY_FEED, AVAILABILITY_FEED_PLACES)
            for (sku,) in self._connection.execute(
                select(table.c.sku).where((table.c.level > 0) | (table.c.units > 0)).distinct()
            )
        }

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

    def _levels(self, found: Mapping[Key, Units]) -> dict[Key, tuple[int, int]]:
        """Return level and units as they were told, by feed and SKU."""
        kept: dict[Key, tuple[int, int]] = {}
        for query, names in ((_LEVELS, _OF_NETWORK), (_LEVELS_THERE, _OF_PLACE)):
            feeds = [key for key in found if len(key) == len(names)]
            if not feeds:
                continue
            lists = (dict.fromkeys(one) for one in zip(*feeds, strict=True))
            asked: dict[str, Collection[str]] = dict(zip(names, lists, strict=True))
            asked["sku"] = {sku for key in feeds for sku in found[key]}
            rows = query.rows(self._connection, **asked)
            kept |= {tuple(row): (level, units) for *row, level, units in rows}
        return kept


def _kept(key: Key) -> tuple[Table, Key]:
    """Return where a feed is kept, and the names of what it is of."""
    if len(key) == len(_OF_NETWORK):
        return AVAILABILITY_FEED, _OF_NETWORK
    return AVAILABILITY_FEED_PLACES, _OF_PLACE


def _is_of(key: Key) -> ColumnElement[bool]:
    table, names = _kept(key)
    return and_(*(table.c[name] == value for name, value in zip(names, key, strict=True)))
