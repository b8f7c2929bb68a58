"""The one place that reads the time.

Everything else takes `now_ms` as a parameter or is handed a `Clock`, so that
tests and the simulation own the time. Times are integer milliseconds since the
Unix epoch, UTC.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for people, monotonic time for durations."""

    def now_ms(self) -> int:
        """Return wall time: milliseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds since an arbitrary point of this boot; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds`."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Return the machine's wall time in milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Return the machine's monotonic time in milliseconds."""
        return time.monotonic_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds`. Nothing else sleeps: whoever waits asks a clock.

        Tests and the simulation have clocks whose `sleep` only moves time on.
        """
        time.sleep(seconds)
