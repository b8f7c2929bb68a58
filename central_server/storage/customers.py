"""Customers on file."""

from collections.abc import Sequence
from dataclasses import astuple, fields

from sqlalchemy import Connection, select

from central_server.records import Customer
from central_server.storage.bulk import upsert_many
from central_server.storage.tables import CUSTOMERS

_NAMES = tuple(field.name for field in fields(Customer))
_COLUMNS = tuple(CUSTOMERS.c[name] for name in _NAMES)


class Customers:
    """The table `customers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upsert(self, customers: Sequence[Customer]) -> None:
        """Add customers or replace them, in bulk."""
        upsert_many(self._connection, CUSTOMERS, _NAMES, [astuple(one) for one in customers])

    def get(self, customer_id: str) -> Customer | None:
        """Return one customer."""
        found = select(*_COLUMNS).where(CUSTOMERS.c.id == customer_id)
        row = self._connection.execute(found).one_or_none()
        return None if row is None else Customer(*row)

    def page(self, after: str = "", limit: int = 100) -> tuple[Customer, ...]:
        """Return customers by id, after one."""
        rows = self._connection.execute(
            select(*_COLUMNS).where(CUSTOMERS.c.id > after).order_by(CUSTOMERS.c.id).limit(limit)
        )
        return tuple(Customer(*row) for row in rows)
