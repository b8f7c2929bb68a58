"""Time in the simulation: one true time, and machines whose clocks are wrong in every way."""

from math import ceil

from tests.support.builders import NOON_MS

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS
RATE_ERROR_MAX = 0.01


class TrueTime:
    """What nobody in the simulation can read."""

    def __init__(self) -> None:
        self.now_ms = 0

    def advance(self, milliseconds: int) -> None:
        """Let time pass for everybody."""
        self.now_ms += milliseconds


class MachineClock:
    """A machine's clock: it runs too fast or too slow, is set wrong, and starts anew at boot."""

    def __init__(self, time: TrueTime, rate: float = 1.0) -> None:
        self._time = time
        self._rate = rate
        self._shift_ms = 0
        self._counted_from_ms = time.now_ms
        self._counted_ms = 0.0
        """Monotonic time up to `_counted_from_ms`, at the rates that were."""

    def now_ms(self) -> int:
        """Return what this machine takes for the time; never before 1970."""
        return max(0, NOON_MS + round(self._time.now_ms * self._rate) + self._shift_ms)

    def monotonic_ms(self) -> int:
        """Return milliseconds of this boot, as this machine counts them."""
        since = self._time.now_ms - self._counted_from_ms
        return round(self._counted_ms + since * self._rate)

    def sleep(self, seconds: float) -> None:
        """Refuse: whoever waits in the simulation stops it."""
        raise AssertionError(f"somebody sleeps {seconds} s on a simulated clock")

    def set_rate(self, rate: float) -> None:
        """Run at another rate from now on; nothing jumps."""
        wall = self.now_ms()
        self._counted_ms += (self._time.now_ms - self._counted_from_ms) * self._rate
        self._counted_from_ms = self._time.now_ms
        self._rate = rate
        self._shift_ms += wall - self.now_ms()

    def set_to(self, wall_ms: int) -> None:
        """Set the wall clock, as a person or a time server does; none goes back before 1970."""
        self._shift_ms += max(0, wall_ms) - self.now_ms()

    def true_ms(self, counted_ms: int) -> int:
        """Return how much true time has to pass until this machine has counted so much."""
        return ceil(counted_ms / self._rate)

    def boot(self, begins_ms: int = 0) -> None:
        """Start the monotonic clock again: at any value, where another machine has the disk now."""
        self._counted_from_ms = self._time.now_ms
        self._counted_ms = float(begins_ms)
