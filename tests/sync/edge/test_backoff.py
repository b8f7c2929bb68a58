"""When to call again: within bounds, spread, and never hurried."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sync.edge.backoff import BUSY_CAP_S, CAP_S, POLL_SPREAD, poll_delay_s, retry_delay_s

seeds = st.integers(0, 1 << 32)


@given(st.integers(1, 10_000), seeds, st.sampled_from([CAP_S, BUSY_CAP_S]))
def test_a_retry_stays_below_its_cap(failures: int, seed: int, cap_s: float):
    """However long an outage lasts, the next try is at most the cap away."""
    assert 0 <= retry_delay_s(failures, Random(seed), cap_s) <= min(cap_s, 2.0 ** min(failures, 20))


def test_retries_are_spread_over_the_whole_wait():
    """Stores whose network came back at once do not call at once."""
    draws = sorted(retry_delay_s(10, Random(seed)) for seed in range(500))
    assert draws[50] < 0.2 * CAP_S
    assert draws[450] > 0.8 * CAP_S


@given(st.floats(1, 600), seeds)
def test_a_poll_is_the_interval_give_or_take(interval_s: float, seed: int):
    """A healthy store polls within its spread."""
    delay = poll_delay_s(interval_s, Random(seed))
    assert abs(delay - interval_s) <= interval_s * POLL_SPREAD * 1.0001
