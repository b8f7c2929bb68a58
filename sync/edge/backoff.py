"""When to talk to central next. Pure: the randomness is handed in.

Full jitter (Brooker, "Exponential Backoff and Jitter", 2015): a uniform draw
below an exponentially rising cap, so that 5,000 stores whose network came back
at once do not call at once.
"""

from random import Random

FIRST_S = 1.0
CAP_S = 15.0
"""For a central that cannot be reached: the first try after an outage comes soon."""
BUSY_CAP_S = 300.0
"""For a central that asks for patience."""
POLL_SPREAD = 0.2


def retry_delay_s(failures: int, random: Random, cap_s: float = CAP_S) -> float:
    """Return seconds to wait after `failures` failed rounds in a row (at least one)."""
    ceiling = min(cap_s, FIRST_S * 2.0 ** min(failures, 20))
    return random.uniform(0.0, ceiling)


def busy_delay_s(retry_after_s: float, failures: int, random: Random) -> float:
    """Return seconds to wait after central asked for `retry_after_s`, having failed so often.

    Never less than it asked for. What comes on top grows, for a central (or
    something before it) that tells every store the same.
    """
    return retry_after_s + retry_delay_s(failures, random, BUSY_CAP_S)


def poll_delay_s(poll_seconds: float, random: Random) -> float:
    """Return seconds until the next poll of a healthy connection: the interval, give or take."""
    return poll_seconds * (1 + random.uniform(-POLL_SPREAD, POLL_SPREAD))
