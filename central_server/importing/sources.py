"""Files as streams of rows: CSV (plain or gzip) and Parquet. Never a whole file in memory.

Rows are numbered from 1, the header not counted, in the order of the file; the
number is what an error report names and what a resumed import goes on after.
"""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from central_server.importing.problems import EXIT_NOT_FOUND, EXIT_USAGE, ImportFailed

Row = dict[str, object]

SNIFF_CHARACTERS = 64 * 1024
DELIMITERS = ",;\t|"
NO_DELIMITERS = '"\r\n'
PARQUET_ROWS = 4096
HASH_BYTES = 1024 * 1024
FIELD_CHARACTERS_MAX = 1024 * 1024
UNNAMED = "(beyond the header)"
"""The name of cells to the right of the last named column."""


class Source(Protocol):
    """A file that can be read from its beginning, more than once."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names in the header."""
        ...

    @property
    def rows_total(self) -> int | None:
        """How many rows there are; None where only reading would tell."""
        ...

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield (row number, row) from the first."""
        ...


def open_source(path: Path, *, encoding: str = "utf-8-sig", delimiter: str | None = None) -> Source:
    """Return the source in `path`, by its name: .csv, .csv.gz, .tsv, .txt or .parquet."""
    if not path.is_file():
        raise ImportFailed(f"there is no file {path}", EXIT_NOT_FOUND)
    if path.suffix == ".parquet":
        return ParquetSource(path)
    name = path.name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv", ".txt")):
        return CsvSource(path, encoding=encoding, delimiter=delimiter)
    raise ImportFailed(f"{path.name} is neither .csv, .csv.gz nor .parquet", EXIT_USAGE)


def file_hash(path: Path) -> str:
    """Return the BLAKE2b-128 of a file's bytes, hexadecimal: by it a file is known again."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()


class CsvSource:
    """A CSV file with a header line."""

    rows_total: int | None = None

    def __init__(self, path: Path, *, encoding: str, delimiter: str | None) -> None:
        self._path = path
        self._encoding = encoding
        if delimiter is not None and (len(delimiter) != 1 or delimiter in NO_DELIMITERS):
            raise ImportFailed(f"--delimiter is one character, not {delimiter!r}", EXIT_USAGE)
        csv.field_size_limit(FIELD_CHARACTERS_MAX)
        with self._open() as file:
            self._delimiter = delimiter or _sniffed(file.read(SNIFF_CHARACTERS))
        with self._open() as file:
            header = next(csv.reader(file, delimiter=self._delimiter), None)
        if not header:
            raise ImportFailed(f"{path.name} has no header line", EXIT_USAGE)
        self.columns: tuple[str, ...] = tuple(name.strip() for name in header)
        if len(set(self.columns)) < len(self.columns):
            raise ImportFailed(f"{path.name} names a column twice: {header}", EXIT_USAGE)

    @contextmanager
    def _open(self) -> Iterator[TextIO]:
        try:
            if self._path.suffix == ".gz":
                with gzip.open(self._path, "rt", encoding=self._encoding, newline="") as file:
                    yield file
            else:
                with self._path.open(encoding=self._encoding, newline="") as file:
                    yield file
        except UnicodeError as problem:
            where = f"byte {problem.start} of a block" if hasattr(problem, "start") else problem
            raise ImportFailed(
                f"{self._path.name} is not {self._encoding}: {where}; name another with --encoding",
                EXIT_USAGE,
            ) from problem
        except LookupError as problem:
            raise ImportFailed(f"--encoding: {problem}", EXIT_USAGE) from problem
        except (EOFError, gzip.BadGzipFile, zlib.error, csv.Error) as problem:
            raise ImportFailed(f"{self._path.name} is damaged: {problem}") from problem
        except OSError as problem:
            raise ImportFailed(f"{self._path.name} cannot be read: {problem.strerror}") from problem

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield the rows; a short row lacks its last columns, a long one has `UNNAMED`."""
        with self._open() as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            next(reader, None)
            number = 0
            for cells in reader:
                if not cells:
                    continue
                number += 1
                row: Row = dict(zip(self.columns, cells, strict=False))
                if len(cells) > len(self.columns):
                    row[UNNAMED] = cells[len(self.columns) :]
                yield number, row


def _sniffed(sample: str) -> str:
    """Return the delimiter of the header line: the one that occurs there most."""
    header = sample.splitlines()[0] if sample else ""
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","


class ParquetSource:
    """A Parquet file, read in record batches."""

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import parquet
        except ImportError as problem:
            raise ImportFailed(
                "reading Parquet needs pyarrow: pip install 'holdshelf[import]'", EXIT_USAGE
            ) from problem
        try:
            self._file = parquet.ParquetFile(path)
        except (OSError, ValueError) as problem:
            raise ImportFailed(f"{path.name} is not a Parquet file: {problem}") from problem
        self._name = path.name
        self.columns: tuple[str, ...] = tuple(self._file.schema_arrow.names)
        self.rows_total: int | None = int(self._file.metadata.num_rows)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield the rows; values keep their types, a missing one is None."""
        number = 0
        batches = self._file.iter_batches(PARQUET_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (OSError, ValueError) as problem:
                raise ImportFailed(f"{self._name} is damaged: {problem}") from problem
            if batch is None:
                return
            for row in batch.to_pylist():
                number += 1
                yield number, row
