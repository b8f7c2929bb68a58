"""Files for the importing tests, and one run of an import over them."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from central_server.importing.checker import CheckedRow, RowChecker
from central_server.importing.mapping import load_mapping
from central_server.importing.places import Centroids
from central_server.importing.problems import RowProblem
from central_server.importing.reports import Counts, ProblemReport
from central_server.importing.runner import BATCH, Sink, Written, run_import
from central_server.importing.sources import open_source

Table = Sequence[Sequence[object]]


def write_table(path: Path, table: Table, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Write a table, the first row being its header, in the format of the file's name."""
    if path.suffix == ".parquet":
        header, *rows = table
        columns = {
            name: [row[index] for row in rows] for index, name in enumerate(map(str, header))
        }
        parquet.write_table(pa.table(columns), path)
        return path
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(table)
    return path


class Kept(NamedTuple):
    """A row that a sink got. The record's fields are those of its kind."""

    number: int
    record: Any


class ListSink:
    """A `Sink` that keeps rows in a list, and stops with an error when told."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.rows: list[Kept] = []
        self.batches: list[int] = []
        self.offset = 0
        self.done = False
        self.fail_after = fail_after

    def resume_after(self) -> int:
        return self.offset

    def write(self, rows: Sequence[CheckedRow], offset: int, counts: Counts) -> Written:
        if self.fail_after is not None and len(self.batches) == self.fail_after:
            raise KeyboardInterrupt
        self.rows += [Kept(row.number, row.record) for row in rows]
        self.batches.append(len(rows))
        self.offset = offset
        return Written(len(rows), 0)

    def finish(self, offset: int, counts: Counts) -> None:
        self.done = True


def import_into(
    sink: Sink,
    kind: str,
    file: Path,
    *columns: str,
    mapping: Path | None = None,
    batch: int = BATCH,
    report: Path | None = None,
    centroids: Centroids | None = None,
) -> tuple[Counts, list[RowProblem]]:
    """Run one import; return its counts and its first problems."""
    source = open_source(file)
    checker = RowChecker(kind, load_mapping(kind, mapping, columns), source, centroids=centroids)
    with ProblemReport(report, Counts()) as problems:
        run_import(source, checker, sink, problems, batch=batch)
        return problems.counts, problems.first
