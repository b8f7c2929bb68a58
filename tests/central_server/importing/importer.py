"""Small tables, and what imports them into one database."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from pydantic import TypeAdapter

from central_server.importing.job import ImportOptions, ImportRun, Target
from central_server.importing.reports import ImportSummary
from central_server.importing.sinks import Policy
from central_server.services.catalogue_intake import CatalogueIntake
from central_server.storage.database import Database
from central_server.storage.stock_rows import OpeningStock
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow, Entity, store_scope
from tests.central_server.importing.files import write_table
from tests.support.clocks import FrozenClock

LOCATIONS = (
    ("location_id", "name", "latitude", "longitude", "timezone", "price_zone", "hours"),
    ("S1", "North", 40.0, -80.0, "America/New_York", "US", "mon=09:00-21:00"),
    ("S2", "South", 35.0, -90.0, "America/Chicago", "US", ""),
)
PRODUCTS = (
    ("sku", "name", "gtin"),
    *((f"P{n:02}", f"Thing {n}", "80686842019" if n == 0 else "") for n in range(25)),
)
PRICES = (("zone", "sku", "amount_minor", "currency"), ("US", "P00", 199, "USD"))
STOCK = (
    ("location_id", "sku", "on_hand", "aisle"),
    ("S1", "P00", 10, "A1"),
    ("S2", "P01", 4, ""),
    ("S9", "P01", 4, ""),
    ("S1", "NONE", 4, ""),
)


class Pokes:
    """Counts what is published."""

    def __init__(self) -> None:
        self.heads: list[Any] = []

    def publish(self, heads) -> None:
        self.heads += heads


class Importer:
    """Imports tables into one database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.pokes = Pokes()
        self.clock = FrozenClock()
        intake = CatalogueIntake(database, self.clock, self.pokes, OpeningStock)
        self.target = Target(database, intake, Policy(20, 1, 7), Random(1))

    def __call__(self, kind: str, table: Sequence[Any], **options: Any) -> ImportSummary:
        file = self.folder / options.pop("name", f"{kind}.csv")
        if not file.exists():
            write_table(file, table)
        run = ImportRun(ImportOptions(kind, file, **options), self.clock)
        return run.into(self.target)

    def people(self, location_id: str) -> dict[str, tuple[Role, bool]]:
        """Return whom a store's terminals know: role, and whether they may sign in."""
        with self.database.read() as view:
            rows = view.feed.rows_after(store_scope(location_id), 0, 1000)
        living = [one.body for one in rows if one.entity == Entity.ASSOCIATE and one.body]
        found = [TypeAdapter(AssociateRow).validate_json(body) for body in living]
        return {one.id: (one.role, one.active) for one in found}

    def head(self, scope: str) -> int:
        with self.database.read() as view:
            return view.feed.scope(scope).rev
