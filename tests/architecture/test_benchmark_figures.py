"""A benchmark that shows a broken promise fails; one that is only slow does not."""

import pytest

from tests.benchmarks.figures import PROMISES, TARGETS, broken, is_met, line
from tests.benchmarks.measure import Figure


def test_promises_have_bars_of_nothing() -> None:
    """None may be lost, none refused, none oversold."""
    assert {TARGETS[name] for name in PROMISES} == {("<=", 0)}


@pytest.mark.parametrize("name", PROMISES)
def test_one_lost_is_a_broken_promise(name: str) -> None:
    """One of them is enough, and none breaks nothing."""
    one = Figure(name, 1, "", "nothing", 1.0)

    assert broken([one]) == [name]
    assert "MISS" in line(one)
    assert broken([Figure(name, 0, "", "nothing", 1.0)]) == []


def test_slow_is_told_and_breaks_nothing() -> None:
    """A machine that was busy is no broken promise."""
    slow = Figure("backlog_60k_s", 11.0, "s", "nothing", 1.0)

    assert not is_met(slow)
    assert broken([slow]) == []


def test_a_figure_without_a_bar_meets_it() -> None:
    """It is shown, and judged by nobody."""
    assert is_met(Figure("of no bar", -1.0, "", "nothing", 1.0))
