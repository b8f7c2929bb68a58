"""How many devices talk to central at once. The others hear when it will be their turn.

After an outage every store calls in the same second. Central works on a bounded
number of calls, lets a bounded number wait, and gives everybody else an
appointment: the time at which it will have got through those before. So nobody
waits on an open call, memory is bounded, and what is left of the machine serves
shops. A store that has a session goes before one that wants to open one: work
that was begun is finished first.
"""

import asyncio
import math
from collections.abc import Callable

RETRY_AFTER_S_MAX = 60
"""Later appointments wrap around: stores then share seconds rather than stay away for long."""
CALLS_PER_TALK = 3
"""What a store that opens a session will ask for: somewhat less than it does, so nobody idles."""
_MS_EACH_FIRST = 10.0
_WEIGHT = 1 / 32


class Admission:
    """A place with so many seats, and so many chairs before it. Lives on one event loop."""

    def __init__(
        self,
        monotonic_ms: Callable[[], int],
        *,
        in_work_max: int,
        waiting_max: int,
        newcomers_waiting_max: int,
    ) -> None:
        self._monotonic_ms = monotonic_ms
        self._seats = asyncio.Semaphore(in_work_max)
        self._waiting = 0
        self._waiting_max = waiting_max
        self._newcomers_waiting_max = newcomers_waiting_max
        self._ms_each = _MS_EACH_FIRST
        self._left_at_ms: int | None = None
        """When the last one left while others waited."""
        self._booked_ms = 0.0

    async def enter(self, *, is_newcomer: bool) -> int:
        """Return 0 once there is a seat, which `leave` gives back; else in how many seconds to ask.

        A call is kept waiting only as long as few others do.
        """
        chairs = self._newcomers_waiting_max if is_newcomer else self._waiting_max
        if self._seats.locked() and self._waiting >= chairs:
            return self._appointment_s(CALLS_PER_TALK if is_newcomer else 1)
        self._waiting += 1
        try:
            await self._seats.acquire()
        finally:
            self._waiting -= 1
        return 0

    def leave(self) -> None:
        """Give a seat back."""
        now = self._monotonic_ms()
        if self._left_at_ms is not None:
            self._ms_each += (now - self._left_at_ms - self._ms_each) * _WEIGHT
        self._left_at_ms = now if self._waiting else None
        self._seats.release()

    def _appointment_s(self, calls: int) -> int:
        now = self._monotonic_ms()
        self._booked_ms = max(self._booked_ms, now) + calls * self._ms_each
        ahead_s = (self._booked_ms - now) / 1000
        return 1 + math.floor(ahead_s % RETRY_AFTER_S_MAX)
