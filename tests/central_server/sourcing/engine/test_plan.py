"""What a plan says of itself."""

import pytest

from central_server.sourcing.engine.plan import SourcingPlan, Terms


def plan(objective: float, bound: float, **terms: float) -> SourcingPlan:
    return SourcingPlan((), (), Terms(**terms), objective, bound, "rules", 1, 0)


def test_a_gap_is_a_share_of_what_is_paid():
    """Also where saved markdowns pay for the freight, so that all of it costs next to nothing."""
    assert plan(1000.0, 1000.0, freight=900.0).gap == 0
    assert plan(1000.0, 900.0, freight=900.0).gap == pytest.approx(0.1)
    assert plan(1.0, -44.0, freight=900.0, shelf=-899.0).gap == pytest.approx(0.05)
