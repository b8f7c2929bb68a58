"""print.db: what is to be on paper. Durable, of this machine alone, and no part of the journal.

A terminal adds; the one daemon of the machine claims, prints and says so. Between
the claim and the word that it is printed a crash leaves a doubt: what can carry the
word COPY is then printed once more with it, everything else waits for a person.
Nothing is ever on paper twice without one of the two.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock

from store_client.devices import (
    CAN_BE_MARKED,
    PrintForm,
    PrintJob,
    PrintKind,
    PrintState,
)
from sync.edge.sqlite import CommitHook, Error, no_hook, open_database, transaction

KEPT_MAX = 200
"""Jobs that are done stay listed, to be printed again; more than these are forgotten."""
_COLUMNS = "kind, name, form, code, by, id, printer, state, is_copy, tries, problem, created_ms"
_TABLE = """CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, form TEXT NOT NULL,
    body BLOB NOT NULL, code TEXT NOT NULL, by TEXT NOT NULL, printer TEXT NOT NULL,
    state TEXT NOT NULL, is_copy INTEGER NOT NULL, tries INTEGER NOT NULL,
    problem TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT"""
_INDEX = "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, printer, id)"


class PrintJobs:
    """Implements `PrintQueue`, and what the daemon needs of it. Thread-safe."""

    def __init__(
        self,
        path: Path,
        routes: Mapping[PrintKind, str],
        printers: Sequence[str],
        key: str = "",
        hook: CommitHook = no_hook,
    ) -> None:
        self._name = path.name
        self._hook = hook
        self._routes = dict(routes)
        self._printers = tuple(printers)
        self._lock = RLock()
        self._connection = open_database(path, key=key, synchronous="FULL")
        with self._lock, transaction(self._connection, self._name, self._hook):
            self._connection.execute(_TABLE)
            self._connection.execute(_INDEX)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    # --- for terminals ------------------------------------------------------------------

    def add(self, job: PrintJob, now_ms: int) -> bool:
        """Keep a job durably; False where no printer takes its kind, and nothing is kept.

        The very same thing again is a copy; one that still waits is not kept twice.
        Raises `OSError` where the disk is full.
        """
        printer = job.printer or self._routes.get(job.kind, "")
        if not printer:
            return False
        try:
            self._add(job, printer, now_ms)
        except Error as problem:
            raise OSError(f"the print queue cannot be written: {problem}") from problem
        return True

    def _add(self, job: PrintJob, printer: str, now_ms: int) -> None:
        with self._lock, transaction(self._connection, self._name, self._hook):
            known = self._connection.execute(
                "SELECT state, is_copy FROM jobs WHERE kind = ? AND name = ? AND body = ?",
                (job.kind.value, job.name, job.body),
            ).fetchall()
            if PrintState.WAITING.value not in {state for state, _ in known}:
                # a copy that was called off leaves a first one that is on paper, or may be
                seen = any(state != PrintState.CANCELLED.value or copy for state, copy in known)
                self._insert(job, printer, now_ms, is_copy=job.is_copy or seen)

    def _insert(self, job: PrintJob, printer: str, now_ms: int, *, is_copy: bool) -> None:
        self._connection.execute(
            "INSERT INTO jobs (kind, name, form, body, code, by, printer, state, is_copy, tries,"
            " problem, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, 0, '', ?)",
            (job.kind.value, job.name, job.form.value, job.body, job.code, job.by, printer,
             int(is_copy), now_ms),
        )  # fmt: skip

    def jobs(self, limit: int = 200) -> list[PrintJob]:
        """Return the jobs without their bodies: open ones first, then the newest."""
        with self._lock:
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM jobs ORDER BY state IN ('printed', 'cancelled'),"
                " CASE WHEN state IN ('printed', 'cancelled') THEN -id ELSE id END LIMIT ?",
                (limit,),
            ).fetchall()
        return [_job(row) for row in rows]

    def printers(self) -> Sequence[str]:
        """Return the names of the printers of this machine."""
        return self._printers

    def again(self, job_id: int, printer: str = "") -> bool:
        """Print a job again, or now: one that may be on paper as COPY. False if it cannot."""
        changed = self._write(
            "UPDATE jobs SET is_copy = is_copy OR state IN ('printed', 'doubtful'),"
            " state = 'waiting', tries = 0, problem = '',"
            " printer = CASE WHEN ? = '' THEN printer ELSE ? END"
            " WHERE id = ? AND state <> 'printing'",
            (printer, printer, job_id),
        )
        return changed == 1

    def cancel(self, job_id: int) -> bool:
        """Print it no more; False where it is being printed or has been."""
        changed = self._write(
            "UPDATE jobs SET state = 'cancelled' WHERE id = ? AND state IN ('waiting', 'doubtful')",
            (job_id,),
        )
        return changed == 1

    # --- for the daemon -----------------------------------------------------------------

    def claim(self, printer: str) -> PrintJob | None:
        """Take the oldest job that waits for a printer; it counts as being printed from now on."""
        with self._lock, transaction(self._connection, self._name, self._hook):
            row = self._connection.execute(
                f"UPDATE jobs SET state = 'printing', tries = tries + 1 WHERE id ="
                " (SELECT id FROM jobs WHERE state = 'waiting' AND printer = ? ORDER BY id LIMIT 1)"
                f" RETURNING {_COLUMNS}, body",
                (printer,),
            ).fetchone()
        return None if row is None else _job(row[:-1], bytes(row[-1]))

    def wants(self, printer: str) -> bool | None:
        """Return whether anything waits for a printer that nobody has tried yet; None: nothing."""
        with self._lock:
            row = self._connection.execute(
                "SELECT min(tries) FROM jobs WHERE state = 'waiting' AND printer = ?", (printer,)
            ).fetchone()
        return None if row[0] is None else row[0] == 0

    def printed(self, job_id: int) -> None:
        """Say that it is on paper, and forget what was printed long ago."""
        with self._lock, transaction(self._connection, self._name, self._hook):
            self._connection.execute(
                "UPDATE jobs SET state = 'printed', problem = '' WHERE id = ?", (job_id,)
            )
            self._connection.execute(
                "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN"
                " ('printed', 'cancelled') ORDER BY id DESC LIMIT -1 OFFSET ?)",
                (KEPT_MAX,),
            )

    def away(self, job_id: int, problem: str) -> None:
        """Say that nothing of it was sent: it waits as before."""
        self._write(
            "UPDATE jobs SET state = 'waiting', problem = ? WHERE id = ?", (problem, job_id)
        )

    def stuck(self, job_id: int, problem: str) -> None:
        """Say that it cannot be printed as it is: a person decides."""
        self._write(
            "UPDATE jobs SET state = 'doubtful', problem = ? WHERE id = ?", (problem, job_id)
        )

    def in_doubt(self, job_id: int, problem: str) -> None:
        """Say that it may be on paper: what can be marked is printed again as COPY."""
        self._doubt("id = ?", (job_id,), problem)

    def recover(self) -> int:
        """Find what was being printed when the last daemon ended; return how many.

        Only the one daemon of the machine may call it, before it prints.
        """
        return self._doubt("state = 'printing'", (), "the daemon ended while it was printed")

    def _doubt(self, which: str, parameters: tuple[object, ...], problem: str) -> int:
        forms = ", ".join(f"'{form.value}'" for form in sorted(CAN_BE_MARKED))
        return self._write(
            f"UPDATE jobs SET is_copy = 1, problem = ?, state = CASE WHEN form IN ({forms})"
            f" THEN 'waiting' ELSE 'doubtful' END WHERE {which}",
            (problem, *parameters),
        )

    def _write(self, sql: str, parameters: tuple[object, ...]) -> int:
        with self._lock, transaction(self._connection, self._name, self._hook):
            return int(self._connection.execute(sql, parameters).rowcount)


def _job(row: Sequence[object], body: bytes = b"") -> PrintJob:
    kind, name, form, code, by, job_id, printer, state, is_copy, tries, problem, created_ms = row
    return PrintJob(
        PrintKind(str(kind)), str(name), PrintForm(str(form)), body, str(code), str(by),
        id=int(str(job_id)), printer=str(printer), state=PrintState(str(state)),
        is_copy=bool(is_copy), tries=int(str(tries)), problem=str(problem),
        created_ms=int(str(created_ms)),
    )  # fmt: skip
