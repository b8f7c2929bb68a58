"""What is taken of each part of a location's day, safe for orders that are placed at once."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, delete, select, text, update

from central_server.sourcing.capacity import DAY_LONGEST_MS, CapacityUse, PartOfDay
from central_server.storage.bulk import among, insert_many
from central_server.storage.routing_tables import CAPACITY_CLAIMS, CAPACITY_USE

CLAIM = ("fulfillment_id", "location_id", "starts_ms", "units", "labor_seconds")


class Capacity:
    """The tables `capacity_use` and `capacity_claims`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def used(self, location_ids: Collection[str], now_ms: int) -> dict[str, dict[int, CapacityUse]]:
        """Return what is taken, by location and start of the part, of days that are not over."""
        table = CAPACITY_USE.c
        rows = self._connection.execute(
            select(
                table.location_id, table.starts_ms, table.units, table.orders, table.labor_seconds
            ).where(
                among(self._connection, table.location_id, location_ids),
                table.starts_ms >= now_ms - DAY_LONGEST_MS,
            )
        )
        found: dict[str, dict[int, CapacityUse]] = {}
        for place, start, *use in rows:
            found.setdefault(place, {})[start] = CapacityUse(*use)
        return found

    def take(self, location_id: str, part: PartOfDay, more: CapacityUse) -> bool:
        """Take a part of a location's day, if it fits; one statement, so no two take the last.

        What was counted by other hours than those of the part, but counts against it, is
        looked at in the same statement; nobody adds to that any more.
        """
        limit = part.limit
        if not limit.fits(more):
            return False
        values: dict[str, Any] = {
            "place": location_id, "starts": part.starts_ms, "units": more.units,
            "orders": more.orders, "labor": more.labor_seconds,
            "since": part.counts_from_ms, "until": part.counts_until_ms,
            "units_max": _any(limit.units), "orders_max": _any(limit.orders),
            "labor_max": _any(limit.labor_seconds),
        }  # fmt: skip
        done = self._connection.execute(_TAKE, values)
        return done.one_or_none() is not None

    def claim(
        self, fulfillment_id: str, location_id: str, starts_ms: int, taken: CapacityUse
    ) -> None:
        """Write down for which fulfillment order it was taken."""
        row = (fulfillment_id, location_id, starts_ms, taken.units, taken.labor_seconds)
        insert_many(self._connection, CAPACITY_CLAIMS, CLAIM, [row])

    def give_back(self, location_id: str, starts_ms: int, taken: CapacityUse) -> None:
        """Give back what was taken and not claimed."""
        table = CAPACITY_USE
        self._connection.execute(
            update(table)
            .where(table.c.location_id == location_id, table.c.starts_ms == starts_ms)
            .values(
                units=table.c.units - taken.units, orders=table.c.orders - taken.orders,
                labor_seconds=table.c.labor_seconds - taken.labor_seconds,
            )
        )  # fmt: skip

    def release(self, fulfillment_ids: Collection[str]) -> None:
        """Give back what fulfillment orders took; those that took nothing change nothing."""
        if not fulfillment_ids:
            return
        table = CAPACITY_CLAIMS
        rows = self._connection.execute(
            delete(table)
            .where(among(self._connection, table.c.fulfillment_id, fulfillment_ids))
            .returning(table.c.location_id, table.c.starts_ms, table.c.units,
                       table.c.labor_seconds)
        ).all()  # fmt: skip
        for location_id, starts_ms, units, labor in sorted(rows):
            self.give_back(location_id, starts_ms, CapacityUse(units, 1, labor))


_ANY = 2**53


def _any(limit: int | None) -> int:
    return _ANY if limit is None else limit


_AMOUNTS = {"units": "units", "orders": "orders", "labor_seconds": "labor"}
"""Columns of a use, and what their values are called in the statement."""
_OTHERS = (
    " FROM capacity_use AS o WHERE o.location_id = :place AND o.starts_ms <> :starts"
    " AND o.starts_ms >= :since AND o.starts_ms < :until"
)
_TAKE = text(
    f"INSERT INTO capacity_use (location_id, starts_ms, {', '.join(_AMOUNTS)})"
    " SELECT CAST(:place AS TEXT), CAST(:starts AS BIGINT), "
    + ", ".join(f"CAST(:{value} AS BIGINT)" for value in _AMOUNTS.values())
    + " WHERE "
    + " AND ".join(
        f":{value} + (SELECT COALESCE(SUM(o.{name}), 0){_OTHERS}) <= :{value}_max"
        for name, value in _AMOUNTS.items()
    )
    + " ON CONFLICT (location_id, starts_ms) DO UPDATE SET "
    + ", ".join(f"{name} = capacity_use.{name} + excluded.{name}" for name in _AMOUNTS)
    + " WHERE "
    + " AND ".join(
        f"capacity_use.{name} + excluded.{name}"
        f" + (SELECT COALESCE(SUM(o.{name}), 0){_OTHERS}) <= :{value}_max"
        for name, value in _AMOUNTS.items()
    )
    + " RETURNING units"
)
