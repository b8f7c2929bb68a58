"""Rows of the feed: bodies come back as they were, and digests add up."""

from functools import reduce
from operator import xor
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol.adapters import adapter
from sync.protocol.rows import (
    ROWS,
    AssociateRow,
    Entity,
    ExceptionRow,
    FulfillmentRow,
    PriceRow,
    ProductRow,
    StockRow,
    StoreRow,
    VerdictRow,
    encode_body,
    prices_scope,
    row_digest,
    store_scope,
)
from tests.sync.protocol import wire

KINDS: dict[Entity, type] = {
    Entity.PRODUCT: ProductRow,
    Entity.PRICE: PriceRow,
    Entity.STORE: StoreRow,
    Entity.ASSOCIATE: AssociateRow,
    Entity.STOCK: StockRow,
    Entity.FULFILLMENT: FulfillmentRow,
    Entity.EXCEPTION: ExceptionRow,
    Entity.VERDICT: VerdictRow,
}
keys = st.tuples(st.sampled_from(Entity), wire.texts, st.integers(1, 10**6))


def test_every_entity_has_an_adapter_and_a_kind():
    """A kind of row that is listed can be written and read."""
    assert set(ROWS) == set(Entity) == set(KINDS)


@pytest.mark.parametrize("entity", Entity)
def test_a_body_comes_back_as_it_was(entity: Entity):
    """Whatever a row holds survives the wire, on one line."""

    @given(wire.built(KINDS[entity]))
    def check(row: Any):
        body = encode_body(entity, row)
        assert "\n" not in body
        assert adapter(ROWS[entity]).validate_json(body) == row

    check()


@given(st.lists(keys, unique_by=lambda row: row[:2], max_size=20), st.integers())
def test_a_checksum_does_not_depend_on_the_order(rows: list, seed: int):
    """Taking rows in and out in any order leads to the same checksum."""
    digests = [row_digest(*row) for row in rows]
    assert all(0 <= digest < 1 << 48 for digest in digests)
    shuffled = digests[:]
    Random(seed).shuffle(shuffled)
    total = reduce(xor, digests, 0)
    assert reduce(xor, shuffled, 0) == total
    assert reduce(xor, shuffled, total) == 0


@given(keys, keys)
def test_different_rows_have_different_digests(one: tuple, other: tuple):
    """Entity, key and rev all count, and none runs into the next."""
    assert (row_digest(*one) == row_digest(*other)) == (one == other)


def test_scopes_have_names():
    """A scope is named by its kind and its key."""
    assert (prices_scope("US"), store_scope("S001")) == ("prices:US", "store:S001")
