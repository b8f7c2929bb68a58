"""Waiting for something to become true: on a monotonic deadline, never by sleeping and hoping."""

import threading
import time
from collections.abc import Callable

LOOK_EVERY_S = 0.02


class NotInTime(AssertionError):
    """What was waited for did not happen."""


def until(
    holds: Callable[[], object], what: str, *, within_s: float = 30.0, every_s: float = LOOK_EVERY_S
) -> float:
    """Return the seconds it took until `holds()` was true; raise `NotInTime` after `within_s`."""
    began = time.monotonic()
    pause = threading.Event()
    while not holds():
        waited = time.monotonic() - began
        if waited > within_s:
            raise NotInTime(f"waited {waited:.1f} s in vain until {what}")
        pause.wait(every_s)
    return time.monotonic() - began
