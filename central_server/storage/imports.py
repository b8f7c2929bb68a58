"""How far imports are, so that one can go on where it stopped."""

from dataclasses import astuple, fields

from sqlalchemy import Connection, select

from central_server.records import ImportJob
from central_server.storage.bulk import upsert_many
from central_server.storage.tables import IMPORT_JOBS

_NAMES = tuple(field.name for field in fields(ImportJob))


class ImportJobs:
    """The table `import_jobs`: one row per source and kind."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, kind: str, source_hash: str) -> ImportJob | None:
        """Return the import of a source, if it was ever begun."""
        row = self._connection.execute(
            select(*(IMPORT_JOBS.c[name] for name in _NAMES)).where(
                IMPORT_JOBS.c.kind == kind, IMPORT_JOBS.c.source_hash == source_hash
            )
        ).one_or_none()
        return None if row is None else ImportJob(*row)

    def save(self, job: ImportJob) -> None:
        """Write how far an import is, in the transaction of the rows that it took."""
        upsert_many(self._connection, IMPORT_JOBS, _NAMES, [astuple(job)])
