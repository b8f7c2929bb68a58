"""Prints what waits: the daemon's part of the print queue. A printer that is off blocks nobody.

Each printer has a round of its own. How long to leave one alone that was away is
counted by the monotonic clock and forgotten at the end of the process: a person who
presses "again" and a daemon that starts try at once.
"""

from typing import Protocol

from store_client.devices import Printer, PrinterAway, PrinterBroke, PrintJob
from sync.clock import Clock

LOOK_SECONDS = 0.5
JOBS_A_LOOK = 20
PAUSES_MS = (2_000, 5_000, 15_000, 30_000)
"""How long a printer is left alone after it was away once, twice, and so on."""


class Claims(Protocol):
    """The queue as the daemon sees it."""

    def claim(self, printer: str) -> PrintJob | None:
        """Take the oldest job that waits for a printer."""
        ...

    def wants(self, printer: str) -> bool | None:
        """Return whether something waits that was never tried; None where nothing waits."""
        ...

    def printed(self, job_id: int) -> None:
        """Say that it is on paper."""
        ...

    def away(self, job_id: int, problem: str) -> None:
        """Say that nothing of it was sent."""
        ...

    def stuck(self, job_id: int, problem: str) -> None:
        """Say that it cannot be printed as it is."""
        ...

    def in_doubt(self, job_id: int, problem: str) -> None:
        """Say that it may be on paper."""
        ...


class PrintRound:
    """Prints what waits for one printer."""

    def __init__(self, name: str, printer: Printer, queue: Claims, clock: Clock) -> None:
        self.name = name
        self._printer = printer
        self._queue = queue
        self._clock = clock
        self._failures = 0
        self._not_before_ms = 0

    def look(self) -> int:
        """Print what waits, oldest first, until the printer fails; return how many were printed."""
        fresh = self._queue.wants(self.name)
        if fresh is None:
            return 0
        if not fresh and self._clock.monotonic_ms() < self._not_before_ms:
            return 0
        count = 0
        while count < JOBS_A_LOOK:
            job = self._queue.claim(self.name)
            if job is None or not self._print(job):
                break
            count += 1
        return count

    def _print(self, job: PrintJob) -> bool:
        try:
            self._printer.print(job)
        except PrinterAway as problem:
            self._queue.away(job.id, str(problem))
        except PrinterBroke as problem:
            self._queue.in_doubt(job.id, str(problem))
        except Exception as problem:  # noqa: BLE001 - a job that cannot be drawn stops no other
            self._queue.stuck(job.id, f"{type(problem).__name__}: {problem}")
        else:
            self._queue.printed(job.id)
            self._failures = 0
            return True
        pause = PAUSES_MS[min(self._failures, len(PAUSES_MS) - 1)]
        self._failures += 1
        self._not_before_ms = self._clock.monotonic_ms() + pause
        return False
