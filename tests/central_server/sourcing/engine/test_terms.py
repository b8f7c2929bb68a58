"""The terms of a plan in whole minor units."""

from hypothesis import given
from hypothesis import strategies as st

from central_server.sourcing.engine.plan import Terms

amounts = st.floats(-1e9, 1e9, allow_nan=False)


@given(st.tuples(*[amounts] * 6))
def test_rounded_terms_add_up_and_none_moves_by_a_whole_unit(values):
    """The total is the rounded one, and it is the sum of its parts to the minor unit."""
    terms = Terms(*values)
    found = dict(terms.rounded())
    total = found.pop("total")
    assert total == round(terms.total) == sum(found.values())
    assert all(abs(units - getattr(terms, name)) <= 1 for name, units in found.items())
