"""Kits and receipts: prices add up, the scarcest decides, nothing is promised twice."""

from hypothesis import given
from hypothesis import strategies as st

from central_server.sourcing.bundles import Bundle, parts_of
from central_server.sourcing.receipts import OVERDUE_MS, Receipt, claims, inbound

NOW = 1_000_000_000
few = st.integers(1, 5)


@given(
    st.dictionaries(st.sampled_from("ABCD"), few, min_size=1),
    st.integers(0, 10_000), st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 999)),
)  # fmt: skip
def test_a_kits_price_is_that_of_its_parts(components, price, alone):
    """Whatever a kit costs, its parts cost together, and all units of it are there."""
    parts = parts_of(Bundle("KIT", components), price, alone)
    assert sum(part.units * part.unit_price_minor for part in parts) == price
    for sku, units in components.items():
        assert sum(part.units for part in parts if part.sku == sku) == units


@given(st.lists(st.tuples(few, few, st.integers(-9, 9)), max_size=5), st.integers(0, 20), few)
def test_receipts_are_promised_once(rows, lacking, wanted):
    """What is claimed, and what is lacking already, is promised to nobody else."""
    receipts = [
        Receipt(f"R{index}", "S1", "A", units + claimed, NOW + due * OVERDUE_MS, claimed=claimed)
        for index, (units, claimed, due) in enumerate(rows)
    ]
    found = inbound(receipts, lacking, NOW)
    counted = sum(one.units - one.claimed for one in receipts if one.due_ms + OVERDUE_MS >= NOW)
    assert sum(one.units for one in found) == max(0, counted - lacking)
    assert [one.due_ms for one in found] == sorted(one.due_ms for one in found)
    taken = claims(wanted, found)
    assert (taken is None) == (sum(one.units for one in found) < wanted)
    assert taken is None or sum(units for _, units in taken) == wanted
