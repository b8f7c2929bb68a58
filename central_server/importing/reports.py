"""What an import did: counts, and a CSV with one line for each problem."""

import csv
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from central_server.importing.problems import RowProblem, Severity

HEADER = ("row", "severity", "column", "value", "problem")
FIRST_SHOWN = 5
"""Problems that a summary shows; the report has all of them."""


@dataclass
class Counts:
    """Rows of one run, each in exactly one of the first five."""

    written: int = 0
    """New or changed at central."""
    unchanged: int = 0
    """Central had just these values."""
    bad: int = 0
    duplicates: int = 0
    skipped: int = 0
    """Left out by the mapping's `only`."""
    warnings: int = 0
    """Values left out of rows that were taken."""
    orders: int = 0
    """Orders that stand at central now; only where the kind is `orders`."""
    orders_refused: int = 0
    """Orders that central did not take; the report names each by its first row."""
    emptied: int = 0
    """SKUs of locations that a whole file of stock leaves out: there are none of them now."""
    resumed_after: int = 0
    """Rows that an earlier run had written already; they are counted as `unchanged`."""

    @property
    def rows(self) -> int:
        """Rows read."""
        return self.written + self.unchanged + self.bad + self.duplicates + self.skipped


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The outcome of one import, as `--json` prints it."""

    kind: str
    file: str
    counts: Counts
    seconds: float
    dry_run: bool
    already_done: bool
    report: str
    first_problems: tuple[RowProblem, ...]

    def document(self) -> dict[str, object]:
        """Return plain JSON values."""
        rate = self.counts.rows / self.seconds if self.seconds else 0.0
        return {
            "kind": self.kind,
            "file": self.file,
            "rows": self.counts.rows,
            **asdict(self.counts),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(rate),
            "dry_run": self.dry_run,
            "already_done": self.already_done,
            "report": self.report,
            "first_problems": [asdict(problem) for problem in self.first_problems],
        }


@dataclass
class ProblemReport(AbstractContextManager["ProblemReport"]):
    """Writes problems as they come. Without a path it only counts them."""

    path: Path | None
    counts: Counts
    first: list[RowProblem] = field(default_factory=list)
    _file: TextIO | None = None

    def __enter__(self) -> Self:
        """Open the file and write its header."""
        if self.path is not None:
            self._file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._file, lineterminator="\n").writerow(HEADER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file, whatever happened."""
        if self._file is not None:
            self._file.close()

    def row(self, problems: Iterable[RowProblem]) -> None:
        """Record the problems of one row, and count the row by the worst of them."""
        found = list(problems)
        severities = {problem.severity for problem in found}
        if Severity.ERROR in severities:
            self.counts.bad += 1
        elif Severity.DUPLICATE in severities:
            self.counts.duplicates += 1
        self.counts.warnings += sum(one.severity is Severity.WARNING for one in found)
        self._note(found)

    def order(self, problem: RowProblem) -> None:
        """Record an order that central did not take; its rows themselves were good."""
        self.counts.orders_refused += 1
        self._note([problem])

    def _note(self, found: list[RowProblem]) -> None:
        self.first += found[: max(0, FIRST_SHOWN - len(self.first))]
        if self._file is not None:
            writer = csv.writer(self._file, lineterminator="\n")
            for one in found:
                writer.writerow((one.row, one.severity, one.column, one.value, one.problem))
