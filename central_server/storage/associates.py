"""Who may sign in where."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select

from central_server.storage.bulk import among, upsert_many
from central_server.storage.tables import ASSOCIATES
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow

_NAMES = ("id", "location_id", "name", "role", "pin_hash", "active")


class Associates:
    """The table `associates`. A row is the one that the store gets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upsert(self, location_id: str, associates: Sequence[AssociateRow]) -> None:
        """Add a location's associates or replace them."""
        rows = [
            (one.id, location_id, one.name, one.role.value, one.pin_hash, one.active)
            for one in associates
        ]
        upsert_many(self._connection, ASSOCIATES, _NAMES, rows)

    def at_location(self, location_id: str) -> tuple[AssociateRow, ...]:
        """Return a location's associates by id."""
        rows = self._connection.execute(
            select(ASSOCIATES)
            .where(ASSOCIATES.c.location_id == location_id)
            .order_by(ASSOCIATES.c.id)
        )
        return tuple(_associate(row) for row in rows)

    def lock(self, ids: Collection[str]) -> dict[str, tuple[str, AssociateRow]]:
        """Return (location, row) of people by id, and let nobody else change them."""
        rows = self._connection.execute(
            select(ASSOCIATES)
            .where(among(self._connection, ASSOCIATES.c.id, ids))
            .order_by(ASSOCIATES.c.id)
            .with_for_update()
        )
        return {row.id: (row.location_id, _associate(row)) for row in rows}


def _associate(row: Any) -> AssociateRow:
    return AssociateRow(row.id, row.name, Role(row.role), row.pin_hash, row.active)
