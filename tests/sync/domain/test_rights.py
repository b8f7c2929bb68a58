"""Totals of rights only grow within a generation: what comes late, or again, changes nothing."""

from sync.domain.escrow import Rights

NOW = Rights(generation=3, granted=6, promised=2, returned=1)


def test_a_grant_of_a_generation_that_is_over_changes_nothing():
    """It may have been held back at central, and a person approved it long after."""
    assert NOW.with_grant(2, 9) == NOW


def test_a_total_that_came_late_or_again_changes_nothing():
    """A grant says how much was granted so far, so the larger one is the later one."""
    assert NOW.with_grant(3, 6) == NOW
    assert NOW.with_grant(3, 4) == NOW


def test_a_grant_of_a_later_generation_begins_anew():
    """What was promised and given back before counts in the generation before."""
    assert NOW.with_grant(4, 5) == Rights(4, granted=5)


def test_no_more_is_given_back_than_is_left():
    """Promised units stay promised, however much the store asks for."""
    assert NOW.with_return(9) == Rights(3, granted=6, promised=2, returned=4)
    assert NOW.with_return(-1) == NOW
