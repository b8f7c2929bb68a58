"""How far imports are, so that one can go on where it stopped."""

from dataclasses import astuple, fields

from sqlalchemy import Connection, select

from central_server.records import ImportJob
from central_server.storage.bulk import upsert_many
from central_server.storage.tables import IMPORT_JOBS

_NAMES = tuple(field.name for field in fields(ImportJob))


class ImportJobs:
    """The table `import_jobs`: one row per source and kind.

    A further row for each kind, `last:products`, has the source of which rows were taken last.
    """

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
        name = _last(job.kind)
        rows = [job, ImportJob(name, job.source_hash, name)]
        upsert_many(self._connection, IMPORT_JOBS, _NAMES, [astuple(one) for one in rows])

    def last(self, kind: str) -> str | None:
        """Return the source of which rows of a kind were taken last, if that is known."""
        wanted = select(IMPORT_JOBS.c.source_hash).where(IMPORT_JOBS.c.id == _last(kind))
        return self._connection.execute(wanted).scalar_one_or_none()


def _last(kind: str) -> str:
    return f"last:{kind}"
