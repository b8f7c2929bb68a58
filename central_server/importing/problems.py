"""What can be wrong with an import: one row, or the whole undertaking.

ImportFailed         the import cannot go on; `exit_code` is the command's
ValueRefused         one value is not what its column should hold: a row's problem
"""

from dataclasses import dataclass
from enum import StrEnum

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_REFUSED = 4
EXIT_UNREACHABLE = 5
EXIT_CONFLICT = 6


class ImportFailed(Exception):
    """The import cannot start or go on. Says why, and with which exit code."""

    def __init__(self, message: str, exit_code: int = EXIT_FAILED) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class ValueRefused(ValueError):
    """One value is not what its column should hold."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class Severity(StrEnum):
    """What became of the row that has a problem."""

    ERROR = "error"
    """The row was left out."""
    DUPLICATE = "duplicate"
    """The row was left out: an earlier row of the file says the same thing's values."""
    WARNING = "warning"
    """The row was taken, without this value."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One line of the error report. `row` counts the file's rows from 1, header excluded."""

    row: int
    column: str
    value: str
    problem: str
    severity: Severity = Severity.ERROR
