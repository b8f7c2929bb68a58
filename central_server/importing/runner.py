"""The loop of an import: rows from a source, through the checker, in batches to a sink.

A batch and how far the import is are one transaction of the sink's, so an
import that was interrupted goes on after its last whole batch. Rows before that
are read and checked again (their keys count for duplicates, their problems for
the report) and written to nowhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from central_server.importing.checker import CheckedRow, RowChecker
from central_server.importing.problems import RowProblem
from central_server.importing.reports import Counts, ProblemReport
from central_server.importing.sources import Source

BATCH = 1000
BATCH_MAX = 50_000
ROWS_PER_BATCH_MAX = 20
"""A batch of few good rows among many bad ones is written after so many times its size."""
Progress = Callable[[int], None]
"""Told the number of rows read so far, now and then."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch."""

    written: int
    unchanged: int
    refused: Sequence[RowProblem] = ()
    """Rows that central cannot take, such as stock of an unknown SKU: one problem a row."""


class Sink(Protocol):
    """Where good rows go."""

    def resume_after(self) -> int:
        """Return up to which row an earlier run of the same import has written everything."""
        ...

    def write(self, rows: Sequence[CheckedRow], offset: int, counts: Counts) -> Written:
        """Write a batch and that the import is now at row `offset`: both or neither."""
        ...

    def finish(self, offset: int, counts: Counts) -> None:
        """Record that the import is complete."""
        ...


class DrySink:
    """Writes nothing: for `--dry-run`."""

    def resume_after(self) -> int:
        """Start at the beginning."""
        return 0

    def write(self, rows: Sequence[CheckedRow], offset: int, counts: Counts) -> Written:
        """Count all rows as if they were written."""
        del offset, counts
        return Written(len(rows), 0)

    def finish(self, offset: int, counts: Counts) -> None:
        """Do nothing."""


def run_import(
    source: Source,
    checker: RowChecker,
    sink: Sink,
    report: ProblemReport,
    *,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Counts:
    """Read `source` to its end; return the counts, which the report keeps too."""
    counts = report.counts
    done = sink.resume_after()
    counts.resumed_after = done
    waiting: list[CheckedRow] = []
    number = flushed = 0
    for number, row in source.rows():
        if not checker.wants(row):
            counts.skipped += 1
            continue
        checked, problems = checker.check(number, row)
        if problems:
            report.row(problems)
        if checked is not None and number <= done:
            counts.unchanged += 1
        elif checked is not None:
            waiting.append(checked)
        if len(waiting) >= batch or number - max(flushed, done) >= batch * ROWS_PER_BATCH_MAX:
            _write(sink, waiting, number, report)
            flushed = number
        if progress is not None and number % batch == 0:
            progress(number)
    if waiting:
        _write(sink, waiting, number, report)
    sink.finish(number, counts)
    if progress is not None:
        progress(number)
    return counts


def _write(sink: Sink, waiting: list[CheckedRow], number: int, report: ProblemReport) -> None:
    written = sink.write(waiting, number, report.counts)
    report.counts.written += written.written
    report.counts.unchanged += written.unchanged
    for refused in written.refused:
        report.row([refused])
    waiting.clear()
