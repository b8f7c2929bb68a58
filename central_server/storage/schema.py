"""Brings a database to this version's schema, and says where it stands."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from central_server.storage.bulk import is_postgresql
from central_server.storage.database import Database
from central_server.storage.routing_tables import METADATA
from central_server.storage.unit import Unit

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 5_140_171_203
"""Any number: on PostgreSQL, migrations of one database wait for one another under it."""


def migrate(database: Database) -> str:
    """Upgrade to the newest revision, in one transaction, and return it. Repeating is harmless."""

    def upgrade(unit: Unit) -> None:
        if is_postgresql(unit.connection):
            unit.connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        command.upgrade(_config(unit.connection), "head")

    database.write(upgrade)
    return newest_version()


def schema_version(database: Database) -> str | None:
    """Return the revision that the database is at; None if it was never migrated."""
    with database.read() as view:
        return MigrationContext.configure(view.connection).get_current_revision()


@cache
def newest_version() -> str:
    """Return the revision that this code expects."""
    newest = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    assert newest is not None
    return newest


def differences(database: Database) -> list[str]:
    """Return how the migrated schema differs from `tables.py`: nothing, if all is well."""
    with database.read() as view:
        context = MigrationContext.configure(view.connection, opts={"compare_type": True})
        return [repr(found) for found in compare_metadata(context, METADATA)]


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
