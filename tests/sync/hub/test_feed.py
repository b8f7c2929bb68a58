"""The feed: compacted, in order, with a checksum that anyone can compute again."""

from dataclasses import replace
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.hub.feed import FeedPage, FeedWriter, read_page
from sync.hub.ports import StoredRow
from sync.protocol.errors import CursorExpired
from sync.protocol.rows import Entity, PriceRow, row_digest
from sync.protocol.session import ROWS_PER_PULL_MAX
from sync.transport.frames import PULL_BYTES_MAX
from tests.support.memory_feed import MemoryFeed

PRICES = "prices:US"
changes = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.booleans()), min_size=1, max_size=4
    ),
    max_size=8,
)


def written(transactions: list) -> tuple[MemoryFeed, dict[str, int]]:
    """Return a feed after these transactions, and what is alive: key -> number of the write."""
    feed = MemoryFeed()
    alive: dict[str, int] = {}
    number = 0
    for transaction in transactions:
        writer = FeedWriter(feed)
        for key, keep in transaction:
            number += 1
            if keep:
                writer.put(PRICES, Entity.PRICE, key, PriceRow(key, number, "USD"))
                alive[key] = number
            else:
                writer.remove(PRICES, Entity.PRICE, key)
                alive.pop(key, None)
        writer.flush()
    return feed, alive


def pages(feed: MemoryFeed, after: int, limit: int) -> tuple[list[StoredRow], object]:
    rows: list[StoredRow] = []
    incarnation = feed.life
    while True:
        page = read_page(feed, PRICES, incarnation=incarnation, after=after, limit=limit)
        assert page.header.count == len(page.rows) <= limit
        rows += page.rows
        after = page.header.to
        if not page.header.more:
            return rows, page.header


@given(changes, st.integers(1, 5))
def test_the_checksum_is_that_of_the_living_rows(transactions: list, limit: int):
    """However rows came and went, the counter row agrees with a recomputation."""
    feed, alive = written(transactions)
    rows, header = pages(feed, 0, limit)
    living = [row for row in rows if row.body is not None]
    assert {row.key for row in living} == set(alive)
    digests = (row_digest(row.entity, row.key, row.rev) for row in living)
    assert header.checksum == reduce(xor, digests, 0)  # type: ignore[attr-defined]
    assert header.rows_live == len(living)  # type: ignore[attr-defined]


@given(changes, st.integers(1, 5), st.data())
def test_following_from_any_cursor_leads_to_the_same_rows(
    transactions: list, limit: int, data: st.DataObject
):
    """A catch-up is a bootstrap with a later start: revs rise, each key comes once."""
    feed, _ = written(transactions)
    rows, header = pages(feed, 0, limit)
    revs = [row.rev for row in rows]
    assert revs == sorted(set(revs))
    assert len({row.key for row in rows}) == len(rows)
    assert header.to == feed.scope(PRICES).rev  # type: ignore[attr-defined]
    after = data.draw(st.integers(0, header.to))  # type: ignore[attr-defined]
    assert pages(feed, after, limit)[0] == [row for row in rows if row.rev > after]


def test_only_the_last_page_carries_the_checksum():
    """A page in the middle says where to go on; sums are of the whole scope."""
    feed, _ = written([[("a", True), ("b", True), ("c", True)]])
    first = read_page(feed, PRICES, incarnation=0, after=0, limit=2).header
    assert (first.more, first.to, first.checksum, first.rows_live) == (True, 2, None, None)
    last = read_page(feed, PRICES, incarnation=1, after=2, limit=2).header
    assert (last.more, last.to, last.rows_live) == (False, 3, 3)


def test_a_removed_row_travels_as_a_tombstone():
    """A store that has the row forgets it; one that never had it is not confused."""
    feed, _ = written([[("a", True)], [("a", False)], [("b", False)]])
    rows, header = pages(feed, 0, 10)
    assert [(row.key, row.body) for row in rows] == [("a", None), ("b", None)]
    assert (header.checksum, header.rows_live) == (0, 0)  # type: ignore[attr-defined]


def test_the_last_word_of_a_transaction_counts():
    """Several changes of one row in one transaction are one row of the feed."""
    feed, _ = written([[("a", True), ("a", False), ("a", True)]])
    assert feed.scope(PRICES).rev == 1
    assert feed.scope(PRICES).rows_live == 1


def test_heads_come_in_the_order_of_locking():
    """All writers lock scopes in one order, so that none waits for another in a circle."""
    feed = MemoryFeed()
    writer = FeedWriter(feed)
    for scope in ("store:S002", "catalogue", "store:S001"):
        writer.remove(scope, Entity.STOCK, "x")
    assert [head.scope for head in writer.flush()] == ["catalogue", "store:S001", "store:S002"]
    assert writer.flush() == ()


@pytest.mark.parametrize(
    ("incarnation", "after"), [(2, 3), (0, 3), (1, 6), (1, 2), (1, -1)],
    ids=["another life", "no life", "ahead", "below the floor", "before the start"],
)  # fmt: skip
def test_a_cursor_that_cannot_go_on_expires(incarnation: int, after: int):
    """Of another life, ahead of central, or older than its tombstones: bootstrap again."""
    feed, _ = written([[(key, True)] for key in "abcda"])
    feed.scopes[PRICES] = replace(feed.scope(PRICES), floor_rev=3)
    with pytest.raises(CursorExpired) as caught:
        read_page(feed, PRICES, incarnation=incarnation, after=after, limit=5)
    assert caught.value.data == {"floor_rev": 3}
    assert read_page(feed, PRICES, incarnation=1, after=3, limit=5).header.count == 2


def test_a_bootstrap_always_works():
    """A cursor of zero is of every life, also of a scope that nobody wrote yet."""
    page = read_page(MemoryFeed(), "store:S009", incarnation=0, after=0, limit=5)
    assert (page.header.to, page.header.count, page.header.checksum) == (0, 0, 0)
    assert page.header.incarnation == 1


@pytest.mark.parametrize(("chars_max", "counts"), [(1, [1] * 5), (100, [2, 2, 1]), (150, [3, 2])])
def test_large_rows_come_in_several_pages(chars_max: int, counts: list[int]):
    """A store refuses an answer of any size: a page ends where its bodies are enough."""
    feed = MemoryFeed()
    writer = FeedWriter(feed)
    for key in "abcde":
        writer.put_body(PRICES, Entity.PRICE, key, "x" * 50)
    writer.flush()
    after, pages = 0, list[FeedPage]()
    while not pages or pages[-1].header.more:
        page = read_page(
            feed, PRICES, incarnation=feed.life, after=after, limit=4, chars_max=chars_max
        )
        pages.append(page)
        after = page.header.to
    assert [page.header.count for page in pages] == [len(page.rows) for page in pages] == counts
    assert [row.key for page in pages for row in page.rows] == list("abcde")
    assert [page.header.checksum is None for page in pages] == [page.header.more for page in pages]


def test_a_page_of_the_largest_orders_is_what_a_store_takes():
    """Five thousand orders of seventy lines are 70 MiB: a page of them stays below the bound."""
    feed = MemoryFeed()
    writer = FeedWriter(feed)
    body = "é" * 14_000
    for number in range(5_000):
        writer.put_body(PRICES, Entity.PRICE, f"{number}", body)
    writer.flush()
    page = read_page(feed, PRICES, incarnation=feed.life, after=0, limit=ROWS_PER_PULL_MAX)
    assert page.header.more
    assert sum(len((row.body or "").encode()) for row in page.rows) < PULL_BYTES_MAX / 2
