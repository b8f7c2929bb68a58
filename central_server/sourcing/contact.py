"""In which respect a place's contact with central decides what may be promised there. Pure.

As long as this does not change, and no stock does, neither does any number: polls of a
store that is heard all the time change nothing.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from sync.domain.silence import USUAL_MS

NEVER_MS = 2**62
MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Contact:
    """How a place stands."""

    generation: int = -1
    """Of its lease; -1 where it has none."""
    is_alive: bool = False
    silent_since_ms: int = 0
    """Of a store with a lease: the token, where it is old enough that silence counts; else 0."""
    steps: int = 0
    """Of a store without: how many of the rules' lengths of silence have passed."""

    @property
    def is_silent(self) -> bool:
        """Whether what may be promised shrinks as time passes."""
        return self.is_alive and self.silent_since_ms > 0


def leased(generation: int, token_ms: int, until_ms: int, now_ms: int) -> tuple[Contact, int]:
    """Return how a place with a lease stands, and until when it does if nothing is heard."""
    if now_ms >= until_ms:
        return Contact(generation), NEVER_MS
    if now_ms - token_ms > USUAL_MS:
        return Contact(generation, is_alive=True, silent_since_ms=token_ms), until_ms
    return Contact(generation, is_alive=True), min(until_ms, token_ms + USUAL_MS + 1)


def heard(heard_ms: int | None, minutes: Sequence[int], now_ms: int) -> tuple[Contact, int]:
    """Return how a place without a lease stands, by the rules' lengths of silence (rising)."""
    if heard_ms is None:
        return Contact(steps=-1), NEVER_MS
    passed = bisect_right(minutes, max(0, now_ms - heard_ms) // MS_PER_MINUTE)
    if passed == len(minutes):
        return Contact(steps=passed), NEVER_MS
    return Contact(steps=passed), heard_ms + minutes[passed] * MS_PER_MINUTE
